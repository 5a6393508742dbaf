package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

const piece pte.EA = 1 << 16

// smallTHP is a machine whose huge pages have contents in three pieces, with one of
// them mapped and stored to.
func smallTHP(t *testing.T, cfg mm.Config) (*mm.Machine, *mm.AddressSpace) {
	cfg.Kernel, cfg.HugePieces = mm.Linux61With64K, 3
	cfg.HugeFrames, cfg.Frames = max(cfg.HugeFrames, 1), 32
	m := newMachine(t, cfg)
	as := m.NewAddressSpace(7)
	require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Range{Start: base - 2*piece, End: base + huge}, Prot: rw, Transparent: true}))
	for i := range pte.EA(3) {
		require.NoError(t, m.CPU(0).Store(as, base+i*piece, uint64(70+i)))
	}
	return m, as
}

// TestSplitNeedsATransparentPage: there is nothing to split elsewhere, and a hugetlb
// page stays whole.
func TestSplitNeedsATransparentPage(t *testing.T) {
	m, as := smallTHP(t, mm.Config{HugeFrames: 2})
	c, f, far := m.CPU(0), m.NewHugeMapping(1), base+1<<30
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Range{Start: far, End: far + huge}, Prot: rw, Shared: true, File: f}))
	require.NoError(t, c.Store(as, far, 5))
	for _, ea := range []pte.EA{base - piece, base + 1<<28, far} {
		require.ErrorIs(t, c.SplitHugePage(as, ea), mm.ErrHuge, "%v", ea)
	}
	holds(t, c, as, far, 5)
	require.Equal(t, pte.Page16M, as.Key(far).Base)
	require.NoError(t, m.Check())
}

// TestSplitPagesAreFound: what a split leaves is swapped out page by page, by the way
// from a frame to its PTE.
func TestSplitPagesAreFound(t *testing.T) {
	m, as := smallTHP(t, mm.Config{})
	c := m.CPU(0)
	require.NoError(t, c.SplitHugePage(as, base))
	for i := range pte.EA(3) {
		require.True(t, c.SwapOut(as, base+i*piece), "%d", i)
		require.True(t, m.Kernel().Layout.OnDevice(as.PTE(base+i*piece)))
	}
	for i := range pte.EA(3) {
		holds(t, c, as, base+i*piece, uint64(70+i))
	}
	require.NoError(t, m.Check())
}

// TestCollapseRefuses pages that are somebody else's too, or not in memory, whichever of
// them it is.
func TestCollapseRefuses(t *testing.T) {
	spoils := map[string]func(t *testing.T, m *mm.Machine, as *mm.AddressSpace, ea pte.EA){
		"the page of zeroes": func(t *testing.T, m *mm.Machine, as *mm.AddressSpace, ea pte.EA) {
			_, err := m.CPU(0).MadviseDontNeed(ctx, as, m.Kernel().Pages(ea, 1))
			require.NoError(t, err)
			holds(t, m.CPU(0), as, ea, 0)
		},
		"shared with a child": func(t *testing.T, m *mm.Machine, as *mm.AddressSpace, ea pte.EA) {
			_, err := m.CPU(0).Fork(ctx, as, m.NewAddressSpace(8))
			require.NoError(t, err)
			for i := range pte.EA(3) {
				if at := base + i*piece; at != ea {
					require.NoError(t, m.CPU(0).Store(as, at, uint64(i)))
				}
			}
		},
		"swapped out": func(t *testing.T, m *mm.Machine, as *mm.AddressSpace, ea pte.EA) {
			require.True(t, m.CPU(0).SwapOut(as, ea))
		},
	}
	for name, spoil := range spoils {
		for i := range pte.EA(3) {
			m, as := smallTHP(t, mm.Config{HugeFrames: 2})
			c, ea := m.CPU(0), base+i*piece
			require.NoError(t, c.SplitHugePage(as, base))
			spoil(t, m, as, ea)
			require.ErrorIs(t, c.CollapseHugePage(as, base), mm.ErrHuge, "%s, %d", name, i)
			require.NoError(t, m.Check())
			require.NoError(t, c.Store(as, ea, 9), "a page of its own")
			require.NoError(t, c.CollapseHugePage(as, base), "%s, %d", name, i)
			holds(t, c, as, ea, 9)
			require.NoError(t, m.Check())
		}
	}
}

// TestCollapseGivesUp when a page that it has looked at is swapped out before it has
// the locks: nothing is lost, and another try does it.
func TestCollapseGivesUp(t *testing.T) {
	st := new(mmtest.Stepper)
	m, as := smallTHP(t, mm.Config{HugeFrames: 2, Stepper: st})
	c := m.CPU(0)
	require.NoError(t, c.SplitHugePage(as, base))
	_, err := st.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepAlloc}, {CPU: 1}},
		func() { require.ErrorIs(t, c.CollapseHugePage(as, base), mm.ErrHuge) },
		func() { require.True(t, m.CPU(1).SwapOut(as, base)) })
	require.NoError(t, err)
	kept := func() {
		for i := range pte.EA(3) {
			holds(t, c, as, base+i*piece, uint64(70+i))
		}
		require.NoError(t, m.Check())
	}
	kept()
	require.NoError(t, c.CollapseHugePage(as, base), "all are in memory again")
	kept()
}

