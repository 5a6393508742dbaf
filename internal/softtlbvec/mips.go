package softtlbvec

import (
	"fmt"

	"github.com/hashmmu/ppc64/tlb"
)

// mipsQuirks are the recorded machine's departures.
const mipsQuirks = tlb.QuirkSearchOrder | tlb.QuirkMIPSRandom | tlb.QuirkMIPSVPNUnderMask | tlb.QuirkMIPSAnyPageMask |
	tlb.QuirkMIPSAddressErrorLoads | tlb.QuirkMIPSReadDespiteRI | tlb.QuirkMIPSWideMMID | tlb.QuirkMIPSStickyProbe

var mipsFamily = family{
	kind:    "tlb-mips",
	quirks:  mipsQuirks,
	owns:    func(s *Sequence) bool { return s.Has("segbits") && s.Has("asidmask") },
	machine: newMIPS,
}

// mipsMachine runs MIPS operations.
type mipsMachine struct {
	cpu     *tlb.MIPSMMU
	wide    bool
	mmid    bool
	overlap bool // the last write made a second entry
}

// newMIPS makes a CPU from a header.
func newMIPS(s *Sequence, quirks tlb.Quirk) (Machine, error) {
	p, err := mipsProfile(s)
	if err != nil {
		return nil, err
	}
	p.Quirks = quirks
	cpu, err := tlb.NewMIPS(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	m := &mipsMachine{cpu: cpu, wide: p.MIPS.SegBits != 32, mmid: p.MIPS.MMIDMask != 0}
	cpu.OnWrite = func(tlb.Report) { m.overlap = true }
	return m, nil
}

// mipsProfile describes the CPU of a header. What the header leaves out
// follows from what it says: the release decides what PageGrain can change,
// and R4000 is the part before MIPS32.
func mipsProfile(s *Sequence) (tlb.Profile, error) {
	h := headerReader{s: s}
	init := h.text("init")
	m := tlb.MIPSParams{
		Entries:   h.int("n"),
		SegBits:   uint8(h.int("segbits")),
		PABits:    uint8(h.int("pabits")),
		ASIDMask:  h.hex("asidmask"),
		PageGrain: h.hex("pagegrain"),
		Release6:  h.int("r6") == 1,
		EHINV:     init == "ehinv",
	}
	p := tlb.Profile{Name: s.CPU, Family: tlb.MIPS}
	if h.int("config5mi") == 1 {
		m.MMIDMask = 0xffff
	}
	if h.err != nil {
		return p, h.err
	}
	if m.EHINV {
		m.Reset = tlb.ResetEHINV
	}
	completeMIPS(&p, m, s.CPU == "R4000")
	return p, nil
}

// completeMIPS fills in what follows from release and address widths.
func completeMIPS(p *tlb.Profile, m tlb.MIPSParams, r4000 bool) {
	const (
		elpa = 1 << 29
		xri  = 3<<30 | 1<<27 // RIE, XIE, IEC
	)
	base := uint8(32)
	if m.SegBits != 32 {
		base = 36
	}
	if m.PABits > base {
		m.GrainMask |= elpa
	}
	if m.EHINV && !m.Release6 {
		m.GrainMask |= xri
	}
	m.PageMask = 0x1fffe000
	p.MultiHit = tlb.MultiHit{Write: tlb.CheckMachine}
	switch {
	case r4000:
		m.PageMask = 0x1ffe000
		p.MultiHit = tlb.MultiHit{Lookup: tlb.ShutDown, Probe: tlb.ShutDown}
	case m.EHINV:
		p.MultiHit.Probe = tlb.CheckMachine
	}
	p.MIPS = m
}

func (m *mipsMachine) CopyFrom(src Machine) { m.cpu.CopyFrom(src.(*mipsMachine).cpu) }

func (m *mipsMachine) Step(op Op) error {
	a := op.Read()
	var d diff
	m.overlap = false
	switch op.Name {
	case "mtc0":
		name, v, want := a.Text(), a.Hex(), a.Hex()
		reg, ok := tlb.ParseMIPSReg(name)
		if !ok {
			return fmt.Errorf("%w: no register %q", ErrFormat, name)
		}
		m.cpu.Write(reg, v)
		d.hex(name, m.cpu.Read(reg), want)
	case "status":
		m.cpu.Write(tlb.Status, a.Hex())
	case "tlbwi":
		d.int("entry", int(m.cpu.Read(tlb.Index)&0x7fffffff), a.Int())
		m.written(&a, &d, m.cpu.TLBWI())
	case "tlbwr":
		idx := a.Int()
		m.cpu.SetRandom(idx)
		entry, f := m.cpu.TLBWR()
		d.int("entry", entry, idx)
		m.written(&a, &d, f)
	case "tlbp":
		n, index := a.Int(), a.Hex()
		h, f := m.cpu.TLBP()
		d.int("matches", int(h.N), n)
		d.hex("Index", m.cpu.Read(tlb.Index), index)
		d.text("fault", f.String(), tlb.NoFault.String())
	case "tlbr":
		m.tlbr(&a, &d)
	case "tlbinv":
		m.cpu.TLBINV()
	case "tlbinvf":
		m.cpu.TLBINVF()
	case "x":
		m.translate(&a, &d)
	default:
		return fmt.Errorf("%w: no MIPS operation %q", ErrFormat, op.Name)
	}
	return d.err(&a)
}

// written compares what a write said about an overlap.
func (m *mipsMachine) written(a *Args, d *diff, f tlb.Fault) {
	d.int("overlap", boolBit(m.overlap), a.Int())
	d.text("fault", f.String(), tlb.NoFault.String())
}

func (m *mipsMachine) tlbr(a *Args, d *diff) {
	d.int("entry", int(m.cpu.Read(tlb.Index)&0x7fffffff), a.Int())
	m.cpu.TLBR()
	regs := []tlb.MIPSReg{tlb.EntryHi, tlb.PageMask, tlb.EntryLo0, tlb.EntryLo1}
	if !m.wide {
		regs = append(regs, tlb.EntryLo0H, tlb.EntryLo1H)
	}
	if m.mmid {
		regs = append(regs, tlb.MemoryMapID)
	}
	for _, r := range regs {
		d.hex(r.String(), m.cpu.Read(r), a.Hex())
	}
}

var mipsKinds = map[tlb.Fault]string{tlb.TLBMiss: "refill", tlb.EntryInvalid: "inv", tlb.Modified: "mod",
	tlb.ReadInhibit: "ri", tlb.ExecInhibit: "xi", tlb.AddressError: "adr", tlb.NoFault: "ok"}

var accesses = []tlb.Access{tlb.Load, tlb.Store, tlb.Fetch}

func (m *mipsMachine) translate(a *Args, d *diff) {
	mode := tlb.MIPSMode(a.OneOf("K", "S", "U", "E"))
	acc := accesses[a.OneOf("L", "S", "F")]
	va, n, kind := a.Hex(), a.Int(), a.Text()
	if a.err != nil {
		return
	}
	r := m.cpu.Translate(mode, acc, va)
	d.int("matches", int(r.Hit.N), n)
	d.text("result", mipsKinds[r.Fault], kind)
	if kind == "ok" {
		d.hex("pa", r.PA, a.Hex())
		d.int("prot", int(r.Prot), a.Int())
		return
	}
	d.int("ExcCode", int(r.ExcCode()), a.Int())
	d.hex("vector", uint64(r.Vector()), a.Hex())
	for _, reg := range []tlb.MIPSReg{tlb.BadVAddr, tlb.EntryHi, tlb.Context, tlb.XContext} {
		d.hex(reg.String(), m.cpu.Read(reg), a.Hex())
	}
}

func (m *mipsMachine) Finish(final []Value) error {
	if len(final) != m.cpu.Len() {
		return fmt.Errorf("%w: %d final entries, the TLB has %d", ErrFormat, len(final), m.cpu.Len())
	}
	for i, v := range final {
		want, err := mipsEntry(v)
		if err != nil {
			return err
		}
		if got := m.cpu.Entry(i); got != want {
			return fmt.Errorf("final entry %d is %+v, recorded %+v", i, got, want)
		}
	}
	return nil
}

// mipsEntry reads an element of the final contents.
func mipsEntry(v Value) (tlb.MIPSEntry, error) {
	if v.Kind == Number && v.Num == 0 {
		return tlb.MIPSEntry{EHINV: true}, nil
	}
	a := Op{Name: "entry", Args: v.List}.Read()
	e := tlb.MIPSEntry{VPN: a.Hex(), PageMask: a.Hex(), G: a.Int() != 0, ASID: uint32(a.Hex())}
	for h := range e.Half {
		e.Half[h] = tlb.MIPSHalf{PA: a.Hex(), Flags: tlb.MIPSFlags(a.Int())}
	}
	return e, a.Err()
}
