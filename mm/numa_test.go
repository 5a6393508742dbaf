package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// TestNUMAHinting: a hinted page faults once and is then what it was.
func TestNUMAHinting(t *testing.T) {
	for _, p := range allPolicies() {
		m, as := mapped(t, mm.Config{Policy: p}, 3)
		c, other, l := m.CPU(0), m.CPU(1), m.Kernel().Layout
		file, at := m.NewMapping(1, false), base+1<<24
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(at, 1), Prot: pte.Read, File: file}))
		_, err := c.Load(as, at)
		require.NoError(t, err)
		child := m.NewAddressSpace(8)
		_, err = c.Fork(ctx, as, child)
		require.NoError(t, err)
		require.NoError(t, c.Store(as, base, 10), "no more shared")

		res, err := c.HintNUMA(ctx, as, mm.Range{Start: base, End: at + 1<<12})
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: at + 1<<12, Pages: 1}, res, "not what fork shares, not a file that is read")
		require.True(t, l.ProtNone(as.PTE(base)))
		require.True(t, l.SavedWrite(as.PTE(base)))
		require.NoError(t, m.Check())
		res, err = c.HintNUMA(ctx, as, mm.Pages(base, 3))
		require.NoError(t, err)
		require.Zero(t, res.Pages, "hinted already")

		holds(t, other, as, base, 10)
		require.Equal(t, rw, l.Granted(as.PTE(base)), "writable as before, by a load")
		require.NoError(t, other.Store(as, base, 11))
		holds(t, c, as, base, 11)

		_, err = c.HintNUMA(ctx, as, mm.Pages(base, 1))
		require.NoError(t, err)
		_, err = c.Fork(ctx, as, m.NewAddressSpace(9))
		require.NoError(t, err)
		require.False(t, l.SavedWrite(as.PTE(base)), "ptep_set_wrprotect of a hinted PTE")
		require.NoError(t, c.Store(as, base, 12))
		holds(t, c, m.Space(9), base, 11)

		_, err = c.HintNUMA(ctx, as, mm.Pages(base, 1))
		require.NoError(t, err)
		_, err = c.Protect(ctx, as, mm.Pages(base, 1), pte.Read)
		require.NoError(t, err)
		holds(t, c, as, base, 12)
		require.ErrorIs(t, c.Store(as, base, 13), mm.ErrProtected)
		require.NoError(t, m.Check())
	}
	m, as := mapped(t, mm.Config{Kernel: mm.Linux2620}, 1)
	_, err := m.CPU(0).HintNUMA(ctx, as, mm.Pages(base, 1))
	require.ErrorIs(t, err, mm.ErrUnsupported)
	require.EqualError(t, err, "mm: no NUMA hinting in Linux 2.6.20")
}

// TestNUMAHintingOfSharedFiles: a shared mapping is hinted unless it is only read.
func TestNUMAHintingOfSharedFiles(t *testing.T) {
	for prot, pages := range map[pte.Access]int{pte.Read: 0, pte.Read | pte.Exec: 0, rw: 2} {
		m := newMachine(t, mm.Config{})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewMapping(2, false)
		r := mm.Pages(base, 2)
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: prot, Shared: true, File: f}))
		for ea := r.Start; ea < r.End; ea += 1 << 12 {
			_, err := c.Load(as, ea)
			require.NoError(t, err)
		}
		res, err := c.HintNUMA(ctx, as, r)
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: r.End, Pages: pages}, res, "%v", prot)
	}
}
