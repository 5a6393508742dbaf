package hpt

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// These tests attack H2 in the slot itself. Two pages take turns in it; the low
// bit of R says whose R it is. The control reads V, R and V again, which looks
// safe and is not: V of a page is the same number every time the page returns.

const (
	vA, vB = 0x100 | pte.VValid, 0x200 | pte.VValid
	rA, rB = 0x10, 0x11
)

// rereadLoad is the control.
func rereadLoad(p *slot, pause func()) (v, r uint64) {
	for {
		v = bigEndian(sched.LoadUint64(&p[0]))
		pause()
		r = bigEndian(sched.LoadUint64(&p[1]))
		pause()
		if bigEndian(sched.LoadUint64(&p[0])) == v {
			return v, r
		}
	}
}

func tornPair(v, r uint64) bool { return v == vA && r&1 != rA&1 || v == vB && r&1 != rB&1 }

// replace takes one page out of slot 0 and puts the other in.
func replace(t *Table, fromV, fromR, toV, toR uint64) {
	for !t.cas16(0, fromV, fromR, 0, 0) || !t.cas16(0, 0, 0, toV, toR) {
		panic("the only writer was disturbed")
	}
}

// TestRereadingIsNotEnough is the interleaving of package comment H2, step by
// step: A, then B, then A again while one reader is between its loads.
func TestRereadingIsNotEnough(t *testing.T) {
	for name, native := range Protocols() {
		t.Run(name, func(t *testing.T) {
			table, err := newTable(Config{}, native)
			require.NoError(t, err)
			table.cas16(0, 0, 0, vA, rA)
			turn := 0
			v, r := rereadLoad(&table.slots[0], func() {
				if turn == 0 {
					replace(table, vA, rA, vB, rB)
				} else {
					replace(table, vB, rB, vA, rA)
				}
				turn++
			})
			require.True(t, tornPair(v, r), "the control must be fooled")
			require.Equal(t, 2, turn)
		})
	}
}

// TestNoTornPairs runs a writer and readers on one slot. The control, run the
// same way, is caught.
func TestNoTornPairs(t *testing.T) {
	for name, native := range Protocols() {
		t.Run(name, func(t *testing.T) {
			table, err := newTable(Config{}, native)
			require.NoError(t, err)
			require.Zero(t, tornReads(table, 50_000, func() (v, r uint64) { return table.load16(0) }))
		})
		t.Run(name+"/control", func(t *testing.T) {
			table, err := newTable(Config{}, native)
			require.NoError(t, err)
			torn := 0
			for try := 0; torn == 0 && try < 100; try++ {
				torn = tornReads(table, 20_000, func() (v, r uint64) { return rereadLoad(&table.slots[0], runtime.Gosched) })
			}
			require.NotZero(t, torn, "the stress does not catch a reader that is known to be wrong")
		})
	}
}

// tornReads lets a writer alternate the pages and two readers read, and counts
// the pairs that never were.
func tornReads(t *Table, reads int, load func() (v, r uint64)) int {
	var wg sync.WaitGroup
	var torn atomic.Int64
	var stop atomic.Bool
	t.StoreRaw(0, pte.HPTE{V: vA, R: rA})
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		for !stop.Load() {
			replace(t, vA, rA, vB, rB)
			runtime.Gosched()
			replace(t, vB, rB, vA, rA)
			runtime.Gosched() // each page stays for a while
		}
	}()
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range reads {
				if v, r := load(); tornPair(v, r) {
					torn.Add(1)
				}
				if i&63 == 0 {
					runtime.Gosched()
				}
			}
		}()
	}
	wg.Wait()
	stop.Store(true)
	<-writing
	return int(torn.Load())
}

// TestAloneIsSeen: a reader that alone interrupts looks again, since every generation
// has moved on, to an even one.
func TestAloneIsSeen(t *testing.T) {
	table, err := newTable(Config{}, false)
	require.NoError(t, err)
	before := make([]uint64, len(table.stripes))
	for i := range table.stripes {
		before[i] = table.stripes[i][0]
	}
	table.alone(func() {
		for i := range table.stripes {
			require.Equal(t, uint64(1), table.stripes[i][0]&1)
		}
	})
	for i := range table.stripes {
		require.NotEqual(t, before[i], table.stripes[i][0])
		require.Zero(t, table.stripes[i][0]&1)
	}
}
