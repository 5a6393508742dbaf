package mmtest

import (
	"context"
	"testing"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// Explore proves a flush policy on translation hardware: it runs every
// interleaving of the scenarios that a policy can get wrong, on Linux 6.1 and
// 2.6.20, and fails with the shortest schedule of the first bad one. backend nil is
// the hash table, policy nil that of the kernel. No build tag is needed; what is
// proved is logged with its bound.
//
// scenario.Mprotect is left out: there the batch is at fault and not the moment at
// which it is flushed, so that only flushing at every change passes. Run it with
// [ExploreScenario].
func Explore(t *testing.T, backend func(*mm.Machine) mm.Backend, policy batch.Policy) {
	t.Helper()
	for _, sc := range scenario.All() {
		if sc == scenario.Mprotect {
			continue
		}
		t.Run(sc.Name, func(t *testing.T) {
			for _, k := range mm.Kernels() {
				ExploreScenario(t, sc, scenario.Config{Kernel: k, Backend: backend, Policy: policy})
			}
		})
	}
}

// ExploreScenario proves one scenario, which may be the caller's own.
func ExploreScenario(t *testing.T, sc *scenario.Scenario, cfg scenario.Config) {
	t.Helper()
	res, err := scenario.Run(context.Background(), sc, cfg, explore.Config{})
	switch {
	case err != nil:
		t.Error(err)
	case res.Verdict != scenario.Proved:
		t.Errorf("%s: %v", res.Verdict, res.Report)
	default:
		t.Log(res.Report)
	}
}
