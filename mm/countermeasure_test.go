package mm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

func TestParseCountermeasures(t *testing.T) {
	require.Equal(t, "none", mm.Countermeasures{}.String())
	all := ""
	for i, one := range mm.AllCountermeasures() {
		got, err := mm.ParseCountermeasures(one.String())
		require.NoError(t, err)
		require.Equal(t, one, got)
		require.NotEqual(t, mm.Countermeasures{}, one)
		if i > 0 {
			all += "+"
		}
		all += one.String()
	}
	got, err := mm.ParseCountermeasures(all)
	require.NoError(t, err)
	require.Equal(t, all, got.String())
	require.Equal(t, mm.Countermeasures{FlushAtCommit: true, CarryHashBits: true, LeaveLazyBeforeUnlock: true, RefuseQueued: true, InsertUnique: true}, got)
	got, err = mm.ParseCountermeasures("none")
	require.NoError(t, err)
	require.Zero(t, got)
	_, err = mm.ParseCountermeasures("insert-unique+insert")
	require.ErrorContains(t, err, `"insert"`)
}

// raised is a page, read and so in the hash table, that mprotect has let be
// stored to, up to where the PTE is set and the old entry waits in the batch.
type raised struct {
	m       *mm.Machine
	as      *mm.AddressSpace
	stepper *mmtest.Stepper
}

func newRaised(t *testing.T, k *mm.Kernel, cm mm.Countermeasures) *raised {
	r := &raised{stepper: new(mmtest.Stepper)}
	r.m = newMachine(t, mm.Config{Kernel: k, Countermeasures: cm, Stepper: r.stepper})
	r.as = r.m.NewAddressSpace(7)
	f := r.m.NewMapping(1, false)
	require.NoError(t, r.m.CPU(0).Map(r.as, mm.VMA{Range: mm.Pages(base, 1), Prot: pte.Read, Shared: true, File: f}))
	_, err := r.m.CPU(0).Load(r.as, base)
	require.NoError(t, err)
	r.m.CPU(1).Join(r.as)
	return r
}

// race has the hash fault of CPU 1 come as soon as the PTE permits the store, and
// mprotect go on when it is done.
func (r *raised) race(t *testing.T) []mmtest.Taken {
	trace, err := r.stepper.Run([]mmtest.Leg{{CPU: 0, Through: mm.StepSetPTE}, {CPU: 1, Through: mm.StepClearBusy}},
		func() {
			_, err := r.m.CPU(0).Protect(ctx, r.as, mm.Pages(base, 1), rw)
			require.NoError(t, err)
		},
		func() { require.NoError(t, r.m.CPU(1).Store(r.as, base, 5)) })
	require.NoError(t, err)
	return trace
}

// TestCountermeasures: the same store right after mprotect has set the PTE. Without
// a countermeasure there is a second entry; each of four keeps it out in its way,
// and the last is about another kind of path.
func TestCountermeasures(t *testing.T) {
	for _, k := range mm.Kernels() {
		for name, c := range map[string]struct {
			duplicate bool
			passes    mm.Step // what the CPUs do because of the countermeasure
			commits   uint64  // flushes at a commit
		}{
			"none":                     {duplicate: true},
			"flush-at-commit":          {commits: 1},
			"carry-hash-bits":          {passes: mm.StepUpdatePP},
			"leave-lazy-before-unlock": {duplicate: true},
			"refuse-queued":            {passes: mm.StepRefused},
			"insert-unique":            {passes: mm.StepRefused},
		} {
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				cm, err := mm.ParseCountermeasures(name)
				require.NoError(t, err)
				r := newRaised(t, k, cm)
				found := false
				r.stepper.Each = func() error {
					dup, _ := r.as.Duplicate(base)
					found = found || dup
					return nil
				}
				trace := r.race(t)
				require.Equal(t, c.duplicate, found)
				var steps []mm.Step
				for _, s := range trace {
					steps = append(steps, s.Step)
				}
				if c.passes != "" {
					require.Contains(t, steps, c.passes)
				}
				require.Equal(t, c.commits, r.m.CPU(0).Batch().Stats().Flushes[batch.OnCommit])
				v, err := r.m.CPU(0).Load(r.as, base)
				require.NoError(t, err)
				require.EqualValues(t, 5, v)
				require.NoError(t, r.m.Check())
			})
		}
	}
}

