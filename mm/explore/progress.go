package explore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Progress is how far a run has come.
type Progress struct {
	Scenario   string
	Algorithm  Algorithm
	Executions int64
	States     int64
	Depth      int     // steps of the longest execution so far
	Rate       float64 // executions per second
	// Done estimates the fraction explored, from the branches left on the current path; 0 for sampling algorithms.
	// Source-DPOR finds branches as it goes, so its estimate is too high at first.
	Done    float64
	Elapsed time.Duration
}

// Terminal returns a function for Config.Progress that keeps one line of f up to date, or nil, which asks for no
// progress, if f is not a terminal.
func Terminal(f *os.File) func(Progress) {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(p Progress) {
		fmt.Fprintf(f, "\r\x1b[K%s", p)
	}
}

// String is one line.
func (p Progress) String() string {
	text := fmt.Sprintf("%s %s: %d executions, %.0f/s, depth %d", p.Scenario, p.Algorithm, p.Executions, p.Rate, p.Depth)
	if p.States > 0 {
		text += fmt.Sprintf(", %d states", p.States)
	}
	if p.Done > 0 {
		text += fmt.Sprintf(", about %.1f%%", 100*p.Done)
	}
	return fmt.Sprintf("%s, %s", text, p.Elapsed.Round(time.Second))
}

// meter looks at limits and reports progress, now and then: reading the clock costs more than a step.
type meter struct {
	cfg   *Config
	next  time.Time
	ticks int
}

const meterEvery = 64 // executions

func newMeter(cfg *Config) *meter {
	return &meter{cfg: cfg, next: time.Now().Add(cfg.ProgressEvery)}
}

// stop names the limit that has been reached, if any.
func (m *meter) stop(ctx context.Context, s *search, limit int64) string {
	if limit > 0 && s.pass.Executions >= limit {
		return fmt.Sprintf("the limit of %d executions", limit)
	}
	if m.ticks++; m.ticks%meterEvery != 0 {
		return ""
	}
	if err := ctx.Err(); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return "the time limit"
		}
		return "interrupt"
	}
	if m.cfg.Progress == nil {
		return ""
	}
	if now := time.Now(); now.After(m.next) {
		m.next = now.Add(m.cfg.ProgressEvery)
		m.cfg.Progress(s.progress(now))
	}
	return ""
}

func (s *search) progress(now time.Time) Progress {
	elapsed := now.Sub(s.started)
	return Progress{Scenario: s.scenario.Name, Algorithm: s.plan.algorithm, Executions: s.pass.Executions,
		States: int64(len(s.visited)), Depth: s.pass.Depth, Rate: float64(s.pass.Executions) / max(elapsed.Seconds(), 1e-9),
		Done: s.done(), Elapsed: elapsed}
}

// done estimates the explored fraction: at each state on the path, the share of its branches that is finished.
func (s *search) done() float64 {
	total, share := 0.0, 1.0
	for i := range s.depth {
		n := &s.nodes[i]
		branches := (n.todo | n.done).count()
		if branches == 0 {
			continue
		}
		share /= float64(branches)
		total += share * float64(n.done.count())
	}
	return total
}
