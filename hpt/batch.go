package hpt

import (
	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

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
	for i, k := range keys {
		hint, err := t.Insert(k, entries[i])
		hints[i] = hint
		if err == nil {
			inserted++
		}
	}
	return inserted
}

// batchAhead is how many slots InvalidateBatch reads before it changes the
// first: their cache misses overlap.
const batchAhead = 16

// InvalidateBatch removes the entries that the hints name, skips stale hints,
// and returns how many it removed (Linux: native_flush_hash_range, first pass).
func (t *Table) InvalidateBatch(refs []pte.Ref) (removed int) {
	for len(refs) > 0 {
		chunk := refs[:min(batchAhead, len(refs))]
		refs = refs[len(chunk):]
		if len(chunk) >= batchAhead/2 {
			t.touch(chunk)
		}
		for _, r := range chunk {
			if _, ok := t.Invalidate(r); ok {
				removed++
			}
		}
	}
	return removed
}

// touch reads the slots that the hints name.
func (t *Table) touch(refs []pte.Ref) {
	for _, r := range refs {
		if s, ok := t.at(r.Key, r.Hint); ok {
			sched.LoadUint64(&t.slots[s][0])
		}
	}
}
