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

// A copy that follows the log equals the table, whatever was done to it.
func TestDirtyLogFindsEveryChange(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		log, ok := tab.LogDirty()
		require.True(t, ok)
		defer log.Close()
		replica := slices.Collect(func(yield func(pte.HPTE) bool) {
			for s := range pte.Slot(tab.Slots()) {
				yield(tab.Load(s))
			}
		})
		for range rapid.IntRange(0, 30).Draw(t, "operations") {
			k := pte.MakeKey(pte.VSID(rapid.IntRange(0, 7).Draw(t, "vsid")), 0, pte.Seg256M, pte.Page4K)
			h := pte.HPTE{V: k.AVPN() | pte.VValid}
			switch rapid.IntRange(0, 4).Draw(t, "operation") {
			case 0:
				_, _ = tab.Insert(k, h)
			case 1:
				_, _ = tab.InsertUnique(k, h)
			case 2:
				tab.InvalidateKey(k)
			case 3:
				if _, hint, ok := tab.Lookup(k); ok {
					require.NoError(t, tab.MarkAccess(pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}, pte.Write))
				}
			case 4:
				_, _, _ = tab.Evict(k.Hash().Primary(tab.Mask()))
			}
		}
		for g := range log.Take() {
			for s := pte.Slot(g * 8); s < pte.Slot(g*8+8); s++ {
				replica[s] = tab.Load(s)
			}
		}
		for s := range replica {
			require.Equal(t, tab.Load(pte.Slot(s)), replica[s], "slot %d", s)
		}
	})
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
