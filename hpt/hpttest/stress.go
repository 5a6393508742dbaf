package hpttest

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// The stress tests run goroutines on the store. They assert only what must hold
// whatever the interleaving, and how long they run is counted, not timed.

// workers runs n goroutines and waits for them. A panic in one ends the test.
func workers(n int, work func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			work(i)
		}()
	}
	wg.Wait()
}

// pause lets others run for a time that varies with i, so that a reader who was
// interrupted finds the slot used again, by the other page or by the same one.
func pause(i int) {
	for range i & 3 {
		runtime.Gosched()
	}
}

func rounds(full int) int {
	if testing.Short() {
		return full / 10
	}
	return full
}

// pageOf returns the i-th of the keys that share the groups g and ^g.
func pageOf(g uint64, i int) pte.Key {
	return pte.Key{VSID: pte.VSID(uint64(i+1)<<20 | g), Base: pte.Page4K, Seg: pte.Seg256M}
}

func mustEncode(t rapid.TB, k pte.Key, frame int, a pte.Attr) pte.HPTE {
	h, err := Sizes.Encode(k, pte.RA(frame)<<pte.VPNShift, pte.Page4K, a)
	require.NoError(t, err)
	return h
}

// fill puts bolted entries of other keys into a group until free slots remain.
func fill(t rapid.TB, s Store, g uint64, free int) {
	for i := range pte.SlotsPerGroup - free {
		k := pageOf(g, 1000+i)
		_, err := s.Insert(k, mustEncode(t, k, 0, pte.Attr{Bolted: true}))
		require.NoError(t, err)
	}
}

// tornPairs (H2): pages A and B take turns in the one free slot of a group. The
// frame of an entry says whose it is: even frames are A's. V is the same number
// each time a page returns, so a reader that only compares V twice is fooled.
func tornPairs(t rapid.TB, newStore func() Store) {
	s, done := open(newStore)
	defer done()
	const g = 5
	fill(t, s, g, 1)
	fill(t, s, ^uint64(g)&s.Mask(), 0)
	n := rounds(200_000)
	keys := [2]pte.Key{pageOf(g, 0), pageOf(g, 1)}
	var entries [2][8]pte.HPTE
	for page, k := range keys {
		for i := range entries[page] {
			entries[page][i] = mustEncode(t, k, 2*i+page, pte.Attr{PP: 2})
		}
	}
	stop := make(chan struct{})
	var torn [2]int
	workers(4, func(i int) {
		page := i & 1
		if i < 2 {
			for round := range n {
				hint, err := s.Insert(keys[page], entries[page][round&7])
				if err != nil {
					runtime.Gosched() // the other page's writer has the slot
					continue
				}
				pause(round)
				if _, ok := s.Invalidate(pte.Ref{Key: keys[page], Actual: pte.Page4K, Hint: hint}); !ok {
					t.Error("H2: an insert took a slot that was not free")
				}
				pause(round / 4)
			}
			if i == 0 {
				close(stop)
			}
			return
		}
		for lookups := 0; ; lookups++ {
			select {
			case <-stop:
				return
			default:
			}
			if lookups%64 == 0 {
				runtime.Gosched() // a pausing writer gets its turn
			}
			if h, _, ok := s.Lookup(keys[page]); ok && int(h.RA(pte.Page4K)>>pte.VPNShift)&1 != page {
				torn[page]++
			}
		}
	})
	require.Zero(t, torn[0]+torn[1], "H2: an entry of one page with the frame of the other")
}

// uniqueInserts (H3): goroutines insert the same keys. In each round one insert of a
// key succeeds, and the key has one entry.
func uniqueInserts(t rapid.TB, newStore func() Store) {
	s, done := open(newStore)
	defer done()
	const g, goroutines, keys = 7, 4, 6
	for round := range rounds(2_000) {
		var won [keys]int32
		var mu sync.Mutex
		workers(goroutines, func(int) {
			for i := range keys {
				k := pageOf(g, i)
				h := mustEncode(t, k, round, pte.Attr{PP: 2})
				_, err := s.InsertUnique(k, h)
				for errors.Is(err, hpt.ErrBusy) {
					_, err = s.InsertUnique(k, h)
				}
				mu.Lock()
				switch {
				case err == nil:
					won[i]++
				case !errors.Is(err, hpt.ErrExists):
					t.Errorf("H3: round %d key %d: %v", round, i, err)
				}
				mu.Unlock()
			}
		})
		for i := range keys {
			require.EqualValues(t, 1, won[i], "H3: inserts of key %d that succeeded", i)
			_, _, ok := s.InvalidateKey(pageOf(g, i))
			require.True(t, ok)
			_, _, ok = s.InvalidateKey(pageOf(g, i))
			require.False(t, ok, "H3: key %d had two entries", i)
		}
	}
}

// boltedStay (H4): evictions never take a bolted entry.
func boltedStay(t rapid.TB, newStore func() Store) {
	s, done := open(newStore)
	defer done()
	const g = 9
	fill(t, s, g, 4)
	n := rounds(20_000)
	workers(3, func(i int) {
		k := pageOf(g, i)
		h := mustEncode(t, k, i, pte.Attr{})
		for range n {
			if _, err := s.Insert(k, h); err != nil {
				t.Errorf("no slot in a group pair with free slots: %v", err)
				return
			}
			if _, old, err := s.Evict(g); err == nil && old.Bolted() {
				t.Error("H4: a bolted entry was evicted")
			}
			for {
				if _, _, ok := s.InvalidateKey(k); !ok {
					break
				}
			}
		}
	})
	for i := range 4 {
		_, _, ok := s.Lookup(pageOf(g, 1000+i))
		require.True(t, ok, "H4: bolted entry %d has gone", i)
	}
}

// removedIsGone (H6): a page that only this goroutine inserts is not found after
// its removal, while others work in the same groups.
func removedIsGone(t rapid.TB, newStore func() Store) {
	s, done := open(newStore)
	defer done()
	const g = 11
	n := rounds(40_000)
	workers(4, func(i int) {
		k := pageOf(g, i)
		h := mustEncode(t, k, i, pte.Attr{PP: 2})
		for range n {
			hint, err := s.Insert(k, h)
			if err != nil {
				t.Errorf("four pages do not fit into 16 slots: %v", err)
				return
			}
			if _, _, ok := s.Lookup(k); !ok {
				t.Error("H6: not found before its removal")
			}
			if old, ok := s.Invalidate(pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}); !ok || old.RA(pte.Page4K) != h.RA(pte.Page4K) {
				t.Errorf("H6: removal gave %v %v", old, ok)
			}
			if _, _, ok := s.Lookup(k); ok {
				t.Error("H6: found after its removal")
			}
		}
	})
}

// noLostChange (H7): a store that was recorded is in the pair that the removal
// returns.
func noLostChange(t rapid.TB, newStore func() Store) {
	s, done := open(newStore)
	defer done()
	k := pageOf(13, 0)
	h := mustEncode(t, k, 1, pte.Attr{PP: 2})
	recorded := 0
	for round := range rounds(20_000) {
		hint, err := s.Insert(k, h)
		require.NoError(t, err)
		r := pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}
		var marked error
		var old pte.HPTE
		workers(2, func(i int) {
			if i == round&1 {
				marked = s.MarkAccess(r, pte.Write)
			} else {
				old, _ = s.Invalidate(r)
			}
		})
		if marked == nil {
			recorded++
			require.True(t, old.Attr().Ref && old.Attr().Chg, "H7: a recorded store was lost")
		}
	}
	require.NotZero(t, recorded, "no store came before its removal")
}
