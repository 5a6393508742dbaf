package mm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// TestRemap: pages move with their contents, over PTE pages and segments, to
// where the split into PTE pages is another.
func TestRemap(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		const pages = 1100 // three PTE pages
		for _, locks := range []mm.LockGranularity{mm.LockPerPage, mm.LockPerSpace, mm.LockStriped} {
			cfg.Locks, cfg.Frames = locks, 2000
			m, as := mapped(t, cfg, pages)
			c, old, to := m.CPU(0), mm.Pages(base+2<<12, pages-4), pte.EA(0x30005000)
			res, err := c.Remap(ctx, as, old, to)
			require.NoError(t, err)
			require.Equal(t, mm.Result{Next: old.End, Pages: pages - 4}, res)
			require.NoError(t, m.Check())
			other := m.CPU(1)
			for i := pte.EA(0); i < pages-4; i += 97 {
				holds(t, other, as, to+i<<12, uint64(i)+3)
			}
			holds(t, other, as, base+1<<12, 2)
			holds(t, other, as, base+(pages-1)<<12, pages)
			_, err = c.Load(as, old.Start)
			require.ErrorIs(t, err, mm.ErrNoVMA)
			require.NoError(t, other.Store(as, to, 7))
			require.NoError(t, m.Check())
		}
	})
}

// TestRemapKeepsFileOffset: what is faulted in after a move is the same page of
// the file, and truncation finds it where it is now.
func TestRemapKeepsFileOffset(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c, file, to := m.NewAddressSpace(7), m.CPU(0), m.NewMapping(8, false), base+1<<24
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 8), Prot: rw, Shared: true, File: file}))
		require.NoError(t, c.Store(as, base+5<<12, 50))
		require.NoError(t, c.Store(as, base+6<<12, 60))
		_, err := c.ZapPageRange(ctx, as, mm.Pages(base+6<<12, 1))
		require.NoError(t, err)
		_, err = c.Remap(ctx, as, mm.Pages(base+4<<12, 4), to)
		require.NoError(t, err)
		holds(t, c, as, to+1<<12, 50)
		holds(t, c, as, to+2<<12, 60)
		_, err = c.PunchHole(ctx, file, 5, 1)
		require.NoError(t, err)
		got, err := c.Load(as, to+1<<12)
		require.NoError(t, err)
		require.NotEqual(t, uint64(50), got)
		require.NoError(t, m.Check())
	})
}

// TestRemapRefuses what is no single mapping or goes where something is.
func TestRemapRefuses(t *testing.T) {
	m, as := mapped(t, mm.Config{}, 4)
	c := m.CPU(0)
	for _, r := range []struct {
		old  mm.Range
		to   pte.EA
		want error
	}{
		{mm.Pages(base, 5), base + 1<<24, mm.ErrNoVMA},
		{mm.Pages(base-1<<12, 2), base + 1<<24, mm.ErrNoVMA},
		{mm.Pages(base, 2), base + 1<<12, mm.ErrOverlap},
		{mm.Pages(base, 2), base + 3<<12, mm.ErrOverlap},
		{mm.Pages(base, 2), base + 1, mm.ErrRange},
		{mm.Pages(base, 0), base + 1<<24, mm.ErrRange},
		{mm.Pages(base, 2), 1 << 63, mm.ErrRange},
	} {
		_, err := c.Remap(ctx, as, r.old, r.to)
		require.ErrorIs(t, err, r.want)
	}
	for i := range pte.EA(4) {
		holds(t, c, as, base+i<<12, uint64(i)+1)
	}
	require.NoError(t, m.Check())
}

// expiring is done after n looks.
type expiring struct {
	context.Context
	n *int
}

func (e expiring) Err() error {
	if *e.n--; *e.n < 0 {
		return context.Canceled
	}
	return nil
}

// TestRemapCancelled (M5): what is below Next has moved, the rest is where it was.
func TestRemapCancelled(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		const pages = 1100
		for looks := range 6 {
			cfg.Frames = 2000
			m, as := mapped(t, cfg, pages)
			c, to, n := m.CPU(0), base+1<<24+5<<12, looks
			res, err := c.Remap(expiring{ctx, &n}, as, mm.Pages(base, pages), to)
			if res.Next < base+pages<<12 {
				require.ErrorIs(t, err, context.Canceled)
			} else {
				require.NoError(t, err)
			}
			require.NoError(t, m.Check())
			if moved := (mm.Range{Start: to, End: to + res.Next - base}); moved.Len() > 0 {
				_, err = c.Protect(ctx, as, moved, rw)
				require.NoError(t, err, "a mapping of what has moved")
			}
			for i := range pte.EA(pages) {
				now, gone := base+i<<12, to+i<<12
				if now < res.Next {
					now, gone = gone, now
				}
				holds(t, c, as, now, uint64(i)+1)
				_, err := c.Load(as, gone)
				require.ErrorIs(t, err, mm.ErrNoVMA)
			}
		}
	})
}
