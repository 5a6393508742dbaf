package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

// TestMigrate: the page is elsewhere for everybody, with its contents, and what may
// be stored to is what was before.
func TestMigrate(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m, parent, child := family(t, cfg)
		c, l := m.CPU(0), cfg.Kernel.Layout
		before := l.RA(parent.PTE(base))
		require.True(t, c.Migrate(child, base))
		after := l.RA(parent.PTE(base))
		require.NotEqual(t, before, after)
		require.Equal(t, after, l.RA(child.PTE(base)))
		require.NoError(t, m.Check())
		require.NoError(t, c.Store(child, base, 7))
		require.EqualValues(t, 5, load(t, c, parent, base))
		require.EqualValues(t, 7, load(t, c, child, base))

		ra, ok := c.Pin(parent, base)
		require.True(t, ok)
		require.False(t, c.Migrate(parent, base), "pinned")
		require.Equal(t, ra, l.RA(parent.PTE(base)))
		c.Unpin(ra)
		require.NoError(t, m.Check())
		require.False(t, c.Migrate(parent, base+0x1000), "nothing there")
	})
}

// TestMigrateFilePage: the page cache has the copy, which is as dirty as the page was.
func TestMigrateFilePage(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		s := newSharers(t, cfg, false)
		c := s.m.CPU(0)
		s.touch(t, false)
		before, _ := s.f.Cached(1)
		require.True(t, c.Migrate(s.a, base+0x1000))
		after, _ := s.f.Cached(1)
		require.NotEqual(t, before, after)
		require.True(t, s.m.Frames().Dirty(after))
		require.NoError(t, s.m.Check())
		s.touchAgain(t, 5, 5)
		require.NoError(t, c.Store(s.b, elsewhere, 9))
		require.EqualValues(t, 9, load(t, c, s.a, base+0x1000))

		ra, ok := c.Pin(s.a, base+0x1000)
		require.True(t, ok)
		require.False(t, c.Migrate(s.a, base+0x1000), "pinned")
		stays, _ := s.f.Cached(1)
		require.Equal(t, ra, stays)
		c.Unpin(ra)
		require.NoError(t, s.m.Check())
	})
}

// TestMigrationEntryWaits: an access that meets a migration entry goes on when the
// page has arrived, and mprotect, fork and zap know what the entry stands for.
func TestMigrationEntryWaits(t *testing.T) {
	for _, k := range mm.Kernels() {
		for name, c := range map[string]struct {
			body func(t *testing.T, c *mm.CPU, as, child *mm.AddressSpace)
			want pte.Access // of the PTE in the end
		}{
			"load": {func(t *testing.T, c *mm.CPU, as, _ *mm.AddressSpace) {
				require.EqualValues(t, 5, load(t, c, as, base))
			}, rw},
			"mprotect": {func(t *testing.T, c *mm.CPU, as, _ *mm.AddressSpace) {
				_, err := c.Protect(ctx, as, mm.Pages(base, 1), pte.Read)
				require.NoError(t, err)
			}, pte.Read},
			"fork": {func(t *testing.T, c *mm.CPU, as, child *mm.AddressSpace) {
				_, err := c.Fork(ctx, as, child)
				require.NoError(t, err)
			}, pte.Read},
			"zap": {func(t *testing.T, c *mm.CPU, as, _ *mm.AddressSpace) {
				_, err := c.ZapPageRange(ctx, as, mm.Pages(base, 1))
				require.NoError(t, err)
			}, 0},
		} {
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				st := new(mmtest.Stepper)
				m := newMachine(t, mm.Config{Kernel: k, Stepper: st})
				as, child := m.NewAddressSpace(7), m.NewAddressSpace(8)
				require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
				require.NoError(t, m.CPU(0).Store(as, base, 5))
				trace, err := st.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepFreeze}, {CPU: 1}},
					func() { require.True(t, m.CPU(0).Migrate(as, base)) },
					func() { c.body(t, m.CPU(1), as, child) })
				require.NoError(t, err)
				waited := false
				for _, s := range trace {
					waited = waited || s.Step == mm.StepMigration
				}
				require.Equal(t, name == "load", waited)
				require.Equal(t, c.want, k.Layout.Granted(as.PTE(base)))
				require.NoError(t, m.Check())
			})
		}
	}
}

// TestMigrateVMA: pages come back as they were, pinned ones never leave.
func TestMigrateVMA(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 3), Prot: rw}))
		for i := range 3 {
			require.NoError(t, c.Store(as, base+pte.EA(i)<<12, uint64(i)))
		}
		ra, ok := c.Pin(as, base+0x1000)
		require.True(t, ok)
		res, err := c.MigrateVMA(ctx, as, mm.Pages(base, 3))
		if !cfg.Kernel.Has(mm.DeviceMemory) {
			require.ErrorIs(t, err, mm.ErrUnsupported)
			c.Unpin(ra)
			return
		}
		require.NoError(t, err)
		require.Equal(t, 2, res.Pages)
		_, _, hashed := m.Table().Lookup(as.Key(base + 0x1000))
		require.False(t, hashed, "taken away before the pin was seen, and given back")
		c.Unpin(ra)
		require.NoError(t, m.Check())
		for i := range 3 {
			require.EqualValues(t, i, load(t, m.CPU(1), as, base+pte.EA(i)<<12))
			require.NoError(t, c.Store(as, base+pte.EA(i)<<12, 9))
		}
		_, err = c.MigrateVMA(ctx, as, mm.Range{})
		require.ErrorIs(t, err, mm.ErrRange)
		require.NoError(t, m.Check())
	})
}

// TestMigrateVMACountsPages: the pages of several PTE pages are counted once each.
func TestMigrateVMACountsPages(t *testing.T) {
	m := newMachine(t, mm.Config{})
	as, c := m.NewAddressSpace(7), m.CPU(0)
	r := mm.Range{Start: base, End: base + 4<<21}
	require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw}))
	for ea := r.Start; ea < r.End; ea += 1 << 21 {
		require.NoError(t, c.Store(as, ea, 5))
	}
	res, err := c.MigrateVMA(ctx, as, r)
	require.NoError(t, err)
	require.Equal(t, mm.Result{Next: r.End, Pages: 4}, res)
}
