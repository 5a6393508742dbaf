//go:build explore

package hpt

import (
	"testing"

	"github.com/hashmmu/ppc64/mm/explore"
)

// mixes are programs of every operation, with every history checked against the
// specification.
var mixes = []program{
	{name: "two accesses and a protection", start: "insert a", cpus: []string{"mark a@0", "protect a@0"}},
	{name: "access and removal", start: "insert a", cpus: []string{"mark a@0", "remove a"}},
	{name: "access and stale hint", start: "insert a", cpus: []string{"mark a@0, lookup a", "invalidate a@0, insert b"}},
	{name: "change of V and lookup", start: "insert a", cpus: []string{"swap a@0", "lookup a"}},
	{name: "change of V and R", start: "insert a", cpus: []string{"swap a@0", "mark a@0"}},
	{name: "eviction and access", start: "insert a, bolt b", cpus: []string{"evict 0", "mark a@0"}},
	{name: "two evictions", start: "insert a, bolt b", cpus: []string{"evict 0", "evict 0"}},
	{name: "eviction makes room", start: "bolt a, insert b, insert A, insert B", cpus: []string{"evict 0, insert c", "insert d"}},
	{name: "last slot", start: "insert a, insert b, insert A", cpus: []string{"insert c", "insert d"}},
	{name: "room appears", start: "insert a, insert b, insert A, insert B", cpus: []string{"insert c", "remove b"}},
	{name: "insert and lookup", cpus: []string{"insert a", "lookup a"}},
	{name: "page comes back elsewhere", start: "insert b, insert a", single: "a", cpus: []string{"remove a, invalidate b@0, insert a", "lookup a"}},
	{name: "unique and remove", start: "insert b, insert B", single: "a", cpus: []string{"unique a, mark a@own", "remove a"}},
	{name: "unique and plain", start: "insert b, insert B", single: "a", cpus: []string{"unique a, lookup a", "insert c"}},
	{name: "unique and eviction", start: "insert a, insert b", single: "a", cpus: []string{"unique a", "evict 0"}},
	{name: "unique of two pages", start: "insert b, insert B", single: "ac", cpus: []string{"unique a", "unique c"}},
	{name: "unique of both groups", start: "insert b, insert B", single: "aA", cpus: []string{"unique a", "unique A"}},
	{name: "two removals", start: "insert a", cpus: []string{"remove a", "remove a"}},

	{name: "access, protection, removal", start: "insert a", striped: sampled, cpus: []string{"mark a@0", "protect a@0", "remove a"}},
	{name: "access, change of V, lookup", start: "insert a", cpus: []string{"mark a@0", "swap a@0", "lookup a"}},
	{name: "three inserts, one slot", start: "insert a, insert b, insert A", cpus: []string{"insert c", "insert d", "insert e"}},
	{name: "eviction, insert, lookup", start: "insert a, bolt b, insert A", cpus: []string{"evict 0", "insert c", "lookup a"}},
	{name: "eviction, access, removal", start: "insert a, bolt b", striped: sampled, cpus: []string{"evict 0", "mark a@0", "invalidate a@0"}},
	{name: "three operations each", start: "insert b, insert B", single: "a", striped: sampled,
		cpus: []string{"unique a, mark a@own, lookup a", "lookup a, unique a, remove a"}},
	{name: "slot changes hands", start: "insert b, insert A, insert B", striped: sampled,
		cpus: []string{"insert a, mark a@1, invalidate a@1, insert c", "lookup a, protect a@1, lookup c"}},
	{name: "churn", start: "insert b, insert B", single: "a", native: long, striped: sampled,
		cpus: []string{"unique a, mark a@own", "evict 0, insert c", "lookup a, remove a"}},
	{name: "two pages, three CPUs", start: "insert b, insert B", single: "ac", native: long, striped: sampled,
		cpus: []string{"unique a, remove a", "unique c", "lookup a, lookup c"}},
	{name: "bolted entries stay", start: "insert a", single: "c", native: long, striped: sampled,
		cpus: []string{"bolt b, evict 0", "evict 0, unique c", "swap a@0, invalidate a@0"}},
	{name: "unique, remove, lookup", start: "insert b, insert B", single: "a", cpus: []string{"unique a", "remove a", "lookup a"}},
	{name: "unique, plain, access", start: "insert b, insert B", single: "a", striped: sampled, cpus: []string{"unique a", "insert c", "mark a@1"}},
	{name: "unique, unique, remove", start: "insert b, insert B", single: "a", striped: sampled, cpus: []string{"unique a", "unique a", "remove a"}},
	{name: "unique, unique, eviction", start: "insert b, insert B", single: "a", striped: sampled, cpus: []string{"unique a", "unique a", "evict 0"}},
	{name: "unique, unique, unique", start: "insert b, insert B", single: "a", striped: sampled, cpus: []string{"unique a", "unique a", "unique a"}},
}

func TestExploreMix(t *testing.T) {
	for _, p := range mixes {
		p.calls = true
		for _, protocol := range protocols {
			t.Run(p.name+"/"+protocol.name, func(t *testing.T) { p.explore(t, protocol.native) })
		}
	}
}

// elsewhere inserts a page at a lower place and only then removes it from a
// higher one.
var elsewhere = program{name: "new entry before the old one goes", start: "insert b, insert a", calls: true,
	cpus: []string{"invalidate b@0, insert a, invalidate a@1", "lookup a"}}

// TestExploreMiss: a lookup may look at the lower place too early and at the
// higher one too late, so its miss is wrong where new entries come first. That is
// the only thing that is.
func TestExploreMiss(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			elsewhere.killed(t, protocol.native, explore.Config{}, "linearizable")
			p := elsewhere
			p.loose = true
			p.prove(t, protocol.native)
		})
	}
}
