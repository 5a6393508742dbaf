package hpt_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

func TestZeroConfig(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	require.Equal(t, 18, table.Order())
	require.EqualValues(t, 2048, table.Groups())
	require.EqualValues(t, 2047, table.Mask())
	require.EqualValues(t, 16384, table.Slots())
	require.Equal(t, hpt.Format2, table.Format())
	require.Equal(t, 18, table.Config().Order)
	require.Equal(t, pte.SizesPOWER7, table.Sizes().Bases())
}

func TestBadConfig(t *testing.T) {
	ram := hpt.AlignedBytes(1<<18 + 128)
	for name, c := range map[string]struct {
		hpt.Config
		field string
		value int64
	}{
		"order low":      {hpt.Config{Order: 17}, "Order", 17},
		"order high":     {hpt.Config{Order: 47}, "Order", 47},
		"order negative": {hpt.Config{Order: -1}, "Order", -1},
		"format":         {hpt.Config{Format: 2}, "Format", 2},
		"memory short":   {hpt.Config{Memory: ram[:1<<18-1]}, "Memory", 1<<18 - 1},
		"memory long":    {hpt.Config{Memory: ram}, "Memory", 1<<18 + 128},
		"memory empty":   {hpt.Config{Memory: []byte{}}, "Memory", 0},
		"memory skewed":  {hpt.Config{Memory: ram[16 : 16+1<<18]}, "Memory", 16},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hpt.New(c.Config)
			require.ErrorIs(t, err, hpt.ErrConfig)
			var e *hpt.ConfigError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.field, e.Field)
			require.Equal(t, c.value, e.Value)
			require.Contains(t, err.Error(), c.field)
		})
	}
}

// TestLargeOrders: memory is taken as touched, so a table far larger than the
// host's memory works; one that the host cannot map is a typed error. The
// largest stay out of short runs: the race detector has tables on the heap, and a
// user-mode emulator keeps books of its own on every page of a mapping.
func TestLargeOrders(t *testing.T) {
	orders := []int{24, 28}
	if !testing.Short() {
		orders = append(orders, 40, 46)
	}
	for _, order := range orders {
		table, err := hpt.New(hpt.Config{Order: order})
		if err != nil {
			require.ErrorIs(t, err, hpt.ErrConfig)
			t.Logf("order %d: %v", order, err)
			continue
		}
		k := pte.MakeKey(0x123456789, 0x7654000, pte.Seg256M, pte.Page4K)
		h, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{})
		require.NoError(t, err)
		hint, err := table.Insert(k, h)
		require.NoError(t, err)
		got, gotHint, ok := table.Lookup(k)
		require.True(t, ok)
		require.Equal(t, h, got)
		require.Equal(t, hint, gotHint)
		require.NoError(t, table.Close())
	}
}

// TestClose: calls in flight and later ones find an empty table.
func TestClose(t *testing.T) {
	table, err := hpt.New(hpt.Config{Order: 21})
	require.NoError(t, err)
	k := pte.Key{VSID: 3, Base: pte.Page4K}
	h, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 20_000 {
				if hint, err := table.Insert(k, h); err == nil {
					table.Invalidate(pte.Ref{Key: k, Hint: hint})
				}
				table.Lookup(k)
			}
		}()
	}
	for range 20 {
		require.NoError(t, table.Close())
	}
	wg.Wait()
	require.NoError(t, table.Close())
	require.Zero(t, table.Stats().Valid)
}

// TestCloseLeavesGuestMemory: what is not the table's stays as it is.
func TestCloseLeavesGuestMemory(t *testing.T) {
	ram := hpt.AlignedBytes(1 << 18)
	table, err := hpt.New(hpt.Config{Memory: ram})
	require.NoError(t, err)
	table.StoreRaw(0, pte.HPTE{V: 1, R: 2})
	require.NoError(t, table.Close())
	require.EqualValues(t, 1, ram[7])
	require.EqualValues(t, 2, ram[15])
}

// TestUnreachableTablesAreFreed makes more tables than an address space holds.
func TestUnreachableTablesAreFreed(t *testing.T) {
	if testing.Short() {
		t.Skip("maps a great deal")
	}
	if _, err := hpt.New(hpt.Config{Order: 43}); err != nil {
		t.Skipf("this host maps no such table: %v", err)
	}
	for range 64 {
		table, err := hpt.New(hpt.Config{Order: 43})
		for range 100 {
			if err == nil {
				break
			}
			runtime.GC() // cleanups run after a collection, on their own goroutine
			runtime.Gosched()
			table, err = hpt.New(hpt.Config{Order: 43})
		}
		require.NoError(t, err)
		table.StoreRaw(1, pte.HPTE{V: 1})
	}
}

// TestGuestStoresAreSeen: the table has no copy of its memory.
func TestGuestStoresAreSeen(t *testing.T) {
	ram := hpt.AlignedBytes(1 << 18)
	table, err := hpt.New(hpt.Config{Memory: ram})
	require.NoError(t, err)
	k := pte.MakeKey(0x7ca37f5168, 0x10000000, pte.Seg256M, pte.Page4K)
	h, err := table.Sizes().Encode(k, 0x5000, pte.Page4K, pte.Attr{PP: 2})
	require.NoError(t, err)
	b, err := h.MarshalBinary()
	require.NoError(t, err)
	copy(ram[0x168*128+3*16:], b)
	got, hint, ok := table.Lookup(k)
	require.True(t, ok)
	require.Equal(t, h, got)
	require.Equal(t, pte.MakeSlotHint(false, 3), hint)
}
