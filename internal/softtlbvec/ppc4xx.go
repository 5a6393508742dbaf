package softtlbvec

import "github.com/hashmmu/ppc64/tlb"

var ppc405Family = family{
	kind:   "tlb-405",
	quirks: recordedQuirks(tlb.PPC405),
	owns:   func(s *Sequence) bool { return s.Has("n") && s.Has("msr") && !s.Has("sr") },
	machine: func(s *Sequence, q tlb.Quirk) (Machine, error) {
		return new4xx(s, "ppc405", q)
	},
}

// The recordings bypass the page cache of the recorded machine.
var ppc44xFamily = family{
	kind:   "tlb-44x",
	quirks: recordedQuirks(tlb.PPC44x) &^ tlb.Quirk440StalePages,
	owns:   func(s *Sequence) bool { return s.Has("n") && !s.Has("msr") && !s.Has("init") },
	machine: func(s *Sequence, q tlb.Quirk) (Machine, error) {
		return new4xx(s, "ppc440", q)
	},
}

// machine4xx runs the operations of a 405 or 440.
type machine4xx struct {
	mmu   *tlb.PPC4xxMMU
	is405 bool
	sizes []bool // entries whose word 0 was written; the others are listed with size 0
}

func new4xx(s *Sequence, like string, quirks tlb.Quirk) (Machine, error) {
	p, err := tlb.ByName(like)
	if err != nil {
		return nil, err
	}
	h := headerReader{s: s}
	p.Name, p.Quirks = s.CPU, quirks
	p.PPC4xx.Entries = h.int("n")
	p.PPC4xx.Ways = p.PPC4xx.Entries
	msr := uint64(0)
	if s.Has("msr") {
		msr = h.hex("msr")
	}
	if h.err != nil {
		return nil, h.err
	}
	mmu, err := tlb.NewPPC4xx(p)
	if err != nil {
		return nil, headerError(err)
	}
	mmu.MSR = uint32(msr)
	return &machine4xx{mmu: mmu, is405: p.Family == tlb.PPC405, sizes: make([]bool, mmu.Len())}, nil
}

func (m *machine4xx) CopyFrom(src Machine) {
	from := src.(*machine4xx)
	m.mmu.CopyFrom(from.mmu)
	copy(m.sizes, from.sizes)
}

func (m *machine4xx) Step(op Op) error {
	a := op.Read()
	var d diff
	switch op.Name {
	case "mtspr":
		regs := [...]*uint32{&m.mmu.PID, &m.mmu.MMUCR, &m.mmu.ZPR}
		reg := regs[a.OneOf("PID", "MMUCR", "ZPR")]
		*reg = uint32(a.Hex())
	case "msr":
		m.mmu.MSR = uint32(a.Hex())
	case "tlbia":
		m.mmu.TLBIA()
	case "tlbwe":
		word, entry, value := a.Int(), a.Int(), uint32(a.Hex())
		if a.err != nil {
			return a.err
		}
		if err := m.mmu.TLBWE(uint32(entry), word, value); err != nil {
			return err
		}
		if word == 0 {
			m.sizes[m.index(entry)] = true
		}
		d.int("overlap", boolBit(word == 0 && m.overlaps(m.index(entry))), a.Int())
	case "tlbre":
		word, entry := a.Int(), a.Int()
		d.hex("word", uint64(m.mmu.TLBRE(uint32(entry), word)), a.Hex())
		d.hex("TID register", uint64(m.tidRegister()), a.Hex())
	case "tlbsx":
		m.search(&a, &d)
	case "x":
		m.translate(&a, &d)
	default:
		return noOperation("4xx", op)
	}
	return d.err(&a)
}

func (m *machine4xx) index(entry int) int { return int(uint32(entry) % uint32(len(m.sizes))) }

// tidRegister is the register that tlbre of word 0 loads.
func (m *machine4xx) tidRegister() uint32 {
	if m.is405 {
		return m.mmu.PID
	}
	return m.mmu.MMUCR
}

func (m *machine4xx) search(a *Args, d *diff) {
	ea := uint32(a.Hex())
	ra, hits, _ := m.mmu.TLBSX(ea)
	if m.is405 {
		d.int("matches", int(hits.N), a.Int())
	} else {
		d.int("matches", m.matches(ea, false), a.Int())
		d.int("matches in the space", m.matches(ea, true), a.Int())
	}
	d.int("entry", int(int32(ra)), a.Int())
}

// matches counts the entries that tlbsx of the 440 can find, with or without
// the comparison of TS, from the entries themselves.
func (m *machine4xx) matches(ea uint32, space bool) (n int) {
	stid, sts := uint16(m.mmu.MMUCR&0xff), uint8(m.mmu.MMUCR>>16&1)
	aligned := m.mmu.Profile().Quirks.Has(tlb.Quirk440UnalignedEPN)
	for i := range m.mmu.Len() {
		e := m.mmu.Entry(i)
		low := uint32(1)<<e.Shift - 1
		if e.Valid && e.Shift != 0 && (e.TID == 0 || e.TID == stid) && (e.Space == sts || !space) &&
			(e.EPN^ea)&^low == 0 && (e.EPN&low == 0 || !aligned) {
			n++
		}
	}
	return n
}

// overlaps reports whether entry i overlaps another valid entry. The recording
// goes by the ranges, also of entries that the recorded machine never matches.
func (m *machine4xx) overlaps(i int) bool {
	e := m.mmu.Entry(i)
	for k := range m.mmu.Len() {
		o := m.mmu.Entry(k)
		low := uint32(1)<<max(e.Shift, o.Shift) - 1
		if k != i && e.Valid && o.Valid && e.Space == o.Space && (e.EPN^o.EPN)&^low == 0 &&
			(e.TID == o.TID || e.TID == 0 || o.TID == 0) {
			return true
		}
	}
	return false
}

func (m *machine4xx) translate(a *Args, d *diff) {
	acc := accesses[a.OneOf("L", "S", "F")]
	ea, n, result := a.Hex(), a.Int(), a.Text()
	m.mmu.DEAR, m.mmu.ESR = 0, 0
	r := m.mmu.Translate(acc, ea)
	d.int("matches", int(r.Hit.N), n)
	if result == "ok" {
		d.translated(a, r)
		return
	}
	d.text("interrupt", bookEInterrupt(r.Fault, acc), result)
	d.hex("DEAR", uint64(m.mmu.DEAR), a.Hex())
	d.hex("ESR", uint64(m.mmu.ESR), a.Hex())
}

// Finish compares the entries that were ever written.
func (m *machine4xx) Finish(final []Value) error {
	var rows []string
	for i := range m.mmu.Len() {
		e := m.mmu.Entry(i)
		if !m.sizes[i] && e.Word[1] == 0 && e.Word[2] == 0 {
			continue
		}
		size := uint64(1) << e.Shift
		if !m.sizes[i] {
			size = 0
		}
		rpn, perm := e.Word[1], e.Word[2]>>3&7|e.Word[2]&7<<3
		attr, space := e.Word[2]&0xff00, int(e.Space)
		if m.is405 { // G, the lowest attribute, is listed in the place of TS
			attr, space = rpn&0xfe, int(rpn&1)
			perm = 1 | rpn>>7&6
			rpn &= 0xfffffc00
		}
		rows = append(rows, row(i, e.EPN, size, boolBit(e.Valid), space, int(e.TID), rpn, perm, attr))
	}
	return compareRows(rows, final)
}
