package explore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// agree requires that every exhaustive algorithm ends in the same states, and returns them.
func agree(t *testing.T, p program) outcome {
	t.Helper()
	want := exploreProgram(t, p, Naive)
	for _, a := range exhaustive[1:] {
		got := exploreProgram(t, p, a)
		require.Equal(t, want.finals, got.finals, "%s by %s", p, a)
		require.Equal(t, want.failing, got.failing, "%s by %s", p, a)
	}
	return want
}

var (
	lk, unlk   = instr{op: lockOp}, instr{op: unlockOp}
	wlk, wunlk = instr{op: lockOp, v: 1}, instr{op: unlockOp, v: 1}
	rlk, runlk = instr{op: rlockOp, v: 1}, instr{op: runlockOp, v: 1}
)

func set(v, value int) instr     { return instr{op: store, v: v, a: value} }
func get(v int) instr            { return instr{op: load, v: v} }
func swap(v, old, new int) instr { return instr{op: cas, v: v, a: old, b: new} }
func await(v, value int) instr   { return instr{op: awaitEq, v: v, a: value} }

func TestTrap1UnlockDoesNotHideTheLock(t *testing.T) {
	for _, p := range []program{
		{threads: [][]instr{{lk, set(0, 1), unlk}, {lk, get(0), set(0, 2), unlk}}},
		{threads: [][]instr{{rlk, get(0), runlk}, {rlk, get(0), runlk}, {wlk, set(0, 1), wunlk}}},
		{threads: [][]instr{{get(0), rlk, set(1, 1), runlk}, {get(1), rlk, runlk}, {wlk, set(0, 1), set(1, 2), wunlk}}},
		// A lock taken together with a store: the conflict on the store must not hide the race for the lock.
		{threads: [][]instr{{lk, set(0, 1), unlk}, {{op: lockStore, a: 2}, unlk}, {get(0)}}},
	} {
		agree(t, p)
	}
	got := exploreProgram(t, program{threads: [][]instr{{lk, unlk}, {lk, unlk}}}, SourceDPOR)
	require.EqualValues(t, 2, got.executions)
	got = exploreProgram(t, program{threads: [][]instr{{rlk, runlk}, {rlk, runlk}, {wlk, wunlk}}}, SourceDPOR)
	require.GreaterOrEqual(t, got.executions, int64(4))
}

func TestTrap2RebuiltWorldsAreTheSameWorld(t *testing.T) {
	type object struct{ value int }
	build := func(w *World) { // no Reset: every execution has objects and locations of its own
		objects := []*object{{}, {}}
		a := w.Array("object", 2, func(i int) uint64 { return uint64(objects[i].value) })
		for id := range 2 {
			w.CPU("", func(c *CPU) {
				c.Step("store", Write(a.At(id)))
				objects[id].value = 1
				c.Step("load", Read(a.At(1-id)))
				seen := objects[1-id].value
				c.Step("add", Update(a.At(id)))
				objects[id].value += seen
			})
		}
	}
	s := Scenario{Name: "rebuilt", Build: build}
	r, err := Run(context.Background(), s, Config{})
	require.NoError(t, err)
	require.Equal(t, Proved, r.Verdict)
	naive, err := Run(context.Background(), s, Config{Algorithm: Naive})
	require.NoError(t, err)
	require.Equal(t, naive.Passes[0].Digest, r.Passes[0].Digest)
	require.Equal(t, naive.Passes[0].Finals, r.Passes[0].Finals)
}

func TestTrap3AwaitIsJudgedByTheValueBefore(t *testing.T) {
	take := func(v, old, new int) instr { return instr{op: awaitTake, v: v, a: old, b: new} }
	for _, p := range []program{
		{threads: [][]instr{{set(0, 1)}, {get(0)}, {take(0, 1, 2)}}},
		{threads: [][]instr{{get(0)}, {take(0, 0, 1)}, {set(0, 2), set(0, 0)}}},
		{threads: [][]instr{{set(0, 1), set(0, 0)}, {get(1), take(0, 0, 2)}, {get(0), set(1, 1)}}},
		{threads: [][]instr{{set(0, 1)}, {await(0, 1), set(1, 1)}, {get(1), get(0)}}},
		{threads: [][]instr{{set(1, 1), set(0, 1)}, {{op: awaitStore, v: 0, a: 1, b: 2}}, {get(1)}}},
		{threads: [][]instr{{take(0, 0, 2)}, {get(0), set(0, 1), take(0, 1, 2)}}},
		{threads: [][]instr{{set(1, 1)}, {{op: awaitStore, v: 1, a: 1, b: 2}, take(0, 0, 1)}, {get(1), get(0)}}},
		{threads: [][]instr{{when(0, 0, 2)}, {rlk, await(0, 0)}}, reported: true},
		{threads: [][]instr{{get(0)}, {{op: lockStore, a: 1}}}},
	} {
		agree(t, p)
	}
}

