package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

func policies() []batch.Policy {
	return []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()}
}

// TestScenarios explores every scenario under every kernel and policy; the
// verdicts are the documented ones. Every proof is said with its bound.
func TestScenarios(t *testing.T) {
	for _, sc := range All() {
		if testing.Short() && sc != Founding && sc != Mprotect && sc != StaleHole {
			continue
		}
		for _, k := range mm.Kernels() {
			for _, p := range policies() {
				t.Run(sc.Name+"/"+k.Name+"/"+p.String(), func(t *testing.T) {
					res, err := Run(context.Background(), sc, Config{Kernel: k, Policy: p}, explore.Config{})
					require.NoError(t, err)
					t.Log(res.Report)
					require.Equal(t, sc.Expect(k, p), res.Verdict, "%v", res.Report)
					if res.Verdict == Proved {
						require.Regexp(t, `proved for \d CPUs, \d operations, \d pages? by source-DPOR \(\d+ executions\) and state caching \(\d+ states\)`, res.Report.String())
					}
				})
			}
		}
	}
}

// TestHoleInHugePages is StaleHole in a hugetlb page: whoever finds it gone has waited
// for the lock under which the other one flushes.
func TestHoleInHugePages(t *testing.T) {
	sc := *StaleHole
	sc.Huge, sc.Vary = Hugetlb, twoLocks(clean)
	for _, k := range mm.AllKernels() {
		res, err := Run(context.Background(), &sc, Config{Kernel: k, Policy: batch.LazyMMU()}, explore.Config{})
		require.NoError(t, err)
		require.Equal(t, Proved, res.Verdict, "%s: %v", k.Name, res.Report)
	}
}
