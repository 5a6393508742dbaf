package hashvec

import (
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// xlateCase is one translation.
type xlateCase struct {
	ID     int     `json:"id"`
	CPU    string  `json:"cpu"`
	Mach   string  `json:"mach"`
	Fmt    int     `json:"fmt"`
	Shift  int     `json:"hpt_shift"`
	LPCR   hex     `json:"lpcr"`
	MSR    hex     `json:"msr"`
	AMR    hex     `json:"amr"`
	IAMR   hex     `json:"iamr"`
	HRMOR  hex     `json:"hrmor"`
	RMOR   hex     `json:"rmor"`
	SLB    []entry `json:"slb"`
	HPTEs  []entry `json:"hptes"`
	EA     hex     `json:"ea"`
	Acc    string  `json:"acc"`
	GV     int     `json:"gv"`
	answer xlateAnswer
}

// xlateAnswer is the outcome of a translation, as the recorder tells it.
type xlateAnswer struct {
	OK   int     `json:"ok"`
	RA   hex     `json:"ra"`
	PS   int     `json:"ps"`
	Prot int     `json:"prot"`
	Exc  string  `json:"exc"`
	Err  hex     `json:"err"`
	DAR  hex     `json:"dar"`
	Ptex *hex    `json:"ptex"`
	Sec  int     `json:"sec"`
	Then *[2]hex `json:"after"`
}

func (a xlateAnswer) String() string {
	s := fmt.Sprintf("%s err %#x dar %#x", a.Exc, a.Err, a.DAR)
	if a.OK == 1 {
		s = fmt.Sprintf("ra %#x ps %d prot %d", a.RA, a.PS, a.Prot)
	}
	if a.Ptex != nil {
		s += fmt.Sprintf(" ptex %d sec %d", *a.Ptex, a.Sec)
	}
	if a.Then != nil {
		s += fmt.Sprintf(" after %#x", *a.Then)
	}
	return s
}

func (a xlateAnswer) equal(b xlateAnswer) bool { return a.String() == b.String() }

// profiles are the recorded processors.
var profiles = map[string]mmu.Profile{
	"power7": mmu.POWER7, "power8": mmu.POWER8, "power9": mmu.POWER9, "power10": mmu.POWER10,
}

var accesses = map[string]pte.Access{"R": pte.Read, "W": pte.Write, "X": pte.Exec}

// xlate runs translations. Tables are kept by order and format, and emptied
// after each case.
type xlate struct{ tables map[tableKey]*hpt.Table }

type tableKey struct {
	order  int
	format hpt.Format
}

func newXlate() runner { return &xlate{map[tableKey]*hpt.Table{}} }

func (x *xlate) run(line []byte, rep *Report) error {
	var c xlateCase
	if err := decode(line, &c); err != nil {
		return err
	}
	if err := decode(line, &c.answer); err != nil {
		return err
	}
	quirks := mmu.QEMU72
	if c.Mach == "pseries" {
		quirks = mmu.QEMU72PSeries
	}
	got, err := x.answer(&c, quirks)
	if err != nil {
		return err
	}
	plain, err := x.answer(&c, mmu.Quirks{})
	if err != nil {
		return err
	}
	why := ""
	if !got.equal(c.answer) {
		why = fmt.Sprintf("id %d: got %v, recorded %v", c.ID, got, c.answer)
	}
	rep.add(why, !plain.equal(c.answer))
	return nil
}

// answer runs the case under some quirks.
func (x *xlate) answer(c *xlateCase, q mmu.Quirks) (a xlateAnswer, err error) {
	t, err := x.table(c)
	if err != nil {
		return a, err
	}
	for _, e := range c.HPTEs {
		if uint64(e[0]) >= t.Slots() {
			return a, fmt.Errorf("ptex %d is beyond the table", e[0])
		}
		t.StoreRaw(pte.Slot(e[0]), pte.HPTE{V: uint64(e[1]), R: uint64(e[2])})
	}
	defer func() {
		for _, e := range c.HPTEs {
			t.StoreRaw(pte.Slot(e[0]), pte.HPTE{})
		}
	}()
	cpu, err := c.cpu(t, q)
	if err != nil {
		return a, err
	}
	access, ok := accesses[c.Acc]
	if !ok {
		return a, fmt.Errorf("acc %q is none of R, W, X", c.Acc)
	}
	var r mmu.Result
	if c.GV == 0 {
		r = cpu.Probe(pte.EA(c.EA), access)
	} else {
		r = cpu.Translate(pte.EA(c.EA), access)
	}
	return c.describe(&r, t), nil
}

// table returns an empty table of the case's order and format.
func (x *xlate) table(c *xlateCase) (*hpt.Table, error) {
	k := tableKey{c.Shift, hpt.Format2}
	if c.Fmt == 3 {
		k.format = hpt.Format3
	}
	t := x.tables[k]
	if t == nil {
		var err error
		if t, err = newTable(k.order, k.format); err != nil {
			return nil, err
		}
		x.tables[k] = t
	}
	return t, nil
}

// cpu makes the processor as it was at the access.
func (c *xlateCase) cpu(t *hpt.Table, q mmu.Quirks) (*mmu.CPU, error) {
	profile, ok := profiles[c.CPU]
	if !ok {
		return nil, fmt.Errorf("cpu %q is not known", c.CPU)
	}
	cpu, err := mmu.New(mmu.Config{Profile: profile, Table: t, Paravirtual: c.Mach == "pseries", Quirks: q})
	if err != nil {
		return nil, err
	}
	cpu.SetRegisters(mmu.Registers{
		MSR: uint64(c.MSR), LPCR: uint64(c.LPCR), AMR: uint64(c.AMR), IAMR: uint64(c.IAMR),
		HRMOR: uint64(c.HRMOR), RMOR: uint64(c.RMOR),
	})
	for _, e := range c.SLB {
		if !cpu.SLBMTE(uint64(e[1])|uint64(e[0]), uint64(e[2])) {
			return nil, fmt.Errorf("SLB entry %#x is none", e)
		}
	}
	return cpu, nil
}

// describe puts a result in the recorder's words. It looks at the whole table's
// known entries: only the one that matched may have changed.
func (c *xlateCase) describe(r *mmu.Result, t *hpt.Table) (a xlateAnswer) {
	switch {
	case r.OK():
		a = xlateAnswer{OK: 1, RA: hex(r.RA), PS: int(r.PageShift), Prot: int(r.Prot)}
	case c.GV == 0:
		a = xlateAnswer{Exc: mmu.FaultNone.String()}
	default:
		a = xlateAnswer{Exc: r.Fault.String(), Err: hex(r.Status), DAR: hex(r.DAR)}
	}
	if r.Slot != mmu.NoSlot {
		slot := hex(r.Slot)
		a.Ptex = &slot
		if r.Secondary {
			a.Sec = 1
		}
	}
	for _, e := range c.HPTEs {
		now := t.LoadRaw(pte.Slot(e[0]))
		if now.V != uint64(e[1]) || now.R != uint64(e[2]) {
			a.Then = &[2]hex{hex(now.V), hex(now.R)}
			if e[0] != hex(r.Slot) {
				a.Exc += fmt.Sprintf(" and entry %d changed", e[0])
			}
		}
	}
	return a
}
