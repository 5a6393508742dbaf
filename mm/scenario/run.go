package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// Verdict is what exploring a scenario came to, from best to worst.
type Verdict string

// The verdicts.
const (
	Proved    Verdict = "proved"          // by two algorithms, for the stated bound
	Exhausted Verdict = "exhausted-bound" // nothing found, but not everything looked at
	Stale     Verdict = "stale"           // an old page was reached after it had been removed
	Duplicate Verdict = "duplicate"       // two valid translations of one page
)

// rank orders the verdicts.
var rank = map[Verdict]int{Proved: 0, Exhausted: 1, Stale: 2, Duplicate: 3}

// Result is the worst that the variants of a scenario came to.
type Result struct {
	Scenario   *Scenario
	Verdict    Verdict
	Variant    string // the variant that is worst
	Executions int64  // up to the first bad one, or of all variants
	States     int64  // of state caching, over all variants
	Elapsed    time.Duration
	Report     explore.Report // of the variant
}

// Run explores every variant of a scenario. An error means that no verdict was
// reached; a bad verdict is not an error.
func Run(ctx context.Context, sc *Scenario, cfg Config, ex explore.Config) (Result, error) {
	res := Result{Scenario: sc}
	for _, v := range sc.Vary {
		one, err := RunVariant(ctx, sc, v, cfg, ex)
		if err != nil {
			return res, fmt.Errorf("%s, %s: %w", sc.Name, v.Name, err)
		}
		res = res.worse(one)
	}
	return res, nil
}

// worse joins the results of two variants.
func (r Result) worse(o Result) Result {
	bad := rank[Exhausted]
	switch {
	case r.Verdict == "" || rank[o.Verdict] > rank[r.Verdict] && rank[o.Verdict] > bad:
		o.Elapsed += r.Elapsed
		return o
	case rank[r.Verdict] > bad:
		r.Elapsed += o.Elapsed
		return r
	}
	if rank[o.Verdict] > rank[r.Verdict] {
		r.Verdict, r.Variant, r.Report = o.Verdict, o.Variant, o.Report
	}
	r.Executions += o.Executions
	r.States += o.States
	r.Elapsed += o.Elapsed
	return r
}

// RunVariant explores one variant.
func RunVariant(ctx context.Context, sc *Scenario, v Variant, cfg Config, ex explore.Config) (Result, error) {
	rep, err := explore.Run(ctx, sc.stage(v, cfg), ex)
	if err != nil {
		return Result{}, err
	}
	res := Result{Scenario: sc, Variant: v.Name, Report: rep, Executions: rep.Executions(), States: rep.States(), Elapsed: rep.Elapsed}
	res.Verdict, err = verdict(rep)
	return res, err
}

// framesDiffer tells whether what failed is two entries that name different frames.
func (r Result) framesDiffer() bool {
	var d *DuplicateError
	return r.Report.Failure != nil && errors.As(r.Report.Failure.Err, &d) && d.FramesDiffer
}

// verdict reads a report. A deadlock or a panic has no verdict: it is a mistake
// in the model or in this library.
func verdict(rep explore.Report) (Verdict, error) {
	f := rep.Failure
	switch {
	case f == nil && rep.Verdict == explore.Proved:
		return Proved, nil
	case f == nil:
		return Exhausted, nil
	case errors.Is(f.Err, mm.ErrDuplicate):
		return Duplicate, nil
	case errors.Is(f.Err, ErrStaleAccess), errors.Is(f.Err, ErrLostStore), errors.Is(f.Err, mm.ErrOrphan), errors.Is(f.Err, mm.ErrStale), errors.Is(f.Err, mm.ErrUseAfterFree):
		return Stale, nil
	}
	return "", fmt.Errorf("scenario: %s", f)
}
