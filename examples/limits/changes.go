package main

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// changer inserts and removes slices of keys. What it finds failing it
// remembers: a measurement of calls that do nothing is none.
type changer struct {
	w      *measure.World
	n      int // keys in a slice
	refs   []pte.Ref
	hints  []pte.SlotHint
	failed error
}

var errIdle = errors.New("an operation that was to be measured did nothing")

func newChanger(w *measure.World, n int) *changer {
	return &changer{w: w, n: n, refs: make([]pte.Ref, n), hints: make([]pte.SlotHint, n)}
}

// share is the part of a table that is changed before it is put back: small, so
// that the load stays what it is.
func share(t *hpt.Table) (n, slices int) {
	n = min(4096, int(t.Slots()/64))
	return n, max(1, slice/n)
}

// inserts runs the contenders of G5 and G6.
func (l *limits) inserts(w *measure.World) (measure.Figures, error) {
	n, slices := share(w.Table)
	c := newChanger(w, n)
	locked := w.Twin(hpt.Config{LockUnique: true})
	f := floorOf(w)
	absent := vpns(w.Absent)
	with := func(insert func(pte.Key, pte.HPTE) (pte.SlotHint, error)) func(int) {
		return func(turn int) {
			entries := measure.Window(w.Spare, turn, n)
			for i, k := range measure.Window(w.Absent, turn, n) {
				c.hints[i], _ = insert(k, entries[i])
			}
		}
	}
	figures := l.run(measure.Mix{Ops: n, Slices: slices, Touch: w.Touch, Contenders: []measure.Contender{
		{Name: "swap", Run: func(turn int) { f.swap(measure.Window(absent, turn, n)) }},
		{Name: "insert", Run: with(w.Table.Insert), Undo: c.takeOut},
		{Name: "insert batch", Run: c.batches(w.Table.InsertBatch), Undo: c.takeOut},
		{Name: "unique", Run: with(w.Table.InsertUnique), Undo: c.takeOut},
		{Name: "unique locked", Run: with(locked.InsertUnique), Undo: c.takeOut},
		{Name: "unique locked batch", Run: c.batches(locked.InsertUniqueBatch), Undo: c.takeOut},
	}})
	return figures, c.failed
}

// batches is a turn of inserts in batches.
func (c *changer) batches(insert func([]pte.Key, []pte.HPTE, []pte.SlotHint) int) func(turn int) {
	return func(turn int) {
		keys, entries := measure.Window(c.w.Absent, turn, c.n), measure.Window(c.w.Spare, turn, c.n)
		for at := 0; at < c.n; at += batchSize {
			to := min(at+batchSize, c.n)
			insert(keys[at:to], entries[at:to], c.hints[at:to])
		}
	}
}

// takeOut removes what was inserted. A few keys may have found both groups full.
func (c *changer) takeOut(turn int) {
	refs := c.refs[:0]
	for i, k := range measure.Window(c.w.Absent, turn, c.n) {
		if c.hints[i].Hashed() {
			refs = append(refs, pte.Ref{Key: k, Actual: pte.Page4K, Hint: c.hints[i]})
		}
		c.hints[i] = 0
	}
	if removed := c.w.Table.InvalidateBatch(refs); removed != len(refs) || removed < c.n*9/10 {
		c.failed = fmt.Errorf("%w: %d inserts, %d placed, %d removed", errIdle, c.n, len(refs), removed)
	}
}

// invalidations runs the contenders of G7.
func (l *limits) invalidations(w *measure.World) (measure.Figures, error) {
	n, slices := share(w.Table)
	c := newChanger(w, n)
	f := floorOf(w)
	slots := make([]pte.Slot, n)
	batches := func(size int) func(int) {
		return func(turn int) {
			refs := measure.Window(w.Refs, turn, n)
			for at := 0; at < n; at += size {
				measure.Sink += uint64(w.Table.InvalidateBatch(refs[at:min(at+size, n)]))
			}
		}
	}
	figures := l.run(measure.Mix{Ops: n, Slices: slices, Touch: w.Touch, Contenders: []measure.Contender{
		{Name: "swap", Run: func(turn int) {
			for i, r := range measure.Window(w.Refs, turn, n) {
				slots[i] = r.Hint.Slot(r.Key.Hash(), w.Table.Mask())
			}
			f.swapSlots(slots)
		}},
		{Name: "hint", Run: func(turn int) {
			for _, r := range measure.Window(w.Refs, turn, n) {
				w.Table.Invalidate(r)
			}
		}, Undo: c.putBack},
		{Name: "search", Run: func(turn int) {
			for _, k := range measure.Window(w.Present, turn, n) {
				w.Table.InvalidateKey(k)
			}
		}, Undo: c.putBack},
		{Name: "batch", Run: batches(192), Undo: c.putBack},
		{Name: "batch of 64", Run: batches(64), Undo: c.putBack},
		{Name: "batch of 4", Run: batches(4), Undo: c.putBack},
	}})
	return figures, c.failed
}

// putBack inserts what was removed, which must have been there.
func (c *changer) putBack(turn int) {
	refs, entries := measure.Window(c.w.Refs, turn, c.n), measure.Window(c.w.Entries, turn, c.n)
	for i := range refs {
		hint, err := c.w.Table.InsertUnique(refs[i].Key, entries[i])
		if err != nil {
			c.failed = fmt.Errorf("%w: an entry removed could not be put back: %w", errIdle, err)
			continue
		}
		refs[i].Hint = hint
	}
}

// insertGoals judges G5 and G6.
func insertGoals(f measure.Figures, small bool, load float64) []measure.Verdict {
	insert, batch, unique := 2.9, 2.1, 3.7
	if load > 0.65 {
		batch = 2.6
	}
	if small {
		unique = 2.5
		if load <= 0.65 {
			insert = 2.0
		}
	}
	return []measure.Verdict{
		measure.AtMost("G5", "insert / compare-and-swap of a random group", f.Ratio("insert", "swap"), insert),
		measure.AtMost("G5", "insert in batches of 64 / compare-and-swap", f.Ratio("insert batch", "swap"), batch),
		measure.AtMost("G6", "unique insert under a lock / insert", f.Ratio("unique locked", "insert"), 1.5),
		measure.AtMost("G6", "unique insert under a lock / compare-and-swap", f.Ratio("unique locked", "swap"), unique),
		measure.AtMost("G6", "unique insert under a lock in batches of 64 / compare-and-swap", f.Ratio("unique locked batch", "swap"), 3.0),
		measure.AtMost("G6", "unique insert, lock-free / insert", f.Ratio("unique", "insert"), 2.7),
	}
}

// invalidateGoals judges G7.
func invalidateGoals(f measure.Figures) []measure.Verdict {
	return []measure.Verdict{
		measure.AtMost("G7", "invalidate by hint / compare-and-swap of the same slots", f.Ratio("hint", "swap"), 1.6),
		measure.AtMost("G7", "batches of 192 / compare-and-swap of the same slots", f.Ratio("batch", "swap"), 1),
		measure.AtMost("G7", "batches of 64 / compare-and-swap of the same slots", f.Ratio("batch of 64", "swap"), 1),
		measure.AtLeast("G7", "one by one / batches of 192", f.Ratio("hint", "batch"), 1.5),
		measure.AtMost("G7", "batches of 4 / one by one", f.Ratio("batch of 4", "hint"), 1),
		measure.AtLeast("G7", "by search / by hint", f.Ratio("search", "hint"), 2.8),
	}
}
