package hpt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// mutantStore is a table with a fault. In the middle of what should be one step it
// lets another thread make calls.
type mutantStore struct {
	*hpt.Table
	between func()
}

// at returns the slot that a ref names, and what is in it if it is the key's.
func (m mutantStore) at(r pte.Ref) (s pte.Slot, h pte.HPTE, live bool) {
	if !r.Hint.Hashed() {
		return 0, h, false
	}
	s = r.Hint.Slot(r.Key.Hash(), m.Mask())
	h = m.Load(s)
	want := r.Key.AVPN() | pte.VValid
	if r.Hint.Secondary() {
		want |= pte.VSecondary
	}
	return s, h, (h.V^want)&pte.VMatch == 0
}

type tornPair struct{ mutantStore }

func (m tornPair) Lookup(k pte.Key) (h pte.HPTE, hint pte.SlotHint, ok bool) {
	if h, hint, ok = m.Table.Lookup(k); ok {
		m.between()
		h.R = m.Load(hint.Slot(k.Hash(), m.Mask())).R
	}
	return h, hint, ok
}

type staleHint struct{ mutantStore }

func (m staleHint) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	s, h, _ := m.at(r)
	if !r.Hint.Hashed() || !h.Valid() {
		return h, false
	}
	m.StoreRaw(s, pte.HPTE{})
	return h, true
}

type staleHintInBatch struct{ mutantStore }

func (m staleHintInBatch) InvalidateBatch(refs []pte.Ref) (n int) {
	for _, r := range refs {
		if _, ok := (staleHint(m)).Invalidate(r); ok {
			n++
		}
	}
	return n
}

type lostC struct{ mutantStore }

func (m lostC) MarkAccess(r pte.Ref, a pte.Access) error {
	s, h, live := m.at(r)
	if !live {
		return hpt.ErrNotFound
	}
	m.between()
	h.R |= pte.RRef
	if a.Has(pte.Write) {
		h.R |= pte.RChg
	}
	m.StoreRaw(s, h)
	return nil
}

type lostCInRemoval struct{ mutantStore }

func (m lostCInRemoval) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	_, h, live := m.at(r)
	if !live {
		return pte.HPTE{}, false
	}
	m.between()
	_, ok := m.Table.Invalidate(r)
	return h, ok
}

type cLostByProtect struct{ mutantStore }

func (m cLostByProtect) Protect(r pte.Ref, a pte.Attr) error {
	s, h, live := m.at(r)
	if !live {
		return hpt.ErrNotFound
	}
	m.StoreRaw(s, pte.HPTE{V: h.V, R: h.R&^(rProtected|pte.RChg) | pte.HPTE{}.WithAttr(a).R})
	return nil
}

type duplicateOnRace struct{ mutantStore }

func (m duplicateOnRace) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	if _, _, ok := m.Lookup(k); ok {
		return 0, hpt.ErrExists
	}
	m.between()
	return m.Insert(k, h)
}

type takenSlot struct{ mutantStore }

func (m takenSlot) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	for i := range pte.SlotsPerGroup {
		hint := pte.MakeSlotHint(false, i)
		if s := hint.Slot(k.Hash(), m.Mask()); !m.Load(s).Valid() {
			m.between()
			m.StoreRaw(s, h)
			return hint, nil
		}
	}
	return m.Table.Insert(k, h)
}

type noH struct{ mutantStore }

func (m noH) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	hint, err := m.Table.Insert(k, h)
	if err == nil && hint.Secondary() {
		m.StoreRaw(hint.Slot(k.Hash(), m.Mask()), h)
	}
	return hint, err
}

type boltedVictim struct{ mutantStore }

func (m boltedVictim) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	for i := range pte.SlotsPerGroup {
		s := pte.Slot(group*pte.SlotsPerGroup) + pte.Slot(i)
		if h := m.Load(s); h.Valid() && m.CompareAndSwap(s, h, pte.HPTE{}) {
			return s, h, nil
		}
	}
	return 0, pte.HPTE{}, hpt.ErrBolted
}

type keptEntry struct{ mutantStore }

func (m keptEntry) InvalidateKey(k pte.Key) (pte.HPTE, pte.SlotHint, bool) { return m.Lookup(k) }

type missedInBatch struct{ mutantStore }

func (m missedInBatch) LookupBatch(keys []pte.Key, found []hpt.Found) int {
	n := m.Table.LookupBatch(keys, found)
	found[len(keys)-1] = hpt.Found{}
	return n
}

// nested makes the calls of one thread, and some of another one's wherever the
// store lets it: an interleaving without threads, so that it comes out the same.
func nested(h *mixedHistory, letBetween *func()) {
	first, second := h.clients[0], h.clients[1]
	next, inside := 0, false
	*letBetween = func() {
		if inside {
			return
		}
		inside = true
		for range min(2, len(second.calls)-next) {
			second.one(next)
			next++
		}
		inside = false
	}
	for i := range first.calls {
		first.one(i)
		if i%2 == 0 {
			(*letBetween)()
		}
	}
	for ; next < len(second.calls); next++ {
		second.one(next)
	}
}

// TestLinearizableMutants: stores with a fault each are caught, and the table that
// they are made of is not.
func TestLinearizableMutants(t *testing.T) {
	const enough = 4000
	for name, fault := range map[string]func(mutantStore) mixedStore{
		"none":                func(m mutantStore) mixedStore { return m },
		"torn pair":           func(m mutantStore) mixedStore { return tornPair{m} },
		"stale hint":          func(m mutantStore) mixedStore { return staleHint{m} },
		"stale hint in batch": func(m mutantStore) mixedStore { return staleHintInBatch{m} },
		"lost C":              func(m mutantStore) mixedStore { return lostC{m} },
		"lost C in a removal": func(m mutantStore) mixedStore { return lostCInRemoval{m} },
		"C lost by Protect":   func(m mutantStore) mixedStore { return cLostByProtect{m} },
		"duplicate on a race": func(m mutantStore) mixedStore { return duplicateOnRace{m} },
		"slot taken twice":    func(m mutantStore) mixedStore { return takenSlot{m} },
		"secondary without H": func(m mutantStore) mixedStore { return noH{m} },
		"bolted victim":       func(m mutantStore) mixedStore { return boltedVictim{m} },
		"entry that stays":    func(m mutantStore) mixedStore { return keptEntry{m} },
		"miss in a batch":     func(m mutantStore) mixedStore { return missedInBatch{m} },
	} {
		t.Run(name, func(t *testing.T) {
			between := func() {}
			table := newTable(t, hpt.Config{}, false)
			store := fault(mutantStore{table, func() { between() }})
			histories := enough
			if name == "none" {
				histories = 500
			}
			for seed := range uint64(histories) {
				h := drawHistory(store, table, seed, 2, 20)
				nested(h, &between)
				if err := h.check(); err != nil {
					require.NotEqual(t, "none", name, "%v", err)
					t.Logf("caught in history %d", seed)
					return
				}
			}
			require.Equal(t, "none", name, "not caught")
		})
	}
}
