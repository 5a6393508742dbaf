package hpt_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// TestCloseUnderCalls: what Close promises, in every version: it needs no agreement
// with calls in flight, of any kind. They fail or find what was inserted since, but
// no torn entry and no other key's, and afterwards the table is empty and works.
func TestCloseUnderCalls(t *testing.T) {
	calls := 20_000
	if testing.Short() {
		calls = 3000
	}
	for name, make := range mixedTables() {
		t.Run(name, func(t *testing.T) {
			table := make(t)
			var running atomic.Int32
			var wrong atomic.Value
			const threads = 3
			running.Store(threads)
			parallel(threads+1, func(id int) {
				if id == threads { // closes as long as there is anything under way
					for running.Load() > 0 {
						if err := table.Close(); err != nil {
							wrong.Store(err.Error())
						}
					}
					return
				}
				defer running.Add(-1)
				for seed := range uint64(calls / 100) {
					if h := closedUnder(table, seed*threads+uint64(id), 100); h != (pte.HPTE{}) {
						wrong.Store(h.String())
					}
				}
			})
			require.Nil(t, wrong.Load())
			require.NoError(t, table.Close())
			require.Zero(t, table.Stats().Valid)
			for s := range pte.Slot(table.Slots()) {
				require.False(t, table.Tentative(s))
			}
			fillTable(t, table)
			require.NoError(t, table.Close())
		})
	}
}

// closedUnder makes calls of all kinds and returns an entry that no key of them can
// have: R tells the key.
func closedUnder(table *hpt.Table, seed uint64, calls int) pte.HPTE {
	rng := rand.New(rand.NewPCG(seed, 1))
	keys, entries, hints, found := [4]pte.Key{}, [4]pte.HPTE{}, [4]pte.SlotHint{}, [4]hpt.Found{}
	for range calls {
		for i := range keys {
			n := rng.IntN(64)
			keys[i] = pairKey(5, n)
			entries[i] = pte.HPTE{V: keys[i].AVPN() | pte.VValid, R: uint64(n) << 12}
		}
		of := func(i int, h pte.HPTE) bool { return !h.Valid() || h.R&pte.RRPN == entries[i].R }
		ref := pte.Ref{Key: keys[0], Hint: hints[0]}
		var h pte.HPTE
		switch rng.IntN(10) {
		case 0:
			hints[0], _ = table.Insert(keys[0], entries[0])
		case 1:
			hints[0], _ = table.InsertUnique(keys[0], entries[0])
		case 2:
			table.InsertBatch(keys[:], entries[:], hints[:])
		case 3:
			h, hints[0], _ = table.Lookup(keys[0])
		case 4:
			table.LookupBatch(keys[:], found[:])
			for i := range found {
				if !of(i, found[i].Entry) {
					return found[i].Entry
				}
			}
		case 5:
			h, _ = table.Invalidate(ref)
		case 6:
			_ = table.MarkAccess(ref, pte.Write)
		case 7:
			table.InvalidateBatch([]pte.Ref{ref, {Key: keys[1], Hint: hints[1]}})
		case 8:
			_, _, _ = table.Evict(5)
		case 9:
			h, _, _ = table.InvalidateKey(keys[0])
		}
		if !of(0, h) {
			return h
		}
	}
	return pte.HPTE{}
}

// fillTable inserts entries, changes and removes some, and finds the others.
func fillTable(t *testing.T, table *hpt.Table) {
	t.Helper()
	const n = 3000
	for i := range n {
		k := pte.Key{VSID: pte.VSID(i), Base: pte.Page4K}
		hint, err := table.InsertUnique(k, pte.HPTE{V: k.AVPN() | pte.VValid, R: uint64(i) << 12})
		require.NoError(t, err)
		switch r := (pte.Ref{Key: k, Hint: hint}); i % 3 {
		case 0:
			_, ok := table.Invalidate(r)
			require.True(t, ok)
		case 1:
			require.NoError(t, table.MarkAccess(r, pte.Write))
		}
	}
	for i := range n {
		h, _, ok := table.Lookup(pte.Key{VSID: pte.VSID(i), Base: pte.Page4K})
		require.Equal(t, i%3 != 0, ok)
		if ok {
			require.Equal(t, uint64(i)<<12, h.R&pte.RRPN)
		}
	}
	require.NoError(t, table.Check())
}
