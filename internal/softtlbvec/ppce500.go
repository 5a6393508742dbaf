package softtlbvec

import (
	"fmt"
	"strings"

	"github.com/hashmmu/ppc64/tlb"
)

var e500Family = family{
	kind:    "tlb-e500",
	quirks:  recordedQuirks(tlb.E500),
	owns:    func(s *Sequence) bool { return s.Has("tlb0") && s.Has("tlb1") },
	machine: newE500,
}

// e500Machine runs the operations of an e500 core.
type e500Machine struct {
	core    *tlb.E500Core
	thread  *tlb.E500Thread
	overlap bool // the last write made a second entry
}

func newE500(s *Sequence, quirks tlb.Quirk) (Machine, error) {
	p, msr, err := e500Profile(s)
	if err != nil {
		return nil, err
	}
	p.Quirks = quirks
	core, err := tlb.NewE500(p)
	if err != nil {
		return nil, headerError(err)
	}
	m := &e500Machine{core: core, thread: core.Thread(0)}
	m.thread.MSR = uint32(msr)
	core.OnWrite = func(tlb.Report) { m.overlap = true }
	return m, nil
}

// page16G is the bit of TLB1PS for a page size that the recorded machine adds
// to cores that encode sizes as powers of four.
const page16G = 1 << 24

// e500Profile describes the core of a header. What the header does not say is
// taken from the part of that name, else from the largest of its MMU version.
func e500Profile(s *Sequence) (tlb.Profile, uint64, error) {
	h := headerReader{s: s}
	tlb0, err := s.Ints("tlb0")
	h.note(err)
	tlb1, err := s.Ints("tlb1")
	h.note(err)
	sizes, mmucfg, msr := h.hex("tlb1ps"), h.hex("mmucfg"), h.hex("msr")
	pids := 1 + 2*h.int("multipid")
	if h.err == nil && (len(tlb0) != 2 || len(tlb1) != 2) {
		h.err = fmt.Errorf("%w: tlb0 and tlb1 have two numbers each", ErrFormat)
	}
	if h.err != nil {
		return tlb.Profile{}, 0, h.err
	}
	mav2 := mmucfg&3 == 1
	part, _, _ := strings.Cut(s.CPU, "_")
	p, err := tlb.ByName(part)
	if err != nil || p.Family != tlb.E500 {
		largest := map[bool]string{false: "e5500", true: "e6500"}
		p, err = tlb.ByName(largest[mav2])
	}
	p.Name = s.CPU
	p.E500.TLB0 = tlb.E500Array{Entries: tlb0[0], Ways: tlb0[1]}
	p.E500.TLB1 = tlb.E500Array{Entries: tlb1[0], Ways: tlb1[1]}
	p.E500.MAV2, p.E500.PIDs = mav2, pids
	p.E500.PageSizes = uint32(sizes)
	if !mav2 {
		p.E500.PageSizes &^= page16G
	}
	return p, msr, err
}

func (m *e500Machine) CopyFrom(src Machine) { m.core.CopyFrom(src.(*e500Machine).core) }

func (m *e500Machine) Step(op Op) error {
	a := op.Read()
	var d diff
	t := m.thread
	switch op.Name {
	case "mtspr":
		reg, ok := tlb.ParseE500Reg(a.Text())
		if !ok {
			a.wrong()
		}
		t.Write(reg, a.Hex())
	case "msr":
		t.MSR = uint32(a.Hex())
	case "mmucsr0":
		t.MMUCSR0(uint32(a.Int()))
	case "tlbivax":
		t.TLBIVAX(a.Hex())
	case "tlbilx":
		kind, ea := a.Int(), a.Hex()
		t.TLBILX(kind, ea)
	case "tlbwe":
		m.write(&a, &d)
	case "tlbre":
		t.TLBRE()
		m.mas(&a, &d, tlb.MAS0, tlb.MAS1, tlb.MAS2, tlb.MAS3, tlb.MAS7)
	case "tlbsx":
		h, _ := t.TLBSX(a.Hex())
		d.int("matches", int(h.N), a.Int())
		m.mas(&a, &d, tlb.MAS0, tlb.MAS1, tlb.MAS2, tlb.MAS3, tlb.MAS7)
	case "x":
		m.translate(&a, &d)
	default:
		return noOperation("e500", op)
	}
	return d.err(&a)
}

