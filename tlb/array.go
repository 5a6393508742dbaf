package tlb

import "math/bits"

// cell is the tag that one entry compares. An entry matches an address and a
// context (ASID, TID and address space, VSID, ...) when all compared bits agree.
type cell struct {
	va, mask     uint64 // mask: address bits compared
	ctx, ctxMask uint64 // ctxMask: context bits compared; none but ctxLive if global
}

// ctxLive is set in every live cell and in every context looked up, and always
// compared, so that a dead cell never matches.
const ctxLive uint64 = 1 << 63

var deadCell = cell{ctxMask: ctxLive}

func (c cell) matches(va, ctx uint64) bool {
	return (va^c.va)&c.mask|(ctx^c.ctx)&c.ctxMask == 0
}

// overlaps reports whether one access can match both.
func (c cell) overlaps(d cell) bool {
	return (c.va^d.va)&c.mask&d.mask|(c.ctx^d.ctx)&c.ctxMask&d.ctxMask == 0
}

// fine is 1 if the cell does not match all of a piece of the micro-TLB alike.
func (c cell) fine() int {
	if c.mask&microOffset != 0 {
		return 1
	}
	return 0
}

// array is the matching engine of every TLB here: sets of ways, one set if
// fully associative. Entry e is way e%ways of set e/ways. It holds tags only;
// what an entry translates to belongs to the family that owns the array.
//
// An array knows how many pairs of its live cells overlap. While there are
// none, the first match found is the only one, and a hint can be taken at once.
type array struct {
	cells []cell
	live  []uint64 // bitmap of live cells
	ways  int
	pairs int    // overlapping pairs of live cells, each within a set
	fine  int    // live cells of pages smaller than a piece of the micro-TLB
	gen   uint64 // goes up with every change of a cell; never 0
	hints [hintSlots]uint16
}

// Wide sets are searched through hints: for an address, the entry that served
// it last. A hint is advice; the cell is compared again.
const (
	hintSlots = 128
	wideSet   = 8
	hintShift = 12
)

func newArray(sets, ways int) array {
	a := array{cells: make([]cell, sets*ways), live: make([]uint64, (sets*ways+63)/64), ways: ways, gen: 1}
	for i := range a.cells {
		a.cells[i] = deadCell
	}
	return a
}

// lookup searches a set. The context must have ctxLive set.
func (a *array) lookup(set int, va, ctx uint64) Hit {
	if a.ways <= wideSet || a.pairs != 0 {
		return a.scan(set, va, ctx)
	}
	hint := &a.hints[va>>hintShift%hintSlots]
	if e := int(*hint); uint(e-set*a.ways) < uint(a.ways) && a.cells[e].matches(va, ctx) {
		return Hit{N: 1, First: int32(e), Second: -1}
	}
	h := a.scan(set, va, ctx)
	if h.N == 1 {
		*hint = uint16(h.First)
	}
	return h
}

// scan compares every cell of a set.
func (a *array) scan(set int, va, ctx uint64) Hit {
	h := noHit
	base := set * a.ways
	for i, c := range a.cells[base : base+a.ways] {
		if c.matches(va, ctx) {
			h.add(base + i)
		}
	}
	return h
}

// overlap counts the live cells of e's set, e itself left out, that overlap c,
// and returns the first of them, -1 if there is none.
func (a *array) overlap(e int, c cell) (first, n int) {
	first = -1
	base := e - e%a.ways
	for i, d := range a.cells[base : base+a.ways] {
		if base+i != e && c.overlaps(d) {
			if n == 0 {
				first = base + i
			}
			n++
		}
	}
	return first, n
}

// store makes entry e live with tag c; ctxLive is added to it.
func (a *array) store(e int, c cell) {
	a.clear(e)
	c.ctx |= ctxLive
	c.ctxMask |= ctxLive
	_, n := a.overlap(e, c)
	a.pairs += n
	a.fine += c.fine()
	a.cells[e] = c
	a.live[e/64] |= 1 << (e % 64)
	a.gen++
}

// clear makes entry e match nothing.
func (a *array) clear(e int) {
	if !a.isLive(e) {
		return
	}
	if a.pairs != 0 {
		_, n := a.overlap(e, a.cells[e])
		a.pairs -= n
	}
	a.fine -= a.cells[e].fine()
	a.cells[e] = deadCell
	a.live[e/64] &^= 1 << (e % 64)
	a.gen++
}

func (a *array) isLive(e int) bool { return a.live[e/64]>>(e%64)&1 != 0 }

// next returns the first live entry at or after e, -1 if there is none. A loop
// over it costs what the live entries cost, and may clear as it goes.
func (a *array) next(e int) int { return nextBit(a.live, e) }

// nextBit returns the first bit set at or after i, -1 if there is none.
func nextBit(bitmap []uint64, i int) int {
	for w := i / 64; w < len(bitmap); w++ {
		word := bitmap[w]
		if w == i/64 {
			word = word >> (i % 64) << (i % 64)
		}
		if word != 0 {
			return w*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// copyFrom makes a hold what b, of the same shape, holds.
func (a *array) copyFrom(b *array) {
	copy(a.cells, b.cells)
	copy(a.live, b.live)
	a.pairs, a.fine = b.pairs, b.fine
	a.gen++
}
