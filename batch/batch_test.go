package batch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

var discard = batch.FlusherFunc(func(uint64, []pte.Ref, batch.Scope) {})

// TestNesting: leaving an inner section ends lazy mode up to 2025, and only
// flushes since.
func TestNesting(t *testing.T) {
	for _, c := range []struct {
		nesting batch.Nesting
		lazy    bool
		pending int
	}{{batch.Flat, false, 0}, {batch.Counted, true, 1}} {
		b := batch.New(discard, batch.Config{Policy: batch.LazyMMU(), Nesting: c.nesting})
		b.EnterLazy()
		b.Add(1, page(0), batch.Local)
		b.EnterLazy()
		b.Add(1, page(1), batch.Local)
		require.Equal(t, 2, b.Len())
		b.LeaveLazy()
		require.Zero(t, b.Len(), "B1 at the inner leave")
		require.Equal(t, c.lazy, b.Lazy())
		b.Add(1, page(2), batch.Local)
		require.Equal(t, c.pending, b.Len())
		b.LeaveLazy()
		require.Zero(t, b.Len())
		require.False(t, b.Lazy())
		b.LeaveLazy() // no section left to end
		require.False(t, b.Lazy())
	}
}

// TestSwitch: a context switch flushes under every policy and lazy mode comes
// back with the task.
func TestSwitch(t *testing.T) {
	for _, p := range policies() {
		b := batch.New(discard, batch.Config{Policy: p})
		b.EnterLazy()
		b.Add(1, page(0), batch.Local)
		task := b.SwitchOut()
		require.Zero(t, b.Len(), p)
		require.False(t, b.Lazy(), p)
		b.SwitchIn(task)
		require.True(t, b.Lazy(), p)
		b.LeaveLazy()
		b.Finish()
	}
}

// TestSwitchKeepsSectionsApart: the sections of a task that is switched out are not
// those of the task that runs, whichever of the two comes back first.
func TestSwitchKeepsSectionsApart(t *testing.T) {
	for _, nesting := range []batch.Nesting{batch.Flat, batch.Counted} {
		b := batch.New(discard, batch.Config{Nesting: nesting})
		b.EnterLazy()
		first := b.SwitchOut()
		b.SwitchIn(batch.Task{})
		b.EnterLazy()
		b.LeaveLazy()
		require.False(t, b.Lazy(), "the section of another task")
		b.LeaveLazy() // none of this task to end
		b.EnterLazy()
		second := b.SwitchOut()
		b.SwitchIn(first)
		require.True(t, b.Lazy())
		b.LeaveLazy()
		require.False(t, b.Lazy())
		require.Zero(t, b.SwitchOut())
		b.SwitchIn(second)
		require.True(t, b.Lazy())
	}
}

func TestDefaultPolicyIsLazyMMU(t *testing.T) {
	b := batch.New(discard, batch.Config{})
	b.Add(1, page(0), batch.Local)
	require.Zero(t, b.Len())
	b.EnterLazy()
	b.Add(1, page(0), batch.Local)
	require.Equal(t, 1, b.Len())
}

// TestFanoutOrder: the hash table before the TLBs.
func TestFanoutOrder(t *testing.T) {
	var order []string
	note := func(s string) batch.Flusher {
		return batch.FlusherFunc(func(space uint64, refs []pte.Ref, sc batch.Scope) {
			require.EqualValues(t, 3, space)
			require.Equal(t, []pte.Ref{page(5)}, refs)
			require.Equal(t, batch.Global, sc)
			order = append(order, s)
		})
	}
	b := batch.New(batch.Fanout(note("table"), note("tlb")), batch.Config{Policy: batch.Immediate()})
	b.Add(3, page(5), batch.Global)
	require.Equal(t, []string{"table", "tlb"}, order)
}

func TestNoAllocations(t *testing.T) {
	for _, p := range policies() {
		b := batch.New(discard, batch.Config{Policy: p})
		require.Zero(t, testing.AllocsPerRun(10, func() {
			episode(b, 500)
			b.BeforeUnlock()
			b.RangeFlush()
			b.Finish()
		}), p)
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, p := range policies() {
		b.Run(p.String(), func(b *testing.B) {
			bt := batch.New(discard, batch.Config{Policy: p})
			b.ReportAllocs()
			bt.EnterLazy()
			for i := range b.N {
				bt.Add(1, page(i), batch.Global)
			}
			bt.LeaveLazy()
			bt.Finish()
		})
	}
}

// TestCapacity fills batches of every odd size: a full one is flushed, and a
// capacity that makes no sense is the default.
func TestCapacity(t *testing.T) {
	for capacity, want := range map[int]int{1: 1, 2: 2, 7: 7, batch.MaxEntries: batch.MaxEntries, 0: batch.MaxEntries, -1: batch.MaxEntries, batch.MaxEntries + 1: batch.MaxEntries} {
		flushed := 0
		b := batch.New(batch.FlusherFunc(func(_ uint64, refs []pte.Ref, _ batch.Scope) { flushed = len(refs) }), batch.Config{Policy: batch.AtFinish(), Capacity: capacity})
		for i := range batch.MaxEntries {
			if b.Add(1, pte.Ref{Key: pte.Key{Page: uint32(i)}}, batch.Local); flushed > 0 {
				break
			}
		}
		require.Equal(t, want, flushed, "capacity %d", capacity)
		require.EqualValues(t, 1, b.Stats().Flushes[batch.OnFull])
		require.Zero(t, b.Len())
	}
}

// TestNothingToAsk: a policy is not asked while nothing is pending.
func TestNothingToAsk(t *testing.T) {
	asked := 0
	p := batch.PolicyFunc("counts", func(_ batch.Reason, s batch.State) bool {
		asked++
		require.Positive(t, s.Pending)
		return true
	})
	b := batch.New(discard, batch.Config{Policy: p})
	b.EnterLazy()
	b.LeaveLazy()
	b.BeforeUnlock()
	b.RangeFlush()
	require.Zero(t, asked)
	b.Add(1, page(0), batch.Local)
	require.Equal(t, 1, asked)
}

// TestFull: the batch is flushed by the entry that fills it.
func TestFull(t *testing.T) {
	for capacity, want := range map[int]int{1: 1, 2: 2, batch.MaxEntries: batch.MaxEntries, 0: batch.MaxEntries,
		-1: batch.MaxEntries, batch.MaxEntries + 1: batch.MaxEntries} {
		b := batch.New(discard, batch.Config{Policy: batch.AtFinish(), Capacity: capacity})
		for i := range want {
			require.Equal(t, i, b.Len(), "capacity %d", capacity)
			b.Add(1, page(i), batch.Local)
		}
		require.Zero(t, b.Len(), "capacity %d", capacity)
		require.EqualValues(t, 1, b.Stats().Flushes[batch.OnFull])
	}
}

// TestMismatch: what cannot wait together is flushed before the newcomer is queued.
func TestMismatch(t *testing.T) {
	other := func(change func(*pte.Ref)) pte.Ref {
		r := page(1)
		change(&r)
		return r
	}
	for why, r := range map[batch.Reason]pte.Ref{
		batch.OnOtherSize:    other(func(r *pte.Ref) { r.Key.Base = pte.Page64K }),
		batch.OnOtherSegment: other(func(r *pte.Ref) { r.Key.Seg = pte.Seg1T }),
	} {
		b := batch.New(discard, batch.Config{Policy: batch.AtFinish()})
		b.Add(1, page(0), batch.Local)
		b.Add(1, r, batch.Local)
		require.Equal(t, 1, b.Len(), why)
		require.EqualValues(t, 1, b.Stats().Flushes[why], why)
	}
}
