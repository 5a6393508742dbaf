package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

// family is a parent with one private page, stored to, and a child that shares it.
func family(t *testing.T, cfg mm.Config) (m *mm.Machine, parent, child *mm.AddressSpace) {
	m = newMachine(t, cfg)
	parent, child = m.NewAddressSpace(7), m.NewAddressSpace(8)
	require.NoError(t, m.CPU(0).Map(parent, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
	require.NoError(t, m.CPU(0).Store(parent, base, 5))
	_, err := m.CPU(0).Fork(ctx, parent, child)
	require.NoError(t, err)
	return m, parent, child
}

func load(t *testing.T, c *mm.CPU, as *mm.AddressSpace, ea pte.EA) uint64 {
	v, err := c.Load(as, ea)
	require.NoError(t, err)
	return v
}

// TestSwapOut: a page leaves memory for everybody who shares it and each gets its
// contents back; what one stores then the other does not see.
func TestSwapOut(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m, parent, child := family(t, cfg)
		c := m.CPU(0)
		free := m.Frames().Free()
		require.False(t, c.SwapOut(parent, base+0x1000), "nothing there")
		require.True(t, c.SwapOut(child, base))
		require.False(t, c.SwapOut(child, base), "already out")
		require.Equal(t, free+1, m.Frames().Free())
		require.False(t, cfg.Kernel.Layout.IsPresent(parent.PTE(base)))
		require.NoError(t, m.Check())
		require.EqualValues(t, 5, load(t, m.CPU(1), parent, base))
		require.NoError(t, c.Store(parent, base, 6))
		require.NoError(t, c.Store(child, base, 7))
		require.EqualValues(t, 6, load(t, c, parent, base))
		require.EqualValues(t, 7, load(t, m.CPU(1), child, base))
		require.NoError(t, m.Check())
	})
}

// TestSwappedPagesEverywhere: fork copies, mremap moves, zap and exit free what is
// swapped out.
func TestSwappedPagesEverywhere(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		cfg.Swap = 1
		m, parent, child := family(t, cfg)
		c := m.CPU(0)
		free := m.Frames().Free()
		require.True(t, c.SwapOut(parent, base))
		grandchild := m.NewAddressSpace(9)
		res, err := c.Fork(ctx, child, grandchild)
		require.NoError(t, err)
		require.Equal(t, 1, res.Pages)
		require.NoError(t, m.Check())
		_, err = c.Remap(ctx, child, mm.Pages(base, 1), elsewhere)
		require.NoError(t, err)
		_, err = c.Protect(ctx, child, mm.Pages(elsewhere, 1), pte.Read)
		require.NoError(t, err)
		require.EqualValues(t, 5, load(t, c, child, elsewhere))
		require.ErrorIs(t, c.Store(child, elsewhere, 8), mm.ErrProtected)
		require.EqualValues(t, 5, load(t, c, grandchild, base))
		require.NoError(t, m.Check())

		require.False(t, c.SwapOut(grandchild, base), "the device is full")
		_, err = c.ZapPageRange(ctx, parent, mm.Pages(base, 1))
		require.NoError(t, err)
		require.Zero(t, load(t, c, parent, base))
		require.True(t, c.SwapOut(grandchild, base))
		for _, as := range []*mm.AddressSpace{parent, child, grandchild} {
			_, err := c.Exit(as)
			require.NoError(t, err)
		}
		require.NoError(t, m.Check())
		require.Equal(t, free+1, m.Frames().Free())
	})
}

// TestSwapCache: a page that is used again while it is on its way out stays, and
// still has one copy only.
func TestSwapCache(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		m, parent, child := family(t, cfg)
		c := m.CPU(0)
		ra, ok := c.Pin(parent, base) // somebody has it
		require.True(t, ok)
		require.False(t, c.SwapOut(parent, base))
		require.NoError(t, c.Store(child, base, 7))
		c.Unpin(ra)
		require.NoError(t, m.Check(), "the reference left is the swap cache's")
		require.EqualValues(t, 5, load(t, c, parent, base))
		require.Equal(t, ra, cfg.Kernel.Layout.RA(parent.PTE(base)), "found in the swap cache")
		require.EqualValues(t, 7, load(t, c, child, base))
		require.NoError(t, m.Check())
		_, ok = c.Pin(parent, base+0x1000)
		require.False(t, ok)
	})
}

func TestBadSwap(t *testing.T) {
	table := newMachine(t, mm.Config{}).Table()
	_, err := mm.New(mm.Config{Table: table, Swap: -1})
	require.ErrorContains(t, err, "Swap = -1")
}

// TestSwapOutOfWhatIsGone: a page that nobody maps any more when it has its slot leaves
// the swap cache, also where somebody looks at it meanwhile.
func TestSwapOutOfWhatIsGone(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		for _, looked := range []bool{false, true} {
			st := new(mmtest.Stepper)
			cfg.Stepper = st
			m, as := mapped(t, cfg, 1)
			free := m.Frames().Free()
			ra := cfg.Kernel.Layout.RA(as.PTE(base))
			if looked {
				m.Frames().Get(ra)
			}
			_, err := st.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepSwapAdd}, {CPU: 1}, {CPU: 0}},
				func() { require.Equal(t, !looked, m.CPU(0).SwapOut(as, base)) },
				func() {
					_, err := m.CPU(1).ZapPageRange(ctx, as, mm.Pages(base, 1))
					require.NoError(t, err)
				})
			require.NoError(t, err)
			if looked {
				require.True(t, m.Frames().Put(ra), "nobody else has it")
			}
			require.Equal(t, free+1, m.Frames().Free())
			require.NoError(t, m.Check())
		}
	})
}
