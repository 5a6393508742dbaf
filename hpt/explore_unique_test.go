//go:build explore

package hpt

import "testing"

// Programs of unique inserts, without histories: what must hold is said of every
// state (H1, H2, H3) and of the end (one succeeds, nothing tentative is left).
//
// U is a unique insert, V an invalidation by the hint that it gave, R a removal by
// search, and F the removal of a foreign entry in the lowest slot, after which an
// insert comes in below one that is under way. In a half-full table one slot of
// each group is free.
var uniquePrograms = []program{
	{name: "U || U", single: "a", wins: true, keeps: true,
		cpus: []string{"unique a", "unique a"}},
	{name: "U || U, half full", single: "a", wins: true, keeps: true, start: "insert b, insert B",
		cpus: []string{"unique a", "unique a"}},
	{name: "U || U || U", single: "a", wins: true, keeps: true, striped: sampled,
		cpus: []string{"unique a", "unique a", "unique a"}},
	{name: "U || FU || U", single: "a", wins: true, keeps: true, start: "insert b", striped: sampled,
		cpus: []string{"unique a", "invalidate b@0, unique a", "unique a"}},
	{name: "U || U || U || F", single: "a", wins: true, keeps: true, start: "insert b", native: long, striped: sampled,
		cpus: []string{"unique a", "unique a", "unique a", "invalidate b@0"}},
	{name: "URU || U, half full", single: "a", wins: true, start: "insert b, insert B", striped: sampled,
		cpus: []string{"unique a, remove a, unique a", "unique a"}},
	{name: "UV || UV, half full", single: "a", wins: true, start: "insert b, insert B", striped: long,
		cpus: []string{"unique a, invalidate a@own", "unique a, invalidate a@own"}},
	{name: "UVUV || UVUV, half full", single: "a", wins: true, start: "insert b, insert B", striped: sampled,
		cpus: []string{"unique a, invalidate a@own, unique a, invalidate a@own", "unique a, invalidate a@own, unique a, invalidate a@own"}},
	{name: "UV || UV || UV, half full", single: "a", wins: true, start: "insert b, insert B", native: long, striped: sampled,
		cpus: []string{"unique a, invalidate a@own", "unique a, invalidate a@own", "unique a, invalidate a@own"}},
	{name: "URUR || URUR", single: "a", wins: true, native: sampled, striped: sampled,
		cpus: []string{"unique a, remove a, unique a, remove a", "unique a, remove a, unique a, remove a"}},
	{name: "UR || UR || UR", single: "a", wins: true, native: sampled, striped: sampled,
		cpus: []string{"unique a, remove a", "unique a, remove a", "unique a, remove a"}},

	// The same with other tags: the table's own counter, and the CPU's number alone.
	{name: "U || U, counter", naming: counter, single: "a", wins: true, keeps: true, striped: long,
		cpus: []string{"unique a", "unique a"}},
	{name: "URU || U, half full, counter", naming: counter, single: "a", wins: true, start: "insert b, insert B", striped: sampled,
		cpus: []string{"unique a, remove a, unique a", "unique a"}},
	{name: "URU || U, half full, CPU", naming: perCPU, single: "a", wins: true, start: "insert b, insert B", striped: sampled,
		cpus: []string{"unique a, remove a, unique a", "unique a"}},
	{name: "UVUV || UVUV, half full, CPU", naming: perCPU, single: "a", wins: true, start: "insert b, insert B", native: long, striped: sampled,
		cpus: []string{"unique a, invalidate a@own, unique a, invalidate a@own", "unique a, invalidate a@own, unique a, invalidate a@own"}},
}

func TestExploreUnique(t *testing.T) {
	for _, p := range uniquePrograms {
		for _, protocol := range protocols {
			t.Run(p.name+"/"+protocol.name, func(t *testing.T) { p.explore(t, protocol.native) })
		}
	}
}
