package hpt_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

func TestDirtyLog(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	e := pte.HPTE{V: pte.VValid | 7<<7, R: 0x1010}
	tab.StoreRaw(5, e)
	log, ok := tab.LogDirty()
	require.True(t, ok)
	_, ok = tab.LogDirty()
	require.False(t, ok, "one log at a time")
	require.False(t, log.Pending())

	require.False(t, tab.CompareAndSwap(8, e, e), "changes nothing")
	tab.StoreRaw(16, e)                                                     // group 2
	require.True(t, tab.CompareAndSwap(5, e, pte.HPTE{V: e.V, R: e.R | 1})) // group 0
	tab.StoreRaw(pte.Slot(tab.Slots()-1), e)                                // the last
	require.True(t, log.Pending())
	require.Equal(t, []uint64{0, 2, tab.Mask()}, slices.Collect(log.Take()))
	require.Empty(t, slices.Collect(log.Take()))

	for g := range pte.Slot(4) {
		tab.StoreRaw(g*8, e)
	}
	for g := range log.Take() {
		if g == 1 {
			break
		}
	}
	require.Equal(t, []uint64{2, 3}, slices.Collect(log.Take()), "the rest stays marked")

	log.Close()
	tab.StoreRaw(0, pte.HPTE{})
	require.False(t, log.Pending())
	_, ok = tab.LogDirty()
	require.True(t, ok)
}

// A copy that follows the log equals the table, whatever was done to it, by every
// version of the code. Twelve keys have the same two groups, so that one overflows.
func TestDirtyLogFindsEveryChange(t *testing.T) {
	for _, code := range hpt.Codes() {
		for _, locked := range []bool{false, true} {
			tab := newTable(t, hpt.Config{Code: code, LockUnique: locked}, hpt.NativeUsable())
			rapid.Check(t, func(rt *rapid.T) {
				log, ok := tab.LogDirty()
				require.True(rt, ok)
				defer log.Close()
				replica := make([]pte.HPTE, tab.Slots())
				for s := range replica {
					replica[s] = tab.Load(pte.Slot(s))
				}
				for range rapid.IntRange(0, 30).Draw(rt, "operations") {
					drawChange(rt)(tab)
				}
				for g := range log.Take() {
					for s := pte.Slot(g * 8); s < pte.Slot(g*8+8); s++ {
						replica[s] = tab.Load(s)
					}
				}
				for s := range replica {
					require.Equal(rt, tab.Load(pte.Slot(s)), replica[s], "slot %d", s)
				}
			})
		}
	}
}

// drawChange draws an operation on some of the twelve keys.
func drawChange(t *rapid.T) func(*hpt.Table) {
	keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pte.Key {
		base := rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page64K}).Draw(t, "base")
		return pte.Key{VSID: pte.VSID(rapid.IntRange(0, 11).Draw(t, "vsid")) << 24, Base: base}
	}), 1, 12).Draw(t, "keys")
	entries, hints := make([]pte.HPTE, len(keys)), make([]pte.SlotHint, len(keys))
	for i, k := range keys {
		entries[i].V = k.AVPN() | pte.VValid
	}
	k, h := keys[0], entries[0]
	found := func(tab *hpt.Table) pte.Ref {
		_, hint, _ := tab.Lookup(k)
		return pte.Ref{Key: k, Actual: k.Base, Hint: hint}
	}
	return rapid.SampledFrom([]func(*hpt.Table){
		func(tab *hpt.Table) { _, _ = tab.Insert(k, h) },
		func(tab *hpt.Table) { _, _ = tab.InsertUnique(k, h) },
		func(tab *hpt.Table) { _, _ = tab.InsertGroup(k.Hash().Primary(tab.Mask()), h) },
		func(tab *hpt.Table) { tab.InsertBatch(keys, entries, hints) },
		func(tab *hpt.Table) { tab.InsertUniqueBatch(keys, entries, hints) },
		func(tab *hpt.Table) { tab.InvalidateKey(k) },
		func(tab *hpt.Table) { tab.InvalidateBatch([]pte.Ref{found(tab), found(tab)}) },
		func(tab *hpt.Table) { _ = tab.MarkAccess(found(tab), pte.Write) },
		func(tab *hpt.Table) { _ = tab.Protect(found(tab), pte.Attr{PP: 3}) },
		func(tab *hpt.Table) { _, _, _ = tab.Evict(k.Hash().Primary(tab.Mask())) },
	}).Draw(t, "change")
}

// Changes made while another goroutine takes are not lost.
func TestDirtyLogConcurrent(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	log, ok := tab.LogDirty()
	require.True(t, ok)
	var seen [16 * 8]pte.HPTE
	take := func() {
		for g := range log.Take() {
			for s := g * 8; s < g*8+8; s++ {
				seen[s] = tab.Load(pte.Slot(s))
			}
		}
	}
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for i := range 3000 {
				tab.StoreRaw(pte.Slot(i*7%len(seen)), pte.HPTE{V: uint64(w)<<7 | 1, R: uint64(i)})
			}
		}()
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		take()
	}
	for s := range seen {
		require.Equal(t, tab.Load(pte.Slot(s)), seen[s], "slot %d", s)
	}
}

// Logged changes allocate nothing, as others do not.
func TestDirtyLogDoesNotAllocate(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	_, ok := tab.LogDirty()
	require.True(t, ok)
	i := uint64(0)
	require.Zero(t, testing.AllocsPerRun(100, func() { i++; tab.StoreRaw(3, pte.HPTE{R: i}) }))
}
