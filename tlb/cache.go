package tlb

import (
	"iter"
	"math/bits"
	"sync"

	"github.com/hashmmu/ppc64/pte"
)

// CacheConfig is the geometry of a Cache. The zero value is 128 sets of 4 ways.
type CacheConfig struct {
	Sets int // a power of two, at most 65536
	Ways int // at most 64

	_ struct{}
}

// CacheEntry is one cached translation.
type CacheEntry struct {
	Key  pte.Key      // the page; pieces of a page larger than its base are one entry
	Size pte.PageSize // actual page size
	RA   pte.RA       // real address of the page, aligned to Size
	Prot Access       // permitted accesses
	Tag  uint64       // the owner's, not interpreted
}

// Cache is the hardware-filled TLB of a CPU with a hashed page table: set
// associative, keyed by virtual page and actual page size. It stands between
// the processor and the hash table, so it is where a stale translation lives
// on after its hash table entry is gone, until an invalidation reaches it.
//
// One page has at most one entry per actual size (T1): a fill for a page that
// is there replaces it in place. When entries of several sizes cover a page,
// the smallest size answers.
//
// All methods are safe for concurrent use. An invalidation is synchronous, as
// tlbie followed by tlbsync is: after it returns no Lookup on any CPU finds
// the translation (T3). An access made with the result of an earlier Lookup is
// the caller's; hardware waits for it, and a caller to whom that matters must
// order the two itself. Lookup and Invalidate touch one set per page size in
// use; InvalidateAll and InvalidateFunc cost what the live entries cost.
type Cache struct {
	mu      sync.Mutex
	cfg     CacheConfig
	entries []CacheEntry
	live    []uint64  // bitmap over entries
	victim  []uint8   // per set: the way that the next eviction takes
	sizes   [64]int32 // live entries per page size
	inUse   uint64    // bitmap over sizes
}

// NewCache returns an empty cache.
func NewCache(cfg CacheConfig) (*Cache, error) {
	if cfg.Sets == 0 {
		cfg.Sets = 128
	}
	if cfg.Ways == 0 {
		cfg.Ways = 4
	}
	if cfg.Sets < 1 || cfg.Sets > 1<<16 || cfg.Sets&(cfg.Sets-1) != 0 {
		return nil, &ProfileError{Profile: "cache", Field: "Sets", Value: cfg.Sets, Reason: "not a power of two up to 65536"}
	}
	if cfg.Ways < 1 || cfg.Ways > 64 {
		return nil, &ProfileError{Profile: "cache", Field: "Ways", Value: cfg.Ways, Reason: "not in 1..64"}
	}
	n := cfg.Sets * cfg.Ways
	return &Cache{
		cfg:     cfg,
		entries: make([]CacheEntry, n),
		live:    make([]uint64, (n+63)/64),
		victim:  make([]uint8, cfg.Sets),
	}, nil
}

// Lookup returns the entry that translates the page k.
func (c *Cache) Lookup(k pte.Key) (CacheEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sizes := c.inUse; sizes != 0; sizes &= sizes - 1 {
		size := pte.PageSize(bits.TrailingZeros64(sizes))
		if i := c.find(pageOf(k, size), size); i >= 0 {
			return c.entries[i], true
		}
	}
	return CacheEntry{}, false
}

// Insert caches a translation, in place of the entry of the same page and
// size if there is one, else in a free way, else in place of the way that the
// set's round robin names. It returns the entry that had to make room.
func (c *Cache) Insert(e CacheEntry) (evicted CacheEntry, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Key = pageOf(e.Key, e.Size)
	i := c.find(e.Key, e.Size)
	if i < 0 {
		i = c.free(e.Key, e.Size)
		if evicted, ok = c.entries[i], c.isLive(i); ok {
			c.drop(i)
		}
		c.live[i/64] |= 1 << (i % 64)
		c.count(e.Size, 1)
	}
	c.entries[i] = e
	return evicted, ok
}

