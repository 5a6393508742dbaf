package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// sharers is a file of two pages that two address spaces map shared and one private.
type sharers struct {
	m      *mm.Machine
	f      *mm.Mapping
	a, b   *mm.AddressSpace // shared, b at another address
	copies *mm.AddressSpace // private
}

const elsewhere pte.EA = 0x30000000

func newSharers(t *testing.T, cfg mm.Config, track bool) *sharers {
	m := newMachine(t, cfg)
	s := &sharers{m, m.NewMapping(2, track), m.NewAddressSpace(7), m.NewAddressSpace(8), m.NewAddressSpace(9)}
	c := m.CPU(0)
	require.NoError(t, c.Map(s.a, mm.VMA{Range: mm.Pages(base, 2), Prot: rw, Shared: true, File: s.f}))
	require.NoError(t, c.Map(s.b, mm.VMA{Range: mm.Pages(elsewhere, 1), Prot: rw, Shared: true, File: s.f, Offset: 1}))
	require.NoError(t, c.Map(s.copies, mm.VMA{Range: mm.Pages(base, 2), Prot: rw, File: s.f}))
	return s
}

// touch has all three map page 1, the private one either as it is or as a copy.
func (s *sharers) touch(t *testing.T, copied bool) {
	c := s.m.CPU(0)
	require.NoError(t, c.Store(s.a, base+0x1000, 5))
	v, err := c.Load(s.b, elsewhere)
	require.NoError(t, err)
	require.EqualValues(t, 5, v)
	if copied {
		require.NoError(t, c.Store(s.copies, base+0x1000, 6))
		return
	}
	_, err = c.Load(s.copies, base+0x1000)
	require.NoError(t, err)
}

// TestTryToUnmap: a page of a file goes from everybody and nothing else does; the
// store to it is remembered by the page.
func TestTryToUnmap(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, false)
		_, err := c.Load(s.a, base)
		require.NoError(t, err)
		require.Equal(t, 3, c.TryToUnmap(s.f, 1))
		require.NoError(t, s.m.Check())
		require.Zero(t, s.a.PTE(base+0x1000))
		require.Zero(t, s.b.PTE(elsewhere))
		require.NotZero(t, s.a.PTE(base))
		ra, _ := s.f.Cached(1)
		require.True(t, s.m.Frames().Dirty(ra))
		require.Zero(t, c.TryToUnmap(s.f, 1))
		require.Zero(t, c.TryToUnmap(s.f, 77), "not cached")

		s.touch(t, true)
		require.Equal(t, 2, c.TryToUnmap(s.f, 1), "a private copy is another page")
		v, err := c.Load(s.copies, base+0x1000)
		require.NoError(t, err)
		require.EqualValues(t, 6, v)
		require.NoError(t, s.m.Check())
	})
}

// TestPageMkclean: PTEs lose DIRTY and the right to store, the next store comes
// back as a fault and makes the page dirty again.
func TestPageMkclean(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		for _, track := range []bool{false, true} {
			s := newSharers(t, cfg, track)
			c, l := s.m.CPU(0), cfg.Kernel.Layout
			s.touch(t, false)
			require.True(t, c.PageMkclean(s.f, 1))
			require.False(t, c.PageMkclean(s.f, 1))
			for _, p := range []pte.LinuxPTE{s.a.PTE(base + 0x1000), s.b.PTE(elsewhere)} {
				require.True(t, l.IsPresent(p))
				require.Zero(t, p&(l.Dirty|l.Write))
			}
			require.NoError(t, s.m.Check())
			require.NoError(t, s.m.CPU(1).Store(s.b, elsewhere, 7))
			require.NotZero(t, s.b.PTE(elsewhere)&l.Dirty)
			require.True(t, c.PageMkclean(s.f, 1))
			require.NoError(t, s.m.Check())
		}
	})
}

// TestPageReferenced: each PTE that was used counts once, and again only after
// another access.
func TestPageReferenced(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, false)
		require.Equal(t, 3, c.PageReferenced(s.f, 1))
		require.Zero(t, c.PageReferenced(s.f, 1))
		_, err := s.m.CPU(1).Load(s.b, elsewhere)
		require.NoError(t, err)
		require.Equal(t, 1, c.PageReferenced(s.f, 1))
		require.NoError(t, s.m.Check())
	})
}

// TestPrivateCopyIsNotReferenced: a copy is another page than the one of the file.
func TestPrivateCopyIsNotReferenced(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, true)
		require.Equal(t, 2, c.PageReferenced(s.f, 1))
		require.NotZero(t, s.copies.PTE(base+0x1000)&cfg.Kernel.Layout.Accessed)
	})
}

