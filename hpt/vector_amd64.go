//go:build amd64 && !race && !purego && !explore

package hpt

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/hashmmu/ppc64/pte"
)

// The assembly of scans and whole operations. What scans is there in two
// versions; which one a table uses is decided when it is made.

const haveVectors = true

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

// scanVector is scanFree; want and mask are as memory has them.
func (t *Table) scanVector(p *slot, want, mask uint64) (hits, free uint32) {
	if t.config.Code == CodeAVX512 {
		return scanAVX512(p, want, mask)
	}
	return scanAVX2(p, want, mask)
}

// searchVector is search.
func (t *Table) searchVector(hash pte.Hash, v uint64) (raw pte.HPTE, place uint64) {
	if t.config.Code == CodeAVX512 {
		raw.V, raw.R, place = lookupAVX512(t, uint64(hash), v)
	} else {
		raw.V, raw.R, place = lookupAVX2(t, uint64(hash), v)
	}
	return raw, place
}

// insertVector puts h into a group, or returns noPlace.
func (t *Table) insertVector(group *slot, h pte.HPTE) (index uint64) {
	if t.config.Code == CodeAVX512 {
		return insertAVX512(group, h.V, h.R)
	}
	return insertAVX2(group, h.V, h.R)
}

// What the assembly of a unique insert says, besides the index of the slot taken.
const (
	uniqueTwin    = 16 // nothing was changed: the Go twin decides
	uniqueBusy    = 17 // the slot, or the lock, is another's
	uniqueContend = 32 // and the index: the tentative entry is in, and has to contend
)

func (t *Table) uniqueVector(hash pte.Hash, v, tag uint64, h pte.HPTE) (state uint64) {
	if t.config.Code == CodeAVX512 {
		return uniqueAVX512(t, uint64(hash), v, tag, h.V, h.R)
	}
	return uniqueAVX2(t, uint64(hash), v, tag, h.V, h.R)
}

func (t *Table) uniqueLockedVector(lock *uint64, hash pte.Hash, v uint64, h pte.HPTE) (state uint64) {
	if t.config.Code == CodeAVX512 {
		return uniqueLockedAVX512(t, lock, uint64(hash), v, h.V, h.R)
	}
	return uniqueLockedAVX2(t, lock, uint64(hash), v, h.V, h.R)
}

// lookupVector looks for the keys of todo among 64 in their primary or secondary
// groups, fetches the groups of those 64 further on that are in ahead, and
// returns which keys have to be looked for in their secondary groups, and how
// many were found.
func (t *Table) lookupVector(keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64) {
	if t.config.Code == CodeAVX512 {
		return lookupChunkAVX512(t, keys, found, todo, ahead, secondary)
	}
	return lookupChunkAVX2(t, keys, found, todo, ahead, secondary)
}

//go:noescape
func scanAVX2(p *slot, want, mask uint64) (hits, free uint32)

//go:noescape
func scanAVX512(p *slot, want, mask uint64) (hits, free uint32)

//go:noescape
func lookupAVX2(t *Table, hash, want uint64) (v, r, place uint64)

//go:noescape
func lookupAVX512(t *Table, hash, want uint64) (v, r, place uint64)

//go:noescape
func insertAVX2(group *slot, v, r uint64) (index uint64)

//go:noescape
func insertAVX512(group *slot, v, r uint64) (index uint64)

//go:noescape
func uniqueAVX2(t *Table, hash, want, tag, v, r uint64) (state uint64)

//go:noescape
func uniqueAVX512(t *Table, hash, want, tag, v, r uint64) (state uint64)

//go:noescape
func uniqueLockedAVX2(t *Table, lock *uint64, hash, want, v, r uint64) (state uint64)

//go:noescape
func uniqueLockedAVX512(t *Table, lock *uint64, hash, want, v, r uint64) (state uint64)

//go:noescape
func lookupChunkAVX2(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)

//go:noescape
func lookupChunkAVX512(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)

// change replaces V by V&keepV and R by R&keepR|setR when V matches want, and
// returns the pair before.
//
//go:noescape
func change(p *slot, want, keepV, keepR, setR uint64) (v, r uint64, ok bool)

//go:noescape
func prefetchRead(t *Table, keys *pte.Key, n uint64)

//go:noescape
func prefetchWrite(t *Table, keys *pte.Key, n uint64)

//go:noescape
func prefetchSlots(t *Table, refs *pte.Ref, n uint64)
