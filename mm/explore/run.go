package explore

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"
)

// Config says how to explore. The zero value proves: source-DPOR, then state caching, until both have finished.
type Config struct {
	Algorithm Algorithm // "" is Prove

	// Limits. A run that meets one reports "exhausted bound", never a proof.
	MaxExecutions int64         // per algorithm and worker; 0 is no limit, and 10,000 for the sampling algorithms
	MaxSteps      int           // per execution, at most 65,534; 0 is 10,000. More is ErrTooLong
	Timeout       time.Duration // for the search, minimising not counted; 0 is no limit

	Preemptions int    // PreemptionBound: largest bound tried; 0 is 2, negative is as many as it takes
	PCTDepth    int    // PCT: number of ordering constraints of the bug looked for; 0 is 3
	Seed        uint64 // PCT, RandomWalk

	KeepGoing bool // explore on after a failure, and count the failing executions
	Strict    bool // look for undeclared writes in every execution, not only in the first 64

	// MinimizeBudget is the number of executions spent on simplifying a failing schedule; 0 is 20,000, negative is none.
	MinimizeBudget int64

	// Replay runs this one schedule instead of searching.
	Replay Schedule

	// Workers is the number of goroutines, each with a World of its own; 0 is 1. Scenarios must then not share
	// anything between Builds. The work is split like shards are: verdict, failure and the counts of a complete run
	// do not depend on timing, but they do depend on SplitDepth.
	Workers int
	// Shard is the part of the work to do; the zero value is all of it.
	Shard Shard
	// SplitDepth is the length in steps of the prefixes that workers and shards share out. All of them are tried, so
	// a large value costs executions. 0 is 8 if there is anything to share out.
	SplitDepth int

	// Progress, if not nil, is called from time to time, never from two goroutines at once. See [Terminal].
	Progress      func(Progress)
	ProgressEvery time.Duration // 0 is one second

	observe func(w *World) // sees final states; for the package's own tests

	_ struct{}
}

// defaults fills in zero fields and checks the others.
func (c Config) defaults() (Config, error) {
	set := func(p *int, value int) {
		if *p == 0 {
			*p = value
		}
	}
	if c.Algorithm == "" {
		c.Algorithm = Prove
	}
	if c.sampling() && c.MaxExecutions == 0 {
		c.MaxExecutions = 10_000
	}
	if c.MinimizeBudget == 0 {
		c.MinimizeBudget = 20_000
	}
	if c.ProgressEvery == 0 {
		c.ProgressEvery = time.Second
	}
	set(&c.MaxSteps, 10_000)
	set(&c.Preemptions, 2)
	set(&c.PCTDepth, 3)
	set(&c.Workers, 1)
	if c.Workers > 1 || c.Shard.Count > 1 {
		set(&c.SplitDepth, 8)
	}
	switch {
	case c.plan().algorithm == "" && !c.sampling() && c.Algorithm != Prove && c.Algorithm != PreemptionBound:
		return c, fmt.Errorf("%w: Algorithm %q is unknown", ErrConfig, c.Algorithm)
	case c.MaxExecutions < 0:
		return c, fmt.Errorf("%w: MaxExecutions is %d", ErrConfig, c.MaxExecutions)
	case c.MaxSteps < 1 || c.MaxSteps >= math.MaxUint16:
		return c, fmt.Errorf("%w: MaxSteps is %d, not in 1..65534", ErrConfig, c.MaxSteps)
	case c.PCTDepth < 1:
		return c, fmt.Errorf("%w: PCTDepth is %d", ErrConfig, c.PCTDepth)
	case c.Workers < 1:
		return c, fmt.Errorf("%w: Workers is %d", ErrConfig, c.Workers)
	case !c.Shard.valid():
		return c, fmt.Errorf("%w: Shard is %d of %d", ErrConfig, c.Shard.Index, c.Shard.Count)
	case c.SplitDepth < 0:
		return c, fmt.Errorf("%w: SplitDepth is %d", ErrConfig, c.SplitDepth)
	case c.Algorithm == PreemptionBound && (c.Workers > 1 || c.Shard.Count > 1):
		return c, fmt.Errorf("%w: %s cannot be shared out", ErrConfig, PreemptionBound)
	}
	return c, nil
}

func (c *Config) sampling() bool { return c.Algorithm == PCT || c.Algorithm == RandomWalk }

// plan is the depth-first search of a single exhaustive algorithm.
func (c *Config) plan() plan {
	switch c.Algorithm {
	case Naive:
		return plan{algorithm: Naive}
	case SleepSets:
		return plan{algorithm: SleepSets, sleep: true}
	case SourceDPOR:
		return plan{algorithm: SourceDPOR, sleep: true, dpor: true}
	case Cache:
		return plan{algorithm: Cache, cache: true}
	case CacheSleep:
		return plan{algorithm: CacheSleep, cache: true, sleep: true}
	}
	return plan{}
}

// Run explores a scenario. A failure of the scenario is in the report; the error is about the exploration itself: a
// bad configuration or schedule, a scenario that is not deterministic, changes what it did not declare, or does not
// report what the algorithm needs. When ctx is done the report tells what is known so far.
//
// Run is deterministic: the same scenario and Config give the same report, times excepted, unless ctx or Timeout ends it.
func Run(ctx context.Context, s Scenario, cfg Config) (Report, error) {
	cfg, err := cfg.defaults()
	if err != nil {
		return Report{}, err
	}
	if s.Build == nil {
		return Report{}, fmt.Errorf("%w: %q has no Build", ErrScenario, s.Name)
	}
	if cfg.Workers > 1 && cfg.Replay == nil {
		return runWorkers(ctx, s, cfg)
	}
	e := &explorer{scenario: s, cfg: cfg}
	defer e.world.close()
	return e.run(ctx)
}