func TestTrap4DisabledAtTheEnd(t *testing.T) {
	got := agree(t, program{threads: [][]instr{{set(0, 1)}, {await(0, 0)}}})
	require.Equal(t, "[1 0 0] [0 0 0]\n[1 0 0] [0 0 0] deadlock 2", got.finals)
	agree(t, program{threads: [][]instr{{lk}, {lk, unlk}}})
	// The waiting CPU learns too late that the value passed by: its own load comes between.
	agree(t, program{threads: [][]instr{{swap(0, 2, 2), set(1, 2), set(2, 2), set(0, 2)}, {get(2), await(1, 0), get(1)}}, forbidden: 4})
}

func TestTrap5FailedCompareAndSwapIsARead(t *testing.T) {
	for _, reported := range []bool{false, true} {
		for _, p := range []program{
			{threads: [][]instr{{swap(0, 1, 2)}, {get(0)}, {set(0, 1)}}},
			{threads: [][]instr{{swap(0, 1, 2), swap(0, 2, 1)}, {swap(0, 0, 1)}, {get(0), swap(0, 2, 0)}}},
		} {
			p.reported = reported
			agree(t, p)
		}
		only := program{threads: [][]instr{{swap(0, 1, 2)}, {swap(0, 1, 2)}}, reported: reported}
		require.EqualValues(t, 1, exploreProgram(t, only, SourceDPOR).executions, "two failing swaps commute")
	}
}

// twoSlots is the case of the missing monitor: CPU 0 invalidates slot 0, CPU 1 inserts into slot 1, and the two steps
// share no word. A duplicate exists if the insert comes first.
func twoSlots(declare func(w *World, slots Loc, hold func() error) (monitor Access)) Scenario {
	return Scenario{Name: "invalidate || insert", Build: func(w *World) {
		slots := [2]bool{true, false}
		l := w.Array("hpte", 2, func(i int) uint64 {
			if slots[i] {
				return 1
			}
			return 0
		})
		monitor := declare(w, l, func() error {
			if slots[0] && slots[1] {
				return errors.New("two valid entries")
			}
			return nil
		})
		accesses := func(i int) []Access {
			if monitor.loc == 0 {
				return []Access{Write(l.At(i))}
			}
			return []Access{Write(l.At(i)), monitor}
		}
		w.CPU("invalidate", func(c *CPU) {
			c.Step("hpte_invalidate", accesses(0)...)
			slots[0] = false
		})
		w.CPU("insert", func(c *CPU) {
			c.Step("hpte_insert", accesses(1)...)
			slots[1] = true
		})
	}}
}

func TestTrap6MissingMonitor(t *testing.T) {
	none := Access{}
	lie := twoSlots(func(w *World, slots Loc, hold func() error) Access {
		w.Always("duplicate", hold, slots.At(1)) // hold reads slot 0 as well
		return none
	})
	missed, err := Run(context.Background(), lie, Config{Algorithm: SourceDPOR})
	require.NoError(t, err)
	require.Equal(t, Explored, missed.Verdict, "source-DPOR alone sees one order of two steps that share nothing")
	require.EqualValues(t, 1, missed.Executions())
	_, err = Run(context.Background(), lie, Config{})
	require.ErrorIs(t, err, ErrDisagree, "which is why a proof takes two algorithms")

	for name, declare := range map[string]func(w *World, slots Loc, hold func() error) Access{
		"both words": func(w *World, slots Loc, hold func() error) Access {
			w.Always("duplicate", hold, slots, slots.At(1))
			return none
		},
		"no list": func(w *World, slots Loc, hold func() error) Access {
			w.Always("duplicate", hold)
			return none
		},
		"monitor": func(w *World, slots Loc, hold func() error) Access {
			m := w.Monitor("valid(va)")
			w.Always("duplicate", hold, m)
			return Write(m)
		},
	} {
		r, err := Run(context.Background(), twoSlots(declare), Config{})
		require.NoError(t, err, name)
		require.Equal(t, Failed, r.Verdict, name)
		require.EqualValues(t, 2, r.Failure.Execution, name)
		require.Equal(t, "1*1", r.Failure.Schedule.String(), name)
		require.True(t, r.Failure.Minimal, name)
	}
}

