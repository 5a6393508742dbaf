package explore

import (
	"context"
	"fmt"
)

// simplify finds a schedule of few context switches, then few steps, that fails like f, and makes its trace.
func (e *explorer) simplify(f *Failure) error {
	f.Schedule = f.Found
	if e.cfg.MinimizeBudget > 0 {
		m := &minimizer{explorer: e, want: f, best: f.Found, budget: e.cfg.MinimizeBudget}
		if err := m.run(); err != nil {
			return err
		}
		f.Schedule, f.Minimal = m.best, m.minimal
	}
	trace, again, err := e.trace(f.Schedule)
	if err != nil {
		return err
	}
	if again == nil || !again.same(f) {
		return fmt.Errorf("%w: scenario %q: schedule %s failed once and not again", ErrNondeterministic, e.scenario.Name, f.Schedule)
	}
	f.Err, f.Waits, f.Trace = again.Err, again.Waits, trace
	return nil
}

type minimizer struct {
	*explorer
	want    *Failure
	best    Schedule
	minimal bool
	budget  int64
}

// run tries all schedules with no switch, one switch, two. The first number that fails is the least there is. Where
// the budget ends before that, it goes on from the schedule it has by merging turns.
func (m *minimizer) run() error {
	for bound := 0; bound <= m.best.Switches(); bound++ {
		stopped, err := m.bounded(bound)
		if err != nil {
			return err
		}
		if m.minimal = m.best.Switches() == bound; m.minimal {
			return nil
		}
		if stopped {
			m.budget = m.cfg.MinimizeBudget / 4
			return m.merge()
		}
	}
	return nil
}

// bounded searches all schedules with at most bound switches, as far as the budget goes.
func (m *minimizer) bounded(bound int) (stopped bool, err error) {
	cfg := Config{MaxSteps: m.cfg.MaxSteps}
	s := newSearch(&m.world, m.scenario, &cfg, plan{bounded: true, switches: true, bound: bound})
	s.onFailure = func(f *Failure, found Schedule) bool {
		if f.same(m.want) {
			m.take(found)
		}
		return true
	}
	reason, err := s.run(context.Background(), max(m.budget, 1))
	m.budget -= s.pass.Executions
	return reason != "", err
}

// take keeps a failing schedule if it is simpler than the best.
func (m *minimizer) take(s Schedule) bool {
	better := s.Switches() < m.best.Switches() || s.Switches() == m.best.Switches() && s.Steps() < m.best.Steps()
	if better {
		m.best = s
	}
	return better
}

// merge joins turns of the same CPU as long as that still fails and makes the schedule simpler.
func (m *minimizer) merge() error {
	k := &walk{w: &m.world, scenario: m.scenario, maxSteps: m.cfg.MaxSteps}
	for better := true; better; {
		better = false
		for i := 0; i < len(m.best) && !better; i++ {
			for j := i + 1; j < len(m.best) && !better; j++ {
				if m.best[i].CPU != m.best[j].CPU {
					continue
				}
				for _, at := range []int{i, j} {
					if m.budget--; m.budget < 0 {
						return nil
					}
					f, err := k.run(loosely(joined(m.best, i, j, at)), nil)
					if err != nil {
						return err
					}
					better = better || f != nil && f.same(m.want) && m.take(scheduleOf(k.steps))
				}
			}
		}
	}
	return nil
}

// joined moves the steps of turns i and j of one CPU to where turn at is, one of the two.
func joined(s Schedule, i, j, at int) Schedule {
	var out Schedule
	for k, t := range s {
		switch {
		case k == at:
			out.extend(t.CPU, s[i].Steps+s[j].Steps)
		case k != i && k != j:
			out.extend(t.CPU, t.Steps)
		}
	}
	return out
}

// loosely follows a schedule as far as it can: a turn ends early when its CPU cannot run, and after the last one the
// CPU that runs goes on as long as it can.
func loosely(s Schedule) func(cpuSet) int {
	turn, used, running := 0, 0, -1
	return func(enabled cpuSet) int {
		for ; turn < len(s); turn, used = turn+1, 0 {
			if used < s[turn].Steps && enabled.has(s[turn].CPU) {
				used++
				running = s[turn].CPU
				return running
			}
		}
		if running < 0 || !enabled.has(running) {
			running = enabled.lowest()
		}
		return running
	}
}
