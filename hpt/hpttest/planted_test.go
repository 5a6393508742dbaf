package hpttest

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/judge"
	"github.com/hashmmu/ppc64/pte"
)

// The faults: each is the locked model with one mistake. Those of concurrency drop
// the lock in the middle of an operation.
type (
	torn      struct{ *locked } // reads V, then R
	reread    struct{ *locked } // reads V, R, and V again
	racing    struct{ *locked } // looks for the key, then inserts
	lossy     struct{ *locked } // removes the pair it read before
	forgetful struct{ *locked } // does not return R and C
	trusting  struct{ *locked } // takes a hint's word
	careless  struct{ *locked } // evicts what is bolted
	elsewhere struct{ *locked } // evicts from the other group
	unmarked  struct{ *locked } // leaves H clear in the secondary group
	shifted   struct{ *locked } // returns the hint of the next slot
	onlyFirst struct{ *locked } // InsertUnique looks at the primary group only
	caching   struct {          // finds what it found last, gone or not
		*locked
		last map[pte.Key]pte.HPTE
	}
)

func (s torn) Lookup(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	h, hint, ok := s.locked.Lookup(k)
	pause(rand.IntN(4))
	if ok {
		h.R = s.Load(hint.Slot(k.Hash(), s.Mask())).R
	}
	return h, hint, ok
}

func (s reread) Lookup(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	for {
		h, hint, ok := torn(s).Lookup(k)
		pause(rand.IntN(4))
		if !ok || s.Load(hint.Slot(k.Hash(), s.Mask())).V == h.V {
			return h, hint, ok
		}
	}
}

func (s racing) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	if _, _, ok := s.Lookup(k); ok {
		return 0, hpt.ErrExists
	}
	runtime.Gosched()
	return s.Insert(k, h)
}

func (s lossy) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	old := s.Load(r.Hint.Slot(r.Key.Hash(), s.Mask()))
	runtime.Gosched()
	if _, ok := s.locked.Invalidate(r); !ok {
		return pte.HPTE{}, false
	}
	return old, true
}

func (s forgetful) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	old, ok := s.locked.Invalidate(r)
	old.R &^= pte.RRef | pte.RChg
	return old, ok
}

func (s trusting) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	defer s.lock()()
	slot := r.Hint.Slot(r.Key.Hash(), s.m.mask)
	old := s.m.Entries[slot]
	s.m.Entries[slot] = pte.HPTE{}
	return old, old.Valid()
}

func (s careless) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	defer s.lock()()
	for i := range pte.Slot(pte.SlotsPerGroup) {
		slot := pte.Slot(group*pte.SlotsPerGroup) + i
		if old := s.m.Entries[slot]; old.Valid() {
			s.m.Entries[slot] = pte.HPTE{}
			return slot, old, nil
		}
	}
	return s.m.Evict(group)
}

func (s elsewhere) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	if slot, h, err := s.locked.Evict(^group & s.m.mask); err == nil {
		return slot, h, nil
	}
	return s.locked.Evict(group)
}

func (s unmarked) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	defer s.lock()()
	hint, err := s.m.Insert(k, h)
	if err == nil {
		s.m.Entries[hint.Slot(k.Hash(), s.m.mask)].V &^= pte.VSecondary
	}
	return hint, err
}

func (s shifted) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	hint, err := s.locked.Insert(k, h)
	if err == nil {
		hint = pte.MakeSlotHint(hint.Secondary(), (hint.Index()+1)%pte.SlotsPerGroup)
	}
	return hint, err
}

func (s onlyFirst) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	if _, hint, ok := s.Lookup(k); ok && !hint.Secondary() {
		return 0, hpt.ErrExists
	}
	return s.Insert(k, h)
}

func (s caching) Lookup(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	h, hint, ok := s.locked.Lookup(k)
	defer s.lock()()
	if !ok && s.last[k].Valid() {
		return s.last[k], hint, true
	}
	s.last[k] = h
	return h, hint, ok
}

// TestPlantedFaults: the suite finds every fault, and says which invariant it
// breaks.
func TestPlantedFaults(t *testing.T) {
	defer judge.Quietly(t)()
	for name, c := range map[string]struct {
		invariant string
		plant     func(*locked) Store
	}{
		"torn pair":             {"H2", func(l *locked) Store { return torn{l} }},
		"ABA":                   {"H2", func(l *locked) Store { return reread{l} }},
		"duplicate on race":     {"H3", func(l *locked) Store { return racing{l} }},
		"lost C bit":            {"H7", func(l *locked) Store { return lossy{l} }},
		"R and C not returned":  {"H7", func(l *locked) Store { return forgetful{l} }},
		"stale hint honoured":   {"H5", func(l *locked) Store { return trusting{l} }},
		"bolted victim":         {"H4", func(l *locked) Store { return careless{l} }},
		"wrong eviction":        {"another group", func(l *locked) Store { return elsewhere{l} }},
		"secondary without H":   {"P5", func(l *locked) Store { return unmarked{l} }},
		"off-by-one slot":       {"P4", func(l *locked) Store { return shifted{l} }},
		"half a search":         {"H3", func(l *locked) Store { return onlyFirst{l} }},
		"found after a removal": {"H6", func(l *locked) Store { return caching{l, map[pte.Key]pte.HPTE{}} }},
	} {
		t.Run(name, func(t *testing.T) {
			// One run of the suite draws little when tests are short.
			said := ""
			for range 100 {
				for _, check := range contract {
					said += judge.Of(func(t *judge.T) {
						check.run(t, func() Store { return c.plant(&locked{m: NewModel(hpt.MinOrder)}) })
					})
					if strings.Contains(said, c.invariant) {
						return
					}
				}
			}
			require.Fail(t, "passed", "want %s, have %q", c.invariant, said)
		})
	}
}
