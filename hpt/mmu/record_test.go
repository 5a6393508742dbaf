package mmu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// An entry that changed between search and update is not marked, and the walk is
// told to search again.
func TestRecordStale(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	c, err := New(Config{Table: tab})
	require.NoError(t, err)
	c.SetMSR(MSRDR)
	require.True(t, c.SLBMTE(slbV, 0x123<<12))
	k := pte.MakeKey(0x123, 0, pte.Seg256M, pte.Page4K)
	h, err := defaultSizes.Encode(k, 0x7000, pte.Page4K, pte.Attr{PP: pte.PPUserRW})
	require.NoError(t, err)
	_, err = tab.Insert(k, h)
	require.NoError(t, err)

	find := func() hit {
		var r Result
		f, ok := c.search(&r, c.mode(pte.Write), c.slb.dense[0].target(0, pte.Page4K), pte.Page4K)
		require.True(t, ok)
		return f
	}
	f := find()
	moved := h.WithRA(0x8000, pte.Page4K)
	require.True(t, tab.CompareAndSwapRaw(f.slot, h, moved))
	require.False(t, f.record(tab, f.unset(pte.Write)))
	require.Equal(t, moved, tab.Load(f.slot))

	again := find()
	require.EqualValues(t, pte.RRef, again.unset(pte.Read))
	require.EqualValues(t, pte.RRef|pte.RChg, again.unset(pte.Write))
	require.True(t, again.record(tab, again.unset(pte.Write)))
	require.Zero(t, find().unset(pte.Write))
	require.Equal(t, pte.RA(0x8000), tab.Load(f.slot).RA(pte.Page4K))
}
