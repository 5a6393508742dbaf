package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
)

// TestExit: all frames come back, the hash table keeps nothing, and nobody can use
// the space until it is another process's.
func TestExit(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m, as := mapped(t, cfg, 3)
		c, child := m.CPU(0), m.NewAddressSpace(8)
		file, at := m.NewMapping(4, false), base+1<<24
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(at, 4), Prot: rw, Shared: true, File: file}))
		require.NoError(t, c.Store(as, at, 9))
		_, err := c.Fork(ctx, as, child)
		require.NoError(t, err)
		require.NoError(t, m.CPU(1).Store(child, base, 5))

		res, err := c.Exit(as)
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: at + 4<<12, Pages: 4}, res)
		require.NoError(t, m.Check())
		_, err = c.Exit(as)
		require.ErrorIs(t, err, mm.ErrExited)
		_, err = c.Load(as, base)
		require.ErrorIs(t, err, mm.ErrNoVMA)
		_, err = c.ZapPageRange(ctx, as, mm.Pages(base, 1))
		require.ErrorIs(t, err, mm.ErrExited)
		_, err = c.Fork(ctx, as, m.NewAddressSpace(9))
		require.ErrorIs(t, err, mm.ErrExited)

		holds(t, c, child, base, 5)
		holds(t, c, child, base+1<<12, 2)
		_, err = c.Fork(ctx, child, as)
		require.NoError(t, err)
		holds(t, m.CPU(1), as, base, 5)
		for _, one := range []*mm.AddressSpace{as, child} {
			_, err = m.CPU(1).Exit(one)
			require.NoError(t, err)
		}
		_, err = c.Truncate(ctx, file, 0)
		require.NoError(t, err)
		require.Equal(t, 1023, m.Frames().Free(), "all but the page of zeroes")
		require.Zero(t, m.Table().Stats().Valid)
		require.NoError(t, m.Check())
	})
}
