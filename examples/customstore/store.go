package main

import (
	"fmt"
	"sync"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// mapStore is translation hardware in the plainest form: a Go map from pages to
// translations under one lock. A translation is copied from the Linux PTE under that
// lock, so one that was read before the PTE was cleared is in the map before the flush
// that follows the clearing looks for it.
type mapStore struct {
	m     *mm.Machine
	mu    sync.Mutex
	pages map[pte.Key]mm.Translation // protected by mu
}

func newMapStore(m *mm.Machine) mm.Backend {
	return &mapStore{m: m, pages: make(map[pte.Key]mm.Translation)}
}

// stepMiss is what the explorer and its traces call the copying.
const stepMiss mm.Step = "map_store_fill"

// Walk is what the processor does: look, and check protection.
func (s *mapStore) Walk(_ *mm.CPU, k pte.Key, a pte.Access) (mm.Translation, mm.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.pages[k]
	switch {
	case !ok:
		return t, mm.Miss
	case !t.Prot.Has(a):
		return t, mm.Denied
	}
	return t, mm.Hit
}

// Miss copies the PTE, if that permits the access.
func (s *mapStore) Miss(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, a pte.Access, _ mm.Outcome) (handled bool, err error) {
	c.Step(stepMiss, ea, append(s.writes(c, as.Key(ea)), mm.Touch{Loc: as.PTELoc(ea), Kind: mm.TouchRead})...)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fill(c, as.Key(ea), as.PTE(ea), a), nil
}

// fill makes a translation of a PTE that permits the access. A store to a clean page
// is left to the page fault handler, which makes it dirty. The caller holds mu.
func (s *mapStore) fill(c *mm.CPU, k pte.Key, p pte.LinuxPTE, a pte.Access) bool {
	l := s.m.Kernel().Layout
	prot := l.Granted(p)
	if p&l.Dirty == 0 {
		prot &^= pte.Write
	}
	if !l.IsPresent(p) || !prot.Has(a) {
		return false
	}
	s.pages[k] = mm.Translation{RA: l.RA(p), Size: k.Base, Prot: prot}
	c.TLB().Invalidate(k, k.Base) // what denied the access
	return true
}

// writes is what fill changes.
func (s *mapStore) writes(c *mm.CPU, k pte.Key) []mm.Touch {
	tlb := mm.Loc{Kind: mm.LocTLB, ID: uint64(c.ID())}
	return []mm.Touch{{Loc: s.loc(k), Kind: mm.TouchWrite}, {Loc: tlb, Kind: mm.TouchWrite}}
}

// Granted and Preload leave the work to the miss that follows.
func (s *mapStore) Granted(*mm.CPU, *mm.AddressSpace, pte.EA)             {}
func (s *mapStore) Preload(*mm.CPU, *mm.AddressSpace, pte.EA, pte.Access) {}

// Changed has the batch flush the page when the policy says so.
func (s *mapStore) Changed(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, _ pte.LinuxPTE) {
	k := as.Key(ea)
	c.Batch().Add(as.Context(), pte.Ref{Key: k, Actual: k.Base}, batch.Global)
}

// Flush forgets pages; the CPU sees to the TLBs.
func (s *mapStore) Flush(c *mm.CPU, as *mm.AddressSpace, refs []pte.Ref) {
	for _, r := range refs {
		c.Step(mm.StepInvalidate, 0, mm.Touch{Loc: s.loc(r.Key), Kind: mm.TouchWrite})
		s.mu.Lock()
		delete(s.pages, r.Key)
		s.mu.Unlock()
	}
}

// Valid: a map has one value a key.
func (s *mapStore) Valid(k pte.Key) (n int, conflict bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.pages[k]; ok {
		return 1, false
	}
	return 0, false
}

// Check: a translation belongs to a present PTE.
func (s *mapStore) Check(as *mm.AddressSpace, ea pte.EA, p pte.LinuxPTE) error {
	if n, _ := s.Valid(as.Key(ea)); n > 0 && !s.m.Kernel().Layout.IsPresent(p) {
		return fmt.Errorf("%w: %v", mm.ErrOrphan, ea)
	}
	return nil
}

// Touches, Locations and Save are for the explorer.

func (s *mapStore) loc(k pte.Key) mm.Loc { return mm.Loc{Kind: mm.LocGroups, ID: uint64(k.VPN())} }

func (s *mapStore) Touches(_ *mm.CPU, k pte.Key, _ pte.Access, buf []mm.Touch) []mm.Touch {
	return append(buf, mm.Touch{Loc: s.loc(k), Kind: mm.TouchRead})
}

func (s *mapStore) Locations(k pte.Key) []mm.Location {
	return []mm.Location{{Loc: s.loc(k), Name: fmt.Sprintf("translation of %v", k), Value: func() uint64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		t, ok := s.pages[k]
		if !ok {
			return 0
		}
		return uint64(t.RA)<<8 | uint64(t.Prot)<<1 | 1
	}}}
}

func (s *mapStore) Save(pages []pte.Key) (restore func()) {
	saved := make(map[pte.Key]mm.Translation)
	for _, k := range pages {
		if t, ok := s.pages[k]; ok {
			saved[k] = t
		}
	}
	return func() {
		for _, k := range pages {
			if t, ok := saved[k]; ok {
				s.pages[k] = t
			} else {
				delete(s.pages, k)
			}
		}
	}
}
