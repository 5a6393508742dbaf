package scenario

import (
	"context"
	"testing"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// BenchmarkExecutions explores a mix with executions of about 30 steps. Goal:
// 100,000 executions per second of CPU time.
func BenchmarkExecutions(b *testing.B) {
	sc := Mix(3, 2, 1)
	sv := sc.stage(sc.Vary[0], Config{Kernel: mm.Linux61, Policy: batch.LazyMMU(), NoTLB: true, MergeSteps: true})
	var executions, steps int64
	for b.Loop() {
		rep, err := explore.Run(context.Background(), sv, explore.Config{Algorithm: explore.SourceDPOR})
		if err != nil || rep.Failure != nil {
			b.Fatal(rep, err)
		}
		executions += rep.Executions()
		steps += int64(rep.Passes[0].Depth)
	}
	b.ReportMetric(float64(executions)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(steps)/float64(b.N), "depth")
}
