package batch_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// batcher is what the invariants are stated of: a Batch, or a broken toy that
// shows that the statement can fail.
type batcher interface {
	Add(space uint64, r pte.Ref, s batch.Scope)
	EnterLazy()
	LeaveLazy()
	BeforeUnlock()
	SwitchOut() batch.Task
	SwitchIn(batch.Task)
	Finish()
	Len() int
}

type maker func(batch.Flusher, batch.Policy) batcher

func newBatch(f batch.Flusher, p batch.Policy) batcher {
	return batch.New(f, batch.Config{Policy: p})
}

func policies() []batch.Policy {
	return []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate(),
		batch.Capacity(1), batch.Capacity(7), batch.Capacity(batch.MaxEntries),
		batch.AnyOf(batch.BeforeUnlock(), batch.LazyMMU())}
}

// page is entry i of a run of 4K pages.
func page(i int) pte.Ref {
	return pte.Ref{Key: pte.Key{VSID: 9, Page: uint32(i)}, Hint: pte.MakeSlotHint(false, i%8)}
}

// episode is a zap of n pages under one PTE page lock.
func episode(b batcher, n int) {
	b.EnterLazy()
	for i := range n {
		b.Add(1, page(i), batch.Global)
	}
	b.LeaveLazy()
}

// invariantB1: nothing is pending when the policy promises that nothing is.
func invariantB1(make maker) error {
	for _, p := range policies() {
		for _, n := range []int{1, 2, 191, 192, 193} {
			b := make(batch.FlusherFunc(func(uint64, []pte.Ref, batch.Scope) {}), p)
			episode(b, n)
			if p == batch.LazyMMU() && b.Len() > 0 {
				return fmt.Errorf("B1: %d of %d pending after leaving lazy mode under %v", b.Len(), n, p)
			}
			b.BeforeUnlock()
			if p == batch.BeforeUnlock() && b.Len() > 0 {
				return fmt.Errorf("B1: %d of %d pending when the lock drops under %v", b.Len(), n, p)
			}
			b.Finish()
			if b.Len() > 0 {
				return fmt.Errorf("B1: %d of %d pending after Finish under %v", b.Len(), n, p)
			}
		}
	}
	return nil
}

// invariantB2: every entry reaches the flusher once, in the order of adding and
// with its space.
func invariantB2(make maker) error {
	type reached struct {
		space uint64
		ref   pte.Ref
	}
	for _, p := range policies() {
		var want, got []reached
		b := make(batch.FlusherFunc(func(space uint64, refs []pte.Ref, _ batch.Scope) {
			for _, r := range refs {
				got = append(got, reached{space, r})
			}
		}), p)
		for i := range 1000 {
			r := page(i)
			if i/250%2 == 1 {
				r.Key.Base, r.Actual = pte.Page64K, pte.Page64K
			}
			b.EnterLazy()
			b.Add(uint64(i/400), r, batch.Local)
			b.LeaveLazy()
			want = append(want, reached{uint64(i / 400), r})
			if i%300 == 299 {
				b.SwitchIn(b.SwitchOut())
			}
		}
		b.Finish()
		if fmt.Sprint(want) != fmt.Sprint(got) {
			return fmt.Errorf("B2: of %d entries %d reach the flusher under %v, or in another order", len(want), len(got), p)
		}
	}
	return nil
}

// invariantB3: a flush is global when one of its entries was, wherever in the
// batch that is, and no earlier flush makes a later one global.
func invariantB3(make maker) error {
	for _, p := range policies() {
		for global := range 5 {
			var errs []error
			b := make(batch.FlusherFunc(func(_ uint64, refs []pte.Ref, s batch.Scope) {
				want := batch.Local
				for _, r := range refs {
					if r.Key.Page == uint32(global) {
						want = batch.Global
					}
				}
				if s != want {
					errs = append(errs, fmt.Errorf("B3: scope %d, want %d, under %v", s, want, p))
				}
			}), p)
			b.EnterLazy()
			for i := range 5 {
				s := batch.Local
				if i == global {
					s = batch.Global
				}
				b.Add(1, page(i), s)
			}
			b.LeaveLazy()
			b.Finish()
			b.Add(1, page(99), batch.Local)
			b.Finish()
			if err := errors.Join(errs...); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestB1_NothingPending(t *testing.T)   { require.NoError(t, invariantB1(newBatch)) }
func TestB2_FlushedOnce(t *testing.T)      { require.NoError(t, invariantB2(newBatch)) }
func TestB3_ScopeIsTheWidest(t *testing.T) { require.NoError(t, invariantB3(newBatch)) }

// toy breaks a Batch in one way.
type toy struct {
	batcher
	finish, leave, unlock func()
}

func (t *toy) Finish()       { t.finish() }
func (t *toy) LeaveLazy()    { t.leave() }
func (t *toy) BeforeUnlock() { t.unlock() }

func newToy(f batch.Flusher, p batch.Policy) *toy {
	b := newBatch(f, p)
	return &toy{b, b.Finish, b.LeaveLazy, b.BeforeUnlock}
}

// onFlush makes batches whose flusher is not quite the given one.
func onFlush(change func(batch.Flusher) batch.Flusher) maker {
	return func(f batch.Flusher, p batch.Policy) batcher { return newBatch(change(f), p) }
}

func TestInvariantsCanFail(t *testing.T) {
	nop := func() {}
	forgetsFinish := func(f batch.Flusher, p batch.Policy) batcher { b := newToy(f, p); b.finish = nop; return b }
	forgetsLeave := func(f batch.Flusher, p batch.Policy) batcher { b := newToy(f, p); b.leave = nop; return b }
	forgetsUnlock := func(f batch.Flusher, p batch.Policy) batcher { b := newToy(f, p); b.unlock = nop; return b }
	for name, m := range map[string]maker{"finish": forgetsFinish, "leave": forgetsLeave, "unlock": forgetsUnlock} {
		require.ErrorContains(t, invariantB1(m), "B1", name)
	}

	loses := onFlush(func(f batch.Flusher) batch.Flusher {
		return batch.FlusherFunc(func(space uint64, refs []pte.Ref, s batch.Scope) {
			f.Flush(space, refs[:min(len(refs), batch.MaxEntries-1)], s)
		})
	})
	repeats := onFlush(func(f batch.Flusher) batch.Flusher { return batch.Fanout(f, f) })
	for name, m := range map[string]maker{"loses": loses, "repeats": repeats, "finish": forgetsFinish} {
		require.ErrorContains(t, invariantB2(m), "B2", name)
	}

	narrows := onFlush(func(f batch.Flusher) batch.Flusher {
		return batch.FlusherFunc(func(space uint64, refs []pte.Ref, _ batch.Scope) { f.Flush(space, refs, batch.Local) })
	})
	var widest batch.Scope
	remembers := onFlush(func(f batch.Flusher) batch.Flusher {
		return batch.FlusherFunc(func(space uint64, refs []pte.Ref, s batch.Scope) {
			widest = max(widest, s)
			f.Flush(space, refs, widest)
		})
	})
	for name, m := range map[string]maker{"narrows": narrows, "remembers": remembers} {
		require.ErrorContains(t, invariantB3(m), "B3", name)
	}
}
