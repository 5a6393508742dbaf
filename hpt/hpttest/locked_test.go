package hpttest

import (
	"iter"
	"maps"
	"sync"
	"testing"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// locked is the model under a lock: the plainest store for many goroutines.
type locked struct {
	mu sync.Mutex
	m  *Model
}

func (l *locked) lock() func() { l.mu.Lock(); return l.mu.Unlock }

func (l *locked) Mask() uint64 { return l.m.Mask() }

func (l *locked) Load(s pte.Slot) pte.HPTE {
	defer l.lock()()
	return l.m.Load(s)
}

func (l *locked) Insert(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	defer l.lock()()
	return l.m.Insert(k, h)
}

func (l *locked) InsertUnique(k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	defer l.lock()()
	return l.m.InsertUnique(k, h)
}

func (l *locked) Lookup(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	defer l.lock()()
	return l.m.Lookup(k)
}

func (l *locked) Protect(r pte.Ref, a pte.Attr) error {
	defer l.lock()()
	return l.m.Protect(r, a)
}

func (l *locked) MarkAccess(r pte.Ref, a pte.Access) error {
	defer l.lock()()
	return l.m.MarkAccess(r, a)
}

func (l *locked) Invalidate(r pte.Ref) (pte.HPTE, bool) {
	defer l.lock()()
	return l.m.Invalidate(r)
}

func (l *locked) InvalidateKey(k pte.Key) (pte.HPTE, pte.SlotHint, bool) {
	defer l.lock()()
	return l.m.InvalidateKey(k)
}

func (l *locked) InvalidateBatch(refs []pte.Ref) int {
	defer l.lock()()
	return l.m.InvalidateBatch(refs)
}

func (l *locked) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	defer l.lock()()
	return l.m.Evict(group)
}

func (l *locked) All() iter.Seq2[pte.Slot, pte.HPTE] {
	defer l.lock()()
	return maps.All(maps.Collect(l.m.All()))
}

// TestSuiteAcceptsAnotherStore: the suite asks for the contract, not for
// hpt.Table.
func TestSuiteAcceptsAnotherStore(t *testing.T) {
	Run(t, func() Store { return &locked{m: NewModel(hpt.MinOrder)} })
}
