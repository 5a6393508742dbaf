package hpt_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/hpttest"
	"github.com/hashmmu/ppc64/pte"
)

// TestBatch: a batch leaves and answers what its elements one after the other
// do, for repeated keys, full groups and stale hints too.
func TestBatch(t *testing.T) {
	for _, f := range []hpt.Format{hpt.Format2, hpt.Format3} {
		t.Run("format"+f.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				one, many := newTable(t, hpt.Config{Format: f}, hpt.NativeUsable()), newTable(t, hpt.Config{Format: f}, hpt.NativeUsable())
				for range rapid.IntRange(1, 5).Draw(rt, "rounds") {
					keys := rapid.SliceOfN(hpttest.Keys(one.Mask()), 0, 200).Draw(rt, "keys")
					entries := make([]pte.HPTE, len(keys))
					hints, found := make([]pte.SlotHint, len(keys)), make([]hpt.Found, len(keys))
					for i, k := range keys {
						entries[i] = hpttest.Entry(k).Draw(rt, "entry")
					}

					inserted := many.InsertBatch(keys, entries, hints)
					for i, k := range keys {
						hint, err := one.Insert(k, entries[i])
						if err != nil {
							require.ErrorIs(rt, err, hpt.ErrGroupFull)
							inserted++
						}
						require.Equal(rt, hint, hints[i])
					}
					require.Equal(rt, len(keys), inserted)

					keys = append(keys, rapid.SliceOfN(hpttest.Keys(one.Mask()), 0, 100).Draw(rt, "others")...)
					found = append(found, make([]hpt.Found, len(keys)-len(found))...)
					hits := many.LookupBatch(keys, found)
					for i, k := range keys {
						h, hint, ok := one.Lookup(k)
						require.Equal(rt, hpt.Found{Entry: h, Hint: hint}, found[i])
						require.Equal(rt, ok, found[i].OK())
						if ok {
							hits--
						}
					}
					require.Zero(rt, hits)

					refs := make([]pte.Ref, len(keys))
					for i, k := range keys {
						refs[i] = pte.Ref{Key: k, Hint: found[i].Hint}
						if rapid.IntRange(0, 9).Draw(rt, "stale") == 0 {
							refs[i].Hint = hpttest.Hints().Draw(rt, "hint")
						}
					}
					removed := many.InvalidateBatch(refs)
					for _, r := range refs {
						if _, ok := one.Invalidate(r); ok {
							removed--
						}
					}
					require.Zero(rt, removed)
					require.Equal(rt, one.Digest(), many.Digest())

					entries = entries[:0]
					for _, k := range keys {
						entries = append(entries, hpttest.Entry(k).Draw(rt, "unique entry"))
					}
					hints = append(hints, make([]pte.SlotHint, len(keys)-len(hints))...)
					inserted = many.InsertUniqueBatch(keys, entries, hints)
					for i, k := range keys {
						hint, err := one.InsertUnique(k, entries[i])
						require.Equal(rt, hint, hints[i])
						if err == nil {
							inserted--
						}
					}
					require.Zero(rt, inserted)
					require.Equal(rt, one.Digest(), many.Digest())
				}
			})
		})
	}
}

// TestBatchBuffers: a buffer that is too short is a mistake like an index beyond
// a slice, and is found before anything is done.
func TestBatchBuffers(t *testing.T) {
	table := newTable(t, hpt.Config{}, hpt.NativeUsable())
	keys := []pte.Key{inPair(0), inPair(1)}
	require.Panics(t, func() { table.LookupBatch(keys, make([]hpt.Found, 1)) })
	require.Panics(t, func() { table.InsertBatch(keys, make([]pte.HPTE, 1), make([]pte.SlotHint, 2)) })
	require.Panics(t, func() { table.InsertBatch(keys, make([]pte.HPTE, 2), make([]pte.SlotHint, 1)) })
	require.Panics(t, func() { table.InsertUniqueBatch(keys, make([]pte.HPTE, 1), make([]pte.SlotHint, 2)) })
	require.Panics(t, func() { table.InsertUniqueBatch(keys, make([]pte.HPTE, 2), make([]pte.SlotHint, 1)) })
	require.Zero(t, table.Stats().Valid)
	require.Zero(t, table.LookupBatch(nil, nil)+table.InsertBatch(nil, nil, nil)+table.InsertUniqueBatch(nil, nil, nil)+table.InvalidateBatch(nil))
}
