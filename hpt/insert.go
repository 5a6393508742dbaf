package hpt

import (
	"math/bits"

	"github.com/hashmmu/ppc64/pte"
)

// Insert puts h, which [pte.Sizes.Encode] made for k, into the first free slot
// of the primary group, else of the secondary group, and sets or clears H
// accordingly (H1). It does not look whether the key has an entry already: the
// architecture and Linux do not (native_hpte_insert, H_ENTER). The error is
// [ErrGroupFull] when both groups are full; while others change them the
// fullness may have been momentary.
func (t *Table) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	h.V &^= pte.VSecondary
	if t.assembled() {
		if hint := insert(t, k, h.V, h.R); hint != 0 {
			return pte.SlotHint(hint), nil
		}
		return 0, ErrGroupFull
	}
	hash := k.Hash()
	if i, ok := t.insertInto(hash.Primary(t.mask), h); ok {
		return pte.MakeSlotHint(false, i), nil
	}
	h.V |= pte.VSecondary
	if i, ok := t.insertInto(hash.Secondary(t.mask), h); ok {
		return pte.MakeSlotHint(true, i), nil
	}
	return 0, ErrGroupFull
}

// InsertGroup puts h as it is into the first free slot of a group, ascending
// (Linux: native_hpte_insert). A slot is free when V is clear, whatever else it
// holds. The error is [ErrGroupFull].
func (t *Table) InsertGroup(group uint64, h pte.HPTE) (index int, err error) {
	ok := false
	if t.assembled() {
		index, ok = t.insertWhole(group, h)
	} else {
		index, ok = t.insertInto(group, h)
	}
	if !ok {
		return 0, ErrGroupFull
	}
	return index, nil
}

func (t *Table) insertInto(group uint64, h pte.HPTE) (index int, ok bool) {
	new := t.raw(h)
	for free := t.scanGroup(group, 0, pte.VValid); free != 0; free &= free - 1 {
		index = bits.TrailingZeros32(free)
		s := t.slot(group, index)
		for old := t.LoadRaw(s); !old.Valid(); old = t.LoadRaw(s) {
			if t.CompareAndSwapRaw(s, old, new) {
				return index, true
			}
		}
	}
	return 0, false
}
