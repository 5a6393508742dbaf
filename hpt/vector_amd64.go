//go:build amd64 && !race && !purego && !explore

package hpt

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/hashmmu/ppc64/pte"
)

// The assembly of scans and whole operations. What scans is there in two
// versions; which one a table uses is decided when it is made.

// bestCode is the fastest version that the processor has. x/sys/cpu reports
// vector extensions only when the operating system keeps their registers.
func bestCode() Code {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasBMI1 || !x.HasBMI2:
		return CodeGo
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL:
		return CodeAVX512
	}
	return CodeAVX2
}

// setCode has the table use the assembly that its configuration comes to.
func (t *Table) setCode() {
	t.wide = t.config.Code == CodeAVX512
	t.whole = t.vectors() && t.config.Format == Format2
}

// vectors tells whether scans are assembly, assembled whether whole operations are.
func (t *Table) vectors() bool   { return t.config.Code > CodeGo }
func (t *Table) assembled() bool { return t.whole }

// The layouts that the assembly takes for granted: each line is an index out of
// range when one changes.
var (
	_ = [1]struct{}{}[unsafe.Offsetof(pte.Key{}.VSID)]
	_ = [1]struct{}{}[unsafe.Offsetof(pte.Key{}.Page)-8]
	_ = [1]struct{}{}[unsafe.Offsetof(pte.Key{}.Base)-12]
	_ = [1]struct{}{}[unsafe.Offsetof(pte.Key{}.Seg)-13]
	_ = [1]struct{}{}[unsafe.Sizeof(pte.Key{})-16]
	_ = [1]struct{}{}[unsafe.Offsetof(pte.Ref{}.Key)]
	_ = [1]struct{}{}[unsafe.Offsetof(pte.Ref{}.Hint)-17]
	_ = [1]struct{}{}[unsafe.Sizeof(pte.Ref{})-24]
	_ = [1]struct{}{}[unsafe.Offsetof(Found{}.Entry.V)]
	_ = [1]struct{}{}[unsafe.Offsetof(Found{}.Entry.R)-8]
	_ = [1]struct{}{}[unsafe.Offsetof(Found{}.Hint)-16]
	_ = [1]struct{}{}[unsafe.Sizeof(Found{})-24]
)

// What the assembly of an insert says, besides the index of the slot taken.
const (
	uniqueTwin    = 16 // nothing was changed: the Go twin decides
	uniqueBusy    = 17 // the slot, or the lock, is another's
	uniqueContend = 32 // and the index: the tentative entry is in, and has to contend
)

// scan is scanFree; want and mask are as memory has them.
//
//go:noescape
func scan(t *Table, group *slot, want, mask uint64) (hits, free uint32)

// lookup is Lookup.
//
//go:noescape
func lookup(t *Table, k pte.Key) (v, r, hint uint64)

// search is Search; want is V in the primary group.
//
//go:noescape
func search(t *Table, hash, want uint64) (v, r, hint uint64)

// insert is Insert, for a V without H. hint is 0 when both groups are full.
//
//go:noescape
func insert(t *Table, k pte.Key, v, r uint64) (hint uint64)

// insertGroup is InsertGroup but for the overflow bit. hint has the index and is 0
// when the group is full; unused makes the frame that of insert.
//
//go:noescape
func insertGroup(t *Table, group, unused, v, r uint64) (hint uint64)

// unique is InsertUnique.
//
//go:noescape
func unique(t *Table, k pte.Key, tag, v, r uint64) (state uint64)

// uniqueLocked is insertLocked.
//
//go:noescape
func uniqueLocked(t *Table, k pte.Key, v, r uint64) (state uint64)

// remove is Invalidate, for a hint that names a place.
//
//go:noescape
func remove(t *Table, ref pte.Ref) (v, r uint64, ok bool)

// change replaces R by R&keepR|setR in the entry that remove would remove.
//
//go:noescape
func change(t *Table, ref pte.Ref, keepR, setR uint64) (v, r uint64, ok bool)

// lookupChunk looks for the keys of todo among 64 in their primary or secondary
// groups, and returns which keys have to be looked for in their secondary groups, and
// how many were found. In all chunks ahead is how many elements have another one
// batchAhead further on, whose group or slot is fetched.
//
//go:noescape
func lookupChunk(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)

// insertChunk inserts n entries into the primary groups of their keys, and ends
// before the first that finds its group full: done is how many it inserted.
//
//go:noescape
func insertChunk(t *Table, keys *pte.Key, entries *pte.HPTE, hints *pte.SlotHint, n, ahead uint64) (done uint64)

// invalidateChunk removes the entries that n hints name.
//
//go:noescape
func invalidateChunk(t *Table, refs *pte.Ref, n, ahead uint64) (removed uint64)

// The rest fetch n groups or slots, n not 0.

//go:noescape
func prefetchRead(t *Table, keys *pte.Key, n uint64)

//go:noescape
func prefetchHashes(t *Table, hashes *pte.Hash, n uint64)

//go:noescape
func prefetchWrite(t *Table, keys *pte.Key, n uint64)

//go:noescape
func prefetchPairs(t *Table, keys *pte.Key, n uint64)

//go:noescape
func prefetchSlots(t *Table, refs *pte.Ref, n uint64)
