package mmu_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// Two CPUs read and write one page while a third party takes the entry out and
// puts it back: no dirty bit is lost (M4). A store that was granted is in C of the
// entry or in what a removal returned.
func TestChangedBitKept(t *testing.T) {
	const rounds = 2000
	r := newRig(t, mmu.Config{})
	r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	clean, err := sizes.Encode(plainKey(), 0x7000, pte.Page4K, rw())
	require.NoError(t, err)

	var wg sync.WaitGroup
	var granted [2]int // stores that set C
	for i := range granted {
		c, err := mmu.New(mmu.Config{Table: r.tab})
		require.NoError(t, err)
		c.SetMSR(on)
		require.True(t, c.SLBMTE(uint64(plainEA)&^0xfffffff|0x08000000, plainWord))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range rounds {
				if x := c.Translate(plainEA, pte.Write); x.OK() && x.SetC {
					granted[i]++
				}
			}
		}()
	}
	dirty := 0
	for range rounds {
		old, _, ok := r.tab.InvalidateKey(plainKey())
		require.True(t, ok)
		if old.Attr().Chg {
			dirty++
		}
		_, err := r.tab.Insert(plainKey(), clean)
		require.NoError(t, err)
	}
	wg.Wait()
	if h, _, ok := r.tab.Lookup(plainKey()); ok && h.Attr().Chg {
		dirty++
	}
	require.Equal(t, granted[0]+granted[1], dirty)
}
