package explore

import (
	"context"
	"fmt"
	"time"
)

// plan says what a depth-first search leaves out, and why that is allowed.
type plan struct {
	algorithm Algorithm
	sleep     bool // sleep sets: do not try what was tried before and nothing since depends on
	dpor      bool // try only what reverses a race (dpor.go); otherwise every enabled CPU
	cache     bool // do not go on from a state seen before (cache.go)
	bounded   bool // at most bound preemptions
	switches  bool // the bound counts all context switches, those the scheduler cannot avoid too
	bound     int
}

// node is one state on the current path, and the step taken from it.
type node struct {
	enabled cpuSet
	todo    cpuSet   // to be tried from here; what has been tried stays in
	done    cpuSet   // tried
	sleep   cpuSet   // not to be tried: covered from an earlier state or by an earlier sibling
	cpu     int      // the one whose step is on the path
	before  int      // the one whose step was tried before that, -1 if none
	spent   int      // preemptions or switches before this state
	op      string   // of that step
	state   uint64   // fingerprint after it
	failure *Failure // of the state after it
	clock   clock
	tried   [MaxCPUs]event  // what each CPU's step from here did
	slept   [MaxCPUs]uint16 // depth of the node whose tried holds a sleeping CPU's step
}

// search is a depth-first search over schedules. It keeps no world on its stack: for each execution the path is
// replayed and then extended.
type search struct {
	w        *World
	scenario Scenario
	cfg      *Config
	plan     plan
	pass     Pass
	nodes    []node
	depth    int // steps on the path
	last     [MaxCPUs]int
	scratch  event
	found    []int // races of the step at hand
	visited  map[uint64]cpuSet
	finals   map[uint64]struct{}
	prefixes int      // prefixes of cfg.SplitDepth steps met so far
	cut      bool     // the bound left something out
	failure  *Failure // of the execution at hand
	failedAt int      // steps it took
	started  time.Time

	// onFailure decides what to do about a failing execution: go on exploring or stop.
	onFailure func(f *Failure, found Schedule) (more bool)
}

func newSearch(w *World, s Scenario, cfg *Config, p plan) *search {
	return &search{w: w, scenario: s, cfg: cfg, plan: p, started: time.Now(),
		pass:    Pass{Algorithm: p.algorithm, Bound: p.bound},
		visited: map[uint64]cpuSet{}, finals: map[uint64]struct{}{}}
}

// run searches until everything is explored, a failure ends it, or a limit does; stopped then names the limit.
func (s *search) run(ctx context.Context, limit int64) (stopped string, err error) {
	defer func() { s.pass.finish(s) }()
	meter := newMeter(s.cfg)
	for {
		more, err := s.execute()
		if err != nil || !more {
			return "", err
		}
		if !s.backtrack() {
			s.pass.Complete = true
			return "", nil
		}
		if reason := meter.stop(ctx, s, limit); reason != "" {
			return reason, nil
		}
	}
}

// backtrack leaves the path at the deepest node that has something left to try.
func (s *search) backtrack() bool {
	for ; s.depth > 0; s.depth-- {
		n := &s.nodes[s.depth-1]
		n.done.add(n.cpu)
		if s.plan.sleep {
			n.sleep.add(n.cpu)
			n.slept[n.cpu] = uint16(s.depth - 1)
		}
		if left := n.todo &^ n.done &^ n.sleep; left != 0 {
			n.cpu, n.before = left.lowest(), n.cpu
			return true
		}
	}
	return false
}

// execute runs the path and extends it until the execution ends or need not be finished. more is false if the search
// is to stop.
func (s *search) execute() (more bool, err error) {
	w := s.w
	w.start(s.scenario.Build)
	defer w.abort()
	s.failure = nil
	if err := s.strict(nil); err != nil {
		return false, err
	}
	fresh := s.depth // the step at fresh-1 has not been taken yet
	if err := s.follow(); err != nil {
		return false, err
	}
	if fresh == 0 {
		s.fail(w.brokenStart())
	}
	how, err := s.extend(fresh <= s.cfg.SplitDepth)
	if err != nil || how == foreign {
		return err == nil, err
	}
	s.pass.count(s, how == pruned)
	if how == complete {
		s.finals[w.state()] = struct{}{}
		if s.cfg.observe != nil {
			s.cfg.observe(w)
		}
	}
	if s.failure == nil {
		return true, nil
	}
	s.pass.Failing++
	var found Schedule
	for i := range s.failedAt {
		found.extend(s.nodes[i].cpu, 1)
	}
	return s.onFailure(s.failure, found), nil
}

