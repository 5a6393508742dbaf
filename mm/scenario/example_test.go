package scenario_test

import (
	"context"
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// The race of 2007 under the flush that had it, and under the one that repaired it.
func ExampleRun() {
	for _, policy := range []batch.Policy{batch.AtFinish(), batch.LazyMMU()} {
		cfg := scenario.Config{Kernel: mm.Linux2620, Policy: policy}
		res, err := scenario.Run(context.Background(), scenario.Founding, cfg, explore.Config{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(policy, res.Verdict, res.Executions)
	}
	// Output:
	// at-finish duplicate 6
	// lazy-mmu proved 36
}
