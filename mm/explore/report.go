package explore

import (
	"fmt"
	"strings"
	"time"
)

// Algorithm chooses how the interleavings are searched.
type Algorithm string

// The algorithms. Prove runs SourceDPOR, then CacheSleep, and compares; the next six are exhaustive one by one; the
// last two sample.
const (
	Prove           Algorithm = "prove" // the default
	Naive           Algorithm = "naive"
	SleepSets       Algorithm = "sleep-sets"
	SourceDPOR      Algorithm = "source-dpor"
	Cache           Algorithm = "cache"
	CacheSleep      Algorithm = "cache+sleep"
	PreemptionBound Algorithm = "preemption-bound"
	PCT             Algorithm = "pct"
	RandomWalk      Algorithm = "random-walk"
)

// Verdict is what a run came to.
type Verdict string

// The verdicts.
const (
	Failed    Verdict = "failed"          // there is a Failure
	Proved    Verdict = "proved"          // source-DPOR and state caching both finished, found nothing and agree
	Explored  Verdict = "explored"        // one algorithm finished and found nothing
	Exhausted Verdict = "exhausted bound" // a limit came first, or the algorithm samples
	Replayed  Verdict = "replayed"        // a given schedule ran without failing
)

// A Pass is what one algorithm did.
type Pass struct {
	Algorithm  Algorithm     `json:"algorithm"`
	Bound      int           `json:"bound,omitempty"` // preemptions allowed, for PreemptionBound
	Executions int64         `json:"executions"`      // begun, pruned ones included
	Pruned     int64         `json:"pruned"`          // of these, given up before their end
	States     int64         `json:"states"`          // distinct states, for the caching algorithms
	Finals     int64         `json:"finals"`          // distinct final states, deadlocks included
	Digest     uint64        `json:"digest,string"`   // of the set of final states, independent of their order
	Steps      int64         `json:"steps"`           // new steps, replayed prefixes not counted
	Depth      int           `json:"depth"`           // steps of the longest execution
	Failing    int64         `json:"failing"`         // executions that failed
	Complete   bool          `json:"complete"`        // nothing is left
	Elapsed    time.Duration `json:"elapsed_ns"`
}

// count counts an execution.
func (p *Pass) count(s *search, pruned bool) {
	p.Executions++
	if pruned {
		p.Pruned++
	}
	p.Depth = max(p.Depth, s.depth)
}

// finish fills in what is known at the end only.
func (p *Pass) finish(s *search) {
	p.States, p.Finals = int64(len(s.visited)), int64(len(s.finals))
	p.Digest = 0
	for f := range s.finals {
		p.Digest += finish(f)
	}
	if s.cut {
		p.Complete = false
	}
	p.Elapsed = time.Since(s.started)
}

// A Report is the result of a run. It is written and read as JSON, which is how the shards of one exploration reach
// [Merge].
type Report struct {
	Scenario   string        `json:"scenario"`
	Verdict    Verdict       `json:"verdict"`
	CPUs       int           `json:"cpus"`
	Operations int           `json:"operations,omitempty"`
	Pages      int           `json:"pages,omitempty"`
	Passes     []Pass        `json:"passes"`
	Failure    *Failure      `json:"failure,omitempty"`
	Trace      *Trace        `json:"trace,omitempty"`   // of a replay
	Stopped    string        `json:"stopped,omitempty"` // the limit that came first
	Shard      Shard         `json:"shard"`             // the part this report is about
	SplitDepth int           `json:"split_depth"`       // how the parts were cut
	Elapsed    time.Duration `json:"elapsed_ns"`
}

// Executions is the number of executions of the first algorithm that ran; in a failing run the failing one is the
// last, unless Config.KeepGoing.
func (r Report) Executions() int64 {
	if len(r.Passes) == 0 {
		return 0
	}
	return r.Passes[0].Executions
}

// States is the number of distinct states that state caching met, 0 if it did not run. Of shards and workers, which
// do not share their caches, it is the sum.
func (r Report) States() int64 {
	var states int64
	for _, p := range r.Passes {
		states = max(states, p.States)
	}
	return states
}

// conclude works out the verdict of passes that stopped where they stopped.
func (r *Report) conclude() {
	switch {
	case r.Failure != nil:
		r.Verdict = Failed
	case len(r.Passes) == 0 || r.Stopped != "" || !r.Passes[len(r.Passes)-1].Complete:
		r.Verdict = Exhausted
	case r.Shard.Count <= 1 && r.agrees():
		r.Verdict = Proved
	default:
		r.Verdict = Explored
	}
}

// agrees tells whether both algorithms of a proof finished and ended in the same states.
func (r *Report) agrees() bool {
	if len(r.Passes) != 2 {
		return false
	}
	dpor, cache := &r.Passes[0], &r.Passes[1]
	return dpor.Algorithm == SourceDPOR && cache.Algorithm == CacheSleep && dpor.Complete && cache.Complete &&
		dpor.Finals == cache.Finals && dpor.Digest == cache.Digest
}

// bound is the size of what was looked at.
func (r Report) bound() string {
	parts := []string{plural(int64(r.CPUs), "CPU")}
	if r.Operations > 0 {
		parts = append(parts, plural(int64(r.Operations), "operation"))
	}
	if r.Pages > 0 {
		parts = append(parts, plural(int64(r.Pages), "page"))
	}
	return strings.Join(parts, ", ")
}

func (r Report) passes() string {
	texts := make([]string, len(r.Passes))
	for i, p := range r.Passes {
		texts[i] = p.String()
	}
	return strings.Join(texts, " and ")
}

// String says what was found, or what was proved and for which bound.
func (r Report) String() string {
	var text string
	switch r.Verdict {
	case Failed:
		text = fmt.Sprintf("failed in execution %d of %s, for %s: %s", r.Failure.Execution, r.Passes[len(r.Passes)-1].Algorithm.name(),
			r.bound(), r.Failure)
	case Proved:
		text = fmt.Sprintf("proved for %s by %s", r.bound(), r.passes())
	case Explored:
		text = fmt.Sprintf("explored for %s by %s, with no failure", r.bound(), r.passes())
	case Replayed:
		text = fmt.Sprintf("replayed for %s without failure\n%s", r.bound(), r.Trace)
	default:
		text = fmt.Sprintf("exhausted bound for %s: no failure in %s", r.bound(), r.passes())
		if r.Stopped != "" {
			text += ", stopped by " + r.Stopped
		}
	}
	if r.Shard.Count > 1 {
		text = fmt.Sprintf("shard %d of %d: %s", r.Shard.Index, r.Shard.Count, text)
	}
	return r.Scenario + ": " + text
}

// String names the algorithm and says how much it did.
func (p Pass) String() string {
	name := p.Algorithm.name()
	if p.Algorithm == PreemptionBound {
		name = fmt.Sprintf("%s %d", name, p.Bound)
	}
	if p.States > 0 {
		return fmt.Sprintf("%s (%s)", name, plural(p.States, "state"))
	}
	return fmt.Sprintf("%s (%s)", name, plural(p.Executions, "execution"))
}

// name is the algorithm in words.
func (a Algorithm) name() string {
	switch a {
	case Naive:
		return "naive search"
	case SleepSets:
		return "sleep sets"
	case SourceDPOR:
		return "source-DPOR"
	case Cache, CacheSleep:
		return "state caching"
	case PreemptionBound:
		return "preemption bound"
	case RandomWalk:
		return "random walk"
	}
	return strings.ToUpper(string(a))
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
