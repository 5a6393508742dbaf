package explore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func explored(t *testing.T, s Scenario, cfg Config) Report {
	t.Helper()
	r, err := Run(context.Background(), s, cfg)
	require.NoError(t, err)
	return r
}

// TestFoundingGolden pins what the founding problem costs: the numbers change only if the search does.
func TestFoundingGolden(t *testing.T) {
	for _, c := range []struct {
		policy toyPolicy
		cpus   string
		want   [5]int64 // executions of the algorithms in exhaustive; of a failing run, the failing one
		states int64
	}{
		{atFinish, "z r", [5]int64{2, 2, 2, 2, 2}, 0},
		{atFinish, "z w", [5]int64{2, 2, 2, 2, 2}, 0},
		{atFinish, "z r w", [5]int64{778, 18, 7, 77, 18}, 0},
		{beforeUnlock, "z r", [5]int64{10, 5, 2, 9, 5}, 28},
		{beforeUnlock, "z w", [5]int64{20, 7, 3, 16, 7}, 53},
		{beforeUnlock, "z r w", [5]int64{12414, 68, 21, 244, 65}, 428},
	} {
		for i, a := range exhaustive {
			r := explored(t, toyScenario(c.policy, strings.Fields(c.cpus)...), Config{Algorithm: a})
			require.Equal(t, c.want[i], r.Executions(), "%s by %s", r.Scenario, a)
			if c.policy == beforeUnlock {
				require.Equal(t, Explored, r.Verdict)
				continue
			}
			require.Equal(t, Failed, r.Verdict)
			require.Equal(t, c.want[i], r.Failure.Execution)
			require.Equal(t, "0*3 1*7", r.Failure.Schedule.String())
			require.True(t, r.Failure.Minimal)
		}
		if c.policy == beforeUnlock {
			r := explored(t, toyScenario(c.policy, strings.Fields(c.cpus)...), Config{})
			require.Equal(t, Proved, r.Verdict)
			require.Equal(t, c.states, r.States())
			require.Contains(t, r.String(), fmt.Sprintf("proved for %d CPUs, %d operations, 1 page by source-DPOR (%d executions) and state caching (%d states)",
				r.CPUs, r.Operations, c.want[2], c.states))
		}
	}
}

func TestRunIsDeterministic(t *testing.T) {
	for _, cfg := range []Config{{}, {Algorithm: PCT, Seed: 5}, {Algorithm: RandomWalk, Seed: 5}, {Algorithm: PreemptionBound}, {Workers: 2, KeepGoing: true}} {
		var texts [2]string
		for i := range texts {
			r := explored(t, toyScenario(atFinish, "zr", "rz"), cfg)
			r.Elapsed = 0
			for p := range r.Passes {
				r.Passes[p].Elapsed = 0
			}
			data, err := json.Marshal(r)
			require.NoError(t, err)
			texts[i] = string(data)
		}
		require.Equal(t, texts[0], texts[1], "%s", cfg.Algorithm)
	}
}

func TestSamplingFindsTheBug(t *testing.T) {
	for _, a := range []Algorithm{PCT, RandomWalk} {
		for seed := range uint64(5) {
			r := explored(t, toyScenario(atFinish, "z", "r", "w"), Config{Algorithm: a, Seed: seed})
			require.Equal(t, Failed, r.Verdict, "%s", a)
			require.Equal(t, 1, r.Failure.Schedule.Switches())
			require.True(t, r.Failure.Minimal)
		}
		r := explored(t, toyScenario(beforeUnlock, "z", "r"), Config{Algorithm: a, MaxExecutions: 100})
		require.Equal(t, Exhausted, r.Verdict)
		require.EqualValues(t, 100, r.Executions())
	}
	bounded := explored(t, toyScenario(atFinish, "z", "r", "w"), Config{Algorithm: PreemptionBound})
	require.Equal(t, 1, bounded.Passes[len(bounded.Passes)-1].Bound)
	require.True(t, bounded.Failure.Minimal)
	cut := explored(t, toyScenario(beforeUnlock, "z", "r", "w"), Config{Algorithm: PreemptionBound, Preemptions: 1})
	require.Equal(t, Exhausted, cut.Verdict)
	require.Contains(t, cut.String(), "stopped by the bound of 1 preemption")
}

