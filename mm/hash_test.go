package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

// stepsOf are the steps of a trace.
func stepsOf(trace []mmtest.Taken) (steps []mm.Step) {
	for _, s := range trace {
		steps = append(steps, s.Step)
	}
	return steps
}

// TestStoreSetsC: the first store by a translation that was loaded with C clear goes
// back to the table and sets it there.
func TestStoreSetsC(t *testing.T) {
	for _, k := range mm.Kernels() {
		m := newMachine(t, mm.Config{Kernel: k})
		as, c, table := m.NewAddressSpace(7), m.CPU(0), m.Table()
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
		require.NoError(t, c.Store(as, base, 5))
		e, hint, ok := table.InvalidateKey(as.Key(base))
		require.True(t, ok)
		c.TLB().InvalidateAll()
		e.R &^= pte.RChg
		at, err := table.Insert(as.Key(base), e)
		require.NoError(t, err)
		require.Equal(t, hint, at)

		holds(t, c, as, base, 5)
		e, _, _ = table.Lookup(as.Key(base))
		require.Zero(t, e.R&pte.RChg)
		require.NoError(t, c.Store(as, base, 6))
		e, _, _ = table.Lookup(as.Key(base))
		require.NotZero(t, e.R&pte.RChg)
		require.NoError(t, m.Check())
	}
}

// TestDuplicatesThatAgree: two entries of a page are a duplicate, and a conflict when
// they do not translate alike.
func TestDuplicatesThatAgree(t *testing.T) {
	for _, differ := range []bool{false, true} {
		m, as := mapped(t, mm.Config{}, 1)
		dup, conflict := as.Duplicate(base)
		require.False(t, dup || conflict)
		e, _, ok := m.Table().Lookup(as.Key(base))
		require.True(t, ok)
		if differ {
			e.R += 0x1000
		}
		_, err := m.Table().Insert(as.Key(base), e)
		require.NoError(t, err)
		dup, conflict = as.Duplicate(base)
		require.True(t, dup)
		require.Equal(t, differ, conflict)
	}
}

// TestPageFaultEntersThePage: a page fault leaves an entry behind, unless Preload is
// off; so it does where a huge page could be, and for the piece of a page that is
// hashed by 4K.
func TestPageFaultEntersThePage(t *testing.T) {
	for _, off := range []bool{false, true} {
		entered := func(m *mm.Machine, as *mm.AddressSpace, ea pte.EA) {
			t.Helper()
			require.NoError(t, m.CPU(0).Fault(as, ea, pte.Read))
			_, _, ok := m.Table().Lookup(as.Key(ea))
			require.Equal(t, !off, ok)
			require.NoError(t, m.Check())
		}
		for _, k := range mm.AllKernels() {
			m := newMachine(t, mm.Config{Kernel: k, NoPreload: off})
			as := m.NewAddressSpace(7)
			require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: k.Pages(base, 1), Prot: rw}))
			entered(m, as, base)
		}
		m, as := smallTHP(t, mm.Config{NoPreload: off})
		require.NoError(t, m.CPU(0).SplitHugePage(as, base))
		_, err := m.CPU(0).MadviseDontNeed(ctx, as, m.Kernel().Pages(base, 1))
		require.NoError(t, err)
		entered(m, as, base)

		k := mm.Linux61With64K
		m = newMachine(t, mm.Config{Kernel: k, NoPreload: off})
		as = m.NewAddressSpace(7)
		require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: k.Pages(base, 2), Prot: rw}))
		require.NoError(t, m.CPU(0).SubpageProt(as, base, []uint32{0, mm.SubpageNone << (2 * 15)}))
		entered(m, as, base)
		require.NoError(t, m.CPU(0).Fault(as, base+1<<16, pte.Read))
		_, _, ok := m.Table().Lookup(as.Key(base + 1<<16))
		require.False(t, ok, "nothing may use the first piece")
	}
}

// TestHashPageSteps: what an explorer sees of hash_page, from BUSY on. A slot is stored
// in the second half of a PTE where the first has no room for it. With MergeSteps,
// the change of the table and the end of BUSY are no steps of their own unless
// others can tell the difference.
func TestHashPageSteps(t *testing.T) {
	const (
		busy, insert, update = mm.StepSetBusy, mm.StepInsert, mm.StepUpdatePP
		slot, done           = mm.StepStoreHidx, mm.StepClearBusy
	)
	for _, c := range []struct {
		kernel       *mm.Kernel
		merge        bool
		first, again []mm.Step // the first store; a load that finds the entry evicted
	}{
		{mm.Linux2620, false, []mm.Step{busy, update, done}, []mm.Step{busy, update, insert, done}},
		{mm.Linux61, false, []mm.Step{busy, update, done}, []mm.Step{busy, update, insert, done}},
		{mm.Linux2620With64K, false, []mm.Step{busy, update, done}, []mm.Step{busy, update, insert, done}},
		{mm.Linux61With64K, false, []mm.Step{busy, update, slot, done}, []mm.Step{busy, update, insert, slot, done}},
		{mm.Linux61, true, []mm.Step{busy, update}, []mm.Step{busy, insert}},
		{mm.Linux61With64K, true, []mm.Step{busy, update, slot, done}, []mm.Step{busy, insert, slot, done}},
	} {
		st := new(mmtest.Stepper)
		m := newMachine(t, mm.Config{Kernel: c.kernel, NoTLB: true, MergeSteps: c.merge, Stepper: st})
		as, cpu, f := m.NewAddressSpace(7), m.CPU(0), m.NewMapping(1, false)
		require.NoError(t, cpu.Map(as, mm.VMA{Range: c.kernel.Pages(base, 1), Prot: rw, Shared: true, File: f}))
		_, err := cpu.Load(as, base)
		require.NoError(t, err)
		hashed := func(access func()) (steps []mm.Step) {
			trace, err := st.Run(nil, access)
			require.NoError(t, err)
			for _, s := range stepsOf(trace) {
				switch s {
				case busy, insert, update, slot, done:
					steps = append(steps, s)
				}
			}
			return steps
		}
		require.Equal(t, c.first, hashed(func() { require.NoError(t, cpu.Store(as, base, 5)) }), "%s, merge %t", c.kernel.Name, c.merge)
		m.Table().Clear()
		require.Equal(t, c.again, hashed(func() { holds(t, cpu, as, base, 5) }), "%s, merge %t", c.kernel.Name, c.merge)
	}
}
