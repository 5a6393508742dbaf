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
	if haveVectors && t.whole {
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
	if haveVectors && t.whole {
		return t.insertWholeBatch(keys, entries, hints)
	}
	for i, k := range keys {
		if i%batchAhead == 0 && len(keys)-i >= batchAhead/2 {
			t.touchGroups(keys[i:min(i+batchAhead, len(keys))])
		}
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

// pairsAhead is batchAhead for elements that need both groups.
const pairsAhead = batchAhead / 2

// fetchPairs fetches both groups of keys, the primary one in order to write it. A
// few keys are not worth it.
func (t *Table) fetchPairs(keys []pte.Key) {
	switch {
	case len(keys) < pairsAhead/2:
	case haveVectors && t.whole:
		prefetchPairs(t, &keys[0], uint64(len(keys)))
	default:
		for _, k := range keys {
			t.touch(t.slot(k.Hash().Primary(t.mask), 0))
			t.touch(t.slot(k.Hash().Secondary(t.mask), 0))
		}
	}
}

// batchAhead is how many elements are fetched before the one that is worked on. More
// do not pay: a processor has some twenty misses of its first cache under way, and each
// element is up to two.
const batchAhead = 16

// InvalidateBatch removes the entries that the hints name, skips stale hints,
// and returns how many it removed (Linux: native_flush_hash_range, first pass).
func (t *Table) InvalidateBatch(refs []pte.Ref) (removed int) {
	if haveVectors && t.whole {
		return t.invalidateWhole(refs)
	}
	for i, r := range refs {
		if i%batchAhead == 0 && len(refs)-i >= batchAhead/2 {
			t.touchSlots(refs[i:min(i+batchAhead, len(refs))])
		}
		if _, ok := t.Invalidate(r); ok {
			removed++
		}
	}
	return removed
}

// touchGroups reads the primary groups of keys, which without prefetch instructions
// lets their cache misses overlap.
func (t *Table) touchGroups(keys []pte.Key) {
	for _, k := range keys {
		t.touch(t.slot(k.Hash().Primary(t.mask), 0))
	}
}

// Prefetch fetches the primary groups of keys that will be searched for soon, for
// a caller who works through a batch of his own: some ten or twenty ahead pay. It
// changes nothing.
func (t *Table) Prefetch(hashes []pte.Hash) {
	switch {
	case len(hashes) == 0:
	case haveVectors && t.config.Code > CodeGo:
		prefetchHashes(t, &hashes[0], uint64(len(hashes)))
	default:
		for _, h := range hashes {
			t.touch(t.slot(h.Primary(t.mask), 0))
		}
	}
}

// touchSlots reads the slots that hints name.
func (t *Table) touchSlots(refs []pte.Ref) {
	for _, r := range refs {
		if s, ok := t.at(r.Key, r.Hint); ok {
			t.touch(s)
		}
	}
}
