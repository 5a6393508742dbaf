package hpt

import (
	"runtime"

	"github.com/hashmmu/ppc64/pte"
)

// What is around the assembly of whole operations on format 2 tables: bounds,
// the overflow bit before, the dirty log after, and the table kept reachable up to
// its last access. The assembly works on the words of the table itself; it is the
// second place beside slot.go that does.

// insertWhole is InsertGroup.
func (t *Table) insertWhole(group uint64, h pte.HPTE) (index int, err error) {
	s := t.slot(group, 0)
	p := &t.slots[s]
	if becomesSecondary(0, h.V) {
		t.spill(s)
	}
	i := t.insertVector(p, h)
	if i == noPlace {
		return 0, ErrGroupFull
	}
	t.dirtied(s)
	runtime.KeepAlive(t)
	return int(i), nil
}

// changeWhole is update.
func (t *Table) changeWhole(s pte.Slot, want, keepV, keepR, setR uint64) (old pte.HPTE, ok bool) {
	old.V, old.R, ok = change(&t.slots[s], want, keepV, keepR, setR)
	if ok && (old.V&keepV != old.V || old.R&keepR|setR != old.R) {
		t.dirtied(s)
	}
	runtime.KeepAlive(t)
	return old, ok
}

// uniqueWhole is InsertUnique up to where the twin has to take over.
func (t *Table) uniqueWhole(hash pte.Hash, v, tag uint64, h pte.HPTE) (state uint64) {
	if state = t.uniqueVector(hash, v, tag, h); state != uniqueTwin {
		t.dirtied(t.slot(hash.Primary(t.mask), 0))
	}
	runtime.KeepAlive(t)
	return state
}

// lockedWhole is insertLocked, where it has to wait for nobody and the entry goes
// into the primary group; else it changes nothing.
func (t *Table) lockedWhole(lock *uint64, k pte.Key, h pte.HPTE) (state uint64) {
	h.V &^= pte.VSecondary
	if state = t.uniqueLockedVector(lock, k.Hash(), k.AVPN()|pte.VValid, h); state < noPlace {
		t.dirtied(t.slot(k.Hash().Primary(t.mask), 0))
	}
	runtime.KeepAlive(t)
	return state
}

// lookupWhole is LookupBatch.
func (t *Table) lookupWhole(keys []pte.Key, found []Found) (hits int) {
	if n := min(len(keys), chunk); n >= chunk/8 {
		prefetchRead(t, &keys[0], uint64(n))
	}
	for len(keys) > 0 {
		todo, ahead := firstBits(len(keys)), firstBits(len(keys)-chunk)
		missed, n := t.lookupVector(&keys[0], &found[0], todo, ahead, 0)
		hits += int(n)
		if missed != 0 {
			_, n = t.lookupVector(&keys[0], &found[0], missed, 0, ^uint64(0))
			hits += int(n)
		}
		n = uint64(min(chunk, len(keys)))
		keys, found = keys[n:], found[n:]
	}
	runtime.KeepAlive(t)
	return hits
}

// chunk is how many keys one call of the assembly takes.
const chunk = 64

// firstBits returns the lowest n bits of a word, as far as there are.
func firstBits(n int) uint64 {
	if n <= 0 {
		return 0
	}
	return ^uint64(0) >> (64 - min(n, 64))
}
