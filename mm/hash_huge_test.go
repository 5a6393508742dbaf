package mm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

// TestHugeOrphansByPTE: the entries of a transparent huge page are orphans when its PTE
// says that there are none, or that they are of the other page size.
func TestHugeOrphansByPTE(t *testing.T) {
	m, as, _ := testMachine(t, Config{Kernel: Linux61With64K, HugeFrames: 1})
	c, l := m.CPU(0), m.kernel.Layout
	r := Range{Start: testEA &^ (hugeSize - 1), End: testEA&^(hugeSize-1) + hugeSize}
	require.NoError(t, c.Map(as, VMA{Range: r, Prot: pte.Read | pte.Write, Transparent: true}))
	require.NoError(t, c.Store(as, testEA, 1))
	var pmd page
	as.hugePages(func(p page) { pmd = p })
	require.NoError(t, m.Check())
	old := pmd.entry.Load()
	for _, bit := range []pte.LinuxPTE{l.HashPTE, l.Combo} {
		pmd.entry.Store(old ^ uint64(bit))
		require.ErrorIs(t, m.Check(), ErrOrphan)
	}
	pmd.entry.Store(old)
	require.NoError(t, m.Check())
}
