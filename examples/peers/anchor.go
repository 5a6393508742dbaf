//go:build canchor && cgo

package main

// #cgo CFLAGS: -O2
// #include "anchor.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// anchored is a table to C, and what is done to it from both sides. One call of C
// does a whole slice.
type anchored struct {
	w      *measure.World
	inGo   *hpt.Table
	base   *C.entry
	mask   C.uint64_t
	n      int // changes in a slice
	in     []uint64
	out    []uint64
	places []C.uint8_t // of in, then of what was inserted
	hints  []pte.SlotHint
	refs   []pte.Ref
	failed error
}

var errAnchor = errors.New("a contender did not do what it was to be measured doing")

const batchSize = 64

// anchor measures G8.
func (p *peers) anchor(w *measure.World) error {
	a := &anchored{
		w: w, inGo: w.Twin(hpt.Config{Code: hpt.CodeGo}),
		base: (*C.entry)(unsafe.Pointer(unsafe.SliceData(w.Memory))), mask: C.uint64_t(w.Table.Mask()),
		n: min(4096, int(w.Table.Slots()/64)), in: numbers(w.Present), out: numbers(w.Absent),
	}
	a.places, a.hints = make([]C.uint8_t, a.n), make([]pte.SlotHint, a.n)
	f := a.lookups(p)
	g := a.changes(p)
	if a.failed != nil {
		return a.failed
	}
	fmt.Fprintf(p.log, "  lookups: %v\n  changes: %v\n", f, g)
	batch := 0.95
	if w.Table.Order() >= 28 {
		batch = 0.75
	}
	p.report.Add(measure.SizeName(w.Table.Order()), load,
		measure.AtMost("G8", "hit, table / emulator in C", f.Ratio("hit", "C hit"), 0.85),
		measure.AtMost("G8", "hit in batches of 64, table / emulator in C", f.Ratio("hit batch", "C hit"), 0.40),
		measure.AtMost("G8", "hit, table in Go alone / emulator in C", f.Ratio("hit in Go", "C hit"), 1.25),
		measure.AtMost("G8", "miss, table / emulator in C", f.Ratio("miss", "C miss"), 0.50),
		measure.AtMost("G8", "insert, table / kernel in C", g.Ratio("insert", "C native insert"), 1.05),
		measure.AtMost("G8", "insert, table / emulator in C", g.Ratio("insert", "C h_enter"), 1.1),
		measure.AtMost("G8", "insert, table in Go alone / kernel in C", g.Ratio("insert in Go", "C native insert"), 1.45),
		measure.AtMost("G8", "unique insert, table / insert of the kernel in C", g.Ratio("unique insert", "C native insert"), 1.5),
		measure.AtMost("G8", "invalidate, table / kernel in C", g.Ratio("invalidate", "C native flush"), 1),
		measure.AtMost("G8", "invalidate in batches, table / kernel in C", g.Ratio("invalidate batch", "C native flush"), batch))
	return nil
}

func (a *anchored) lookups(p *peers) measure.Figures {
	n := min(8192, len(a.in))
	found := make([]hpt.Found, batchSize)
	inC := func(numbers []uint64) func(int) {
		return func(turn int) {
			ks := measure.Window(numbers, turn, n)
			measure.Sink += uint64(C.emulator_lookup(a.base, a.mask, (*C.uint64_t)(&ks[0]), C.long(n)))
		}
	}
	inGo := func(t *hpt.Table, keys []pte.Key) func(int) {
		return func(turn int) {
			for _, k := range measure.Window(keys, turn, n) {
				h, _, _ := t.Lookup(k)
				measure.Sink += h.R
			}
		}
	}
	return (&measure.Mix{Ops: n, Touch: a.w.Touch, Contenders: []measure.Contender{
		{Name: "hit", Run: inGo(a.w.Table, a.w.Present)},
		{Name: "hit in Go", Run: inGo(a.inGo, a.w.Present)},
		{Name: "hit batch", Run: func(turn int) {
			for ks := measure.Window(a.w.Present, turn, n); len(ks) > 0; ks = ks[min(batchSize, len(ks)):] {
				measure.Sink += uint64(a.w.Table.LookupBatch(ks[:min(batchSize, len(ks))], found))
			}
		}},
		{Name: "miss", Run: inGo(a.w.Table, a.w.Absent)},
		{Name: "C hit", Run: inC(a.in)},
		{Name: "C miss", Run: inC(a.out)},
	}}).Measure(p.rounds, p.rng)
}

