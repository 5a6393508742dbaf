package pte

// Linux2620With64K is the layout of Linux 2.6.20, ppc64 with 64K base pages
// (include/asm-powerpc/pgtable-64k.h). Where Combo is clear, the slot is where 4K
// pages have it; where it is set, those bits belong to Sub.
var Linux2620With64K = &Layout{
	Name: "2.6.20-64k", Page: Page64K,
	Present: 0x001, User: 0x002, Exec: 0x004,
	Dirty: 0x080, Accessed: 0x100, Write: 0x200,
	HashPTE: 0x400, Busy: 0x800, Second: 0x8000, GIX: 0x7000,
	RPN: 0xffffffff00000000, RPNShift: 32, NoCache: noCache2620,
	Combo: 0x10000000, Sub: 0x0ffff000,
	memory: coherent2620, attr: attr2620,
}

// Linux61With64K is the layout of Linux 6.1, book3s64 hash with 64K base pages
// (arch/powerpc/include/asm/book3s/64/hash-64k.h).
var Linux61With64K = &Layout{
	Name: "6.1-64k", Page: Page64K,
	Present: 1 << 63, Leaf: 1 << 62, Invalid: 1 << 61,
	Exec: 0x1, Write: 0x2, Read: 0x4, Kernel: 0x8,
	Busy: 0x40, Dirty: 0x80, Accessed: 0x100, SoftDirty: 0x200,
	HashPTE: 1 << 55,
	RPN:     1<<53 - 1<<16, RPNShift: 16, NoCache: nonIdempotent,
	Combo: 0x1000, FourK: 0x2000,
	hidxBias: 1, keys: 31 << 56, attr: attr61,
}

// Pieces is the number of 4K pieces of a 64K page.
const Pieces = 16

// RealPTE is an entry of a kernel with 64K base pages and its second half, the
// word in which it has a nibble for each 4K piece of the page (Linux: real_pte_t).
// A kernel stores Hidx before it stores PTE without BUSY, and reads PTE first:
// that is what orders the two. With 4K base pages Hidx is nothing.
//
// A page is entered whole, by one entry of 64K, or with Combo in 4K pieces. Linux
// 2.6.20 writes hidx into a nibble as it is and keeps the slot of a whole page
// in PTE. Linux 6.1 writes hidx+1, so that zeroed memory means no slot; the whole
// page has nibble 0. With that the sixteenth place, index 7 of the secondary
// group, looks like no slot: pieces cannot use it, whole pages can, since HASHPTE
// alone says that they have an entry.
type RealPTE struct {
	PTE  LinuxPTE
	Hidx uint64
}

// nibble is the hidx of a piece.
func (l *Layout) nibble(r RealPTE, piece int) uint8 {
	return uint8(r.Hidx>>(4*piece)-l.hidxBias) & 0xf
}

func (l *Layout) withNibble(r RealPTE, piece int, hidx uint8) RealPTE {
	shift := 4 * piece
	r.Hidx = r.Hidx&^(0xf<<shift) | (uint64(hidx)+l.hidxBias)&0xf<<shift
	return r
}

// sub is the valid bit of a piece; zero where there are none.
func (l *Layout) sub(piece int) LinuxPTE { return (l.Sub + l.Sub&-l.Sub) >> 1 >> piece & l.Sub }

// RealHint returns where the entry of the whole page is (Linux: __rpte_to_hidx of
// a page without COMBO).
func (l *Layout) RealHint(r RealPTE) SlotHint {
	switch {
	case r.PTE&(l.HashPTE|l.Combo) != l.HashPTE:
		return 0
	case l.GIX != 0:
		return l.Hint(r.PTE)
	}
	return hintOf(l.nibble(r, 0))
}

// WithRealHint returns the entry saying that the whole page is at h, or nowhere;
// BUSY is unchanged.
func (l *Layout) WithRealHint(r RealPTE, h SlotHint) RealPTE {
	r.PTE &^= l.Combo | l.Sub
	switch {
	case l.GIX != 0:
		r.PTE = l.WithHint(r.PTE, h)
		return r
	case !h.Hashed():
		r.PTE &^= l.HashPTE
		return r
	}
	r.PTE |= l.HashPTE
	return l.withNibble(r, 0, h.HIdx())
}

// PieceHint returns where the entry of a 4K piece, 0 to 15, is (Linux:
// __rpte_sub_valid, __rpte_to_hidx).
func (l *Layout) PieceHint(r RealPTE, piece int) SlotHint {
	hidx := l.nibble(r, piece)
	switch {
	case r.PTE&(l.HashPTE|l.Combo) != l.HashPTE|l.Combo:
		return 0
	case l.Sub != 0 && r.PTE&l.sub(piece) == 0:
		return 0
	case l.Sub == 0 && hidx == noHidx:
		return 0
	}
	return hintOf(hidx)
}

// WithPieceHint returns the entry, which must have Combo, saying that a piece is at
// h, or nowhere; BUSY and HASHPTE stay as they are, but for HASHPTE that a place
// sets. The place must be one that [Layout.Records].
func (l *Layout) WithPieceHint(r RealPTE, piece int, h SlotHint) RealPTE {
	if !h.Hashed() {
		r.PTE &^= l.sub(piece)
		if l.Sub == 0 {
			r = l.withNibble(r, piece, noHidx)
		}
		return r
	}
	r.PTE |= l.HashPTE | l.sub(piece)
	return l.withNibble(r, piece, h.HIdx())
}

// Records reports whether the place of a piece can be told from none.
func (l *Layout) Records(h SlotHint) bool { return l.Sub != 0 || h.HIdx() != noHidx }

// Split returns the entry with Combo and without any entry in the hash table: what
// the first fault on a piece makes of a page that was whole or not hashed. BUSY is
// unchanged.
func (l *Layout) Split(r RealPTE) RealPTE {
	r.PTE = r.PTE&^(l.HashPTE|l.Second|l.GIX|l.Sub) | l.Combo
	for piece := range Pieces {
		r = l.WithPieceHint(r, piece, 0)
	}
	return r
}

// PieceRA returns the real address of a 4K piece.
func (l *Layout) PieceRA(p LinuxPTE, piece int) RA {
	if p&l.FourK != 0 {
		return l.RA(p)
	}
	return l.RA(p) + RA(piece)<<VPNShift
}

// noHidx is the nibble that means no slot, where a nibble can mean that.
const noHidx = 0xf

func hintOf(hidx uint8) SlotHint { return MakeSlotHint(hidx&8 != 0, int(hidx&7)) }

// SlotByte says where the entry of one base page of a transparent huge page is:
// bit 0 valid, bits 3:1 index, bit 4 secondary. A huge page has an array of them,
// one for each 64K, or 4K in a demoted segment, in the page table that was
// deposited for the day it is split (Linux: get_hpte_slot_array, hpte_valid,
// hpte_hash_index).
type SlotByte uint8

// MakeSlotByte returns the byte for a place, or for none.
func MakeSlotByte(h SlotHint) SlotByte {
	if !h.Hashed() {
		return 0
	}
	return SlotByte(h.HIdx())<<1 | 1
}

// Hint returns the place.
func (b SlotByte) Hint() SlotHint {
	if b&1 == 0 {
		return 0
	}
	return hintOf(uint8(b >> 1 & 0xf))
}
