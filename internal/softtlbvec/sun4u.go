package softtlbvec

import (
	"fmt"

	"github.com/hashmmu/ppc64/tlb"
)

var sun4uFamily = family{
	kind: "tlb-sun4u",
	quirks: tlb.QuirkSearchOrder | tlb.QuirkSun4uSoftBits | tlb.QuirkSun4uNoASI | tlb.QuirkSun4uSFARPage |
		tlb.QuirkSun4uNoVAHole,
	owns:    func(s *Sequence) bool { return len(s.CPU) >= 10 && s.CPU[:10] == "UltraSPARC" },
	machine: newSun4u,
}

// sun4uMachine runs UltraSPARC operations.
type sun4uMachine struct {
	mmu     *tlb.Sun4u
	overlap bool // the last store made a second entry
}

func newSun4u(s *Sequence, quirks tlb.Quirk) (Machine, error) {
	n, err := s.Int("n")
	if err != nil {
		return nil, err
	}
	mmu, err := tlb.NewSun4u(tlb.Profile{
		Name: s.CPU, Family: tlb.UltraSPARC, Quirks: quirks,
		MultiHit: tlb.MultiHit{Lookup: tlb.OrBits, Undefined: true},
		Sparc:    tlb.SparcParams{Entries: n},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	m := &sun4uMachine{mmu: mmu}
	mmu.OnWrite = func(tlb.Report) { m.overlap = true }
	return m, nil
}

func (m *sun4uMachine) CopyFrom(src Machine) { m.mmu.CopyFrom(src.(*sun4uMachine).mmu) }

var sun4uRegs = []tlb.Sun4uReg{tlb.PrimaryContext, tlb.SecondaryContext, tlb.TSBBase, tlb.TagAccess, tlb.SFSR}

func (m *sun4uMachine) Step(op Op) error {
	if op.Name == "x" {
		return m.translate(op)
	}
	a := op.Read()
	var d diff
	side := tlb.SparcSide(a.OneOf("D", "I"))
	m.overlap = false
	switch op.Name {
	case "wr":
		reg := sun4uRegs[a.OneOf("primary", "secondary", "tsb", "tag_access", "sfsr")]
		m.mmu.Write(side, reg, a.Hex())
	case "datain":
		d.int("entry", m.mmu.DataIn(side, a.Hex()), a.Int())
		d.int("overlap", boolBit(m.overlap), a.Int())
	case "access":
		i, tte := a.Int(), a.Hex()
		m.mmu.DataAccess(side, i, tte)
		d.int("overlap", boolBit(m.overlap), a.Int())
	case "rddata":
		d.hex("data", m.mmu.ReadData(side, a.Int()), a.Hex())
	case "rdtag":
		d.hex("tag", m.mmu.ReadTag(side, a.Int()), a.Hex())
	case "demap":
		m.mmu.Demap(side, a.Hex())
	case "tsbptr":
		m.mmu.Write(side, tlb.TagAccess, a.Hex())
		m.mmu.Write(side, tlb.TSBBase, a.Hex())
		m.pointers(&a, &d, side)
	default:
		return fmt.Errorf("%w: no sun4u operation %q", ErrFormat, op.Name)
	}
	return d.err(&a)
}

func (m *sun4uMachine) pointers(a *Args, d *diff, side tlb.SparcSide) {
	p8k, p64k := m.mmu.TSBPointers(side)
	d.hex("8K pointer", p8k, a.Hex())
	d.hex("64K pointer", p64k, a.Hex())
	d.hex("tag target", m.mmu.TagTarget(side), a.Hex())
}

// sun4uTraps are the trap names by side and fault.
var sun4uTraps = [2]map[tlb.Fault]string{
	tlb.DMMU: {tlb.TLBMiss: "DMISS", tlb.AccessFault: "DFAULT", tlb.AddressError: "DFAULT", tlb.Protection: "DPROT"},
	tlb.IMMU: {tlb.TLBMiss: "TMISS", tlb.AccessFault: "TFAULT", tlb.AddressError: "TFAULT"},
}

func (m *sun4uMachine) translate(op Op) error {
	a := op.Read()
	var d diff
	kind := a.OneOf("L", "S", "F", "NF")
	mode := tlb.Sun4uMode(a.OneOf("U", "US", "K", "KS", "N"))
	va, n, result := a.Hex(), a.Int(), a.Text()
	if a.err != nil {
		return a.err
	}
	acc, side := tlb.Load, tlb.DMMU
	if kind < len(accesses) {
		acc = accesses[kind]
	}
	if acc == tlb.Fetch {
		side = tlb.IMMU
	}
	r := m.mmu.Translate(mode, acc, kind == 3, va)
	d.int("matches", int(r.Hit.N), n)
	if result == "ok" {
		d.text("fault", r.Fault.String(), tlb.NoFault.String())
		d.hex("pa", r.PA, a.Hex())
		d.int("prot", int(r.Prot), a.Int())
		d.int("ie", boolBit(r.InvertEndian), a.Int())
		return d.err(&a)
	}
	d.text("trap", sun4uTraps[side][r.Fault], result)
	for _, reg := range []tlb.Sun4uReg{tlb.TagAccess, tlb.SFSR, tlb.SFAR} {
		d.hex(fmt.Sprint("register ", reg), m.mmu.Read(side, reg), a.Hex())
	}
	m.pointers(&a, &d, side)
	return d.err(&a)
}

func boolBit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Finish compares the entries that are not all zero.
func (m *sun4uMachine) Finish(final []Value) error {
	var want [2]map[int]tlb.SparcEntry
	for s := range want {
		want[s] = map[int]tlb.SparcEntry{}
	}
	for _, v := range final {
		a := Op{Name: "entry", Args: v.List}.Read()
		side, i := a.OneOf("D", "I"), a.Int()
		e := tlb.SparcEntry{Tag: a.Hex(), TTE: a.Hex()}
		if err := a.Err(); err != nil {
			return err
		}
		const used = 1 << 41
		e.Used = e.TTE&used != 0
		e.TTE &^= used
		want[side][i] = e
	}
	for s := range want {
		for i := 0; i < m.mmu.Len(); i++ {
			if got := m.mmu.Entry(tlb.SparcSide(s), i); got != want[s][i] {
				return fmt.Errorf("final entry %v %d is %+v, recorded %+v", tlb.SparcSide(s), i, got, want[s][i])
			}
		}
	}
	return nil
}
