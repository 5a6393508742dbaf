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

// TestProtectMappings: pages are counted over all mappings of the range, and each
// mapping is brought in line.
func TestProtectMappings(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 2), Prot: rw}))
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base+2<<12, 3), Prot: rw | pte.Exec}))
		for i := range pte.EA(5) {
			require.NoError(t, c.Store(as, base+i<<12, 1))
		}
		res, err := c.Protect(ctx, as, mm.Pages(base, 5), pte.Read)
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: base + 5<<12, Pages: 5}, res)
		for i := range pte.EA(5) {
			require.ErrorIs(t, c.Store(as, base+i<<12, 1), mm.ErrProtected)
			require.Zero(t, as.PTE(base+i<<12)&cfg.Kernel.Layout.Write)
		}
	})
}

// TestProtectRaises: mprotect lets a process store at once to what is dirty and its own
// where the kernel does so; the rest faults first.
func TestProtectRaises(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c, l := m.NewAddressSpace(7), m.CPU(0), cfg.Kernel.Layout
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 3), Prot: rw}))
		require.NoError(t, c.Store(as, base, 1))
		_, err := c.Fork(ctx, as, m.NewAddressSpace(8))
		require.NoError(t, err)
		require.NoError(t, c.Store(as, base+1<<12, 1))
		_, err = c.Load(as, base+2<<12)
		require.NoError(t, err)
		for _, a := range []pte.Access{pte.Read, rw} {
			_, err = c.Protect(ctx, as, mm.Pages(base, 3), a)
			require.NoError(t, err)
		}
		require.Zero(t, as.PTE(base)&l.Write, "the child's too")
		require.Equal(t, cfg.Kernel.ModifyProt, as.PTE(base+1<<12)&l.Write != 0, "its own")
		require.Zero(t, as.PTE(base+2<<12)&l.Write, "the page of zeroes")
		require.NoError(t, m.Check())
	})
}

// TestSpuriousFault: a fault that finds the access permitted changes no page.
func TestSpuriousFault(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
		_, err := c.Load(as, base) // the page of zeroes
		require.NoError(t, err)
		free := m.Frames().Free()
		require.NoError(t, c.Fault(as, base, pte.Read))
		require.Equal(t, free, m.Frames().Free(), "not copied")
		require.NoError(t, c.Store(as, base, 5))
		ra := cfg.Kernel.Layout.RA(as.PTE(base))
		require.NoError(t, c.Fault(as, base, pte.Write))
		require.Equal(t, ra, cfg.Kernel.Layout.RA(as.PTE(base)))
		require.NoError(t, m.Check())
	})
}

// TestSegments: from 1T on segments are larger, where the kernel has those.
func TestSegments(t *testing.T) {
	for k, far := range map[*mm.Kernel]pte.SegSize{mm.Linux2620: pte.Seg256M, mm.Linux61: pte.Seg1T} {
		as := newMachine(t, mm.Config{Kernel: k}).NewAddressSpace(7)
		require.Equal(t, pte.Seg256M, as.Key(1<<40-1).Seg)
		require.Equal(t, far, as.Key(1<<40).Seg)
	}
}

// TestStepWithoutExplorer does nothing.
func TestStepWithoutExplorer(t *testing.T) {
	m := newMachine(t, mm.Config{})
	as := m.NewAddressSpace(7)
	m.CPU(0).Step("own_step", base, mm.Touch{Loc: as.PTELoc(base), Kind: mm.TouchRead})
	require.NoError(t, m.Check())
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