// TestMinimizeMerges takes away the budget for proving a minimum: turns are merged instead, and the claim is not made.
func TestMinimizeMerges(t *testing.T) {
	s := toyScenario(atFinish, "zr", "rz", "w")
	wild := explored(t, s, Config{Algorithm: RandomWalk, Seed: 3, MinimizeBudget: -1})
	require.Greater(t, wild.Failure.Schedule.Switches(), 4)
	require.Equal(t, wild.Failure.Found, wild.Failure.Schedule)
	merged := explored(t, s, Config{Algorithm: RandomWalk, Seed: 3, MinimizeBudget: 40})
	require.Less(t, merged.Failure.Schedule.Switches(), wild.Failure.Schedule.Switches())
	again := explored(t, s, Config{Replay: merged.Failure.Schedule})
	require.Equal(t, Failed, again.Verdict)
	require.True(t, again.Failure.same(merged.Failure))
}

func TestDeadlockSaysWhoWaits(t *testing.T) {
	s := Scenario{Name: "ABBA", Build: func(w *World) {
		a, b := w.Mutex("a"), w.RWMutex("b")
		w.CPU("first", func(c *CPU) {
			c.Step("lock a", Lock(a))
			c.Step("lock b", Lock(b))
			c.Step("unlock", Unlock(a), Unlock(b))
		})
		w.CPU("second", func(c *CPU) {
			c.Step("read b", RLock(b))
			c.Step("lock a", Lock(a))
			c.Step("unlock", Unlock(a), RUnlock(b))
		})
	}}
	r := explored(t, s, Config{})
	require.Equal(t, Deadlock, r.Failure.Kind)
	require.Equal(t, "deadlock: CPU 0 waits in lock b for b, held by CPU 1; CPU 1 waits in lock a for a, held by CPU 0", r.Failure.Reason())
	require.Equal(t, 1, r.Failure.Schedule.Switches())
}

func TestPanicIsAFailure(t *testing.T) {
	s := Scenario{Name: "panic", Build: func(w *World) {
		ready := false
		flag := w.Var("flag", func() uint64 {
			if ready {
				return 1
			}
			return 0
		})
		w.CPU("writer", func(c *CPU) {
			c.Step("set", Write(flag))
			ready = true
		})
		w.CPU("reader", func(c *CPU) {
			c.Step("get", Read(flag))
			if !ready {
				panic(os.ErrNotExist)
			}
		})
	}}
	r := explored(t, s, Config{})
	require.Equal(t, Panicked, r.Failure.Kind)
	require.ErrorIs(t, r.Failure.Err, os.ErrNotExist)
	var p *PanicError
	require.ErrorAs(t, r.Failure.Err, &p)
	require.Contains(t, p.Stack, "engine_test.go")
	require.Equal(t, "1*1", r.Failure.Schedule.String())
}

// misbehaving is a scenario with one word that both CPUs write, once as the body says.
func misbehaving(body func(w *World, c *CPU, word Loc, value *uint64)) Scenario {
	return Scenario{Name: "misbehaving", Build: func(w *World) {
		var value uint64
		word := w.Var("word", func() uint64 { return value })
		for range 2 {
			w.CPU("", func(c *CPU) { body(w, c, word, &value) })
		}
	}}
}

func TestErrors(t *testing.T) {
	executions := 0
	for name, c := range map[string]struct {
		scenario Scenario
		cfg      Config
		want     error
	}{
		"no build": {Scenario{}, Config{}, ErrScenario},
		"no CPU":   {Scenario{Build: func(*World) {}}, Config{}, ErrScenario},
		"undeclared write": {misbehaving(func(w *World, c *CPU, word Loc, value *uint64) {
			c.Step("read", Read(word))
			*value = 1
		}), Config{}, ErrUndeclared},
		"nondeterministic": {misbehaving(func(w *World, c *CPU, word Loc, value *uint64) {
			executions++
			c.Step("write", Write(word))
			*value = uint64(executions)
			c.Step("again", Update(word))
		}), Config{}, ErrNondeterministic},
		"spinning": {misbehaving(func(w *World, c *CPU, word Loc, value *uint64) {
			for *value == 0 {
				c.Step("read", Read(word))
			}
		}), Config{MaxSteps: 100}, ErrTooLong},
		"spinning, sampled": {misbehaving(func(w *World, c *CPU, word Loc, value *uint64) {
			for *value == 0 {
				c.Step("read", Read(word))
			}
		}), Config{MaxSteps: 100, Algorithm: RandomWalk}, ErrTooLong},
		"unreported": {Scenario{Build: func(w *World) {
			word := w.Loc("word")
			w.CPU("", func(c *CPU) { c.Step("write", Write(word)) })
		}}, Config{}, ErrUnreported},
		"unreported read": {Scenario{Build: func(w *World) {
			word := w.Loc("word")
			w.Fingerprint(func() uint64 { return 0 })
			w.CPU("", func(c *CPU) { c.Step("read", Read(word)) })
		}}, Config{}, ErrUnreported},
		"algorithm":  {toyScenario(atFinish, "z"), Config{Algorithm: "magic"}, ErrConfig},
		"steps":      {toyScenario(atFinish, "z"), Config{MaxSteps: 1 << 16}, ErrConfig},
		"executions": {toyScenario(atFinish, "z"), Config{MaxExecutions: -1}, ErrConfig},
		"shard":      {toyScenario(atFinish, "z"), Config{Shard: Shard{Index: 2, Count: 2}}, ErrConfig},
		"workers":    {toyScenario(atFinish, "z"), Config{Workers: -1}, ErrConfig},
		"depth":      {toyScenario(atFinish, "z"), Config{PCTDepth: -1}, ErrConfig},
		"split":      {toyScenario(atFinish, "z"), Config{SplitDepth: -1}, ErrConfig},
		"shared out": {toyScenario(atFinish, "z"), Config{Algorithm: PreemptionBound, Workers: 2}, ErrConfig},
	} {
		_, err := Run(context.Background(), c.scenario, c.cfg)
		require.ErrorIs(t, err, c.want, name)
	}
}

