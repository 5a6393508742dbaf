package tlb

import "math/bits"

// The 476 has 1024 entries in 256 sets of 4 ways, and takes its operand apart:
//
//	0x80000000  use the way of bits 30:29; else the hardware chooses one
//	0x60000000  way
//	0x08000000  bolt the entry, always in way 0, ...
//	0x07000000  ... and note it in slot 0-5 of MMUBE0 and MMUBE1
//	0x00ff0000  set, for tlbre and as tlbsx returns it; tlbwe hashes the page
//
// Sources: Linux arch/powerpc (44x.c ppc47x_pin_tlb, head_44x.S, tlb_low.S).
// They name neither the hash nor the replacement. Here the set is the page
// number folded eight bits at a time, which agrees with the sweep by which Linux
// clears the TLB at boot (the 256 values of EA bits 31:24 reach every set); and
// replacement takes an invalid way, else goes round the ways of the set, and
// spares bolted entries. Words 1 and 2 go to the entry that the last word 0
// went to. Shadow TLBs, the order in which page sizes are tried (SSPCR, USPCR,
// ISPCR) and parity are not modelled: all sizes in use are searched, smallest
// first.
const (
	explicitWay47x = 0x80000000
	bolt47x        = 0x08000000
	bolted47x      = 0x8 // in word 0 as tlbre returns it
	maxBolts       = 6
	wayShift47x    = 29
	setShift47x    = 16
	boltShift47x   = 24
)

// bolts is what a 476 keeps beside its entries.
type bolts struct {
	slot    [maxBolts]int // the entry bolted in each slot, -1 if none
	usable  int           // slots the part has
	next    []uint8       // per set: the way that replacement tries first
	current int           // the entry of the last word 0
}

func newBolts(g PPC4xxParams) bolts {
	b := bolts{usable: g.Bolts, next: make([]uint8, g.Entries/g.Ways)}
	for i := range b.slot {
		b.slot[i] = -1
	}
	return b
}

// MMUBE returns the registers MMUBE0 and MMUBE1, which say where the bolted
// entries are: IBE (set) in bits 31:24, 23:16 and 15:8, VBE (valid) in bits
// 2, 1 and 0, for slots 0-2 and 3-5.
func (m *PPC4xxMMU) MMUBE() (mmube0, mmube1 uint32) {
	var r [2]uint32
	for s, e := range m.bolt.slot {
		if e >= 0 {
			set := uint32(e / m.tags.ways)
			r[s/3] |= set<<(24-8*(s%3)) | 4>>(s%3)
		}
	}
	return r[0], r[1]
}

// set47x is the set of a page: its number folded by exclusive-or.
func (m *PPC4xxMMU) set47x(ea uint32, shift uint8) int {
	sets := len(m.entries) / m.tags.ways
	width := bits.TrailingZeros(uint(sets))
	set := 0
	for page := ea >> shift; page != 0 && width > 0; page >>= width {
		set ^= int(page)
	}
	return set & (sets - 1)
}

// searchHashed looks in the set of each page size in use.
func (m *PPC4xxMMU) searchHashed(va uint32, ctx, care uint64) Hit {
	h := noHit
	for shift := range m.sized {
		if m.sized[shift] != 0 {
			set := m.set47x(va, uint8(shift))
			h = m.tags.scanShift(set, uint64(va), ctx|ctxLive, care, uint8(shift), h)
		}
	}
	return h
}

// scanShift is scanCare for entries of one page size: entries of another size
// that happen to sit in the set are found in their own turn.
func (a *array) scanShift(set int, va, ctx, care uint64, shift uint8, h Hit) Hit {
	base := set * a.ways
	mask := uint64(^uint32(0) << shift)
	for i := range a.cells[base : base+a.ways] {
		c := &a.cells[base+i]
		if c.mask == mask && (va^c.va)&mask|(ctx^c.ctx)&c.ctxMask&care == 0 {
			h.add(base + i)
		}
	}
	return h
}

// target is the entry that a tlbwe goes to.
func (m *PPC4xxMMU) target(ra uint32, word int, value uint32) int {
	if !m.layout.hashed {
		return m.indexOf(ra)
	}
	if word != 0 {
		return m.bolt.current
	}
	probe := entry4xx{word: [3]uint32{value}}
	shift := m.shift(&probe)
	if shift == 0 {
		shift = 12
	}
	set := m.set47x(value&m.layout.epn, shift)
	slot := int(ra >> boltShift47x & 7)
	bolting := ra&bolt47x != 0 && slot < m.bolt.usable
	way := 0
	switch {
	case bolting:
	case ra&explicitWay47x != 0:
		way = int(ra>>wayShift47x&3) % m.tags.ways
	default:
		way = m.victim47x(set)
	}
	i := set*m.tags.ways + way
	m.unbolt(i)
	if bolting {
		m.boltInto(slot, i)
	}
	m.bolt.current = i
	return i
}

// boltInto notes entry i in a slot and frees the entry that was there.
func (m *PPC4xxMMU) boltInto(slot, i int) {
	if old := m.bolt.slot[slot]; old >= 0 {
		m.unbolt(old)
	}
	m.bolt.slot[slot] = i
	m.entries[i].bolted = true
}

// victim47x chooses the way that a write without a way replaces: an invalid
// one, else the next in turn that is not bolted.
func (m *PPC4xxMMU) victim47x(set int) int {
	base := set * m.tags.ways
	for way := range m.tags.ways {
		if !m.tags.isLive(base+way) && !m.entries[base+way].bolted {
			return way
		}
	}
	way := int(m.bolt.next[set])
	if m.entries[base+way].bolted {
		way = (way + 1) % m.tags.ways
	}
	m.bolt.next[set] = uint8((way + 1) % m.tags.ways)
	return way
}

// unbolt forgets that entry i is bolted.
func (m *PPC4xxMMU) unbolt(i int) {
	if !m.entries[i].bolted {
		return
	}
	m.entries[i].bolted = false
	for s, e := range m.bolt.slot {
		if e == i {
			m.bolt.slot[s] = -1
		}
	}
}

// indexOf is the entry that an operand names.
func (m *PPC4xxMMU) indexOf(ra uint32) int {
	if !m.layout.hashed {
		return int(ra % uint32(len(m.entries)))
	}
	sets := len(m.entries) / m.tags.ways
	set := int(ra>>setShift47x&0xff) & (sets - 1)
	return set*m.tags.ways + int(ra>>wayShift47x&3)%m.tags.ways
}

// operand is the inverse of indexOf, as tlbsx returns it.
func (m *PPC4xxMMU) operand(i int) uint32 {
	if !m.layout.hashed {
		return uint32(i)
	}
	return uint32(i/m.tags.ways)<<setShift47x | uint32(i%m.tags.ways)<<wayShift47x
}

// TLBIVAX is tlbivax of the 476 as the CPUs that receive the broadcast see it:
// the entries that translate ea for this stid and sts become invalid.
func (m *PPC4xxMMU) TLBIVAX(ea, stid uint32, sts bool) {
	ctx := uint64(stid & m.layout.tid)
	if sts {
		ctx |= ctx4xxSpace
	}
	for h := m.search(ea, ctx, ^uint64(0)); h.N > 0; h = m.search(ea, ctx, ^uint64(0)) {
		m.invalidate(int(h.First))
	}
}
