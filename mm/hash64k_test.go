package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

var kernels64K = []*mm.Kernel{mm.Linux2620With64K, mm.Linux61With64K}

// TestPagesOf64K: memory, files and protection with 64K base pages.
func TestPagesOf64K(t *testing.T) {
	for _, k := range kernels64K {
		for _, p := range []batch.Policy{batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()} {
			t.Run(k.Name+"/"+p.String(), func(t *testing.T) {
				m := newMachine(t, mm.Config{Kernel: k, Policy: p})
				as, c := m.NewAddressSpace(7), m.CPU(0)
				f := m.NewMapping(8, true)
				require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 8), Prot: rw, Shared: true, File: f}))
				require.ErrorIs(t, c.Map(as, mm.VMA{Range: mm.Range{Start: base + 1<<20 + 0x1000, End: base + 1<<21}, Prot: rw}), mm.ErrRange)
				for i := range pte.EA(8) {
					require.NoError(t, c.Store(as, base+i<<16+i<<12, uint64(100+i)))
				}
				for i := range pte.EA(8) {
					v, err := m.CPU(1).Load(as, base+i<<16+0xfff8)
					require.NoError(t, err)
					require.EqualValues(t, 100+i, v, "one page, whatever the offset")
					e, hint, ok := m.Table().Lookup(as.Key(base + i<<16))
					require.True(t, ok)
					actual, ok := m.Table().Sizes().Actual(pte.Page64K, e)
					require.True(t, ok)
					require.Equal(t, pte.Page64K, actual)
					require.Equal(t, hint, as.Hint(base+i<<16))
				}
				_, err := c.Protect(ctx, as, k.Pages(base, 4), pte.Read)
				require.NoError(t, err)
				require.ErrorIs(t, m.CPU(1).Store(as, base+0x1234, 1), mm.ErrProtected)
				require.NoError(t, m.Check())
				_, err = c.UnmapMappingRange(ctx, f, 0, 0, true)
				require.NoError(t, err)
				require.Zero(t, m.Table().Stats().Valid)
				require.NoError(t, m.Check())
			})
		}
	}
}
