package mmtest

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
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
			s.Kernel = mm.AllKernels()[seed%uint64(len(mm.AllKernels()))]
			require.NoError(t, HugeMix(s, seed), "huge pages, seed %d", seed)
			seed++
		}
	}
	round() // what stays allocated once does so now
	heap, goroutines := heapInUse(), runtime.NumGoroutine()
	for begin := time.Now(); time.Since(begin) < length; {
		round()
	}
	end := heapInUse()
	t.Logf("%d mixes, and as many of huge pages, of %d operations a CPU; heap %d KiB, then %d KiB", seed-apart, mixOperations, heap>>10, end>>10)
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	require.Less(t, end, 2*heap+8<<20)
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// TestSoakUnsafe: on goroutines too, a late flush leaves two translations of a page.
func TestSoakUnsafe(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("MMTEST_SOAK"))
	if err != nil {
		t.Skip("MMTEST_SOAK says for how long, such as 60s")
	}
	late := []batch.Policy{batch.AtFinish(), batch.Capacity(batch.MaxEntries)}
	for _, k := range mm.Kernels() {
		for _, p := range late {
			n, err := hunt(k, p, length)
			require.ErrorIs(t, err, mm.ErrDuplicate, "%s, %v: %d rounds", k.Name, p, n)
			t.Logf("%s, %v: after %d rounds", k.Name, p, n)
		}
	}
}

// hunt has one CPU unmap a file again and again, from everybody, while another maps
// its pages, stores to the first one as soon as that is unmapped, and looks for two
// translations of it.
func hunt(k *mm.Kernel, p batch.Policy, length time.Duration) (rounds int, err error) {
	s := Spec{Base: lowBase, Config: mm.Config{Kernel: k, Policy: p, CPUs: 2}}
	m, spaces, free, err := s.New(1)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, m.Check(), free()) }()
	as, f := spaces[0], m.NewMapping(FilePages, true)
	if err := m.CPU(0).Map(as, mm.VMA{Range: s.Range(0, Places-1), Prot: rwx, Shared: true, File: f}); err != nil {
		return 0, err
	}
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for !done.Load() {
			m.CPU(0).UnmapMappingRange(context.Background(), f, 0, FilePages, true)
		}
	}()
	defer wg.Wait()
	defer done.Store(true)
	for begin := time.Now(); time.Since(begin) < length; rounds++ {
		for place := Places - 1; place >= 0; place-- { // more to unmap after the first page
			if _, err := m.CPU(1).Load(as, s.EA(place)); err != nil {
				return rounds, err
			}
		}
		for as.PTE(s.EA(0)) != 0 {
			runtime.Gosched()
		}
		if err := m.CPU(1).Store(as, s.EA(0), 1); err != nil {
			return rounds, err
		}
		if dup, _ := as.Duplicate(s.EA(0)); dup {
			return rounds, mm.ErrDuplicate
		}
	}
	return rounds, nil
}
