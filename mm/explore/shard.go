package explore

import (
	"fmt"
	"os"
	"strconv"
)

// A Shard is one of Count equal parts of an exploration: the prefixes of Config.SplitDepth steps are dealt out in
// turn. The zero Shard is the whole.
type Shard struct {
	Index int `json:"index"`
	Count int `json:"count"`
}

// ShardFromEnv reads the shard that a test runner or a cluster gave to this process:
//
//   - Bazel: TEST_SHARD_INDEX and TEST_TOTAL_SHARDS. As Bazel asks, the file named by TEST_SHARD_STATUS_FILE is
//     touched.
//   - Kubernetes Indexed Jobs: JOB_COMPLETION_INDEX, which Kubernetes sets, and JOB_COMPLETIONS, which it does not:
//     the manifest sets it to the same number as its completions (see testdata/job.yaml).
//
// With neither set it returns the zero Shard. The error is ErrConfig for errors.Is.
func ShardFromEnv() (Shard, error) {
	for _, names := range [][2]string{{"TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS"}, {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"}} {
		index, set := os.LookupEnv(names[0])
		if !set {
			continue
		}
		count := os.Getenv(names[1])
		i, err1 := strconv.Atoi(index)
		n, err2 := strconv.Atoi(count)
		shard := Shard{i, n}
		if err1 != nil || err2 != nil || n < 1 || !shard.valid() {
			return Shard{}, fmt.Errorf("%w: %s=%q, %s=%q", ErrConfig, names[0], index, names[1], count)
		}
		if status := os.Getenv("TEST_SHARD_STATUS_FILE"); status != "" {
			if err := os.WriteFile(status, nil, 0o666); err != nil {
				return Shard{}, fmt.Errorf("explore: telling Bazel about sharding: %w", err)
			}
		}
		return shard, nil
	}
	return Shard{}, nil
}

func (s Shard) valid() bool {
	return s.Count >= 0 && s.Index >= 0 && (s.Index < s.Count || s == Shard{})
}

// Merge puts the reports of all shards of one exploration together. Executions, final states and states are sums: two
// shards may meet the same state. The result is proved if every shard is there, and in each both algorithms finished
// and agreed. Of several failures the one in the lowest shard stays. The error is ErrMerge for errors.Is.
func Merge(reports ...Report) (Report, error) {
	if len(reports) == 0 {
		return Report{}, fmt.Errorf("%w: there are none", ErrMerge)
	}
	byIndex := make([]*Report, max(reports[0].Shard.Count, 1))
	for i := range reports {
		r := &reports[i]
		if err := r.fits(&reports[0]); err != nil {
			return Report{}, err
		}
		if byIndex[r.Shard.Index] != nil {
			return Report{}, fmt.Errorf("%w: shard %d is there twice", ErrMerge, r.Shard.Index)
		}
		byIndex[r.Shard.Index] = r
	}
	whole := *reports[0].empty()
	for i, r := range byIndex {
		if r == nil {
			return Report{}, fmt.Errorf("%w: shard %d of %d is missing", ErrMerge, i, len(byIndex))
		}
		if err := whole.add(r); err != nil {
			return Report{}, err
		}
	}
	whole.Shard = Shard{}
	whole.conclude()
	return whole, nil
}

// fits tells whether two reports are parts of one exploration.
func (r *Report) fits(first *Report) error {
	if r.Scenario != first.Scenario || r.CPUs != first.CPUs || r.Operations != first.Operations || r.Pages != first.Pages ||
		r.SplitDepth != first.SplitDepth || r.Shard.Count != first.Shard.Count || !r.Shard.valid() {
		return fmt.Errorf("%w: %q shard %d/%d and %q shard %d/%d are not parts of one exploration", ErrMerge,
			r.Scenario, r.Shard.Index, r.Shard.Count, first.Scenario, first.Shard.Index, first.Shard.Count)
	}
	return nil
}

// empty is a report of the same exploration about nothing.
func (r *Report) empty() *Report {
	return &Report{Scenario: r.Scenario, CPUs: r.CPUs, Operations: r.Operations, Pages: r.Pages, SplitDepth: r.SplitDepth}
}

// add merges the next shard's report into r.
func (r *Report) add(part *Report) error {
	r.Elapsed = max(r.Elapsed, part.Elapsed)
	if r.Stopped == "" {
		r.Stopped = part.Stopped
	}
	if r.Failure == nil && part.Failure != nil {
		r.Failure = part.Failure
	}
	for i, p := range part.Passes {
		if i == len(r.Passes) {
			r.Passes = append(r.Passes, Pass{Algorithm: p.Algorithm, Bound: p.Bound, Complete: true})
		}
		q := &r.Passes[i]
		if q.Algorithm != p.Algorithm || q.Bound != p.Bound {
			return fmt.Errorf("%w: shard %d ran %s where another ran %s", ErrMerge, part.Shard.Index, p.Algorithm, q.Algorithm)
		}
		q.Executions += p.Executions
		q.Pruned += p.Pruned
		q.States += p.States
		q.Finals += p.Finals
		q.Digest += p.Digest
		q.Steps += p.Steps
		q.Failing += p.Failing
		q.Depth = max(q.Depth, p.Depth)
		q.Elapsed = max(q.Elapsed, p.Elapsed)
		q.Complete = q.Complete && p.Complete
	}
	if r.Failure == nil && r.Stopped == "" && len(part.Passes) < len(r.Passes) {
		r.Stopped = fmt.Sprintf("shard %d, which ran fewer algorithms", part.Shard.Index)
	}
	return nil
}
