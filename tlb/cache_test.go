package tlb_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newCache(t require.TestingT, sets, ways int) *tlb.Cache {
	c, err := tlb.NewCache(tlb.CacheConfig{Sets: sets, Ways: ways})
	require.NoError(t, err)
	return c
}

func page(vsid pte.VSID, ea pte.EA) pte.Key {
	return pte.MakeKey(vsid, ea, pte.Seg256M, pte.Page4K)
}

func TestCacheRefusesBadGeometry(t *testing.T) {
	for _, cfg := range []tlb.CacheConfig{{Sets: 3}, {Sets: -1}, {Sets: 1 << 17}, {Ways: 65}, {Ways: -1}} {
		_, err := tlb.NewCache(cfg)
		require.ErrorIs(t, err, tlb.ErrProfile)
	}
}

func TestCacheLargePageIsOneEntry(t *testing.T) {
	c := newCache(t, 4, 2)
	c.Insert(tlb.CacheEntry{Key: page(7, 0x1005000), Size: pte.Page16M, RA: 0x3000000, Prot: tlb.Load})
	e, ok := c.Lookup(page(7, 0x1fff000))
	require.True(t, ok)
	require.Equal(t, page(7, 0x1000000), e.Key)
	_, ok = c.Lookup(page(7, 0x2000000))
	require.False(t, ok)
	require.False(t, c.Invalidate(page(7, 0x1008000), pte.Page4K), "another size")
	require.True(t, c.Invalidate(page(7, 0x1008000), pte.Page16M))
	require.Zero(t, c.Len())
}

func TestCacheSmallestSizeAnswers(t *testing.T) {
	c := newCache(t, 4, 2)
	c.Insert(tlb.CacheEntry{Key: page(1, 0), Size: pte.Page64K, RA: 0x10000})
	c.Insert(tlb.CacheEntry{Key: page(1, 0x3000), Size: pte.Page4K, RA: 0x9000})
	e, _ := c.Lookup(page(1, 0x3000))
	require.Equal(t, pte.RA(0x9000), e.RA)
	e, _ = c.Lookup(page(1, 0x4000))
	require.Equal(t, pte.RA(0x10000), e.RA)
}

func TestCacheReplacementIsRoundRobin(t *testing.T) {
	c := newCache(t, 1, 3)
	var evicted []pte.Key
	for i := range 7 {
		if e, ok := c.Insert(tlb.CacheEntry{Key: page(0, pte.EA(i)<<12), Size: pte.Page4K}); ok {
			evicted = append(evicted, e.Key)
		}
	}
	require.Equal(t, []pte.Key{page(0, 0), page(0, 0x1000), page(0, 0x2000), page(0, 0x3000)}, evicted)
}

func TestCacheAllMayInvalidate(t *testing.T) {
	c := newCache(t, 2, 4)
	for i := range 8 {
		c.Insert(tlb.CacheEntry{Key: page(0, pte.EA(i)<<12), Size: pte.Page4K})
	}
	for e := range c.All() {
		require.True(t, c.Invalidate(e.Key, e.Size))
	}
	require.Zero(t, c.Len())
}

func TestCacheAllocatesNothing(t *testing.T) {
	c := newCache(t, 0, 0)
	k := page(5, 0x4000)
	c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		c.Lookup(k)
		c.Invalidate(k, pte.Page4K)
		c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K})
		c.InvalidateAll()
		c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K})
	}))
}

// TestCacheAgainstModel drives the cache and a map that never evicts: what
// the cache holds, the map holds, and what was invalidated is in neither (T3).
func TestCacheAgainstModel(t *testing.T) {
	type id struct {
		key  pte.Key
		size pte.PageSize
	}
	rapid.Check(t, func(t *rapid.T) {
		c := newCache(t, 1<<rapid.IntRange(0, 3).Draw(t, "sets"), rapid.IntRange(1, 4).Draw(t, "ways"))
		model := map[id]tlb.CacheEntry{}
		size := rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page64K})
		key := rapid.Custom(func(t *rapid.T) pte.Key {
			return page(pte.VSID(rapid.IntRange(0, 2).Draw(t, "vsid")), pte.EA(rapid.IntRange(0, 40).Draw(t, "page"))<<12)
		})
		align := func(k pte.Key, s pte.PageSize) id {
			k.Page &^= uint32(s.Bytes()>>12 - 1)
			return id{k, s}
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				k, s := key.Draw(t, "key"), size.Draw(t, "size")
				e := tlb.CacheEntry{Key: k, Size: s, Tag: rapid.Uint64().Draw(t, "tag")}
				if old, ok := c.Insert(e); ok {
					delete(model, id{old.Key, old.Size})
				}
				e.Key = align(k, s).key
				model[align(k, s)] = e
			},
			"invalidate": func(t *rapid.T) {
				k, s := key.Draw(t, "key"), size.Draw(t, "size")
				_, had := model[align(k, s)]
				require.Equal(t, had, c.Invalidate(k, s))
				delete(model, align(k, s))
			},
			"invalidate segment": func(t *rapid.T) {
				k := key.Draw(t, "key")
				n := 0
				for m := range model {
					if m.key.VSID == k.VSID {
						delete(model, m)
						n++
					}
				}
				require.Equal(t, n, c.InvalidateFunc(func(e tlb.CacheEntry) bool { return e.Key.VSID == k.VSID }))
			},
			"lookup": func(t *rapid.T) {
				k := key.Draw(t, "key")
				want, ok := model[align(k, pte.Page4K)]
				if !ok {
					want, ok = model[align(k, pte.Page64K)]
				}
				e, hit := c.Lookup(k)
				require.Equal(t, ok, hit)
				require.Equal(t, want, e)
			},
			"": func(t *rapid.T) {
				all := slices.Collect(c.All())
				require.Len(t, all, len(model))
				require.Equal(t, len(model), c.Len())
				for _, e := range all {
					require.Equal(t, model[id{e.Key, e.Size}], e)
				}
			},
		})
	})
}

// TestCacheInvalidateIsSynchronous: once Invalidate has returned, no other
// CPU's lookup finds the translation (T3). Generations make it checkable: a
// lookup that began after generation g was invalidated must not return g.
func TestCacheInvalidateIsSynchronous(t *testing.T) {
	c := newCache(t, 2, 2)
	k := page(3, 0x1000)
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
					t.Errorf("generation %d found after %d was invalidated", e.Tag, floor)
					return
				}
			}
		}()
	}
	for g := uint64(1); g <= 3000; g++ {
		c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K, Tag: g})
		c.Invalidate(k, pte.Page4K)
		gone.Store(g)
	}
	stop.Store(true)
	wg.Wait()
}
