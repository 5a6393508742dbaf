//go:build unix

package scenario

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// BenchmarkExecutions explores a mix with executions of about 30 steps, and counts
// processor time, which a busy machine does not spoil. Goal: 100,000 executions a
// second.
func BenchmarkExecutions(b *testing.B) {
	sc := Mix(3, 2, 1)
	sv := sc.stage(sc.Vary[0], Config{Kernel: mm.Linux61, Policy: batch.LazyMMU(), NoTLB: true, MergeSteps: true})
	var executions, steps int64
	before := processorTime(b)
	for b.Loop() {
		rep, err := explore.Run(context.Background(), sv, explore.Config{Algorithm: explore.SourceDPOR})
		if err != nil || rep.Failure != nil {
			b.Fatal(rep, err)
		}
		executions += rep.Executions()
		steps += int64(rep.Passes[0].Depth)
	}
	b.ReportMetric(float64(executions)/(processorTime(b)-before).Seconds(), "executions/CPU-s")
	b.ReportMetric(float64(steps)/float64(b.N), "depth")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
