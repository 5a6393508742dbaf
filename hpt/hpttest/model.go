package hpttest

import (
	"iter"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Model is a hash table in the plainest form: an array of entries, for one
// goroutine. It follows the contract of hpt.Table line by line and is the
// oracle for stores.
type Model struct {
	Entries []pte.HPTE // format 2
	mask    uint64
}

// NewModel returns an empty table of 1<<order bytes.
func NewModel(order int) *Model {
	groups := uint64(1) << (order - 7)
	return &Model{make([]pte.HPTE, groups*pte.SlotsPerGroup), groups - 1}
}

// Mask is the number of groups less one.
func (m *Model) Mask() uint64 { return m.mask }

// Load returns the entry of a slot.
func (m *Model) Load(s pte.Slot) pte.HPTE { return m.Entries[s] }

// places are the slots of a key in the order in which they are searched and
// filled, each with its hint.
func (m *Model) places(k pte.Key) iter.Seq2[pte.SlotHint, pte.Slot] {
	return func(yield func(pte.SlotHint, pte.Slot) bool) {
		for i := range 2 * pte.SlotsPerGroup {
			h := pte.MakeSlotHint(i >= pte.SlotsPerGroup, i%pte.SlotsPerGroup)
			if !yield(h, h.Slot(k.Hash(), m.mask)) {
				return
			}
		}
	}
}

// Insert takes the first free place.
func (m *Model) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	for hint, s := range m.places(k) {
		if !m.Entries[s].Valid() {
			h.V &^= pte.VSecondary
			if hint.Secondary() {
				h.V |= pte.VSecondary
			}
			m.Entries[s] = h
			return hint, nil
		}
	}
	return 0, hpt.ErrGroupFull
}

// InsertUnique is Insert for a key that has no entry.
func (m *Model) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	if _, _, ok := m.Lookup(k); ok {
		return 0, hpt.ErrExists
	}
	return m.Insert(k, h)
}

// Lookup returns the first entry that matches.
func (m *Model) Lookup(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	for hint, s := range m.places(k) {
		if h := m.Entries[s]; h.Match(k, hint.Secondary()) {
			return h, hint, true
		}
	}
	return pte.HPTE{}, 0, false
}

// named returns the entry that a hint names, if it is still the key's.
func (m *Model) named(r pte.Ref) *pte.HPTE {
	if !r.Hint.Hashed() {
		return nil
	}
	h := &m.Entries[r.Hint.Slot(r.Key.Hash(), m.mask)]
	if !h.Match(r.Key, r.Hint.Secondary()) {
		return nil
	}
	return h
}

// Protect replaces PP, N and key, and raises C.
func (m *Model) Protect(r pte.Ref, a pte.Attr) error {
	h := m.named(r)
	if h == nil {
		return hpt.ErrNotFound
	}
	n := h.Attr()
	n.PP, n.Key, n.NoExec, n.Chg = a.PP&7, a.Key&31, a.NoExec, n.Chg || a.Chg
	*h = h.WithAttr(n)
	return nil
}

// MarkAccess sets R, and C for a store.
func (m *Model) MarkAccess(r pte.Ref, a pte.Access) error {
	h := m.named(r)
	if h == nil {
		return hpt.ErrNotFound
	}
	n := h.Attr()
	n.Ref, n.Chg = true, n.Chg || a.Has(pte.Write)
	*h = h.WithAttr(n)
	return nil
}

// Invalidate removes the entry that a hint names.
func (m *Model) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	h := m.named(r)
	if h == nil {
		return pte.HPTE{}, false
	}
	old := *h
	*h = pte.HPTE{}
	return old, true
}

// InvalidateKey removes the first entry that matches.
func (m *Model) InvalidateKey(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	_, hint, ok := m.Lookup(k)
	if !ok {
		return pte.HPTE{}, 0, false
	}
	old, ok := m.Invalidate(pte.Ref{Key: k, Hint: hint})
	return old, hint, ok
}

// InvalidateBatch removes what the hints name.
func (m *Model) InvalidateBatch(refs []pte.Ref) (removed int) {
	for _, r := range refs {
		if _, ok := m.Invalidate(r); ok {
			removed++
		}
	}
	return removed
}

// Evict removes the first entry of a group that may go. A store is free to
// choose another.
func (m *Model) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	for i := range pte.Slot(pte.SlotsPerGroup) {
		s := pte.Slot(group*pte.SlotsPerGroup) + i
		if h := m.Entries[s]; h.Valid() && !h.Bolted() {
			m.Entries[s] = pte.HPTE{}
			return s, h, nil
		}
	}
	return 0, pte.HPTE{}, hpt.ErrBolted
}

// All yields the valid entries.
func (m *Model) All() iter.Seq2[pte.Slot, pte.HPTE] {
	return func(yield func(pte.Slot, pte.HPTE) bool) {
		for s, h := range m.Entries {
			if h.Valid() && !yield(pte.Slot(s), h) {
				return
			}
		}
	}
}
