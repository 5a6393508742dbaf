package mm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

// What becomes of pages between the look that found them and their use.

// TestTryGet takes no reference to a free frame.
func TestTryGet(t *testing.T) {
	f := NewFrames(frameBase, 1, pte.Page4K)
	require.False(t, f.tryGet(frameBase))
	ra, err := f.Alloc(0)
	require.NoError(t, err)
	require.True(t, f.tryGet(ra))
	require.Equal(t, 2, f.Refs(ra))
}

// TestGone: a page that a fault found is not mapped once the page cache has let go of
// it, has another in its place, or its file ends before it. The kernel that counts
// truncations sees them there.
func TestGone(t *testing.T) {
	for _, k := range Kernels() {
		m, _, f := testMachine(t, Config{Kernel: k})
		c := m.CPU(0)
		found, err := c.filePage(f, 3, 0)
		require.NoError(t, err)
		require.False(t, found.gone(k))
		if k.TruncateCount {
			f.truncateCount.Add(1)
			require.True(t, found.gone(k))
			continue
		}
		size := f.size
		f.size = 3
		require.True(t, found.gone(k), "before it is dropped")
		f.size = size
		c.dropPages(f, 3, 3)
		require.True(t, found.gone(k))
		again, err := c.filePage(f, 3, 0)
		require.NoError(t, err)
		require.NotEqual(t, found.ra, again.ra)
		require.True(t, found.gone(k), "another one now")
		require.False(t, again.gone(k))
	}
}