// TestCollapseKeepsStores: the base pages are out of reach while they are copied, also
// for a hash_page that was in the page tables before, so no store is lost.
func TestCollapseKeepsStores(t *testing.T) {
	copying := []mmtest.Leg{{CPU: 0, Through: mm.StepPMDUnlock}, {CPU: 1, Through: mm.StepIRQRestore}, {CPU: 0, Through: mm.StepCopy}, {CPU: 1}}
	for name, legs := range map[string][]mmtest.Leg{
		"comes after the flush": copying,
		"was in the tables":     append([]mmtest.Leg{{CPU: 1, Through: mm.StepFindPTE}}, copying...),
	} {
		st := new(mmtest.Stepper)
		m, as := smallTHP(t, mm.Config{HugeFrames: 2, Stepper: st})
		c := m.CPU(0)
		require.NoError(t, c.SplitHugePage(as, base))
		holds(t, c, as, base, 70)
		m.CPU(1).Join(as)
		m.Table().Clear()
		_, err := st.Run(legs,
			func() { require.NoError(t, c.CollapseHugePage(as, base)) },
			func() { require.NoError(t, m.CPU(1).Store(as, base, 5)) })
		require.NoError(t, err, name)
		v, err := c.Load(as, base)
		require.NoError(t, err)
		require.EqualValues(t, 5, v, name)
		require.NoError(t, m.Check())
	}
}

// TestSubpageProtBesideAHugePage: what ends where a huge page begins leaves that whole.
func TestSubpageProtBesideAHugePage(t *testing.T) {
	m, as := smallTHP(t, mm.Config{})
	c := m.CPU(0)
	require.NoError(t, c.SubpageProt(as, base-piece, []uint32{0}))
	require.NoError(t, c.SplitHugePage(as, base), "there still is one")
	require.NoError(t, m.Check())
}

// touched is a Stepper that notes what is written.
type touched struct {
	mmtest.Stepper
	written map[mm.Loc]bool
}

func (s *touched) Step(_ int, op mm.Op) {
	for _, t := range op.Touches {
		s.Touch(0, t)
	}
}

func (s *touched) Touch(_ int, t mm.Touch) {
	if t.Kind == mm.TouchWrite {
		s.written[t.Loc] = true
	}
}

// TestExplorersSeeEveryPiece: an operation on a huge page is one on the frame of each
// piece.
func TestExplorersSeeEveryPiece(t *testing.T) {
	st := &touched{written: map[mm.Loc]bool{}}
	m, as := smallTHP(t, mm.Config{Stepper: st})
	var pieces []mm.Loc
	for _, l := range m.Locations(mm.PageOf{Space: as, EA: base}) {
		if l.Loc.Kind == mm.LocFrame && l.Loc.ID >= 32 { // behind those of base pages
			pieces = append(pieces, l.Loc)
		}
	}
	require.Len(t, pieces, 3)
	for name, op := range map[string]func() error{
		"fault": func() error {
			if _, err := m.CPU(0).MadviseDontNeed(ctx, as, mm.Range{Start: base, End: base + huge}); err != nil {
				return err
			}
			clear(st.written)
			return m.CPU(0).Fault(as, base, pte.Write)
		},
		"split": func() error {
			if err := m.CPU(0).Fault(as, base, pte.Write); err != nil {
				return err
			}
			clear(st.written)
			return m.CPU(0).SplitHugePage(as, base)
		},
	} {
		m, as = smallTHP(t, mm.Config{Stepper: st})
		require.NoError(t, op(), name)
		for _, l := range pieces {
			require.True(t, st.written[l], "%s: %v", name, l)
		}
		for l := range st.written {
			require.False(t, l.Kind == mm.LocFrame && l.ID >= 35, "%s: %v is no frame", name, l)
		}
	}
}

// TestExplorersSeeSlots: states in which a piece has its entry in different slots
// differ to an explorer.
func TestExplorersSeeSlots(t *testing.T) {
	m, as := smallTHP(t, mm.Config{NoTLB: true})
	c, table, key := m.CPU(0), m.Table(), as.Key(base)
	slots := func() (v uint64) {
		for _, l := range m.Locations(mm.PageOf{Space: as, EA: base}) {
			if l.Loc.Kind == mm.LocSlots {
				v = l.Value()
			}
		}
		return v
	}
	before := slots()
	_, hint, ok := table.InvalidateKey(key)
	require.True(t, ok)
	bolt(t, table, key.Hash().Primary(table.Mask()), 1)
	holds(t, c, as, base, 70)
	_, at, ok := table.Lookup(key)
	require.True(t, ok)
	require.NotEqual(t, hint, at)
	require.NotEqual(t, before, slots())
}
