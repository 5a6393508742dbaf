package tlbtest

import (
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// Cache is what the suite needs of a hardware-filled TLB: the operations of tlb.Cache,
// with its contract. How many entries it holds, and which one makes room, is its own
// affair.
type Cache interface {
	Lookup(pte.Key) (tlb.CacheEntry, bool)
	Insert(tlb.CacheEntry) (evicted tlb.CacheEntry, ok bool)
	Invalidate(pte.Key, pte.PageSize) bool
	InvalidateAll() int
	InvalidateFunc(stale func(tlb.CacheEntry) bool) int
	Len() int
	All() iter.Seq[tlb.CacheEntry]
}

var _ Cache = (*tlb.Cache)(nil)

// cacheChecks is the suite for caches. Failures name the invariants of package tlb.
var cacheChecks = []struct {
	name string
	run  func(rapid.TB, func() Cache)
}{
	{"Sequential", func(t rapid.TB, newCache func() Cache) {
		rapid.Check(t, func(t *rapid.T) { cacheMachine(t, newCache()) })
	}},
	{"T3_Synchronous", invalidateIsSynchronous},
}

// RunCache runs the contract suite for a cache of your own. newCache returns an empty
// one.
func RunCache(t *testing.T, newCache func() Cache) {
	for _, c := range cacheChecks {
		t.Run(c.name, func(t *testing.T) { c.run(t, newCache) })
	}
}

// cachePlace is what has at most one entry (T1).
type cachePlace struct {
	key  pte.Key
	size pte.PageSize
}

func placeOf(k pte.Key, s pte.PageSize) cachePlace {
	k.Page &^= uint32(s.Bytes()>>pte.VPNShift - 1)
	return cachePlace{k, s}
}

// cacheMachine drives a cache and a map that never evicts: what the cache holds, the
// map holds, and what was invalidated is in neither.
func cacheMachine(t *rapid.T, c Cache) {
	model := map[cachePlace]tlb.CacheEntry{}
	size := rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page64K})
	key := rapid.Custom(func(t *rapid.T) pte.Key {
		vsid := pte.VSID(rapid.IntRange(0, 2).Draw(t, "vsid"))
		return pte.Key{VSID: vsid, Page: uint32(rapid.IntRange(0, 40).Draw(t, "page")), Base: pte.Page4K}
	})
	looksUp := func(t *rapid.T, k pte.Key) {
		want, ok := model[placeOf(k, pte.Page4K)]
		if !ok {
			want, ok = model[placeOf(k, pte.Page64K)]
		}
		e, hit := c.Lookup(k)
		require.Equal(t, ok, hit, "T3: Lookup of %v", k)
		require.Equal(t, want, e, "T2: Lookup of %v", k)
	}
	t.Repeat(map[string]func(*rapid.T){
		"insert": func(t *rapid.T) {
			k, s := key.Draw(t, "key"), size.Draw(t, "size")
			e := tlb.CacheEntry{Key: k, Size: s, Tag: rapid.Uint64().Draw(t, "tag")}
			if old, ok := c.Insert(e); ok {
				require.Contains(t, model, cachePlace{old.Key, old.Size}, "what made room was not there")
				delete(model, cachePlace{old.Key, old.Size})
			}
			e.Key = placeOf(k, s).key
			model[placeOf(k, s)] = e
		},
		"invalidate": func(t *rapid.T) {
			k, s := key.Draw(t, "key"), size.Draw(t, "size")
			_, had := model[placeOf(k, s)]
			require.Equal(t, had, c.Invalidate(k, s), "T3: Invalidate of %v of %v", k, s)
			delete(model, placeOf(k, s))
			looksUp(t, k)
		},
		"invalidate a segment": func(t *rapid.T) {
			k, n := key.Draw(t, "key"), 0
			for m := range model {
				if m.key.VSID == k.VSID {
					delete(model, m)
					n++
				}
			}
			require.Equal(t, n, c.InvalidateFunc(func(e tlb.CacheEntry) bool { return e.Key.VSID == k.VSID }), "T3: entries of a segment")
		},
		"invalidate all": func(t *rapid.T) {
			if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
				require.Equal(t, len(model), c.InvalidateAll(), "T3: InvalidateAll")
				clear(model)
			}
		},
		"lookup": func(t *rapid.T) { looksUp(t, key.Draw(t, "key")) },
		"": func(t *rapid.T) {
			all := slices.Collect(c.All())
			require.Len(t, all, len(model), "T1: one entry a page and size")
			require.Equal(t, len(model), c.Len(), "T1: one entry a page and size")
			for _, e := range all {
				require.Equal(t, model[cachePlace{e.Key, e.Size}], e, "T2: what All yields")
			}
		},
	})
}

// invalidateIsSynchronous: once Invalidate has returned, no other CPU's lookup finds
// the translation (T3). Generations make it checkable: a lookup that began after
// generation g was invalidated must not return g.
func invalidateIsSynchronous(t rapid.TB, newCache func() Cache) {
	c := newCache()
	k := pte.Key{VSID: 3, Page: 1, Base: pte.Page4K}
	var gone atomic.Uint64 // generations up to this one are invalidated
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for !stop.Load() {
				floor := gone.Load()
				if e, ok := c.Lookup(k); ok && e.Tag <= floor {
					t.Errorf("T3: generation %d found after %d was invalidated", e.Tag, floor)
					return
				}
				runtime.Gosched() // one processor has to do for all of them
			}
		}()
	}
	for g := uint64(1); g <= 3000; g++ {
		c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K, Tag: g})
		runtime.Gosched()
		c.Invalidate(k, pte.Page4K)
		gone.Store(g)
		runtime.Gosched()
	}
	stop.Store(true)
	wg.Wait()
}
