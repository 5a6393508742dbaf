package mm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

// TestLocationsOfPTEs: what belongs to a PTE is listed where the kernel has it.
func TestLocationsOfPTEs(t *testing.T) {
	for _, k := range mm.AllKernels() {
		with64K := k.PageSize() == pte.Page64K
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1})
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 1), Prot: rw}))
		far := base + 1<<28
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Range{Start: far, End: far + huge}, Prot: rw, Shared: true, File: m.NewHugeMapping(1)}))
		lists := func(ea pte.EA, what string) bool {
			for _, l := range m.Locations(mm.PageOf{Space: as, EA: ea}) {
				if strings.Contains(l.Name, what) {
					return true
				}
			}
			return false
		}
		for _, what := range []string{"second half", "subpage protection", "page size of the slice"} {
			require.Equal(t, with64K, lists(base, what), "%s: %s", k.Name, what)
		}
		require.False(t, lists(base, "16M"), k.Name)
		require.True(t, lists(far, "16M"), k.Name)
	}
}

// TestReferencesAreState: who else has a frame decides what a fault does to it, so it
// is part of what explorers tell states apart by.
func TestReferencesAreState(t *testing.T) {
	m, as := mapped(t, mm.Config{}, 2)
	frames := func() (values []uint64) {
		for _, l := range m.Locations(mm.PageOf{Space: as, EA: base}) {
			if l.Loc.Kind == mm.LocFrame {
				values = append(values, l.Value())
			}
		}
		return values
	}
	before := frames()
	ra, ok := m.CPU(0).Pin(as, base)
	require.True(t, ok)
	changed := 0
	for i, v := range frames() {
		if v != before[i] {
			changed++
		}
	}
	require.Equal(t, 1, changed)
	m.CPU(0).Unpin(ra)
	require.Equal(t, before, frames())
}

// TestDemotionIsState: whether a CPU has learned of a demotion is part of its digest,
// and a checkpoint brings it back.
func TestDemotionIsState(t *testing.T) {
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k})
	as, c, other := m.NewAddressSpace(7), m.CPU(0), m.CPU(1)
	require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 1), Prot: rw}))
	require.NoError(t, other.Store(as, base, 1))
	undemoted := m.Save(mm.PageOf{Space: as, EA: base})
	require.NoError(t, c.SubpageProt(as, base, []uint32{0}))
	demoted := m.Save(mm.PageOf{Space: as, EA: base})
	before := other.Digest()
	require.NoError(t, other.Store(as, base, 2)) // a hash fault
	after := other.Digest()
	require.NotEqual(t, before, after)
	demoted.Restore()
	require.Equal(t, before, other.Digest())
	require.Equal(t, pte.Page4K, as.Key(base).Base)
	require.NoError(t, other.Store(as, base, 2))
	require.Equal(t, after, other.Digest())
	undemoted.Restore()
	require.Equal(t, pte.Page64K, as.Key(base).Base)
	require.NoError(t, m.Check())
}

// lockReads notes what is read in the step that takes a PTE page lock.
type lockReads struct {
	mmtest.Stepper
	kinds map[mm.LocKind]bool
}

func (s *lockReads) Step(_ int, op mm.Op) {
	for _, t := range op.Touches {
		if op.Step == mm.StepPTELock && t.Kind == mm.TouchRead {
			s.kinds[t.Loc.Kind] = true
		}
	}
}

// TestTruncationMeetsFaults: a fault looks under the lock whether the page is still the
// file's, so explorers have to know that it looks there.
func TestTruncationMeetsFaults(t *testing.T) {
	for k, kind := range map[*mm.Kernel]mm.LocKind{mm.Linux2620: mm.LocTruncate, mm.Linux61: mm.LocFile} {
		s := &lockReads{kinds: map[mm.LocKind]bool{}}
		m := newMachine(t, mm.Config{Kernel: k, Stepper: s})
		as, c := m.NewAddressSpace(7), m.CPU(0)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw, File: m.NewMapping(1, false)}))
		require.NoError(t, c.Fault(as, base, pte.Read))
		require.True(t, s.kinds[kind], k.Name)
	}
}

// TestDuplicateOfAnySize: a second entry is noticed by whatever size the page is hashed.
func TestDuplicateOfAnySize(t *testing.T) {
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1})
	as, c := m.NewAddressSpace(7), m.CPU(0)
	for i, vma := range []mm.VMA{
		{Range: k.Pages(base, 1), Prot: rw},
		{Range: k.Pages(base+1<<28, 1), Prot: rw},
		{Range: mm.Range{Start: base + 2<<28, End: base + 2<<28 + huge}, Prot: rw, Shared: true, File: m.NewHugeMapping(1)},
	} {
		require.NoError(t, c.Map(as, vma))
		if i == 1 {
			require.NoError(t, c.SubpageProt(as, vma.Start, []uint32{0}))
		}
		require.NoError(t, c.Store(as, vma.Start, 1))
		key := as.Key(vma.Start)
		require.Equal(t, []pte.PageSize{pte.Page64K, pte.Page4K, pte.Page16M}[i], key.Base)
		dup, _ := as.Duplicate(vma.Start)
		require.False(t, dup)
		e, _, ok := m.Table().Lookup(key)
		require.True(t, ok)
		hint, err := m.Table().Insert(key, e)
		require.NoError(t, err)
		dup, conflict := as.Duplicate(vma.Start)
		require.True(t, dup, "%v", key.Base)
		require.False(t, conflict, "both translate alike")
		_, ok = m.Table().Invalidate(pte.Ref{Key: key, Actual: key.Base, Hint: hint})
		require.True(t, ok)
	}
}
