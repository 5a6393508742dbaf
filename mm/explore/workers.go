package explore

import (
	"context"
	"sync"
)

// runWorkers shares the exploration out among goroutines: worker i of n does shard i of n of what there is to do.
//
// A failing worker stops those with higher numbers only, so the failure that is reported, the one of the lowest
// failing worker, does not depend on who was faster.
func runWorkers(ctx context.Context, s Scenario, cfg Config) (Report, error) {
	n := cfg.Workers
	reports, errs := make([]Report, n), make([]error, n)
	cancels := make([]context.CancelFunc, n)
	contexts := make([]context.Context, n)
	for i := range n {
		contexts[i], cancels[i] = context.WithCancel(ctx)
		defer cancels[i]()
	}
	sum := &progressSum{report: cfg.Progress, parts: make([]Progress, n)}
	var wait sync.WaitGroup
	for i := range n {
		part := cfg
		part.Workers = 1
		part.Shard = Shard{cfg.Shard.Index*n + i, max(cfg.Shard.Count, 1) * n}
		if cfg.Progress != nil {
			part.Progress = func(p Progress) { sum.update(i, p) }
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			e := &explorer{scenario: s, cfg: part}
			defer e.world.close()
			reports[i], errs[i] = e.run(contexts[i])
			if errs[i] != nil || reports[i].Failure != nil {
				for _, cancel := range cancels[i+1:] {
					cancel()
				}
			}
		}()
	}
	wait.Wait()
	return joinWorkers(reports, errs, cfg.Shard)
}

// joinWorkers makes one report: that of the lowest worker that failed, or the sum of all.
func joinWorkers(reports []Report, errs []error, shard Shard) (Report, error) {
	whole := reports[0].empty()
	for i := range reports {
		if errs[i] != nil || reports[i].Failure != nil {
			r := reports[i]
			r.Shard = shard
			return r, errs[i]
		}
		if err := whole.add(&reports[i]); err != nil {
			return *whole, err
		}
	}
	whole.Shard = shard
	whole.conclude()
	return *whole, nil
}

// progressSum adds up what the workers say.
type progressSum struct {
	mu     sync.Mutex
	report func(Progress)
	parts  []Progress
}

func (s *progressSum) update(i int, p Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[i] = p
	if i != 0 { // one line for all, in step with the first worker
		return
	}
	sum := p
	sum.Executions, sum.States, sum.Rate, sum.Done = 0, 0, 0, 0
	for _, q := range s.parts {
		sum.Executions += q.Executions
		sum.States += q.States
		sum.Rate += q.Rate
		sum.Done += q.Done / float64(len(s.parts))
		sum.Depth = max(sum.Depth, q.Depth)
	}
	s.report(sum)
}
