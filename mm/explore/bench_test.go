//go:build unix

package explore

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkExecutions reports executions per second of processor time, which a busy machine does not spoil. The goal
// is 100,000 at a depth of about 30.
func BenchmarkExecutions(b *testing.B) {
	for _, cpus := range [][]string{{"zr", "rw"}, {"z", "r", "w", "r"}, {"zr", "zr", "rw"}} {
		for _, a := range []Algorithm{SourceDPOR, CacheSleep, Naive} {
			b.Run(fmt.Sprint(a, cpus), func(b *testing.B) {
				var executions int64
				depth := 0
				before := processorTime(b)
				for b.Loop() {
					r, err := Run(b.Context(), toyScenario(beforeUnlock, cpus...), Config{Algorithm: a, MaxExecutions: 50_000})
					if err != nil || r.Failure != nil {
						b.Fatal(err, r)
					}
					executions += r.Executions()
					depth = r.Passes[0].Depth
				}
				b.ReportMetric(float64(executions)/(processorTime(b)-before).Seconds(), "executions/CPU-s")
				b.ReportMetric(float64(executions)/float64(b.N), "executions")
				b.ReportMetric(float64(depth), "depth")
			})
		}
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
