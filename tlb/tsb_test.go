package tlb_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

func newTSB(t require.TestingT, cfg tlb.TSBConfig) *tlb.TSB {
	tsb, err := tlb.NewTSB(cfg)
	require.NoError(t, err)
	return tsb
}

func TestTSBRefusesBadGeometry(t *testing.T) {
	for _, cfg := range []tlb.TSBConfig{{Entries: 511}, {Entries: 768}, {Entries: 1 << 17}, {PageShift: 12}, {PageShift: 23}} {
		_, err := tlb.NewTSB(cfg)
		require.ErrorIs(t, err, tlb.ErrProfile)
	}
}

// TestTSBLockHidesAndFlushWaits walks one insert step by step.
func TestTSBLockHidesAndFlushWaits(t *testing.T) {
	tsb := newTSB(t, tlb.TSBConfig{})
	const va = 0x40000000
	tsb.Insert(va, 1)
	require.True(t, tsb.Lock(va))
	require.False(t, tsb.Lock(va), "held")
	_, ok := tsb.Lookup(va)
	require.False(t, ok, "a slot being written is a miss")
	done, _ := tsb.TryFlush(va)
	require.False(t, done, "a flush waits for the writer")
	tsb.Write(va, 2)
	tte, ok := tsb.Lookup(va)
	require.True(t, ok)
	require.Equal(t, uint64(2), tte)
	require.True(t, tsb.Flush(va))
	require.False(t, tsb.Flush(va))
	tag, _ := tsb.Entry(tsb.Slot(va))
	require.Equal(t, tlb.TSBInvalid, tag)
}

// TestTSBAgainstModel: a slot holds the last address inserted into it, so an
// address never has a second entry (T1).
func TestTSBAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shift := uint8(rapid.IntRange(13, 22).Draw(t, "shift"))
		tsb := newTSB(t, tlb.TSBConfig{PageShift: shift})
		type entry struct{ page, tte uint64 }
		model := map[int]entry{} // by slot
		addr := rapid.Custom(func(t *rapid.T) uint64 {
			slot := rapid.Uint64Range(0, 3).Draw(t, "slot")
			alias := rapid.Uint64Range(0, 3).Draw(t, "alias")
			return alias<<40 | slot<<shift | rapid.Uint64Range(0, 1<<shift-1).Draw(t, "offset")
		})
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				va, tte := addr.Draw(t, "va"), rapid.Uint64().Draw(t, "tte")
				tsb.Insert(va, tte)
				model[tsb.Slot(va)] = entry{va >> shift, tte}
			},
			"flush": func(t *rapid.T) {
				va := addr.Draw(t, "va")
				e, ok := model[tsb.Slot(va)]
				had := ok && e.page == va>>shift
				require.Equal(t, had, tsb.Flush(va))
				if had {
					delete(model, tsb.Slot(va))
				}
			},
			"": func(t *rapid.T) {
				va := addr.Draw(t, "va")
				e, ok := model[tsb.Slot(va)]
				tte, hit := tsb.Lookup(va)
				require.Equal(t, ok && e.page == va>>shift, hit)
				if hit {
					require.Equal(t, e.tte, tte)
				}
			},
		})
	})
}

// TestTSBLookupPairsTagAndTTE: writers fight for one slot with addresses that
// alias; a reader never gets one address's TTE under another's tag.
func TestTSBLookupPairsTagAndTTE(t *testing.T) {
	tsb := newTSB(t, tlb.TSBConfig{})
	vas := []uint64{0x1_0000_0000, 0x2_0000_0000, 0x3_0000_0000}
	var wg sync.WaitGroup
	for _, va := range vas {
		wg.Add(2)
		go func() {
			defer wg.Done()
			for i := range uint64(2000) {
				tsb.Insert(va, va|i)
			}
		}()
		go func() {
			defer wg.Done()
			for range 2000 {
				if tte, ok := tsb.Lookup(va); ok && tte>>32 != va>>32 {
					t.Errorf("%#x translated by %#x", va, tte)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func TestTSBAllocatesNothing(t *testing.T) {
	tsb := newTSB(t, tlb.TSBConfig{})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		tsb.Insert(0x2000, 1)
		tsb.Lookup(0x2000)
		tsb.Flush(0x2000)
	}))
}
