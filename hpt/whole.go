package hpt

import "github.com/hashmmu/ppc64/pte"

// What is around the assembly of whole operations on format 2 tables. The assembly
// works on the words of the table, its overflow bitmap and its log of dirty groups; it is
// the second place beside slot.go that does. A goroutine is not interrupted in it, so
// the table is not collected before it is done, and nothing has to keep it alive.

// insertWhole is InsertGroup.
func (t *Table) insertWhole(group uint64, h pte.HPTE) (index int, ok bool) {
	s := t.slot(group, 0)
	_ = t.slots[s] // a group beyond the table panics
	if becomesSecondary(0, h.V) {
		t.spill(s)
	}
	hint := pte.SlotHint(insertGroup(t, group, 0, h.V, h.R))
	return hint.Index(), hint.Hashed()
}

// lookupWhole is LookupBatch.
func (t *Table) lookupWhole(keys []pte.Key, found []Found) (hits int) {
	if n := min(len(keys), batchAhead); n >= batchAhead/2 {
		prefetchRead(t, &keys[0], uint64(n))
	}
	for len(keys) > 0 {
		ahead := uint64(max(len(keys)-batchAhead, 0))
		missed, n := lookupChunk(t, &keys[0], &found[0], firstBits(len(keys)), ahead, 0)
		hits += int(n)
		if missed != 0 {
			_, n = lookupChunk(t, &keys[0], &found[0], missed, 0, ^uint64(0))
			hits += int(n)
		}
		n = uint64(min(chunk, len(keys)))
		keys, found = keys[n:], found[n:]
	}
	return hits
}

// insertWholeBatch is InsertBatch. The assembly ends where a primary group is full.
func (t *Table) insertWholeBatch(keys []pte.Key, entries []pte.HPTE, hints []pte.SlotHint) (inserted int) {
	if n := min(len(keys), batchAhead); n >= batchAhead/2 {
		prefetchWrite(t, &keys[0], uint64(n))
	}
	for len(keys) > 0 {
		n := min(len(keys), chunk)
		ahead := min(max(len(keys)-batchAhead, 0), n)
		done := int(insertChunk(t, &keys[0], &entries[0], &hints[0], uint64(n), uint64(ahead)))
		inserted += done
		if done < n {
			var err error
			if hints[done], err = t.Insert(keys[done], entries[done]); err == nil {
				inserted++
			}
			done++
		}
		keys, entries, hints = keys[done:], entries[done:], hints[done:]
	}
	return inserted
}

// invalidateWhole is InvalidateBatch.
func (t *Table) invalidateWhole(refs []pte.Ref) (removed int) {
	if n := min(len(refs), batchAhead); n >= batchAhead/2 {
		prefetchSlots(t, &refs[0], uint64(n))
	}
	for len(refs) > 0 {
		n := min(len(refs), chunk)
		ahead := min(max(len(refs)-batchAhead, 0), n)
		removed += int(invalidateChunk(t, &refs[0], uint64(n), uint64(ahead)))
		refs = refs[n:]
	}
	return removed
}

// chunk is how many keys one call of the assembly takes.
const chunk = 64

// firstBits returns the lowest n bits of a word, as far as there are; n is not 0.
func firstBits(n int) uint64 { return ^uint64(0) >> (64 - min(n, 64)) }
