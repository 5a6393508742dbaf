package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// TestVmalloc gives areas out and takes them back in any order: no two overlap or
// touch, each holds what was stored to it, and nothing is reachable or lost after.
func TestVmalloc(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := mm.Config{
			Kernel: rapid.SampledFrom(mm.Kernels()).Draw(t, "kernel"), Frames: 20,
			Policy: rapid.SampledFrom([]batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()}).Draw(t, "policy"),
		}
		table, err := hpt.New(hpt.Config{})
		require.NoError(t, err)
		defer func() { require.NoError(t, table.Close()) }()
		cfg.Table = table
		m, err := mm.New(cfg)
		require.NoError(t, err)
		k, err := m.NewKernelSpace(7, mm.Pages(base, 12))
		require.NoError(t, err)
		c := m.CPU(0)
		areas := make(map[pte.EA]uint64)
		t.Repeat(map[string]func(*rapid.T){
			"vmalloc": func(t *rapid.T) {
				n := rapid.Uint64Range(0, 5).Draw(t, "n")
				ea, err := c.Vmalloc(k, n)
				if err != nil {
					require.ErrorIs(t, err, mm.ErrNoSpace)
					return
				}
				for at, size := range areas {
					require.True(t, ea+pte.EA(n+1)<<12 <= at || at+pte.EA(size+1)<<12 <= ea)
				}
				areas[ea] = n
				for i := range n {
					require.NoError(t, m.CPU(1).Store(k.AddressSpace, ea+pte.EA(i)<<12, uint64(ea)+i))
				}
			},
			"vfree": func(t *rapid.T) {
				ea := base + pte.EA(rapid.IntRange(0, 12).Draw(t, "page"))<<12
				_, ok := areas[ea]
				err := c.Vfree(k, ea)
				require.Equal(t, ok, err == nil)
				if !ok {
					require.ErrorIs(t, err, mm.ErrNoArea)
					return
				}
				delete(areas, ea)
				_, err = m.CPU(1).Load(k.AddressSpace, ea)
				require.ErrorIs(t, err, mm.ErrNoVMA)
			},
			"": func(t *rapid.T) {
				require.NoError(t, m.Check())
				for ea, n := range areas {
					for i := range n {
						v, err := c.Load(k.AddressSpace, ea+pte.EA(i)<<12)
						require.NoError(t, err)
						require.Equal(t, uint64(ea)+i, v)
					}
				}
			},
		})
	})
}

// TestVmallocFits: areas fill what there is to the last page, guard pages aside.
func TestVmallocFits(t *testing.T) {
	m := newMachine(t, mm.Config{})
	k, err := m.NewKernelSpace(7, mm.Pages(base, 6))
	require.NoError(t, err)
	c := m.CPU(0)
	_, err = c.Vmalloc(k, 0)
	require.ErrorIs(t, err, mm.ErrNoSpace)
	_, err = c.Vmalloc(k, 7)
	require.ErrorIs(t, err, mm.ErrNoSpace)
	ea, err := c.Vmalloc(k, 6)
	require.NoError(t, err, "all of it")
	require.NoError(t, c.Vfree(k, ea))
	for i := range pte.EA(3) {
		ea, err := c.Vmalloc(k, 1)
		require.NoError(t, err)
		require.Equal(t, base+2*i<<12, ea)
	}
	require.NoError(t, c.Vfree(k, base+2<<12))
	ea, err = c.Vmalloc(k, 1)
	require.NoError(t, err)
	require.Equal(t, base+2<<12, ea, "between two guard pages")
}

// TestVmallocOutOfFrames: what was mapped before the last frame went is given back.
func TestVmallocOutOfFrames(t *testing.T) {
	m := newMachine(t, mm.Config{Frames: 4})
	k, err := m.NewKernelSpace(7, mm.Pages(base, 12))
	require.NoError(t, err)
	_, err = m.CPU(0).Vmalloc(k, 4)
	require.ErrorIs(t, err, mm.ErrNoMemory)
	require.Equal(t, 3, m.Frames().Free())
	ea, err := m.CPU(0).Vmalloc(k, 3)
	require.NoError(t, err)
	require.Equal(t, base, ea)
	_, err = m.NewKernelSpace(8, mm.Range{})
	require.ErrorIs(t, err, mm.ErrRange)
}