// fail keeps the first failure of an execution.
func (s *search) fail(f *Failure) {
	if s.failure == nil && f != nil {
		s.failure, s.failedAt = f, s.depth
	}
}

// ending is how an execution came to its end.
type ending uint8

const (
	complete ending = iota // no CPU can run
	pruned                 // nothing new can follow
	broken                 // a failure, and there is no point in going on
	foreign                // it belongs to another shard
)

// extend takes new steps until the execution ends. entering tells that the execution begins a prefix of its own,
// which is to be counted when it is complete.
func (s *search) extend(entering bool) (ending, error) {
	how := broken
	for s.failure == nil || s.cfg.KeepGoing && s.failure.Kind != Panicked {
		if entering && s.depth >= s.cfg.SplitDepth {
			entering = false
			if !s.mine() {
				return foreign, nil
			}
		}
		if more, err := s.push(); err != nil {
			return broken, err
		} else if !more {
			how = pruned
			break
		}
		n := &s.nodes[s.depth]
		if n.enabled == 0 {
			how = complete
			s.fail(s.w.brokenEnd())
			break
		}
		if err := s.advance(n); err != nil {
			return broken, err
		}
	}
	if s.plan.dpor {
		s.recordBlocked()
	}
	if entering && !s.mine() {
		return foreign, nil
	}
	return how, nil
}

// follow replays the path. All steps but the last have been taken before, and must do what they did then.
func (s *search) follow() error {
	for i := range s.last {
		s.last[i] = -1
	}
	if s.depth == 0 {
		return nil
	}
	old := s.depth - 1
	if err := s.retrace(old); err != nil {
		return err
	}
	for d := range old {
		n := &s.nodes[d]
		s.last[n.cpu] = d
		if n.failure != nil && s.failure == nil {
			s.failure, s.failedAt = n.failure, d+1
		}
	}
	n := &s.nodes[old]
	c := s.w.cpus[n.cpu]
	if n.op = c.op; c.finished || !s.w.ready(c) {
		return s.wavering(old, c)
	}
	s.w.step(c, &n.tried[n.cpu])
	return s.took(old)
}

// compared tells which executions take every step of the path again with a look at what it does: the first ones, and
// some later ones.
func (s *search) compared() bool {
	return s.cfg.Strict || s.pass.Executions < strictExecutions || s.pass.Executions%strictExecutions == 0
}

// retrace takes the first steps of the path again.
func (s *search) retrace(steps int) error {
	w := s.w
	if !s.compared() {
		if d := w.retrace(s.nodes[:steps]); d < steps {
			return s.wavering(d, w.cpus[s.nodes[d].cpu])
		}
		return nil
	}
	for d := range steps {
		n := &s.nodes[d]
		c := w.cpus[n.cpu]
		if c.finished || c.op != n.op || !w.ready(c) {
			return s.wavering(d, c)
		}
		w.step(c, &s.scratch)
		if w.shared^w.locals != n.state {
			return s.wavering(d, c)
		}
	}
	return nil
}

func (s *search) wavering(d int, c *CPU) error {
	return fmt.Errorf("%w: scenario %q, schedule %s: step %d was %s on CPU %d and now differs (%s)", ErrNondeterministic,
		s.scenario.Name, s.path(), d, s.nodes[d].op, c.id, c.op)
}

// path is the schedule from the start to where the search is.
func (s *search) path() Schedule {
	var p Schedule
	for i := range s.depth {
		p.extend(s.nodes[i].cpu, 1)
	}
	return p
}

// advance takes the step chosen at the newest node.
func (s *search) advance(n *node) error {
	c := s.w.cpus[n.cpu]
	n.op = c.op
	s.w.step(c, &n.tried[n.cpu])
	s.depth++
	return s.took(s.depth - 1)
}

