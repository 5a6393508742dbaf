package main

import (
	"sync"

	"github.com/alphadose/haxmap"
	crdb "github.com/cockroachdb/swiss"
	dolt "github.com/dolthub/swiss"
	"github.com/maypok86/otter/v2"
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// store is what all of them can do, behind one call through an interface each.
type store interface {
	get(k uint64) (v uint64, ok bool)
	put(k, v uint64)
	del(k uint64)
}

// table is the name of the library's store.
const table = "table"

// slow are those that get no table larger than 64 MiB: they take ten times the
// memory and minutes to fill, or build themselves anew after some removals.
var slow = map[string]bool{"sync.Map": true, "haxmap": true, "otter": true, "dolthub/swiss": true}

// makers make empty stores for n entries.
var makers = map[string]func(n int) store{
	"map":               func(n int) store { return bare(make(map[uint64]uint64, n)) },
	"map under RWMutex": func(n int) store { return &locked{m: make(map[uint64]uint64, n)} },
	"map in 64 shards":  newSharded,
	"sync.Map":          func(int) store { return new(syncMap) },
	"xsync":             func(n int) store { return xsyncMap{xsync.NewMap[uint64, uint64](xsync.WithPresize(n))} },
	"cockroachdb/swiss": func(n int) store { return crdbMap{crdb.New[uint64, uint64](n)} },
	"dolthub/swiss":     func(n int) store { return doltMap{dolt.NewMap[uint64, uint64](uint32(n))} },
	"haxmap":            func(n int) store { return haxMap{haxmap.New[uint64, uint64](uintptr(n))} },
	"otter": func(n int) store {
		return otterCache{otter.Must(&otter.Options[uint64, uint64]{MaximumSize: 4 * n, InitialCapacity: n})}
	},
}

// pageTable is the library. A number is a virtual page number of a 4K page in a 256M
// segment, a value the second doubleword of its entry.
type pageTable struct{ t *hpt.Table }

func keyOf(k uint64) pte.Key {
	return pte.Key{VSID: pte.VSID(k >> 16), Page: uint32(k & 0xffff), Base: pte.Page4K, Seg: pte.Seg256M}
}

func (s pageTable) get(k uint64) (uint64, bool) {
	h, _, ok := s.t.Lookup(keyOf(k))
	return h.R, ok
}

func (s pageTable) put(k, v uint64) {
	key := keyOf(k)
	_, _ = s.t.InsertUnique(key, pte.HPTE{V: key.AVPN() | pte.VValid, R: v}) // who needs to know looks afterwards
}

func (s pageTable) del(k uint64) { s.t.InvalidateKey(keyOf(k)) }

// bare is a map that one goroutine may use.
type bare map[uint64]uint64

func (s bare) get(k uint64) (uint64, bool) { v, ok := s[k]; return v, ok }
func (s bare) put(k, v uint64)             { s[k] = v }
func (s bare) del(k uint64)                { delete(s, k) }

type locked struct {
	sync.RWMutex
	m map[uint64]uint64
}

func (s *locked) get(k uint64) (uint64, bool) {
	s.RLock()
	v, ok := s.m[k]
	s.RUnlock()
	return v, ok
}

func (s *locked) put(k, v uint64) {
	s.Lock()
	s.m[k] = v
	s.Unlock()
}

func (s *locked) del(k uint64) {
	s.Lock()
	delete(s.m, k)
	s.Unlock()
}

type sharded [64]struct {
	locked
	_ [64]byte // a cache line between the locks
}

func newSharded(n int) store {
	s := new(sharded)
	for i := range s {
		s[i].m = make(map[uint64]uint64, n/len(s))
	}
	return s
}

// shard is chosen by the high bits of a product, as the low ones of page numbers
// are much alike.
func (s *sharded) shard(k uint64) *locked      { return &s[k*0x9e3779b97f4a7c15>>58].locked }
func (s *sharded) get(k uint64) (uint64, bool) { return s.shard(k).get(k) }
func (s *sharded) put(k, v uint64)             { s.shard(k).put(k, v) }
func (s *sharded) del(k uint64)                { s.shard(k).del(k) }

type syncMap struct{ sync.Map }

func (s *syncMap) get(k uint64) (uint64, bool) {
	v, ok := s.Load(k)
	if !ok {
		return 0, false
	}
	return v.(uint64), true
}
func (s *syncMap) put(k, v uint64) { s.Store(k, v) }
func (s *syncMap) del(k uint64)    { s.Delete(k) }

type xsyncMap struct{ *xsync.Map[uint64, uint64] }

func (s xsyncMap) get(k uint64) (uint64, bool) { return s.Load(k) }
func (s xsyncMap) put(k, v uint64)             { s.Store(k, v) }
func (s xsyncMap) del(k uint64)                { s.Delete(k) }

type crdbMap struct{ *crdb.Map[uint64, uint64] }

func (s crdbMap) get(k uint64) (uint64, bool) { return s.Get(k) }
func (s crdbMap) put(k, v uint64)             { s.Put(k, v) }
func (s crdbMap) del(k uint64)                { s.Delete(k) }

type doltMap struct{ *dolt.Map[uint64, uint64] }

func (s doltMap) get(k uint64) (uint64, bool) { return s.Get(k) }
func (s doltMap) put(k, v uint64)             { s.Put(k, v) }
func (s doltMap) del(k uint64)                { s.Delete(k) }

type haxMap struct{ *haxmap.Map[uint64, uint64] }

func (s haxMap) get(k uint64) (uint64, bool) { return s.Get(k) }
func (s haxMap) put(k, v uint64)             { s.Set(k, v) }
func (s haxMap) del(k uint64)                { s.Del(k) }

type otterCache struct {
	*otter.Cache[uint64, uint64]
}

func (s otterCache) get(k uint64) (uint64, bool) { return s.GetIfPresent(k) }
func (s otterCache) put(k, v uint64)             { s.Set(k, v) }
func (s otterCache) del(k uint64)                { s.Invalidate(k) }