// TestTrap7CallAndReturnAreEvents collects the histories of two operations that share no memory: one may return
// before the other is called, either way round, or they overlap.
func TestTrap7CallAndReturnAreEvents(t *testing.T) {
	for _, a := range exhaustive {
		histories := map[string]bool{}
		s := Scenario{Name: "calls", Build: func(w *World) {
			h := w.History("operations")
			own := w.Array("own", 2, func(int) uint64 { return 0 })
			for id := range 2 {
				w.CPU("", func(c *CPU) {
					call := h.Call(c, "op", id)
					c.Step("work", Read(own.At(id)))
					h.Return(c, call, id)
				})
			}
			w.Finally("collect", func() error {
				histories[precedence(h.Events())] = true
				return nil
			})
			w.Reset(func() {})
		}}
		r, err := Run(context.Background(), s, Config{Algorithm: a})
		require.NoError(t, err)
		require.Equal(t, Explored, r.Verdict)
		require.Equal(t, map[string]bool{"0 before 1": true, "1 before 0": true, "overlap": true}, histories, "%s", a)
	}
}

// precedence names the real-time order of the two operations in a history.
func precedence(events []Operation) string {
	for i, e := range events {
		if e.Return && i == 1 {
			return fmt.Sprintf("%d before %d", e.CPU, 1-e.CPU)
		}
	}
	return "overlap"
}

// when sets v to value if the next variable is a.
func when(v, a, value int) instr { return instr{op: guarded, v: v, a: a, b: value} }

// dependents are programs in which one variable decides whether a step writes another: what two steps mean to each
// other then depends on a third that has nothing to do with one of them.
var dependents = []program{
	{threads: [][]instr{{when(0, 0, 2)}, {set(1, 1)}, {get(0)}}},
	{threads: [][]instr{{when(0, 0, 2)}, {get(1), {op: storeReg, v: 1}}, {get(0)}}},
	{threads: [][]instr{{set(0, 1), set(2, 1)}, {await(1, 0)}, {get(0), when(1, 0, 2)}}},
	{threads: [][]instr{{set(2, 1), when(1, 1, 2)}, {set(0, 1), set(2, 0)}, {get(1)}}},
}

func TestTrap8WritesThatDependOnAnotherLocation(t *testing.T) {
	for _, p := range dependents {
		agree(t, p)
		p.careless = true
		var state programState
		_, err := Run(context.Background(), p.scenario(&state), Config{Algorithm: Naive, KeepGoing: true})
		require.ErrorIs(t, err, ErrDependent, "%s", p)
	}
}

// TestCarelessProgramsAreNotProved has random programs declare Update where they should declare Write: what source-DPOR
// then misses is never called proved.
func TestCarelessProgramsAreNotProved(t *testing.T) {
	programs, r := 3000, random(8)
	if testing.Short() {
		programs = 1000
	}
	noticed := 0
	for range programs {
		p := randomProgram(&r)
		p.careless = true
		var state programState
		got, err := Run(context.Background(), p.scenario(&state), Config{})
		if err != nil {
			require.True(t, errors.Is(err, ErrDependent) || errors.Is(err, ErrDisagree), "%s: %v", p, err)
			noticed++
			continue
		}
		all, err := Run(context.Background(), p.scenario(&state), Config{Algorithm: SleepSets})
		if errors.Is(err, ErrDependent) {
			continue // noticed by this search only
		}
		require.NoError(t, err)
		require.Equal(t, all.Failure == nil, got.Failure == nil, "%s", p)
		if got.Failure == nil {
			require.Equal(t, all.Passes[0].Digest, got.Passes[0].Digest, "%s", p)
		}
	}
	require.Positive(t, noticed)
	t.Logf("%d of %d programs noticed", noticed, programs)
}
