package hashvec

import (
	"encoding/json"
	"fmt"

	"github.com/hashmmu/ppc64/hpt/mmu"
)

// slbCase is one sequence of SLB instructions.
type slbCase struct {
	Seq   int     `json:"seq"`
	CPU   string  `json:"cpu"`
	Size  int     `json:"slb_size"`
	Ops   []slbOp `json:"ops"`
	Final []entry `json:"final"`
}

// slbOp is [name, RB, RS, failed, result].
type slbOp struct {
	name       string
	rb, rs, rt hex
	failed     int
}

// UnmarshalJSON reads the five fields.
func (o *slbOp) UnmarshalJSON(b []byte) error {
	fields := []any{&o.name, &o.rb, &o.rs, &o.failed, &o.rt}
	n := len(fields)
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	if len(fields) != n {
		return fmt.Errorf("%s has %d fields, not %d", b, len(fields), n)
	}
	return nil
}

type slbRunner struct{}

func newSLB() runner { return slbRunner{} }

func (slbRunner) run(line []byte, rep *Report) error {
	var c slbCase
	if err := decode(line, &c); err != nil {
		return err
	}
	why, err := c.check(mmu.QEMU72)
	if err != nil {
		return err
	}
	plain, err := c.check(mmu.Quirks{})
	if err != nil {
		return err
	}
	rep.add(why, plain != "")
	return nil
}

// check runs the sequence; why tells the first difference, empty when none.
func (c *slbCase) check(q mmu.Quirks) (why string, err error) {
	profile, ok := profiles[c.CPU]
	if !ok {
		return "", fmt.Errorf("cpu %q is not known", c.CPU)
	}
	profile.SLB = c.Size
	cpu, err := mmu.New(mmu.Config{Profile: profile, Quirks: q})
	if err != nil {
		return "", err
	}
	for i, o := range c.Ops {
		rt, ok, err := o.do(cpu)
		if err != nil {
			return "", err
		}
		if ok != (o.failed == 0) || ok && rt != uint64(o.rt) {
			return fmt.Sprintf("seq %d op %d %s %#x: ok %v result %#x, recorded failed %d result %#x",
				c.Seq, i, o.name, o.rb, ok, rt, o.failed, o.rt), nil
		}
	}
	var final []entry
	for _, e := range cpu.AppendSLB(nil) {
		final = append(final, entry{hex(e.Slot), hex(e.ESID), hex(e.VSID)})
	}
	if got, want := fmt.Sprintf("%#x", final), fmt.Sprintf("%#x", c.Final); got != want {
		return fmt.Sprintf("seq %d: SLB is %s, recorded %s", c.Seq, got, want), nil
	}
	return "", nil
}

// do performs one instruction. ok is false for a program interrupt.
func (o *slbOp) do(cpu *mmu.CPU) (rt uint64, ok bool, err error) {
	rb, rs := uint64(o.rb), uint64(o.rs)
	ok = true
	switch o.name {
	case "slbmte":
		ok = cpu.SLBMTE(rb, rs)
	case "slbie":
		cpu.SLBIE(rb)
	case "slbieg":
		cpu.SLBIEG(rs, rb)
	case "slbia":
		cpu.SLBIA(rb)
	case "slbiag":
		cpu.SLBIAG(rb, rs != 0) // recorded with RS in RB's place, L in RS's
	case "slbmfee":
		rt, ok = cpu.SLBMFEE(rb)
	case "slbmfev":
		rt, ok = cpu.SLBMFEV(rb)
	case "slbfee.":
		var found bool
		if rt, found = cpu.SLBFEE(rb); !found {
			rt = ^uint64(0) // as recorded; the instruction gives 0
		}
	default:
		err = fmt.Errorf("%q is no SLB instruction", o.name)
	}
	return rt, ok, err
}
