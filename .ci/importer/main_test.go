package main

import (
	"iter"
	"sync"
	"testing"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/hpttest"
	"github.com/hashmmu/ppc64/pte"
)

// store is the importer's own: every operation of a model under one lock.
type store struct {
	mu sync.Mutex
	m  *hpttest.Model
}

func (s *store) locked() func() { s.mu.Lock(); return s.mu.Unlock }

func (s *store) Mask() uint64                       { return s.m.Mask() }
func (s *store) Load(i pte.Slot) pte.HPTE           { defer s.locked()(); return s.m.Load(i) }
func (s *store) All() iter.Seq2[pte.Slot, pte.HPTE] { defer s.locked()(); return s.m.All() }
func (s *store) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	defer s.locked()()
	return s.m.Insert(k, h)
}
func (s *store) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	defer s.locked()()
	return s.m.InsertUnique(k, h)
}
func (s *store) Lookup(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	defer s.locked()()
	return s.m.Lookup(k)
}
func (s *store) Protect(r pte.Ref, a pte.Attr) error {
	defer s.locked()()
	return s.m.Protect(r, a)
}
func (s *store) MarkAccess(r pte.Ref, a pte.Access) error {
	defer s.locked()()
	return s.m.MarkAccess(r, a)
}
func (s *store) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	defer s.locked()()
	return s.m.Invalidate(r)
}
func (s *store) InvalidateKey(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	defer s.locked()()
	return s.m.InvalidateKey(k)
}
func (s *store) InvalidateBatch(refs []pte.Ref) int {
	defer s.locked()()
	return s.m.InvalidateBatch(refs)
}
func (s *store) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	defer s.locked()()
	return s.m.Evict(group)
}

func TestStore(t *testing.T) {
	hpttest.Run(t, func() hpttest.Store { return &store{m: hpttest.NewModel(hpt.MinOrder)} })
}

// BenchmarkInsertFlush enters and flushes a batch of pages.
func BenchmarkInsertFlush(b *testing.B) {
	table, err := hpt.New(hpt.Config{Order: 22})
	if err != nil {
		b.Fatal(err)
	}
	defer table.Close()
	const n = 192
	var keys [n]pte.Key
	var entries [n]pte.HPTE
	for i := range keys {
		keys[i] = pte.MakeKey(vsid, array+pte.EA(i)<<12, pte.Seg256M, pte.Page4K)
		if entries[i], err = table.Sizes().Encode(keys[i], pte.RA(i)<<12, pte.Page4K, pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory}); err != nil {
			b.Fatal(err)
		}
	}
	refs := make([]pte.Ref, n)
	b.ReportAllocs()
	for b.Loop() {
		for i := range keys {
			hint, err := table.Insert(keys[i], entries[i])
			if err != nil {
				b.Fatal(err)
			}
			refs[i] = pte.Ref{Key: keys[i], Actual: pte.Page4K, Hint: hint}
		}
		if table.InvalidateBatch(refs) != n {
			b.Fatal("an entry has gone")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/page")
}