// TestNaiveExposesUndeclaredReads shows what the package comment says to do about them.
func TestNaiveExposesUndeclaredReads(t *testing.T) {
	s := Scenario{Name: "undeclared read", Build: func(w *World) {
		var v [2]uint64
		l := w.Array("v", 2, func(i int) uint64 { return v[i] })
		w.CPU("", func(c *CPU) {
			c.Step("write", Write(l))
			v[0] = 1
		})
		w.CPU("", func(c *CPU) {
			c.Step("read") // of v[0]
			old := v[0]
			c.Step("write", Write(l.At(1)))
			v[1] = old
		})
	}}
	require.EqualValues(t, 1, explored(t, s, Config{Algorithm: SourceDPOR}).Passes[0].Finals)
	require.EqualValues(t, 2, explored(t, s, Config{Algorithm: Naive}).Passes[0].Finals)
}

func TestMisuseFailsTheExecution(t *testing.T) {
	for name, body := range map[string]func(w *World, c *CPU, word Loc, value *uint64){
		"not a lock":       func(w *World, c *CPU, word Loc, value *uint64) { c.Step("lock", Lock(word)) },
		"not an RWMutex":   func(w *World, c *CPU, word Loc, value *uint64) { c.Step("lock", RLock(word)) },
		"not held":         func(w *World, c *CPU, word Loc, value *uint64) { c.Step("unlock", Unlock(word)) },
		"not read-held":    func(w *World, c *CPU, word Loc, value *uint64) { c.Step("unlock", RUnlock(word)) },
		"not registered":   func(w *World, c *CPU, word Loc, value *uint64) { c.Step("read", Read(99)) },
		"needs a predic":   func(w *World, c *CPU, word Loc, value *uint64) { c.Await("wait", word, nil) },
		"not the one":      func(w *World, c *CPU, word Loc, value *uint64) { w.cpus[1-c.ID()].Step("steal") },
		"reads word":       func(w *World, c *CPU, word Loc, value *uint64) { c.Step("set", Write(word)); w.Set(word, 1) },
		"cannot be taken":  func(w *World, c *CPU, word Loc, value *uint64) { c.Step("lock"); c.Touch(Lock(word)) },
		"after the first ": func(w *World, c *CPU, word Loc, value *uint64) { c.Step("x"); c.Step("y"); c.Local(nil) },
	} {
		r := explored(t, misbehaving(body), Config{})
		require.Equal(t, Panicked, r.Failure.Kind, name)
		var usage *UsageError
		require.ErrorAs(t, r.Failure.Err, &usage)
		require.Contains(t, usage.Error(), strings.TrimSpace(name))
	}
}

