package mm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

const base pte.EA = 0x10000000

var ctx = context.Background()

// newMachine builds a machine with an empty table of the smallest size.
func newMachine(t testing.TB, cfg mm.Config) *mm.Machine {
	t.Helper()
	if cfg.Table == nil {
		table, err := hpt.New(hpt.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, table.Close()) })
		cfg.Table = table
	}
	m, err := mm.New(cfg)
	require.NoError(t, err)
	return m
}

// forEachKernel runs a test on every kernel profile with every safe policy.
func forEachKernel(t *testing.T, f func(t *testing.T, cfg mm.Config)) {
	for _, k := range mm.Kernels() {
		for _, p := range []batch.Policy{batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()} {
			t.Run(k.Name+"/"+p.String(), func(t *testing.T) {
				f(t, mm.Config{Kernel: k, Policy: p})
			})
		}
	}
}

func TestAnonymousMemory(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 4), Prot: pte.Read | pte.Write}))

		v, err := c.Load(as, base)
		require.NoError(t, err)
		require.Zero(t, v, "untouched memory reads as zero")
		require.NoError(t, c.Store(as, base, 42), "a store replaces the zero page")
		v, err = m.CPU(1).Load(as, base)
		require.NoError(t, err)
		require.EqualValues(t, 42, v)

		_, err = c.Load(as, base+4<<12)
		require.ErrorIs(t, err, mm.ErrNoVMA)
		_, err = c.Fetch(as, base)
		require.ErrorIs(t, err, mm.ErrProtected)
		require.NoError(t, m.Check())

		res, err := c.ZapPageRange(ctx, as, mm.Pages(base, 4))
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: base + 4<<12, Pages: 1}, res)
		v, err = m.CPU(1).Load(as, base)
		require.NoError(t, err)
		require.Zero(t, v, "the old page is out of reach")
		require.NoError(t, m.Check())
	})
}

func TestFileMappings(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		c := m.CPU(0)
		file := m.NewMapping(8, false)
		shared, private := m.NewAddressSpace(7), m.NewAddressSpace(8)
		rw := pte.Read | pte.Write
		require.NoError(t, c.Map(shared, mm.VMA{Range: mm.Pages(base, 8), Prot: rw, Shared: true, File: file}))
		require.NoError(t, c.Map(private, mm.VMA{Range: mm.Pages(base, 4), Prot: rw, File: file, Offset: 2}))

		require.NoError(t, c.Store(shared, base+2<<12, 77))
		v, err := c.Load(private, base)
		require.NoError(t, err)
		require.EqualValues(t, 77, v, "page 2 of the file through both mappings")
		require.NoError(t, c.Store(private, base, 78))
		v, err = c.Load(shared, base+2<<12)
		require.NoError(t, err)
		require.EqualValues(t, 77, v, "a private store goes to a copy")

		_, err = c.UnmapMappingRange(ctx, file, 2, 1, false)
		require.NoError(t, err)
		v, err = c.Load(private, base)
		require.NoError(t, err)
		require.EqualValues(t, 78, v, "the copy survives without evenCOWs")
		_, err = c.PunchHole(ctx, file, 2, 1)
		require.NoError(t, err)
		v, err = c.Load(private, base)
		require.NoError(t, err)
		if cfg.Kernel.PunchesCopies {
			require.NotContains(t, []uint64{77, 78}, v, "hole punching takes copies too")
		} else {
			require.EqualValues(t, 78, v, "the copy survives")
		}
		v, err = c.Load(shared, base+2<<12)
		require.NoError(t, err)
		require.NotContains(t, []uint64{77, 78}, v, "the file has a fresh page")

		_, err = c.Truncate(ctx, file, 1)
		require.NoError(t, err)
		_, err = c.Load(shared, base+2<<12)
		require.ErrorIs(t, err, mm.ErrBus)
		_, err = c.Load(shared, base)
		require.NoError(t, err)
		require.NoError(t, m.Check())
	})
}

func TestProtect(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		r := mm.Pages(base, 4)
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: pte.Read | pte.Write}))
		for ea := r.Start; ea < r.End; ea += 1 << 12 {
			require.NoError(t, c.Store(as, ea, uint64(ea)))
		}
		mid := mm.Pages(base+1<<12, 2)
		_, err := c.Protect(ctx, as, mid, pte.Read)
		require.NoError(t, err)
		require.ErrorIs(t, c.Store(as, base+1<<12, 1), mm.ErrProtected)
		require.NoError(t, c.Store(as, base, 1))
		require.NoError(t, c.Store(as, base+3<<12, 1))
		_, err = c.Protect(ctx, as, mid, pte.Read|pte.Write|pte.Exec)
		require.NoError(t, err)
		require.NoError(t, c.Store(as, base+1<<12, 9))
		v, err := c.Fetch(as, base+1<<12)
		require.NoError(t, err)
		require.EqualValues(t, 9, v)
		require.NoError(t, m.Check())

		_, err = c.Protect(ctx, as, mm.Pages(base+3<<12, 2), pte.Read)
		require.ErrorIs(t, err, mm.ErrNoVMA)

		res, err := c.Unmap(ctx, as, mid)
		require.NoError(t, err)
		require.Equal(t, mid.End, res.Next)
		_, err = c.Load(as, mid.Start)
		require.ErrorIs(t, err, mm.ErrNoVMA)
		require.NoError(t, c.Store(as, base+3<<12, 1))
		require.NoError(t, m.Check())
	})
}

func TestEvictionKeepsStep(t *testing.T) {
	m := newMachine(t, mm.Config{Frames: 1 << 15})
	c := m.CPU(0)
	// Many spaces with one layout crowd into few groups.
	for i := range uint64(200) {
		as := m.NewAddressSpace(7 + i)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 100), Prot: pte.Read | pte.Write}))
		for p := range pte.EA(100) {
			require.NoError(t, c.Store(as, base+p<<12, i))
		}
	}
	require.Greater(t, m.Table().Stats().Valid, uint64(8000))
	for i := range uint64(200) {
		as := m.Space(7 + i)
		for p := range pte.EA(100) {
			v, err := c.Load(as, base+p<<12)
			require.NoError(t, err)
			require.Equal(t, i, v)
		}
		_, err := c.Unmap(ctx, as, mm.Pages(base, 100))
		require.NoError(t, err)
	}
	require.Zero(t, m.Table().Stats().Valid)
	require.NoError(t, m.Check())
}
