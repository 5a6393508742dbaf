package tlbtest

import (
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/judge"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// TestCaches: the library's own, in several shapes, and the plainest there is.
func TestCaches(t *testing.T) {
	for _, shape := range []tlb.CacheConfig{{}, {Sets: 1, Ways: 1}, {Sets: 2, Ways: 3}, {Sets: 8, Ways: 4}} {
		RunCache(t, func() Cache {
			c, err := tlb.NewCache(shape)
			require.NoError(t, err)
			return c
		})
	}
	RunCache(t, func() Cache { return newPlain() })
}

// plain is a map under a lock that never has to make room.
type plain struct {
	mu sync.Mutex
	m  map[cachePlace]tlb.CacheEntry // protected by mu
}

func newPlain() *plain { return &plain{m: map[cachePlace]tlb.CacheEntry{}} }

func (p *plain) lock() func() { p.mu.Lock(); return p.mu.Unlock }

func (p *plain) Lookup(k pte.Key) (tlb.CacheEntry, bool) {
	defer p.lock()()
	for _, size := range []pte.PageSize{pte.Page4K, pte.Page64K} {
		if e, ok := p.m[placeOf(k, size)]; ok {
			return e, true
		}
	}
	return tlb.CacheEntry{}, false
}

func (p *plain) Insert(e tlb.CacheEntry) (tlb.CacheEntry, bool) {
	defer p.lock()()
	at := placeOf(e.Key, e.Size)
	e.Key = at.key
	p.m[at] = e
	return tlb.CacheEntry{}, false
}

func (p *plain) Invalidate(k pte.Key, s pte.PageSize) bool {
	defer p.lock()()
	_, ok := p.m[placeOf(k, s)]
	delete(p.m, placeOf(k, s))
	return ok
}

func (p *plain) InvalidateAll() int {
	return p.InvalidateFunc(func(tlb.CacheEntry) bool { return true })
}

func (p *plain) InvalidateFunc(stale func(tlb.CacheEntry) bool) (n int) {
	defer p.lock()()
	for at, e := range p.m {
		if stale(e) {
			delete(p.m, at)
			n++
		}
	}
	return n
}

func (p *plain) Len() int {
	defer p.lock()()
	return len(p.m)
}

func (p *plain) All() iter.Seq[tlb.CacheEntry] {
	defer p.lock()()
	var all []tlb.CacheEntry
	for _, e := range p.m {
		all = append(all, e)
	}
	return func(yield func(tlb.CacheEntry) bool) {
		for _, e := range all {
			if !yield(e) {
				return
			}
		}
	}
}

// The faults: each is the map with one mistake.
type (
	deafCache  struct{ *plain } // says it has flushed, and has not
	wrongSize  struct{ *plain } // flushes the 4K entry whatever size is asked for
	wholePage  struct{ *plain } // flushes both sizes
	keepsFirst struct{ *plain } // a fill for a page that is there is dropped
	offByOne   struct{ *plain } // finds the neighbour's
	shortAll   struct{ *plain } // InvalidateAll leaves segment 0
	secret     struct{ *plain } // does not tell what made room
	touches    struct{ *plain } // a hit puts the entry back, as the youngest
)

func (c deafCache) Invalidate(k pte.Key, s pte.PageSize) bool {
	defer c.lock()()
	_, ok := c.m[placeOf(k, s)]
	return ok
}

func (c wrongSize) Invalidate(k pte.Key, s pte.PageSize) bool {
	return c.plain.Invalidate(k, pte.Page4K)
}

func (c wholePage) Invalidate(k pte.Key, s pte.PageSize) bool {
	ok := c.plain.Invalidate(k, s)
	c.plain.Invalidate(k, pte.Page4K)
	c.plain.Invalidate(k, pte.Page64K)
	return ok
}

func (c keepsFirst) Insert(e tlb.CacheEntry) (tlb.CacheEntry, bool) {
	if _, ok := c.m[placeOf(e.Key, e.Size)]; ok {
		return tlb.CacheEntry{}, false
	}
	return c.plain.Insert(e)
}

func (c offByOne) Lookup(k pte.Key) (tlb.CacheEntry, bool) {
	if e, ok := c.plain.Lookup(k); ok {
		return e, ok
	}
	k.Page++
	return c.plain.Lookup(k)
}

func (c shortAll) InvalidateAll() int {
	return c.InvalidateFunc(func(e tlb.CacheEntry) bool { return e.Key.VSID != 0 })
}

func (c secret) Insert(e tlb.CacheEntry) (tlb.CacheEntry, bool) {
	if c.Len() >= 4 {
		for old := range c.All() {
			c.plain.Invalidate(old.Key, old.Size)
			break
		}
	}
	return c.plain.Insert(e)
}

// Lookup undoes a flush that comes between its two halves, which no single goroutine
// can see.
func (c touches) Lookup(k pte.Key) (tlb.CacheEntry, bool) {
	e, ok := c.plain.Lookup(k)
	if ok {
		runtime.Gosched()
		c.Insert(e)
	}
	return e, ok
}

// TestPlantedFaults: the suite finds every fault, and says which invariant it breaks.
func TestPlantedFaults(t *testing.T) {
	defer judge.Quietly(t)()
	for name, c := range map[string]struct {
		invariant string
		plant     func(*plain) Cache
	}{
		"missed flush":            {"T3", func(p *plain) Cache { return deafCache{p} }},
		"flush of the wrong size": {"T3", func(p *plain) Cache { return wrongSize{p} }},
		"flush of every size":     {"T", func(p *plain) Cache { return wholePage{p} }},
		"stale value":             {"T2", func(p *plain) Cache { return keepsFirst{p} }},
		"off-by-one page":         {"T3", func(p *plain) Cache { return offByOne{p} }},
		"half a flush":            {"T", func(p *plain) Cache { return shortAll{p} }},
		"wrong eviction":          {"T", func(p *plain) Cache { return secret{p} }},
		"flush undone by a hit":   {"T3: generation", func(p *plain) Cache { return touches{p} }},
	} {
		t.Run(name, func(t *testing.T) {
			// One run of the suite draws little when tests are short.
			said := ""
			for range 100 {
				for _, check := range cacheChecks {
					said += judge.Of(func(t *judge.T) { check.run(t, func() Cache { return c.plant(newPlain()) }) })
				}
				if strings.Contains(said, c.invariant) {
					return
				}
			}
			require.Fail(t, "passed", "want %s, have %q", c.invariant, said)
		})
	}
}