// changes measures inserts, and removals of what was just inserted elsewhere in the
// turn's undo.
func (a *anchored) changes(p *peers) measure.Figures {
	n := a.n
	insert := func(f func(pte.Key, pte.HPTE) (pte.SlotHint, error)) func(int) {
		return func(turn int) {
			entries := measure.Window(a.w.Spare, turn, n)
			for i, k := range measure.Window(a.w.Absent, turn, n) {
				a.hints[i], _ = f(k, entries[i])
			}
		}
	}
	inC := func(f func(vpns *C.uint64_t, places *C.uint8_t)) func(int) {
		return func(turn int) {
			f((*C.uint64_t)(&measure.Window(a.out, turn, n)[0]), &a.places[0])
			for i, place := range a.places {
				a.hints[i] = 0
				if place != C.NOWHERE {
					a.hints[i] = pte.MakeSlotHint(place&8 != 0, int(place&7))
				}
			}
		}
	}
	flush := func(turn int) {
		refs := measure.Window(a.w.Refs, turn, n)
		for i, r := range refs {
			a.places[i] = C.uint8_t(r.Hint.HIdx())
		}
		if removed := int(C.native_flush(a.base, a.mask, (*C.uint64_t)(&measure.Window(a.in, turn, n)[0]), &a.places[0], C.long(n))); removed != n {
			a.failed = fmt.Errorf("%w: C removed %d of %d", errAnchor, removed, n)
		}
	}
	invalidate := func(size int) func(int) {
		return func(turn int) {
			for refs := measure.Window(a.w.Refs, turn, n); len(refs) > 0; refs = refs[min(size, len(refs)):] {
				a.w.Table.InvalidateBatch(refs[:min(size, len(refs))])
			}
		}
	}
	return (&measure.Mix{Ops: n, Slices: 8192 / n, Touch: a.w.Touch, Contenders: []measure.Contender{
		{Name: "insert", Run: insert(a.w.Twin(hpt.Config{}).Insert), Undo: a.takeOut},
		{Name: "insert in Go", Run: insert(a.inGo.Insert), Undo: a.takeOut},
		{Name: "unique insert", Run: insert(a.w.Twin(hpt.Config{LockUnique: true}).InsertUnique), Undo: a.takeOut},
		{Name: "C h_enter", Run: inC(func(v *C.uint64_t, at *C.uint8_t) { C.h_enter(a.base, a.mask, v, C.long(n), 0x196, at) }), Undo: a.takeOut},
		{Name: "C native insert", Run: inC(func(v *C.uint64_t, at *C.uint8_t) { C.native_insert(a.base, a.mask, v, C.long(n), 0x196, at) }), Undo: a.takeOut},
		{Name: "invalidate", Run: func(turn int) {
			for _, r := range measure.Window(a.w.Refs, turn, n) {
				a.w.Table.Invalidate(r)
			}
		}, Undo: a.putBack},
		{Name: "invalidate batch", Run: invalidate(192), Undo: a.putBack},
		{Name: "C native flush", Run: flush, Undo: a.putBack},
	}}).Measure(p.rounds, p.rng)
}

// takeOut removes what a turn has inserted.
func (a *anchored) takeOut(turn int) {
	a.refs = a.refs[:0]
	for i, k := range measure.Window(a.w.Absent, turn, a.n) {
		if a.hints[i].Hashed() {
			a.refs = append(a.refs, pte.Ref{Key: k, Actual: pte.Page4K, Hint: a.hints[i]})
		}
	}
	if removed := a.w.Table.InvalidateBatch(a.refs); removed != len(a.refs) || removed < a.n*9/10 {
		a.failed = fmt.Errorf("%w: of %d inserts %d placed, %d removed", errAnchor, a.n, len(a.refs), removed)
	}
}

// putBack inserts what a turn has removed.
func (a *anchored) putBack(turn int) {
	refs, entries := measure.Window(a.w.Refs, turn, a.n), measure.Window(a.w.Entries, turn, a.n)
	for i := range refs {
		hint, err := a.w.Table.InsertUnique(refs[i].Key, entries[i])
		if err != nil {
			a.failed = fmt.Errorf("%w: put back: %w", errAnchor, err)
			continue
		}
		refs[i].Hint = hint
	}
}
