package mmu_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// Two CPUs store to one page while its C is harvested over and over: no change
// is lost and none is made up (M4). Each store that set C is harvested once.
func TestChangedBitKept(t *testing.T) {
	const rounds = 20000
	r := newRig(t, mmu.Config{})
	hint := r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	slot := hint.Slot(plainKey().Hash(), r.tab.Mask())

	var wg sync.WaitGroup
	var set atomic.Int64
	var stop atomic.Bool
	for range 2 {
		c, err := mmu.New(mmu.Config{Table: r.tab})
		require.NoError(t, err)
		c.SetMSR(on)
		require.True(t, c.SLBMTE(uint64(plainEA)&^0xfffffff|0x08000000, plainWord))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for !stop.Load() {
				if c.Translate(plainEA, pte.Write).SetC {
					set.Add(1)
				}
				runtime.Gosched()
			}
		}()
	}
	harvested := int64(0)
	harvest := func() {
		old := r.tab.LoadRaw(slot)
		clean := old
		clean.R &^= pte.RChg | pte.RRef
		if r.tab.CompareAndSwapRaw(slot, old, clean) && old.R&pte.RChg != 0 {
			harvested++
		}
	}
	for harvested < rounds {
		harvest()
		runtime.Gosched()
	}
	stop.Store(true)
	wg.Wait()
	harvest()
	require.Equal(t, set.Load(), harvested)
}
