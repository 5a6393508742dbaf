package measure

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Contender is one way of doing the work.
type Contender struct {
	Name string
	// Run does one slice of work. turn is another number each time, so that the
	// data of one slice is not in the cache for the next.
	Run func(turn int)
	// Undo restores what Run changed; nil: nothing. It is not timed.
	Undo func(turn int)
}

// Mix is a set of contenders that take turns.
type Mix struct {
	Ops        int // operations in a slice
	Slices     int // slices of a contender in a round, one after the other; 0: 1
	Touch      func()
	Contenders []Contender
}

// Figures holds the nanoseconds per operation of every contender and round.
type Figures map[string][]float64

// Measure runs a mix. Before each round, Touch reads all the memory in use:
// memory that nobody has used for long may have been taken away by whatever the
// machine itself runs under.
func (m *Mix) Measure(rounds int, rng *rand.Rand) Figures {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f := Figures{}
	order := make([]int, len(m.Contenders))
	for i := range order {
		order[i] = i
	}
	overhead := clockOverhead()
	turn := 0
	for range rounds {
		if m.Touch != nil {
			m.Touch()
		}
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			c := &m.Contenders[i]
			var t time.Duration
			for range max(m.Slices, 1) {
				begin := Now()
				c.Run(turn)
				t += Now() - begin - overhead
				if c.Undo != nil {
					c.Undo(turn)
				}
				turn++
			}
			f[c.Name] = append(f[c.Name], max(float64(t), 1)/float64(max(m.Slices, 1)*m.Ops))
		}
	}
	return f
}

// clockOverhead is what two calls of Now next to each other measure.
func clockOverhead() time.Duration {
	var ds [64]time.Duration
	for i := range ds {
		begin := Now()
		ds[i] = Now() - begin
	}
	slices.Sort(ds[:])
	return ds[len(ds)/2]
}

// Quartiles are the median of many figures and the two quartiles.
type Quartiles struct{ Median, P25, P75 float64 }

// QuartilesOf sorts xs.
func QuartilesOf(xs []float64) Quartiles {
	slices.Sort(xs)
	at := func(q float64) float64 {
		x := q * float64(len(xs)-1)
		i := int(x)
		if i+1 == len(xs) {
			return xs[i]
		}
		return xs[i] + (x-float64(i))*(xs[i+1]-xs[i])
	}
	return Quartiles{at(0.5), at(0.25), at(0.75)}
}

// Ns is the time of one operation.
func (f Figures) Ns(name string) Quartiles { return QuartilesOf(slices.Clone(f.of(name))) }

// String lists the contenders with the medians of their times.
func (f Figures) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, fmt.Sprintf("%s %.1f", name, f.Ns(name).Median))
	}
	return strings.Join(parts, ", ") + " ns"
}

// Ratio is the time of one contender in times of another, in the same round.
func (f Figures) Ratio(name, reference string) Quartiles {
	xs := slices.Clone(f.of(name))
	for i, r := range f.of(reference) {
		xs[i] /= r
	}
	return QuartilesOf(xs)
}

func (f Figures) of(name string) []float64 {
	xs, ok := f[name]
	if !ok {
		panic("measure: no contender " + name)
	}
	return xs
}
