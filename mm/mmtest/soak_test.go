package mmtest

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSoak runs mixes of every kernel and safe policy, a new seed each time, for as
// long as MMTEST_SOAK says: no violation, no memory and no goroutine may stay.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("MMTEST_SOAK"))
	if err != nil {
		t.Skip("MMTEST_SOAK says for how long, such as 60s")
	}
	specs := Config{}.specs()
	const apart = 1 << 40 // from the seeds of the other tests
	seed := uint64(apart)
	round := func() {
		for _, s := range specs {
			require.NoError(t, Mix(s, seed), "seed %d", seed)
			seed++
		}
	}
	round() // what stays allocated once does so now
	heap, goroutines := heapInUse(), runtime.NumGoroutine()
	for begin := time.Now(); time.Since(begin) < length; {
		round()
	}
	end := heapInUse()
	t.Logf("%d mixes of %d operations a CPU; heap %d KiB, then %d KiB", seed-apart, mixOperations, heap>>10, end>>10)
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	require.Less(t, end, 2*heap+8<<20)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
