package tlb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
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
	for _, cfg := range []tlb.CacheConfig{{Sets: 1, Ways: 1}, {Sets: 1 << 16, Ways: 1}, {Sets: 1, Ways: 64}} {
		_, err := tlb.NewCache(cfg)
		require.NoError(t, err)
	}
}

// TestCacheFillsEveryWay: pages in a row spread over the sets, so nothing makes room
// before every way is taken, and an entry that goes leaves its way to the next one.
func TestCacheFillsEveryWay(t *testing.T) {
	c := newCache(t, 4, 2)
	insert := func(n int) {
		_, made := c.Insert(tlb.CacheEntry{Key: page(0, pte.EA(n)<<12), Size: pte.Page4K, RA: pte.RA(n) << 12})
		require.False(t, made, "page %d", n)
	}
	for i := range 8 {
		insert(i)
	}
	for i := range 8 {
		e, ok := c.Lookup(page(0, pte.EA(i)<<12))
		require.True(t, ok)
		require.Equal(t, pte.RA(i)<<12, e.RA)
	}
	require.True(t, c.Invalidate(page(0, 4<<12), pte.Page4K))
	insert(8)
	require.Equal(t, 8, c.Len())
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

// TestCacheInvalidateBatch: those that are named go, of the size that is named, and
// they are counted; the others stay.
func TestCacheInvalidateBatch(t *testing.T) {
	c := newCache(t, 4, 2)
	for i := range 4 {
		c.Insert(tlb.CacheEntry{Key: page(7, pte.EA(i)<<12), Size: pte.Page4K})
	}
	c.Insert(tlb.CacheEntry{Key: page(7, 0x1000000), Size: pte.Page16M})
	require.Zero(t, c.InvalidateBatch(nil))
	require.Equal(t, 2, c.InvalidateBatch([]pte.Ref{
		{Key: page(7, 1<<12), Actual: pte.Page4K},
		{Key: page(7, 1<<12), Actual: pte.Page4K}, // has gone
		{Key: page(8, 2<<12), Actual: pte.Page4K}, // of another segment
		{Key: page(7, 3<<12), Actual: pte.Page16M},
		{Key: page(7, 0x1fff000), Actual: pte.Page16M},
	}))
	for i, want := range []bool{true, false, true, true} {
		_, ok := c.Lookup(page(7, pte.EA(i)<<12))
		require.Equal(t, want, ok, i)
	}
	require.Equal(t, 3, c.Len())
}

func TestCacheAllocatesNothing(t *testing.T) {
	c := newCache(t, 0, 0)
	k := page(5, 0x4000)
	refs := []pte.Ref{{Key: k, Actual: pte.Page4K}}
	c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		c.InvalidateBatch(refs)
		c.Lookup(k)
		c.Invalidate(k, pte.Page4K)
		c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K})
		c.InvalidateAll()
		c.Insert(tlb.CacheEntry{Key: k, Size: pte.Page4K})
	}))
}