// Invalidate removes the entry of the page of the given actual size that
// contains k, as tlbie does, and reports whether there was one.
func (c *Cache) Invalidate(k pte.Key, size pte.PageSize) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.invalidate(k, size)
}

// InvalidateBatch is Invalidate for each of refs, with the lock taken once. It
// returns how many entries there were.
func (c *Cache) InvalidateBatch(refs []pte.Ref) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range refs {
		if c.invalidate(refs[i].Key, refs[i].Actual) {
			n++
		}
	}
	return n
}

// invalidate is Invalidate. The caller holds mu.
func (c *Cache) invalidate(k pte.Key, size pte.PageSize) bool {
	i := c.find(pageOf(k, size), size)
	if i >= 0 {
		c.drop(i)
	}
	return i >= 0
}

// InvalidateAll removes every entry and returns how many there were.
func (c *Cache) InvalidateAll() int {
	return c.InvalidateFunc(func(CacheEntry) bool { return true })
}

// InvalidateFunc removes the entries for which stale holds, a segment's for
// instance, and returns how many those were. stale must not use the cache.
func (c *Cache) InvalidateFunc(stale func(CacheEntry) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for i := nextBit(c.live, 0); i >= 0; i = nextBit(c.live, i+1) {
		if stale(c.entries[i]) {
			c.drop(i)
			n++
		}
	}
	return n
}

// Len is the number of entries.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, w := range c.live {
		n += bits.OnesCount64(w)
	}
	return n
}

// All yields the entries by set and way. Each is read under the lock, the
// sequence as a whole is no snapshot; the loop may use the cache.
func (c *Cache) All() iter.Seq[CacheEntry] {
	return func(yield func(CacheEntry) bool) {
		for i := 0; ; i++ {
			c.mu.Lock()
			i = nextBit(c.live, i)
			var e CacheEntry
			if i >= 0 {
				e = c.entries[i]
			}
			c.mu.Unlock()
			if i < 0 || !yield(e) {
				return
			}
		}
	}
}

// pageOf is the key of the page of the given actual size that contains k.
func pageOf(k pte.Key, size pte.PageSize) pte.Key {
	if s := max(size, k.Base).Shift(); s > pte.VPNShift {
		k.Page = uint32(uint64(k.Page) >> (s - pte.VPNShift) << (s - pte.VPNShift))
	}
	return k
}

// set is the first entry of a page's set. The page number alone would put the
// same page of all segments into one set; the VSID spreads them.
func (c *Cache) set(k pte.Key, size pte.PageSize) int {
	page := uint64(k.Page) >> (max(size.Shift(), pte.VPNShift) - pte.VPNShift)
	return int((page^uint64(k.VSID))&uint64(c.cfg.Sets-1)) * c.cfg.Ways
}

func (c *Cache) find(k pte.Key, size pte.PageSize) int {
	base := c.set(k, size)
	for i := base; i < base+c.cfg.Ways; i++ {
		if c.entries[i].Key == k && c.entries[i].Size == size && c.isLive(i) {
			return i
		}
	}
	return -1
}

// free returns the way that a new entry takes.
func (c *Cache) free(k pte.Key, size pte.PageSize) int {
	base := c.set(k, size)
	for i := base; i < base+c.cfg.Ways; i++ {
		if !c.isLive(i) {
			return i
		}
	}
	way := &c.victim[base/c.cfg.Ways]
	i := base + int(*way)
	*way = uint8((int(*way) + 1) % c.cfg.Ways)
	return i
}

func (c *Cache) isLive(i int) bool { return c.live[i/64]>>(i%64)&1 != 0 }

func (c *Cache) drop(i int) {
	c.live[i/64] &^= 1 << (i % 64)
	c.count(c.entries[i].Size, -1)
}

func (c *Cache) count(size pte.PageSize, n int32) {
	s := size.Shift()
	c.sizes[s] += n
	c.inUse &^= 1 << s
	if c.sizes[s] != 0 {
		c.inUse |= 1 << s
	}
}
