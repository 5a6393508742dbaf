package pte

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSwapEntries: an entry that is not present says what was put into it, grants
// nothing, and is told from present ones and from none in every layout.
func TestSwapEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom([]*Layout{Linux2620, Linux61, Linux2620With64K, Linux61With64K}).Draw(t, "layout")
		e := SwapEntry{rapid.Uint8Range(0, migration-1).Draw(t, "type"), rapid.Uint64Range(1, 1<<20).Draw(t, "offset")}
		p := l.Swap(e)
		got, ok := l.SwapEntry(p)
		require.True(t, ok)
		require.Equal(t, e, got)
		_, _, ok = l.MigrationEntry(p)
		require.False(t, ok)
		require.True(t, l.OnDevice(p))

		ra, a := RA(e.Offset<<l.Page.Shift()), Access(rapid.Uint8Range(0, 7).Draw(t, "access"))
		m := l.Migration(ra, a)
		gotRA, gotA, ok := l.MigrationEntry(m)
		require.True(t, ok)
		require.Equal(t, ra, gotRA)
		require.Equal(t, a, gotA)
		require.False(t, l.OnDevice(m))

		for _, p := range []LinuxPTE{p, m} {
			require.Zero(t, p&l.HPTEFlags(), "hash bits are another matter")
			require.False(t, l.None(p))
			require.False(t, l.IsPresent(p))
			require.False(t, l.ProtNone(p))
			require.Zero(t, l.Granted(p))
		}
		for _, p := range []LinuxPTE{0, l.HashPTE, l.Make(ra, a)} {
			_, ok := l.SwapEntry(p)
			require.False(t, ok)
			require.False(t, l.OnDevice(p))
		}
	})
}
