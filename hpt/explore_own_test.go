//go:build explore

package hpt

import (
	"testing"

	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// The overflow bitmap. Where pages b and c fill group 0, page a goes into group
// 1, and a lookup that looks there too early or not at all says that there is no
// page a. Setting a bit and reading it are steps like any other.
var overflowPrograms = []program{
	{name: "insert, lookup", start: "insert b, insert c", cpus: []string{"insert a", "lookup a, lookup a"}},
	{name: "insert, access, lookup", start: "insert b, insert c", cpus: []string{"insert a", "mark a@2, lookup a"}},
	{name: "own insert, lookup", start: "insert b, insert c", cpus: []string{"insert a, lookup a", "lookup a, remove a"}},
	{name: "two set one bit", start: "insert b, insert c", cpus: []string{"insert a, lookup d", "insert d, lookup a"}},
	{name: "two set a bit of one word", start: "insert b", cpus: []string{"insert a, insert c, lookup c", "insert A, lookup c"}, striped: long},
	{name: "room appears in the primary group", start: "insert b, insert c", single: "a",
		cpus: []string{"unique a, lookup a", "remove b, unique a"}, striped: long},
	{name: "unique spills", start: "insert b, insert c", single: "a", cpus: []string{"unique a", "unique a", "lookup a"}, striped: sampled},
	{name: "swap of a spilled entry", start: "insert b, insert c, insert a", cpus: []string{"swap a@2, lookup a", "invalidate a@2, insert a"}, striped: long},
	{name: "eviction and spill", start: "insert b, insert c", cpus: []string{"insert a, lookup a", "evict 0, insert d", "lookup a"}, striped: sampled},
}

func TestExploreOverflow(t *testing.T) {
	for _, p := range overflowPrograms {
		p.calls, p.overflow = true, true
		for _, protocol := range protocols {
			t.Run(p.name+"/"+protocol.name, func(t *testing.T) { p.explore(t, protocol.native) })
		}
	}
}

// lateBit puts an entry into the secondary group and sets the bit when it is
// there; noBit leaves it clear. The last is what the bit is there for.
func lateBit(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	return spillBy(s, h, false, true)
}
func noBit(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) { return spillBy(s, h, false, false) }
func earlyBit(s *stage, k pte.Key, h pte.HPTE) (pte.SlotHint, error) {
	return spillBy(s, h, true, false)
}

func spillBy(s *stage, h pte.HPTE, before, after bool) (pte.SlotHint, error) {
	const first = stageSlots / 2 // slot of group 1
	if before {
		s.spill(first)
	}
	if !cas16(&s.slots[first], 0, 0, h.V|pte.VSecondary, h.R) {
		return 0, ErrGroupFull
	}
	if after {
		s.spill(first)
	}
	return pte.MakeSlotHint(true, 0), nil
}

// TestExploreOverflowMutants: a bit that is set too late, or not at all, makes a
// false miss: another CPU has seen the entry by its hint, and cannot find it.
func TestExploreOverflowMutants(t *testing.T) {
	p := program{name: "seen and not found", start: "insert b, insert c", calls: true, overflow: true,
		cpus: []string{"unique a", "mark a@2, lookup a"}}
	for name, insert := range map[string]uniqueInsert{"late": lateBit, "never": noBit} {
		t.Run(name, func(t *testing.T) {
			p.unique = insert
			p.killed(t, true, explore.Config{}, "linearizable")
		})
	}
	t.Run("early", func(t *testing.T) {
		p.unique = earlyBit
		p.prove(t, true)
	})
}

// Unique inserts under the lock of the pair: the programs that the lock-free
// form is explored with, and others about what goes on without the lock.
var lockedPrograms = []program{
	{name: "U || U", single: "a", wins: true, keeps: true, cpus: []string{"unique a", "unique a"}},
	{name: "U || U || U", single: "a", wins: true, keeps: true, striped: long, cpus: []string{"unique a", "unique a", "unique a"}},
	{name: "U || FU || U", single: "a", wins: true, keeps: true, start: "insert b", striped: sampled,
		cpus: []string{"unique a", "invalidate b@0, unique a", "unique a"}},
	{name: "URU || U, half full", single: "a", wins: true, start: "insert b, insert B", striped: long, calls: true,
		cpus: []string{"unique a, remove a, unique a", "unique a"}},
	{name: "UV || UV, half full", single: "a", wins: true, start: "insert b, insert B", striped: long, calls: true,
		cpus: []string{"unique a, invalidate a@own", "unique a, invalidate a@own"}},
	{name: "unique, plain, lookup", single: "a", start: "insert b, insert B", striped: sampled, calls: true,
		cpus: []string{"unique a", "insert c", "lookup a"}},
	{name: "unique, eviction, access", single: "a", start: "insert b", striped: sampled, calls: true,
		cpus: []string{"unique a, mark a@own", "evict 0, unique a"}},
	{name: "unique of both groups", single: "aA", start: "insert b, insert B", calls: true,
		cpus: []string{"unique a", "unique A"}},
	{name: "spills under the lock", single: "a", start: "insert b, insert c", overflow: true, striped: sampled, calls: true,
		cpus: []string{"unique a, lookup a", "unique a, lookup a"}},
}

func TestExploreLocked(t *testing.T) {
	for _, p := range lockedPrograms {
		p.locked = true
		for _, protocol := range protocols {
			t.Run(p.name+"/"+protocol.name, func(t *testing.T) { p.explore(t, protocol.native) })
		}
	}
}