// mas compares registers.
func (m *e500Machine) mas(a *Args, d *diff, regs ...tlb.E500Reg) {
	for _, r := range regs {
		d.hex(r.String(), m.thread.Read(r), a.Hex())
	}
}

func (m *e500Machine) write(a *Args, d *diff) {
	m.overlap = false
	entry, outcome := m.thread.TLBWE()
	if outcome != tlb.Written || m.core.Profile().E500.PIDs > 1 {
		m.overlap = m.wouldOverlap(entry)
	}
	verdict := "ok"
	if outcome == tlb.IllegalWrite {
		verdict = "prog"
	}
	set, way := -1, -1
	if entry >= 0 {
		_, set, way = m.core.Place(entry)
	}
	d.text("outcome", verdict, a.Text())
	d.int("tlbsel", int(m.thread.Read(tlb.MAS0)>>28&3), a.Int())
	d.int("set", set, a.Int())
	d.int("way", way, a.Int())
	d.int("overlap", boolBit(m.overlap), a.Int())
}

// wouldOverlap judges a write by the registers, as the recording does: also one
// that did not happen, and with several PID registers whatever the TIDs.
func (m *e500Machine) wouldOverlap(entry int) bool {
	mas1 := uint32(m.thread.Read(tlb.MAS1))
	if entry < 0 || mas1>>31 == 0 {
		return false
	}
	which, _, _ := m.core.Place(entry)
	page := m.thread.Read(tlb.MAS2)
	if m.thread.MSR&tlb.MSRCM == 0 {
		page &= 0xffffffff
	}
	mask := pageMask(which, mas1)
	anyTID := m.core.Profile().E500.PIDs > 1
	for i := range m.core.Len() {
		e := m.core.Entry(i)
		w, _, _ := m.core.Place(i)
		tid, other := mas1>>16&0x3fff, e.MAS1>>16&0x3fff
		if i != entry && e.MAS1>>31 != 0 && (e.MAS1^mas1)&0x1000 == 0 &&
			(tid == other || tid == 0 || other == 0 || anyTID) &&
			(page^e.MAS2)&mask&pageMask(w, e.MAS1) == 0 {
			return true
		}
	}
	return false
}

// pageMask has a one for each address bit above the page.
func pageMask(which int, mas1 uint32) uint64 {
	if which == 0 {
		return ^uint64(0xfff)
	}
	return ^uint64(0) << (10 + mas1>>7&31)
}

func (m *e500Machine) translate(a *Args, d *diff) {
	kind := a.OneOf("L", "S", "F", "eL", "eS")
	ea, n, result := a.Hex(), a.Int(), a.Text()
	t, acc := m.thread, accesses[kind%3]
	t.DEAR, t.ESR = 0, 0
	var r tlb.Result
	if kind < 3 {
		r = t.Translate(acc, ea)
	} else {
		r = t.TranslateExternal(acc, ea)
	}
	d.int("matches", int(r.Hit.N), n)
	if result == "ok" {
		d.translated(a, r)
		return
	}
	d.text("interrupt", bookEInterrupt(r.Fault, acc), result)
	d.hex("DEAR", t.DEAR, a.Hex())
	d.hex("ESR", uint64(t.ESR), a.Hex())
	if result == "DTLB" || result == "ITLB" {
		m.mas(a, d, tlb.MAS0, tlb.MAS1, tlb.MAS2, tlb.MAS3, tlb.MAS6, tlb.MAS7)
	}
}

// Finish compares the entries that are not all zero.
func (m *e500Machine) Finish(final []Value) error {
	var rows []string
	for i := range m.core.Len() {
		e := m.core.Entry(i)
		if e.MAS1 == 0 && e.MAS2 == 0 && e.MAS73 == 0 {
			continue
		}
		which, set, way := m.core.Place(i)
		rows = append(rows, row(which, set, way, e.MAS1, e.MAS2, e.MAS73))
	}
	return compareRows(rows, final)
}
