package mm

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

// TestEvictionUnderChange: nothing to evict is said of groups that are full of bolted
// entries, and not of such as another CPU takes the last slots of, and frees them.
func TestEvictionUnderChange(t *testing.T) {
	m, as, _ := testMachine(t, Config{})
	h, p, k := m.backend.(*hash), as.make(testEA), as.key(testEA)
	groups := [2]uint64{k.Hash().Primary(m.table.Mask()), k.Hash().Secondary(m.table.Mask())}
	for _, g := range groups {
		for range pte.SlotsPerGroup - 1 {
			_, err := m.table.InsertGroup(g, pte.HPTE{V: pte.VValid | pte.VBolted})
			require.NoError(t, err)
		}
	}
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for !done.Load() {
			for _, g := range groups {
				if i, err := m.table.InsertGroup(g, pte.HPTE{V: pte.VValid}); err == nil {
					m.table.CompareAndSwap(pte.Slot(g*pte.SlotsPerGroup)+pte.Slot(i), pte.HPTE{V: pte.VValid}, pte.HPTE{})
				}
			}
		}
	}()
	defer wg.Wait()
	defer done.Store(true)
	for i := range 100_000 {
		require.NoError(t, h.evict(m.CPU(0), p, k), "eviction %d", i)
	}
}
