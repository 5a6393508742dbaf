package tlb

// layout4xx is the register image of one family: which bits of the words that
// tlbwe takes and tlbre returns mean what. Word 0 identifies the page, word 1
// holds the real page number, word 2 attributes and permissions (on the 405
// they share word 1, TLBLO).
type layout4xx struct {
	words     int
	keep      [3]uint32 // bits an entry holds; the others read as zero
	epn       uint32    // word 0
	valid, ts uint32
	sizeShift uint
	shifts    []uint8 // log2 of the page size by size code, 0: reserved
	rpn, erpn uint32  // word 1; ERPN goes above the 32 bits of RPN
	attrs     int     // the word with attributes and permissions
	guarded   uint32  // its G bit
	tid       uint32
	zoned     bool // 405: zones, TID from PID, translation on or off
	hashed    bool // 476: the set is a hash of the page, the way an operand
}

var layouts4xx = map[Family]*layout4xx{
	PPC405: {
		words: 2,
		keep:  [3]uint32{word405Hi, word405Lo, 0},
		epn:   0xfffffc00, valid: valid405,
		sizeShift: 7, shifts: []uint8{10, 12, 14, 16, 18, 20, 22, 24},
		rpn: 0xfffffc00, attrs: 1, guarded: 0x1,
		tid: 0xff, zoned: true,
	},
	PPC44x: {
		words: 3,
		keep:  [3]uint32{0xffffff00 | 0xf0, 0xfffffc0f, 0xff80 | 0x3f},
		epn:   0xfffffc00, valid: 0x200, ts: 0x100,
		sizeShift: 4, shifts: []uint8{10, 12, 14, 16, 18, 20, 0, 24, 0, 28, 0, 0, 0, 0, 0, 0},
		rpn: 0xfffffc00, erpn: 0xf, attrs: 2, guarded: 0x100,
		tid: 0xff,
	},
	PPC47x: {
		words: 3,
		keep:  [3]uint32{0xfffffc00 | 0x3f0, 0xfffff3ff, 0x3ff80 | 0x3f},
		epn:   0xfffff000, valid: 0x800, ts: 0x400,
		sizeShift: 4, shifts: shifts47x[:],
		rpn: 0xfffff000, erpn: 0x3ff, attrs: 2, guarded: 0x100,
		tid: 0xffff, hashed: true,
	},
}

// shifts47x: the 476 encodes a size of 4 KiB << 2n as n ones; 256 KiB, 4 MiB
// and 64 MiB do not exist.
var shifts47x = [64]uint8{0x00: 12, 0x01: 14, 0x03: 16, 0x07: 20, 0x0f: 24, 0x1f: 28, 0x3f: 30}

// Fields of the 405's two words, TLBHI and TLBLO.
const (
	valid405  = 0x40
	endian405 = 0x20 // E, little-endian
	user405   = 0x10 // U0
	word405Hi = 0xfffffc00 | 0x380 | valid405 | endian405 | user405
	word405Lo = 0xfffffc00 | exec405 | write405 | 0xff // ZSEL 7:4, WIMG 3:0
	exec405   = 0x200
	write405  = 0x100
	endian44x = 0x80 // E in the 44x's word 2
	size4K440 = 0x10
)

// shift returns log2 of the entry's page size, 0 if its size code is reserved.
func (m *PPC4xxMMU) shift(e *entry4xx) uint8 {
	code := int(e.word[0]>>m.layout.sizeShift) & (len(m.layout.shifts) - 1)
	if s := m.layout.shifts[code]; s != 0 || !m.profile.Quirks.Has(Quirk440ReservedSizes) {
		return s
	}
	if s := 10 + 2*code; s < 32 {
		return uint8(s)
	}
	return 0
}

// tag returns what the entry compares; ok is false if it matches nothing.
func (m *PPC4xxMMU) tag(e *entry4xx) (c cell, ok bool) {
	l := m.layout
	shift := m.shift(e)
	if e.word[0]&l.valid == 0 || shift == 0 {
		return cell{}, false
	}
	mask := ^uint32(0) << shift
	epn := e.word[0] & l.epn
	if epn&^mask != 0 && m.profile.Quirks.Has(Quirk440UnalignedEPN) {
		return cell{}, false
	}
	c = cell{va: uint64(epn & mask), mask: uint64(mask), ctx: uint64(e.tid)}
	if e.word[0]&l.ts != 0 {
		c.ctx |= ctx4xxSpace
	}
	c.ctxMask = ctx4xxSpace
	if e.tid != 0 {
		c.ctxMask |= uint64(l.tid)
	}
	return c, true
}

// ctx4xxSpace is the address space bit of a context; TID is below it.
const ctx4xxSpace uint64 = 1 << 16

// real returns the real address that the entry maps ea to.
func (m *PPC4xxMMU) real(e *entry4xx, ea uint32) uint64 {
	mask := ^uint32(0) << m.shift(e)
	return uint64(e.word[1]&m.layout.erpn)<<32 | uint64(e.word[1]&m.layout.rpn&mask|ea&^mask)
}

// permits returns the accesses that the entry permits in problem state or not,
// and whether the zone denies everything (405).
func (m *PPC4xxMMU) permits(e *entry4xx, problem bool) (prot Access, zoneFault bool) {
	if m.layout.zoned {
		return m.permits405(e.word[1], problem)
	}
	if problem {
		return Access(e.word[2] >> 3 & 7), false
	}
	return Access(e.word[2] & 7), false
}

// permits405: a zone can close a page to programs, or open it beyond the
// entry's own bits (PPC405 manual, zone protection). Reading needs no bit.
func (m *PPC4xxMMU) permits405(lo uint32, problem bool) (prot Access, zoneFault bool) {
	prot = Load
	if lo&write405 != 0 {
		prot |= Store
	}
	if lo&exec405 != 0 {
		prot |= Fetch
	}
	zone := m.ZPR >> (30 - 2*(lo>>4&0xf)) & 3
	switch {
	case zone == 3 || zone == 2 && !problem:
		prot = Load | Store | Fetch
	case zone == 0 && problem:
		return 0, true
	}
	if lo&m.layout.guarded != 0 && !m.profile.Quirks.Has(Quirk405GuardedFetch) {
		prot &^= Fetch
	}
	return prot, false
}
