package softtlbvec

import "github.com/hashmmu/ppc64/tlb"

var ppc603Family = family{
	kind:    "tlb-603",
	quirks:  recordedQuirks(tlb.PPC603),
	owns:    func(s *Sequence) bool { return s.Has("sdr1") && s.Has("sr") && s.Has("ways") },
	machine: new603,
}

// machine603 runs the operations of a 603.
type machine603 struct {
	mmu *tlb.PPC603MMU
}

func new603(s *Sequence, quirks tlb.Quirk) (Machine, error) {
	p, err := tlb.ByName("ppc603")
	if err != nil {
		return nil, err
	}
	h := headerReader{s: s}
	p.Name, p.Quirks = s.CPU, quirks
	p.PPC603.Entries, p.PPC603.Ways = h.int("n"), h.int("ways")
	msr, sdr1 := h.hex("msr"), h.hex("sdr1")
	sr, err := s.Hexes("sr")
	h.note(err)
	if h.err != nil {
		return nil, h.err
	}
	mmu, err := tlb.New603(p)
	if err != nil {
		return nil, headerError(err)
	}
	mmu.MSR, mmu.SDR1 = uint32(msr), uint32(sdr1)
	for i := range mmu.SR {
		if i < len(sr) {
			mmu.SR[i] = uint32(sr[i])
		}
	}
	return &machine603{mmu}, nil
}

func (m *machine603) CopyFrom(src Machine) { m.mmu.CopyFrom(src.(*machine603).mmu) }

func (m *machine603) Step(op Op) error {
	a := op.Read()
	var d diff
	switch op.Name {
	case "tlbld", "tlbli":
		m.load(&a, &d, op.Name == "tlbli")
	case "tlbie":
		m.mmu.TLBIE(uint32(a.Hex()))
	case "mtsr":
		n, v := a.Int(), uint32(a.Hex())
		m.mmu.SR[n&15] = v
	case "msr":
		m.mmu.MSR = uint32(a.Hex())
	case "x":
		m.translate(&a, &d)
	default:
		return noOperation("603", op)
	}
	return d.err(&a)
}

// load runs tlbld or tlbli and compares what the other way of the set held.
func (m *machine603) load(a *Args, d *diff, instr bool) {
	ea, way, cmp, rpa := uint32(a.Hex()), a.Int(), uint32(a.Hex()), uint32(a.Hex())
	side := tlb.Data603
	if instr {
		side = tlb.Instr603
	}
	ways := m.mmu.Profile().PPC603.Ways
	other := m.mmu.Entry(side, m.set(ea)+(way&1+1)%ways)
	conflict := 0
	if ways > 1 && other.CMP&cmp>>31 != 0 && other.EPN == ea&^0xfff {
		conflict = 2
		if (other.CMP^cmp)&^cmpH == 0 {
			conflict = 1
		}
	}
	d.int("conflict", conflict, a.Int())
	m.mmu.RPA, m.mmu.SRR1 = rpa, uint32(way)<<17
	if instr {
		m.mmu.ICMP = cmp
		m.mmu.TLBLI(ea)
	} else {
		m.mmu.DCMP = cmp
		m.mmu.TLBLD(ea)
	}
}

// cmpH is the hash bit of a compare word.
const cmpH = 0x40

// set is the first entry of the set of ea.
func (m *machine603) set(ea uint32) int {
	ways := m.mmu.Profile().PPC603.Ways
	return int(ea>>12) & (m.mmu.Len()/ways - 1) * ways
}

// matches counts the entries that match an access, H left out, from the
// entries themselves.
func (m *machine603) matches(side int, ea uint32) (n int) {
	want := 0x80000000 | m.mmu.SR[ea>>28]&0xffffff<<7 | ea>>22&0x3f
	for way := range m.mmu.Profile().PPC603.Ways {
		if e := m.mmu.Entry(side, m.set(ea)+way); e.EPN == ea&^0xfff && e.CMP&^cmpH == want {
			n++
		}
	}
	return n
}

// misses603 are the names of a miss by access.
var misses603 = map[tlb.Access]string{tlb.Load: "DLTLB", tlb.Store: "DSTLB", tlb.Fetch: "IFTLB"}

func (m *machine603) translate(a *Args, d *diff) {
	acc := accesses[a.OneOf("L", "S", "F")]
	ea, n, result := a.Hex(), a.Int(), a.Text()
	mmu, side := m.mmu, tlb.Data603
	missed, cmp, storage := &mmu.DMISS, &mmu.DCMP, "DSI"
	if acc == tlb.Fetch {
		side = tlb.Instr603
		missed, cmp, storage = &mmu.IMISS, &mmu.ICMP, "ISI"
	}
	matches := m.matches(side, uint32(ea))
	r := mmu.Translate(acc, ea)
	if r.Hit.N < 0 {
		matches = -1
	}
	d.int("matches", matches, n)
	d.text("exception", map[tlb.Fault]string{tlb.NoFault: "ok", tlb.TLBMiss: misses603[acc],
		tlb.Protection: storage}[r.Fault], result)
	switch result {
	case "ok":
		d.translated(a, r)
	case "ISI":
		d.hex("SRR1", uint64(mmu.SRR1), a.Hex())
	case "DSI":
		d.hex("DAR", uint64(mmu.DAR), a.Hex())
		d.hex("DSISR", uint64(mmu.DSISR), a.Hex())
	default:
		for _, reg := range [...]*uint32{missed, cmp, &mmu.HASH1, &mmu.HASH2, &mmu.SRR1} {
			d.hex("miss register", uint64(*reg), a.Hex())
		}
	}
}

// Finish compares the entries that are not all zero, by way, then by set.
func (m *machine603) Finish(final []Value) error {
	var rows []string
	ways := m.mmu.Profile().PPC603.Ways
	for _, side := range [...]int{tlb.Data603, tlb.Instr603} {
		for way := range ways {
			for i := way; i < m.mmu.Len(); i += ways {
				if e := m.mmu.Entry(side, i); e != (tlb.PPC603Entry{}) {
					rows = append(rows, row([...]string{"D", "I"}[side], way, i/ways, e.EPN, e.CMP, e.RPA))
				}
			}
		}
	}
	return compareRows(rows, final)
}
