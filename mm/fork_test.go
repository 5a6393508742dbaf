package mm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// mapped returns a machine with one space that has n pages of private memory
// mapped at base, each of which holds its number plus one.
func mapped(t testing.TB, cfg mm.Config, n uint64) (*mm.Machine, *mm.AddressSpace) {
	m := newMachine(t, cfg)
	as := m.NewAddressSpace(7)
	require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(base, n), Prot: rw}))
	for i := range n {
		require.NoError(t, m.CPU(0).Store(as, base+pte.EA(i<<12), i+1))
	}
	return m, as
}

// holds checks what a page holds, as a CPU sees it.
func holds(t testing.TB, c *mm.CPU, as *mm.AddressSpace, ea pte.EA, want uint64) {
	t.Helper()
	got, err := c.Load(as, ea)
	require.NoError(t, err)
	require.Equal(t, want, got, "contents of %v", ea)
}

// TestForkShares: private pages are shared until one side stores, pages of a
// shared mapping always.
func TestForkShares(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m, parent := mapped(t, cfg, 2)
		c, child := m.CPU(0), m.NewAddressSpace(8)
		file, at := m.NewMapping(1, false), base+1<<24
		require.NoError(t, c.Map(parent, mm.VMA{Range: mm.Pages(at, 1), Prot: rw, Shared: true, File: file}))
		require.NoError(t, c.Store(parent, at, 100))
		l := cfg.Kernel.Layout
		hint := l.Hint(parent.PTE(base))
		require.True(t, hint.Hashed())

		res, err := c.Fork(ctx, parent, child)
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: at + 1<<12, Pages: 2}, res)
		require.Equal(t, hint, l.Hint(parent.PTE(base)), "ptep_set_wrprotect keeps the hash bits")
		require.Zero(t, l.Granted(parent.PTE(base))&pte.Write)
		require.Zero(t, child.PTE(base)&(l.HashPTE|l.Accessed))
		require.Zero(t, child.PTE(at), "found in the file when it is needed")
		frame := l.RA(parent.PTE(base))
		require.Equal(t, frame, l.RA(child.PTE(base)))
		require.Equal(t, 2, m.Frames().Refs(frame))
		require.Equal(t, 2, m.Frames().MapCount(frame))
		require.NoError(t, m.Check())

		other := m.CPU(1)
		holds(t, other, child, base, 1)
		require.NoError(t, c.Store(parent, base, 10))
		require.NoError(t, other.Store(child, base+1<<12, 20))
		holds(t, other, child, base, 1)
		holds(t, c, parent, base, 10)
		holds(t, c, parent, base+1<<12, 2)
		require.NoError(t, other.Store(child, base, 30), "the last user needs no copy")
		require.Equal(t, frame, l.RA(child.PTE(base)))
		require.NoError(t, other.Store(child, at, 200))
		holds(t, c, parent, at, 200)
		require.NoError(t, m.Check())
	})
}

// TestForkRefuses what is no empty space, and leaves nothing when it is cancelled.
func TestForkRefuses(t *testing.T) {
	m, parent := mapped(t, mm.Config{}, 1)
	c, child := m.CPU(0), m.NewAddressSpace(8)
	require.NoError(t, c.Map(child, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
	_, err := c.Fork(ctx, parent, child)
	require.ErrorIs(t, err, mm.ErrOverlap)
	_, err = c.Fork(ctx, parent, parent)
	require.ErrorIs(t, err, mm.ErrOverlap)
	_, err = c.Unmap(ctx, child, mm.Pages(base, 1))
	require.NoError(t, err)

	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.Fork(done, parent, child)
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.Load(child, base)
	require.ErrorIs(t, err, mm.ErrNoVMA)
	require.ErrorIs(t, c.Map(child, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}), mm.ErrExited)
	require.NoError(t, m.Check())
	_, err = c.Fork(ctx, parent, child)
	require.NoError(t, err)
	holds(t, c, child, base, 1)
}
