package main

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// tornTime is how long each kind of reader is tried, the control so many times.
const (
	tornTime  = 500 * time.Millisecond
	tornTries = 10
)

// Two pages that take turns in slot 0. The low bit of R says whose R it is.
var (
	pageA = pte.HPTE{V: 0x100 | pte.VValid, R: 0x10}
	pageB = pte.HPTE{V: 0x200 | pte.VValid, R: 0x11}
)

func torn(h pte.HPTE) bool {
	return h.V == pageA.V && h.R != pageA.R || h.V == pageB.V && h.R != pageB.R
}

// torn measures G13: a slot goes from A to B and back to A while it is read. The
// control reads V, R and V again, which is not enough; that it is caught shows
// that the stress would catch the library, too.
func (l *limits) torn() []measure.Verdict {
	table, err := hpt.New(hpt.Config{})
	if err != nil {
		panic(err) // the smallest table there is
	}
	defer table.Close()
	words := (*[2]uint64)(unsafe.Pointer(unsafe.SliceData(measure.MemoryOf(table))))
	reread := func(rng *rand.Rand) pte.HPTE {
		for {
			v := atomic.LoadUint64(&words[0])
			delay(rng)
			r := atomic.LoadUint64(&words[1])
			delay(rng)
			if atomic.LoadUint64(&words[0]) == v {
				return pte.HPTE{V: number(v), R: number(r)}
			}
		}
	}
	read := func(rng *rand.Rand) pte.HPTE {
		delay(rng)
		return table.Load(0)
	}
	reads, bad := stress(table, read)
	caught := int64(0)
	for try := 0; caught == 0 && try < tornTries; try++ { // on one busy processor nothing overlaps
		_, caught = stress(table, reread)
	}
	exact := func(n int64) measure.Quartiles {
		x := float64(n)
		return measure.Quartiles{Median: x, P25: x, P75: x}
	}
	return []measure.Verdict{
		measure.AtLeast("G13", "loads of a slot that changes pages", exact(reads), 1000),
		measure.AtMost("G13", "torn pairs among them", exact(bad), 0),
		measure.AtLeast("G13", "torn pairs of the control that reads V again", exact(caught), 1),
	}
}

// number is a word of the table as a number: it is stored big-endian.
func number(word uint64) uint64 {
	b := (*[8]byte)(unsafe.Pointer(&word))
	x := uint64(0)
	for _, c := range b {
		x = x<<8 | uint64(c)
	}
	return x
}

// stress reads slot 0 while its pages change, and counts pairs that never were.
func stress(t *hpt.Table, read func(*rand.Rand) pte.HPTE) (reads, bad int64) {
	t.StoreRaw(0, pageA)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		rng := rand.New(rand.NewPCG(5, 6))
		for !stop.Load() {
			for _, h := range [...]pte.HPTE{pageB, pageA} {
				t.StoreRaw(0, pte.HPTE{})
				t.StoreRaw(0, h)
				delay(rng)
			}
		}
	}()
	rng := rand.New(rand.NewPCG(7, 8))
	for begin := time.Now(); time.Since(begin) < tornTime; {
		for range 1000 {
			if torn(read(rng)) {
				bad++
			}
			reads++
		}
	}
	stop.Store(true)
	wg.Wait()
	return reads, bad
}

// delay does nothing for a while: nothing most often, a turn of the scheduler
// now and then.
func delay(rng *rand.Rand) {
	switch x := rng.Uint32(); {
	case x%256 == 0:
		runtime.Gosched()
	case x%4 == 0:
		for range x >> 24 {
			sink0.Load()
		}
	}
}

var sink0 atomic.Uint64
