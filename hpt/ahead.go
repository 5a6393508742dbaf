package hpt

import "github.com/hashmmu/ppc64/pte"

// Fetching ahead of a batch, for builds without its assembly and for elements that need
// both groups. Nothing here changes what a batch does: only its cache misses overlap.

// batchAhead is how many elements are fetched before the one that is worked on. More
// do not pay: a processor has some twenty misses of its first cache under way, and each
// element is up to two.
const batchAhead = 16

// pairsAhead is batchAhead for elements that need both groups.
const pairsAhead = batchAhead / 2

// fetchGroups reads the primary groups of keys[i] and those that follow it, once for
// each batchAhead of them. A few at the end are not worth it.
func (t *Table) fetchGroups(keys []pte.Key, i int) {
	if i%batchAhead != 0 || len(keys)-i < batchAhead/2 {
		return
	}
	for _, k := range keys[i:min(i+batchAhead, len(keys))] {
		t.touch(t.slot(k.Hash().Primary(t.mask), 0))
	}
}

// fetchSlots is fetchGroups for the slots that hints name.
func (t *Table) fetchSlots(refs []pte.Ref, i int) {
	if i%batchAhead != 0 || len(refs)-i < batchAhead/2 {
		return
	}
	for _, r := range refs[i:min(i+batchAhead, len(refs))] {
		if s, ok := t.at(r.Key, r.Hint); ok {
			t.touch(s)
		}
	}
}

// fetchPairs fetches both groups of keys, the primary one in order to write it. A
// few keys are not worth it.
func (t *Table) fetchPairs(keys []pte.Key) {
	switch {
	case len(keys) < pairsAhead/2:
	case t.assembled():
		prefetchPairs(t, &keys[0], uint64(len(keys)))
	default:
		for _, k := range keys {
			t.touch(t.slot(k.Hash().Primary(t.mask), 0))
			t.touch(t.slot(k.Hash().Secondary(t.mask), 0))
		}
	}
}

// Prefetch fetches the primary groups of keys that will be searched for soon, for
// a caller who works through a batch of his own: some ten or twenty ahead pay. It
// changes nothing.
func (t *Table) Prefetch(hashes []pte.Hash) {
	switch {
	case len(hashes) == 0:
	case t.vectors():
		prefetchHashes(t, &hashes[0], uint64(len(hashes)))
	default:
		for _, h := range hashes {
			t.touch(t.slot(h.Primary(t.mask), 0))
		}
	}
}
