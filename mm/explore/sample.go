package explore

import (
	"context"
	"time"
)

// sample runs random executions: a uniform walk, or PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized
// scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010).
func (e *explorer) sample(ctx context.Context) error {
	k := &walk{w: &e.world, scenario: e.scenario, maxSteps: e.cfg.MaxSteps}
	s := newSearch(&e.world, e.scenario, &e.cfg, plan{algorithm: e.cfg.Algorithm})
	defer func() {
		s.pass.Elapsed = time.Since(s.started)
		e.report.Passes = append(e.report.Passes, s.pass)
	}()
	meter := newMeter(&e.cfg)
	// Shards draw from sequences of their own.
	r := random(mix(finish(e.cfg.Seed), uint64(e.cfg.Shard.Index)))
	for s.pass.Executions < e.cfg.MaxExecutions {
		choose := func(enabled cpuSet) int { return enabled.nth(r.below(enabled.count())) }
		if e.cfg.Algorithm == PCT {
			choose = newPriorities(&r, e.report.CPUs, e.cfg.PCTDepth, max(s.pass.Depth, 1)).choose
		}
		f, err := k.run(choose, nil)
		if err != nil {
			return err
		}
		s.pass.Executions++
		s.pass.Steps += int64(len(k.steps))
		s.pass.Depth = max(s.pass.Depth, len(k.steps))
		if f != nil {
			s.pass.Failing++
			if e.report.Failure == nil {
				f.Found, f.Execution = scheduleOf(k.steps), s.pass.Executions
				e.report.Failure = f
			}
			if !e.cfg.KeepGoing {
				return nil
			}
		}
		if e.report.Stopped = meter.stop(ctx, s, 0); e.report.Stopped != "" {
			return nil
		}
	}
	return nil
}

// priorities is the scheduler of PCT for one execution: the enabled CPU of the highest priority runs, and at depth-1
// random steps the running CPU falls below all others. A bug that needs d ordering constraints in an execution of k
// steps on n CPUs is hit with probability at least 1/(n*k^(d-1)).
type priorities struct {
	of      [MaxCPUs]int
	changes map[int]int // step -> the new priority of the CPU that runs then
	step    int
}

// newPriorities draws initial priorities from depth upwards and change points among the first length steps.
func newPriorities(r *random, cpus, depth, length int) *priorities {
	p := &priorities{changes: make(map[int]int, depth-1)}
	for i := range cpus { // inside-out shuffle of depth, depth+1, ...
		j := r.below(i + 1)
		p.of[i] = p.of[j]
		p.of[j] = depth + i
	}
	for i := range depth - 1 {
		p.changes[r.below(length)] = depth - 1 - i
	}
	return p
}

func (p *priorities) choose(enabled cpuSet) int {
	cpu := p.highest(enabled)
	if lower, now := p.changes[p.step]; now {
		p.of[cpu] = lower
		cpu = p.highest(enabled)
	}
	p.step++
	return cpu
}

func (p *priorities) highest(enabled cpuSet) int {
	best := enabled.lowest()
	for set := enabled; set != 0; set &= set - 1 {
		if cpu := set.lowest(); p.of[cpu] > p.of[best] {
			best = cpu
		}
	}
	return best
}
