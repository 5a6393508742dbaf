package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// TestCountermeasures: what each of them does, by itself, for a page that is
// mapped again while its entry waits in the batch, and for one whose PTE page
// lock is dropped while it waits.
func TestCountermeasures(t *testing.T) {
	for name, want := range map[string]struct{ mprotect, founding Verdict }{
		"none":                     {Duplicate, Duplicate},
		"flush-at-commit":          {Proved, Duplicate},
		"carry-hash-bits":          {Proved, Duplicate},
		"leave-lazy-before-unlock": {Duplicate, Duplicate},
		"refuse-queued":            {Proved, Proved},
		"insert-unique":            {Proved, Proved},
	} {
		for _, k := range mm.Kernels() {
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				cm, err := mm.ParseCountermeasures(name)
				require.NoError(t, err)
				for _, c := range []struct {
					sc     *Scenario
					policy batch.Policy
					want   Verdict
				}{{Mprotect, k.Policy, want.mprotect}, {Founding, batch.AtFinish(), want.founding}} {
					for _, merge := range []bool{false, true} {
						cfg := Config{Kernel: k, Policy: c.policy, Countermeasures: cm, MergeSteps: merge}
						res, err := Run(context.Background(), c.sc, cfg, explore.Config{})
						require.NoError(t, err)
						require.Equal(t, c.want, res.Verdict, "%s: %v", c.sc.Name, res.Report)
						t.Log(res.Report)
					}
				}
			})
		}
	}
}