// TestFingerprintAndLocal explores a world whose words the explorer does not know, by hashes that the client supplies.
func TestFingerprintAndLocal(t *testing.T) {
	build := func(local bool) Scenario {
		return Scenario{Name: "opaque", Build: func(w *World) {
			var words [2]uint64
			l := w.Loc("word")
			w.Fingerprint(func() uint64 { return words[0]<<8 | words[1] })
			for id := range 2 {
				w.CPU("", func(c *CPU) {
					sum, at := uint64(0), 0
					if local {
						c.Local(func() uint64 { return sum<<8 | uint64(at) })
					}
					for at = range 2 {
						c.Step("read", Read(l))
						sum = words[1-id]
						if !local {
							c.Observed(sum)
						}
						c.Step("write", Write(l))
						words[id]++
					}
				})
			}
			w.Reset(func() { words = [2]uint64{} })
		}}
	}
	observed, local := explored(t, build(false), Config{}), explored(t, build(true), Config{})
	require.Equal(t, Proved, observed.Verdict)
	require.Equal(t, Proved, local.Verdict)
	require.Less(t, local.States(), observed.States(), "a local fingerprint forgets the first value read")
	naive := explored(t, build(true), Config{Algorithm: Naive})
	require.Equal(t, naive.Passes[0].Digest, local.Passes[1].Digest)
}

func TestLimitsAreNotProofs(t *testing.T) {
	s := toyScenario(beforeUnlock, "zr", "rw")
	limited := explored(t, s, Config{MaxExecutions: 5})
	require.Equal(t, Exhausted, limited.Verdict)
	require.Contains(t, limited.String(), "exhausted bound")
	require.NotContains(t, limited.String(), "proved")
	require.EqualValues(t, 5, limited.Executions())

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var seen []Progress
	r, err := Run(ctx, toyScenario(beforeUnlock, "zr", "rw", "z"), Config{Algorithm: Naive, ProgressEvery: 1, Progress: func(p Progress) {
		if seen = append(seen, p); len(seen) == 3 {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.Equal(t, Exhausted, r.Verdict)
	require.Equal(t, "interrupt", r.Stopped)
	require.Positive(t, r.Executions())
	require.Len(t, seen, 3)
	require.Contains(t, seen[2].String(), "executions")
	require.Less(t, seen[2].Done, 1.0)

	timed := explored(t, toyScenario(beforeUnlock, "zrz", "rwr", "zwz"), Config{Algorithm: Naive, Timeout: time.Nanosecond})
	require.Equal(t, "the time limit", timed.Stopped)
}

func TestTerminalIsQuietInAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	require.Nil(t, Terminal(w))
}

// TestExecutionsDoNotAllocate compares a long run with a short one.
func TestExecutionsDoNotAllocate(t *testing.T) {
	s := toyScenario(beforeUnlock, "zr", "rw")
	allocs := func(executions int64) float64 {
		return testing.AllocsPerRun(3, func() {
			_, err := Run(context.Background(), s, Config{Algorithm: Naive, MaxExecutions: executions})
			if err != nil {
				panic(err)
			}
		})
	}
	// The set of final states is a map and grows.
	require.Less(t, allocs(2000)-allocs(200), 50.0)
}

func TestAbortRunsDeferredCalls(t *testing.T) {
	depth := 0
	s := Scenario{Name: "deferred", Build: func(w *World) {
		m := w.Mutex("m")
		for range 2 {
			w.CPU("", func(c *CPU) {
				c.Step("lock", Lock(m))
				depth++
				defer func() {
					depth--
					c.Step("unlock", Unlock(m)) // while unwinding, too
				}()
				c.Step("work")
			})
		}
		w.Always("one holder", func() error {
			if depth > 1 {
				return errors.New("two holders")
			}
			return nil
		}, m)
	}}
	r := explored(t, s, Config{Algorithm: SleepSets})
	require.Equal(t, Explored, r.Verdict)
	require.Zero(t, depth)
}

// fakeT records what Check does to a test.
type fakeT struct {
	bytes.Buffer
	failed bool
}

func (f *fakeT) Helper()                           {}
func (f *fakeT) Name() string                      { return "TestName" }
func (f *fakeT) Logf(format string, args ...any)   { fmt.Fprintf(f, format, args...) }
func (f *fakeT) Fatalf(format string, args ...any) { f.failed = true; f.Logf(format, args...) }

func TestCheck(t *testing.T) {
	var good, bad, replayed fakeT
	Check(&good, toyScenario(beforeUnlock, "z", "r"), Config{})
	require.False(t, good.failed)
	require.Contains(t, good.String(), "proved for 2 CPUs, 2 operations, 1 page")
	Check(&bad, toyScenario(atFinish, "z", "r"), Config{})
	require.True(t, bad.failed)
	require.Contains(t, bad.String(), "EXPLORE_REPLAY='0*3 1*7' go test -v -run '^TestName$'")
	t.Setenv(ReplayEnv, "0*3 1*6")
	Check(&replayed, toyScenario(atFinish, "z", "r"), Config{})
	require.False(t, replayed.failed)
	require.Contains(t, replayed.String(), "the schedule ends here; 2 CPUs not finished")
}