// TestCarriedSlotGoesStale: the flush takes away the entry whose slot was carried
// over. The next hash fault misses there and makes a new one.
func TestCarriedSlotGoesStale(t *testing.T) {
	for _, k := range mm.Kernels() {
		m := newMachine(t, mm.Config{Kernel: k, Countermeasures: mm.Countermeasures{CarryHashBits: true}})
		as, c, l := m.NewAddressSpace(7), m.CPU(0), k.Layout
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
		require.NoError(t, c.Store(as, base, 5))
		hint := l.Hint(as.PTE(base))
		require.True(t, hint.Hashed())
		_, err := c.Protect(ctx, as, mm.Pages(base, 1), pte.Read)
		require.NoError(t, err)
		require.Equal(t, hint, l.Hint(as.PTE(base)))
		_, _, found := m.Table().Lookup(as.Key(base))
		require.False(t, found)
		require.NoError(t, m.Check())
		v, err := c.Load(as, base)
		require.NoError(t, err)
		require.EqualValues(t, 5, v)
		_, at, found := m.Table().Lookup(as.Key(base))
		require.True(t, found)
		require.Equal(t, at, l.Hint(as.PTE(base)))
		require.NoError(t, m.Check())
	}
}

// TestOwnBatchDoesNotBlock: a store that copies a page inside a lazy section of its
// own CPU. The old entry waits in the batch of the CPU that enters the copy: it
// flushes that, since it would wait for itself otherwise. (Without any
// countermeasure the store never ends: hardware keeps finding the old entry.)
func TestOwnBatchDoesNotBlock(t *testing.T) {
	for _, cm := range []mm.Countermeasures{{RefuseQueued: true}, {InsertUnique: true}, {FlushAtCommit: true}} {
		for _, k := range mm.Kernels() {
			m := newMachine(t, mm.Config{Kernel: k, Policy: batch.LazyMMU(), Countermeasures: cm})
			as, c := m.NewAddressSpace(7), m.CPU(0)
			require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw, File: m.NewMapping(1, false)}))
			_, err := c.Load(as, base)
			require.NoError(t, err)
			c.Batch().EnterLazy()
			require.NoError(t, c.Store(as, base, 6))
			dup, _ := as.Duplicate(base)
			require.False(t, dup)
			require.Zero(t, c.Batch().Len(), "flushed before the copy was entered")
			c.Batch().LeaveLazy()
			v, err := c.Load(as, base)
			require.NoError(t, err)
			require.EqualValues(t, 6, v)
			require.NoError(t, m.Check())
		}
	}
}

// TestOtherPagesStayQueued: a store flushes the batch of its CPU for the sake of its own
// page only.
func TestOtherPagesStayQueued(t *testing.T) {
	m := newMachine(t, mm.Config{Policy: batch.LazyMMU(), Countermeasures: mm.Countermeasures{RefuseQueued: true}})
	as, c := m.NewAddressSpace(7), m.CPU(0)
	const otherSegment = base + 1<<28
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 4), Prot: rw}))
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(otherSegment, 4), Prot: rw}))
	c.Batch().EnterLazy()
	for i := range pte.EA(3) {
		k := as.Key(base + i<<12)
		c.Batch().Add(as.Context(), pte.Ref{Key: k, Actual: k.Base, Hint: pte.MakeSlotHint(false, 0)}, batch.Global)
	}
	require.NoError(t, c.Store(as, base+3<<12, 1))
	require.NoError(t, c.Store(as, otherSegment+1<<12, 1))
	require.Equal(t, 3, c.Batch().Len())
	require.NoError(t, c.Store(as, base+1<<12, 1))
	require.Zero(t, c.Batch().Len())
	c.Batch().LeaveLazy()
	require.NoError(t, m.Check())
}

// TestUniqueMakesRoom: where both groups are full, InsertUnique has a victim go as
// the plain insert does.
func TestUniqueMakesRoom(t *testing.T) {
	for _, k := range mm.Kernels() {
		s := mmtest.Spec{Base: base, Room: 1, Config: mm.Config{Kernel: k, Countermeasures: mm.Countermeasures{InsertUnique: true}}}
		m, spaces, free, err := s.New(1)
		require.NoError(t, err)
		c, as := m.CPU(0), spaces[0]
		require.NoError(t, c.Map(as, mm.VMA{Range: s.Range(0, mmtest.Places-1), Prot: rw}))
		for round := range 2 {
			for i := range 6 {
				require.NoError(t, c.Store(as, s.EA(2*i), uint64(10*round+i)))
			}
		}
		for i := range 6 {
			v, err := c.Load(as, s.EA(2*i))
			require.NoError(t, err)
			require.EqualValues(t, 10+i, v)
		}
		require.NoError(t, m.Check())
		require.NoError(t, free())
	}
}