// TestPinnedPageIsNotReclaimed: who has a page may still store to it.
func TestPinnedPageIsNotReclaimed(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		_, err := c.Load(s.a, base+0x1000)
		require.NoError(t, err)
		ra, ok := c.Pin(s.a, base+0x1000)
		require.True(t, ok)
		require.False(t, c.Reclaim(s.f, 1))
		at, ok := s.f.Cached(1)
		require.True(t, ok)
		require.Equal(t, ra, at)
		c.Unpin(ra)
		require.True(t, c.Reclaim(s.f, 1))
	})
}

// TestWritebackAndReclaim: a dirty page stays, a page that was written back goes,
// and what comes back is what was stored. Truncation forgets the disk too.
func TestWritebackAndReclaim(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, true)
		free := s.m.Frames().Free()
		require.False(t, c.Reclaim(s.f, 1), "dirty")
		require.True(t, c.Writeback(s.f, 1))
		require.False(t, c.Writeback(s.f, 1))
		stamp, ok := s.f.OnDisk(1)
		require.True(t, ok)
		require.EqualValues(t, 5, stamp)
		_, err := c.Load(s.a, base+0x1000)
		require.NoError(t, err)
		require.True(t, c.Reclaim(s.f, 1))
		require.Equal(t, free+1, s.m.Frames().Free())
		require.False(t, c.Reclaim(s.f, 1), "not cached")
		require.NoError(t, s.m.Check())
		s.touchAgain(t, 5, 6)

		require.True(t, c.Reclaim(s.f, 1), "clean, as it was only read")
		_, err = c.Truncate(ctx, s.f, 0)
		require.NoError(t, err)
		_, err = c.Truncate(ctx, s.f, 2)
		require.NoError(t, err)
		v, err := c.Load(s.a, base+0x1000)
		require.NoError(t, err)
		require.NotEqualValues(t, 5, v)
		require.NoError(t, s.m.Check())
	})
}

func (s *sharers) touchAgain(t *testing.T, shared, private uint64) {
	for as, ea := range map[*mm.AddressSpace]pte.EA{s.a: base + 0x1000, s.b: elsewhere} {
		v, err := s.m.CPU(1).Load(as, ea)
		require.NoError(t, err)
		require.Equal(t, shared, v)
	}
	v, err := s.m.CPU(1).Load(s.copies, base+0x1000)
	require.NoError(t, err)
	require.Equal(t, private, v)
}

// TestInvalidate: pages of the file go, private copies stay.
func TestInvalidate(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, true)
		_, err := c.Invalidate(ctx, s.f, 1, 1)
		require.NoError(t, err)
		require.NoError(t, s.m.Check())
		v, err := c.Load(s.a, base+0x1000)
		require.NoError(t, err)
		require.Greater(t, v, uint64(0))
		require.NotEqualValues(t, 5, v)
		s.touchAgain(t, v, 6)
	})
}

// TestMadviseRemove: it throws away file contents, copies of them too where the
// kernel does that, up to the first mapping that does not allow it.
func TestMadviseRemove(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, true)
		require.NoError(t, c.Map(s.a, mm.VMA{Range: mm.Pages(base+0x2000, 1), Prot: rw}))
		res, err := c.MadviseRemove(ctx, s.a, mm.Pages(base+0x1000, 2))
		require.ErrorIs(t, err, mm.ErrProtected)
		require.Equal(t, base+0x2000, res.Next)
		pages := 2
		if cfg.Kernel.PunchesCopies {
			pages++
		}
		require.Equal(t, pages, res.Pages)
		v, err := c.Load(s.a, base+0x1000)
		require.NoError(t, err)
		require.NotContains(t, []uint64{5, 6}, v)
		private := v
		if !cfg.Kernel.PunchesCopies {
			private = 6
		}
		s.touchAgain(t, v, private)
		_, err = c.MadviseRemove(ctx, s.a, mm.Pages(elsewhere, 1))
		require.ErrorIs(t, err, mm.ErrNoVMA)
		_, err = c.MadviseRemove(ctx, s.a, mm.Range{Start: 1, End: 2})
		require.ErrorIs(t, err, mm.ErrRange)
		res, err = c.MadviseRemove(ctx, s.b, mm.Pages(elsewhere, 1))
		require.NoError(t, err)
		require.Equal(t, elsewhere+0x1000, res.Next)
		require.NoError(t, s.m.Check())
	})
}
