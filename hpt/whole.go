package hpt

import (
	"runtime"

	"github.com/hashmmu/ppc64/pte"
)

// What is around the assembly of whole operations on format 2 tables: bounds,
// the overflow bit before, the dirty log after, and the table kept reachable up to
// its last access. The assembly works on the words of the table itself; it is the
// second place beside slot.go that does.

// insertWhole is insertInto.
func (t *Table) insertWhole(group uint64, h pte.HPTE) (index int, ok bool) {
	s := t.slot(group, 0)
	if becomesSecondary(0, h.V) {
		t.spill(s)
	}
	i := insert(t, &t.slots[s], h.V, h.R)
	if i == groupFull {
		return 0, false
	}
	t.dirtied(s)
	runtime.KeepAlive(t)
	return int(i), true
}

// uniqueWhole is InsertUnique up to where the twin has to take over.
func (t *Table) uniqueWhole(hash pte.Hash, v, tag uint64, h pte.HPTE) (state uint64) {
	if state = unique(t, uint64(hash), v, tag, h.V, h.R); state != uniqueTwin {
		t.dirtied(t.slot(hash.Primary(t.mask), 0))
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
		missed, n := lookupChunk(t, &keys[0], &found[0], todo, ahead, 0)
		hits += int(n)
		if missed != 0 {
			_, n = lookupChunk(t, &keys[0], &found[0], missed, 0, ^uint64(0))
			hits += int(n)
		}
		n = uint64(min(chunk, len(keys)))
		keys, found = keys[n:], found[n:]
	}
	runtime.KeepAlive(t)
	return hits
}

// invalidateWhole is InvalidateBatch. A log of dirty groups is told of every hint
// of a piece when it is there after the piece: it must not miss one, and may be
// told of more.
func (t *Table) invalidateWhole(refs []pte.Ref) (removed int) {
	if n := min(len(refs), batchAhead); n >= batchAhead/2 {
		prefetchSlots(t, &refs[0], uint64(n))
	}
	for len(refs) > 0 {
		n := min(len(refs), chunk)
		ahead := min(max(len(refs)-batchAhead, 0), n)
		removed += int(invalidateChunk(t, &refs[0], uint64(n), uint64(ahead)))
		if t.dirty.Load() != nil {
			for _, r := range refs[:n] {
				if s, ok := t.at(r.Key, r.Hint); ok {
					t.dirtied(s)
				}
			}
		}
		refs = refs[n:]
	}
	runtime.KeepAlive(t)
	return removed
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