// explorer is one worker's exploration.
type explorer struct {
	scenario Scenario
	cfg      Config
	world    World
	report   Report
}

func (e *explorer) run(ctx context.Context) (Report, error) {
	started := time.Now()
	e.world.start(e.scenario.Build)
	e.world.abort()
	e.report = Report{Scenario: e.scenario.Name, CPUs: len(e.world.cpus), Operations: e.scenario.Operations, Pages: e.scenario.Pages,
		Shard: e.cfg.Shard, SplitDepth: e.cfg.SplitDepth}
	if e.report.CPUs == 0 {
		return e.report, fmt.Errorf("%w: %q has no CPU", ErrScenario, e.scenario.Name)
	}
	if e.cfg.Replay != nil {
		err := e.replay()
		e.report.Elapsed = time.Since(started)
		return e.report, err
	}
	err := e.search(ctx)
	e.report.conclude()
	if f := e.report.Failure; f != nil && err == nil {
		err = e.simplify(f)
	}
	e.report.Elapsed = time.Since(started)
	return e.report, err
}

// search runs the algorithm, or the algorithms.
func (e *explorer) search(ctx context.Context) error {
	if e.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.cfg.Timeout)
		defer cancel()
	}
	switch e.cfg.Algorithm {
	case Prove:
		return e.prove(ctx)
	case PreemptionBound:
		return e.preemptions(ctx)
	case PCT, RandomWalk:
		return e.sample(ctx)
	}
	return e.pass(ctx, e.cfg.plan())
}

// pass runs one depth-first search and takes its result into the report.
func (e *explorer) pass(ctx context.Context, p plan) error {
	s := newSearch(&e.world, e.scenario, &e.cfg, p)
	s.onFailure = func(f *Failure, found Schedule) bool {
		if e.report.Failure == nil {
			f.Found, f.Execution = found, s.pass.Executions
			e.report.Failure = f
		}
		return e.cfg.KeepGoing
	}
	stopped, err := s.run(ctx, e.cfg.MaxExecutions)
	e.report.Passes = append(e.report.Passes, s.pass)
	e.report.Stopped = stopped
	return err
}

// prove runs two algorithms and compares what they found: a declaration that is wrong leads them to different places.
func (e *explorer) prove(ctx context.Context) error {
	for _, a := range []Algorithm{SourceDPOR, CacheSleep} {
		one := Config{Algorithm: a}
		if err := e.pass(ctx, one.plan()); err != nil {
			return err
		}
		if e.report.Failure != nil || e.report.Stopped != "" {
			break
		}
	}
	if len(e.report.Passes) < 2 || e.report.Stopped != "" {
		return nil
	}
	if f := e.report.Failure; f != nil {
		return fmt.Errorf("%w: scenario %q: only state caching finds %s", ErrDisagree, e.scenario.Name, f.Reason())
	}
	if !e.report.agrees() {
		dpor, cache := e.report.Passes[0], e.report.Passes[1]
		return fmt.Errorf("%w: scenario %q: source-DPOR ends in %d states, state caching in %d, or in others", ErrDisagree, e.scenario.Name,
			dpor.Finals, cache.Finals)
	}
	return nil
}

// preemptions raises the bound until something fails, nothing is left out, or the largest bound is done.
func (e *explorer) preemptions(ctx context.Context) error {
	for bound := 0; e.cfg.Preemptions < 0 || bound <= e.cfg.Preemptions; bound++ {
		err := e.pass(ctx, plan{algorithm: PreemptionBound, bounded: true, bound: bound})
		if err != nil || e.report.Failure != nil && !e.cfg.KeepGoing || e.report.Stopped != "" {
			return err
		}
		if e.report.Passes[bound].Complete {
			return nil
		}
	}
	e.report.Stopped = "the bound of " + plural(int64(e.cfg.Preemptions), "preemption")
	return nil
}

// replay runs the one schedule of the configuration.
func (e *explorer) replay() error {
	trace, f, err := e.trace(e.cfg.Replay)
	if err != nil {
		return err
	}
	e.report.Trace, e.report.Verdict = trace, Replayed
	if f != nil {
		f.Schedule, f.Found, f.Execution, f.Trace = trace.Schedule, e.cfg.Replay, 1, trace
		e.report.Failure, e.report.Verdict, e.report.Trace = f, Failed, nil
		e.report.Passes = []Pass{{Algorithm: "replay", Executions: 1, Failing: 1, Depth: f.Schedule.Steps()}}
	}
	return nil
}

// T is what Check needs of a *testing.T.
type T interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// ReplayEnv is the environment variable that makes Check replay one schedule instead of searching:
//
//	EXPLORE_REPLAY='0*3 1*7' go test -v -run '^TestZapReadFault$'
const ReplayEnv = "EXPLORE_REPLAY"

// Check explores a scenario in a test. It fails the test with the simplest bad schedule and how to replay it, or if
// the exploration itself went wrong; otherwise it logs what was proved or looked at, and returns the report for tests
// that ask for more.
func Check(t T, s Scenario, cfg Config) Report {
	t.Helper()
	if text := os.Getenv(ReplayEnv); text != "" && cfg.Replay == nil {
		replay, err := ParseSchedule(text)
		if err != nil {
			t.Fatalf("%s: %v", ReplayEnv, err)
		}
		cfg.Replay = replay
	}
	r, err := Run(context.Background(), s, cfg)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if r.Failure != nil {
		t.Fatalf("%s\nreplay with %s='%s' go test -v -run '^%s$'", r, ReplayEnv, r.Failure.Schedule, t.Name())
	}
	t.Logf("%s", r)
	return r
}
