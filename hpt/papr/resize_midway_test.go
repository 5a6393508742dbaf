package papr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// TestResizeFailsMidway: a resize that comes to a bolted entry without a place, after
// it has carried 0, 1, 2 and so on others over, leaves the old table as it was, and
// the next resize begins afresh.
func TestResizeFailsMidway(t *testing.T) {
	const others = 40
	for after := range others + 1 {
		tab, err := hpt.New(hpt.Config{Order: 19})
		require.NoError(t, err)
		p := newPartition(t, papr.Config{Table: tab, Rehash: after%2 == 0})
		var keys []pte.Key
		put := func(vsid pte.VSID) {
			k, e := entry(vsid, 0, pte.Page4K, pte.Page4K, pte.Attr{Bolted: true})
			p.enter(t, k, e)
			keys = append(keys, k)
		}
		put(pte.VSID(after)) // a table of half the size has one group for it and for 2048 on
		for i := range others + 1 {
			put(pte.VSID(2048 + i))
		}
		before, counts := tab.Digest(), tab.Stats()

		code, err := p.ResizePrepare(0, 18)
		require.NoError(t, err)
		require.Equal(t, papr.Success, code)
		code, err = p.ResizeCommit(0, 18)
		require.Equal(t, papr.PTEGFull, code)
		require.ErrorIs(t, err, papr.ErrCollision)
		require.Same(t, tab, p.Table())
		require.Equal(t, before, tab.Digest())
		require.Equal(t, counts, tab.Stats())
		require.NoError(t, tab.Check())
		require.Empty(t, p.flushed.take())

		for _, f := range []func(papr.Flags, int32) (papr.Code, error){p.ResizePrepare, p.ResizeCommit} {
			code, err := f(0, 20)
			require.NoError(t, err)
			require.Equal(t, papr.Success, code)
		}
		for _, k := range keys {
			_, _, ok := p.Table().Lookup(k)
			require.True(t, ok)
		}
		require.NoError(t, p.Table().Check())
	}
}
