package hpt_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// inPair returns the i-th of the keys that share the groups 21 and ^21.
func inPair(i int) pte.Key {
	return pte.Key{VSID: pte.VSID(i+1)<<20 | 21, Base: pte.Page4K}
}

func encode(t testing.TB, table *hpt.Table, k pte.Key, a pte.Attr) pte.HPTE {
	h, err := table.Sizes().Encode(k, 0x5000, pte.Page4K, a)
	require.NoError(t, err)
	return h
}

// TestUniqueStress (H3): goroutines race to insert the same keys. The control
// looks, finds nothing and inserts, and is caught with duplicates.
func TestUniqueStress(t *testing.T) {
	insert := func(table *hpt.Table, k pte.Key, h pte.HPTE) { _, _ = table.InsertUnique(k, h) }
	control := func(table *hpt.Table, k pte.Key, h pte.HPTE) {
		if _, _, ok := table.Lookup(k); !ok {
			runtime.Gosched() // somewhere here the other CPU does the same
			_, _ = table.Insert(k, h)
		}
	}
	for name, native := range hpt.Protocols() {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, duplicates(t, native, 300, insert))
		})
		t.Run(name+"/control", func(t *testing.T) {
			require.NotZero(t, duplicates(t, native, 300, control))
		})
	}
}

func duplicates(t *testing.T, native bool, rounds int, insert func(*hpt.Table, pte.Key, pte.HPTE)) (pairs uint64) {
	table := newTable(t, hpt.Config{}, native)
	for range rounds {
		var wg sync.WaitGroup
		for range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := range 5 {
					k := inPair(i)
					insert(table, k, encode(t, table, k, pte.Attr{}))
				}
			}()
		}
		wg.Wait()
		for i := range 5 {
			for n := uint64(0); ; n++ {
				if _, _, ok := table.InvalidateKey(inPair(i)); !ok {
					break
				}
				pairs += min(n, 1)
			}
		}
	}
	for s := range pte.Slot(table.Slots()) {
		require.False(t, table.Tentative(s), "a tentative entry outlived its call")
	}
	return pairs
}

// TestUniqueMeetsTentative pins what a call does about another one that is
// stalled between its first and its last step.
func TestUniqueMeetsTentative(t *testing.T) {
	k, other := inPair(0), inPair(1)
	for _, f := range []hpt.Format{hpt.Format2, hpt.Format3} {
		for name, native := range hpt.Protocols() {
			fresh := func(t *testing.T) *hpt.Table { return newTable(t, hpt.Config{Format: f}, native) }
			run := func(what string, test func(t *testing.T)) { t.Run(name+"/format"+f.String()+"/"+what, test) }

			run("lower rival wins", func(t *testing.T) {
				table := fresh(t)
				s := table.PutTentative(k, 0)
				_, err := table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				require.ErrorIs(t, err, hpt.ErrBusy)
				require.True(t, table.Tentative(s))
				require.Zero(t, table.Stats().Valid)
			})
			run("higher rivals are removed", func(t *testing.T) {
				table := fresh(t)
				near, far := table.PutTentative(k, 3), table.PutTentative(k, 12)
				hint, err := table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				require.NoError(t, err)
				require.Equal(t, pte.MakeSlotHint(false, 0), hint)
				require.False(t, table.Tentative(near) || table.Tentative(far))
			})
			run("its own is gone on with", func(t *testing.T) {
				table := fresh(t)
				s := table.PutTentative(k, 0)
				hint, err := table.FinishTentative(k, encode(t, table, k, pte.Attr{}), table.LoadRaw(s).R, 0)
				require.NoError(t, err)
				require.Equal(t, pte.MakeSlotHint(false, 0), hint)
				require.True(t, table.Load(s).Valid())
				require.EqualValues(t, 1, table.Stats().Valid)
			})
			run("another key's is passed by", func(t *testing.T) {
				table := fresh(t)
				s := table.PutTentative(other, 0)
				hint, err := table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				require.NoError(t, err)
				require.Equal(t, pte.MakeSlotHint(false, 1), hint)
				require.True(t, table.Tentative(s))
			})
			run("keys that format 3 does not tell apart", func(t *testing.T) {
				table := fresh(t)
				high := k
				high.VSID |= 1 << 49
				table.PutTentative(high, 0)
				_, err := table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				if f == hpt.Format3 {
					require.ErrorIs(t, err, hpt.ErrBusy)
				} else {
					require.NoError(t, err)
				}
			})
			run("full but for a tentative entry", func(t *testing.T) {
				table := fresh(t)
				for i := range 15 {
					_, err := table.Insert(inPair(100+i), encode(t, table, inPair(100+i), pte.Attr{}))
					require.NoError(t, err)
				}
				s := table.PutTentative(other, 15)
				_, err := table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				require.ErrorIs(t, err, hpt.ErrBusy)
				table.StoreRaw(s, pte.HPTE{V: 0x40}) // as a hypervisor leaves a free slot
				hint, err := table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				require.NoError(t, err)
				require.Equal(t, pte.MakeSlotHint(true, 7), hint)
				_, err = table.InsertUnique(other, encode(t, table, other, pte.Attr{}))
				require.ErrorIs(t, err, hpt.ErrGroupFull)
				_, err = table.InsertUnique(k, encode(t, table, k, pte.Attr{}))
				require.ErrorIs(t, err, hpt.ErrExists, "an entry is found in full groups too")
			})
			run("a plain insert takes the slot", func(t *testing.T) {
				table := fresh(t)
				s := table.PutTentative(other, 0)
				_, err := table.Insert(k, encode(t, table, k, pte.Attr{}))
				require.NoError(t, err)
				require.True(t, table.Load(s).Valid())
			})
		}
	}
}