// took does the bookkeeping for the step just taken at depth d.
func (s *search) took(d int) error {
	n := &s.nodes[d]
	n.state = s.w.shared ^ s.w.locals
	n.failure = s.w.broken(s.w.cpus[n.cpu])
	s.fail(n.failure)
	if s.plan.dpor {
		s.record(d)
	}
	s.last[n.cpu] = d
	s.pass.Steps++
	if err := s.checkDependent(d); err != nil {
		return err
	}
	if s.depth >= s.cfg.MaxSteps {
		return tooLong(s.scenario, s.cfg.MaxSteps)
	}
	return s.strict(s.w.cpus[n.cpu])
}

// strictExecutions is how many executions of every search are checked for undeclared writes without being asked.
const strictExecutions = 64

// strict checks that only declared locations have changed: by the step of c, or by Reset if c is nil.
func (s *search) strict(c *CPU) error {
	if !s.cfg.Strict && s.pass.Executions >= strictExecutions {
		return nil
	}
	l := s.w.undeclared()
	if l == 0 {
		return nil
	}
	if c == nil {
		return fmt.Errorf("%w: scenario %q: Reset, or a body before its first step, changed %s", ErrUndeclared, s.scenario.Name, s.w.locName(l))
	}
	return fmt.Errorf("%w: scenario %q: %s on CPU %d changed %s", ErrUndeclared, s.scenario.Name, c.doing, c.id, s.w.locName(l))
}

// push makes the node for the state just reached and chooses the first step to try. more is false if nothing need be
// tried from here although something could.
func (s *search) push() (more bool, err error) {
	d := s.depth
	if d == len(s.nodes) {
		s.nodes = append(s.nodes, node{})
	}
	n := &s.nodes[d]
	n.enabled, n.done, n.sleep, n.spent, n.cpu, n.before = s.w.enabled(), 0, 0, 0, -1, -1
	previous := -1
	if d > 0 {
		parent := &s.nodes[d-1]
		previous, n.spent = parent.cpu, parent.spent+s.cost(parent)
		s.inheritSleep(n, parent)
	}
	n.todo = n.enabled
	if s.plan.bounded {
		s.bound(n, previous)
	}
	if s.plan.cache && d >= s.cfg.SplitDepth {
		if s.w.missing != 0 {
			return false, fmt.Errorf("%w: scenario %q: %s", ErrUnreported, s.scenario.Name, s.w.locName(s.w.missing))
		}
		if s.seen(n) {
			return false, nil
		}
	}
	awake := n.todo &^ n.sleep
	if awake == 0 {
		return n.enabled == 0, nil
	}
	n.cpu = awake.lowest()
	if awake.has(max(previous, 0)) && previous >= 0 {
		n.cpu = previous // going on with the same CPU gives schedules with few switches
	}
	if s.plan.dpor && d >= s.cfg.SplitDepth {
		n.todo = 1 << n.cpu
	}
	return true, nil
}

// inheritSleep keeps asleep what the parent's step does not depend on.
func (s *search) inheritSleep(n, parent *node) {
	ev := &parent.tried[parent.cpu]
	for z := parent.sleep; z != 0; z &= z - 1 {
		q := z.lowest()
		if q == parent.cpu {
			continue
		}
		at := parent.slept[q]
		if relate(ev, &s.nodes[at].tried[q]) == commute {
			n.sleep.add(q)
			n.slept[q] = at
		}
	}
}

// cost is what the step on the path at n adds to the bounded number.
func (s *search) cost(n *node) int {
	if d := s.depth - 1; d > 0 && s.plan.bounded {
		before := s.nodes[d-1].cpu
		if before != n.cpu && (s.plan.switches || n.enabled.has(before)) {
			return 1
		}
	}
	return 0
}

// bound drops the steps that would exceed the bound.
func (s *search) bound(n *node, previous int) {
	if previous < 0 || n.spent < s.plan.bound || !s.plan.switches && !n.enabled.has(previous) {
		return
	}
	allowed := n.todo & (1 << previous)
	s.cut = s.cut || allowed != n.todo
	n.todo = allowed
}

// mine counts a prefix and tells whether it belongs to this shard.
func (s *search) mine() bool {
	s.prefixes++
	return s.cfg.Shard.Count <= 1 || (s.prefixes-1)%s.cfg.Shard.Count == s.cfg.Shard.Index
}
