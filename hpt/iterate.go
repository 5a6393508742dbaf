package hpt

import (
	"iter"

	"github.com/hashmmu/ppc64/pte"
)

// All yields the valid entries in the order of their slots, in the format 2
// view. It is no snapshot: each entry is one that was in its slot when the
// iteration came by, and what others change meanwhile may or may not be seen.
func (t *Table) All() iter.Seq2[pte.Slot, pte.HPTE] {
	return t.valid(0, pte.Slot(len(t.slots)))
}

// Group yields the valid entries of one group, as All does.
func (t *Table) Group(g uint64) iter.Seq2[pte.Slot, pte.HPTE] {
	return t.valid(t.slot(g, 0), t.slot(g+1, 0))
}

func (t *Table) valid(from, to pte.Slot) iter.Seq2[pte.Slot, pte.HPTE] {
	return func(yield func(pte.Slot, pte.HPTE) bool) {
		for s := from; s < to; s++ {
			if h := t.Load(s); h.Valid() && !yield(s, h) {
				return
			}
		}
	}
}

// Clear makes every slot zero, one after the other. What others insert
// meanwhile may stay.
func (t *Table) Clear() {
	for s := range pte.Slot(len(t.slots)) {
		if t.LoadRaw(s) != (pte.HPTE{}) {
			t.swapRaw(s, pte.HPTE{})
		}
	}
}
