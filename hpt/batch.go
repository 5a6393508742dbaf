package hpt

import "github.com/hashmmu/ppc64/pte"

// A batch does for each element what the single operation does, one after the
// other and each at an instant of its own; a batch is no transaction. What it
// gains is that the cache misses of neighbours overlap: the slots of the element
// ahead are fetched while one is worked on. Buffers are the caller's, so nothing is
// allocated. A buffer that is too short panics, like an index beyond a slice.

// Found is the answer to one key of LookupBatch; it is zero for a miss.
type Found struct {
	Entry pte.HPTE
	Hint  pte.SlotHint
}

// OK reports whether the key was found.
func (f *Found) OK() bool { return f.Hint.Hashed() }

// LookupBatch looks keys[i] up into found[i], as [Table.Lookup] does, and returns
// how many it found. found has at least the length of keys.
func (t *Table) LookupBatch(keys []pte.Key, found []Found) (hits int) {
	found = found[:len(keys)]
	if t.assembled() {
		return t.lookupWhole(keys, found)
	}
	for i, k := range keys {
		h, hint, ok := t.Lookup(k)
		found[i] = Found{h, hint}
		if ok {
			hits++
		}
	}
	return hits
}

// InsertBatch inserts entries[i] for keys[i], as [Table.Insert] does, and returns
// how many found a place. hints[i] becomes where, or 0 when both groups were full.
// entries and hints have at least the length of keys.
func (t *Table) InsertBatch(keys []pte.Key, entries []pte.HPTE, hints []pte.SlotHint) (inserted int) {
	entries, hints = entries[:len(keys)], hints[:len(keys)]
	if t.assembled() {
		return t.insertWholeBatch(keys, entries, hints)
	}
	for i, k := range keys {
		t.fetchGroups(keys, i)
		hint, err := t.Insert(k, entries[i])
		hints[i] = hint
		if err == nil {
			inserted++
		}
	}
	return inserted
}

// InsertUniqueBatch inserts entries[i] for keys[i], as [Table.InsertUnique] does, and
// returns how many it inserted. hints[i] becomes where, or 0 for an element that was not
// inserted; a single call says why. entries and hints have at least the length of
// keys.
func (t *Table) InsertUniqueBatch(keys []pte.Key, entries []pte.HPTE, hints []pte.SlotHint) (inserted int) {
	entries, hints = entries[:len(keys)], hints[:len(keys)]
	t.fetchPairs(keys[:min(pairsAhead, len(keys))])
	for i, k := range keys {
		if i%pairsAhead == 0 {
			t.fetchPairs(keys[min(i+pairsAhead, len(keys)):min(i+2*pairsAhead, len(keys))])
		}
		hint, err := t.InsertUnique(k, entries[i])
		hints[i] = hint
		if err == nil {
			inserted++
		}
	}
	return inserted
}

// InvalidateBatch removes the entries that the hints name, skips stale hints,
// and returns how many it removed (Linux: native_flush_hash_range, first pass).
func (t *Table) InvalidateBatch(refs []pte.Ref) (removed int) {
	if t.assembled() {
		return t.invalidateWhole(refs)
	}
	for i, r := range refs {
		t.fetchSlots(refs, i)
		if _, ok := t.Invalidate(r); ok {
			removed++
		}
	}
	return removed
}
