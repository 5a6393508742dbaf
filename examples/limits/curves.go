package main

import (
	"encoding/csv"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// point is one figure of a curve.
type point struct {
	x float64
	measure.Quartiles
}

// curve is how something grows.
type curve struct {
	file, title, x, y string
	logX, logY        bool
	series            []string // in the order of the legend
	points            map[string][]point
}

func (c *curve) add(name string, x float64, q measure.Quartiles) {
	if c.points == nil {
		c.points = map[string][]point{}
	}
	if _, ok := c.points[name]; !ok {
		c.series = append(c.series, name)
	}
	c.points[name] = append(c.points[name], point{x, q})
}

// addAll adds the times of contenders.
func (c *curve) addAll(f measure.Figures, x float64, names ...string) {
	for _, n := range names {
		c.add(n, x, f.Ns(n))
	}
}

// draw measures all curves and writes each as figures and as a picture.
func (l *limits) draw(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	l.calibrate()
	for _, measured := range []func() (*curve, error){
		l.bySize, l.byLoad, l.byCPUs, l.byBatch, l.bySpaces, placedBySpaces,
	} {
		c, err := measured()
		if err != nil {
			return err
		}
		if err := c.write(dir); err != nil {
			return err
		}
	}
	return nil
}

func (c *curve) write(dir string) error {
	f, err := os.Create(filepath.Join(dir, c.file+".csv"))
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	err = w.Write([]string{c.x, "what", "median", "p25", "p75"})
	for _, name := range c.series {
		for _, p := range c.points[name] {
			num := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
			err = errors.Join(err, w.Write([]string{strconv.FormatFloat(p.x, 'f', -1, 64), name, num(p.Median), num(p.P25), num(p.P75)}))
		}
	}
	w.Flush()
	if err := errors.Join(err, w.Error(), f.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, c.file+".svg"), c.svg(), 0o666)
}

// table measures lookups and inserts on one table.
func (l *limits) both(order int, load float64) (measure.Figures, error) {
	w, err := measure.NewWorld(order, load, hpt.Config{})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	f := l.lookups(w)
	g, err := l.inserts(w)
	maps.Copy(f, g)
	return f, err
}

var operations = []string{"touch", "touch dependent", "hit", "hit dependent", "hit batch", "miss", "miss batch", "swap", "insert", "insert batch", "unique"}

// bySize ends where the machine has no memory for more.
func (l *limits) bySize() (*curve, error) {
	c := &curve{file: "size", title: "by size of the table, half full", x: "bytes", y: "ns per operation", logX: true, logY: true}
	for order := hpt.MinOrder; order <= measure.MaxOrder; order += 2 {
		if uint64(1)<<order > available()/2 {
			break
		}
		f, err := l.both(order, 0.5)
		if err != nil {
			return nil, err
		}
		c.addAll(f, float64(uint64(1)<<order), operations...)
	}
	return c, nil
}

func (l *limits) byLoad() (*curve, error) {
	c := &curve{file: "load", title: "by load, 64M", x: "load", y: "ns per operation", logY: true}
	for _, load := range []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95} {
		f, err := l.both(26, load)
		if err != nil {
			return nil, err
		}
		c.addAll(f, load, operations...)
	}
	return c, nil
}

// byBatch measures how much a batch has to hold.
func (l *limits) byBatch() (*curve, error) {
	c := &curve{file: "batch", title: "by entries in a batch, 256M, half full", x: "entries", y: "ns per operation", logX: true, logY: true}
	w, err := measure.NewWorld(large, 0.5, hpt.Config{})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	ch := newChanger(w, 4096)
	found := make([]hpt.Found, 4096)
	for size := 1; size <= 4096; size *= 2 {
		f := l.run(measure.Mix{Ops: 4096, Slices: 2, Touch: w.Touch, Contenders: []measure.Contender{
			{Name: "hit", Run: func(turn int) { lookUpBatch(w.Table, measure.Window(w.Present, turn, 4096), found, size) }},
			{Name: "miss", Run: func(turn int) { lookUpBatch(w.Table, measure.Window(w.Absent, turn, 4096), found, size) }},
			{Name: "insert", Run: func(turn int) {
				keys, entries := measure.Window(w.Absent, turn, 4096), measure.Window(w.Spare, turn, 4096)
				for at := 0; at < 4096; at += size {
					w.Table.InsertBatch(keys[at:at+size], entries[at:at+size], ch.hints[at:at+size])
				}
			}, Undo: ch.takeOut},
			{Name: "invalidate", Run: func(turn int) {
				refs := measure.Window(w.Refs, turn, 4096)
				for at := 0; at < 4096; at += size {
					w.Table.InvalidateBatch(refs[at : at+size])
				}
			}, Undo: ch.putBack},
		}})
		c.addAll(f, float64(size), "hit", "miss", "insert", "invalidate")
	}
	return c, ch.failed
}

// byCPUs measures goroutines that work on one table at once, by wall time: what
// one waits for the other's cache lines is no time of its own thread.
func (l *limits) byCPUs() (*curve, error) {
	c := &curve{file: "cpus", title: "by CPUs, 64M, half full", x: "CPUs", y: "million operations per second, all together"}
	w, err := measure.NewWorld(26, 0.5, hpt.Config{})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	const n = 1 << 16
	for cpus := 1; cpus <= runtime.NumCPU(); cpus++ {
		work := map[string]func(cpu, turn int){
			"hit": func(cpu, turn int) { lookUp(w.Table, part(measure.Window(w.Present, turn, n), cpu, cpus)) },
			"hit batch": func(cpu, turn int) {
				lookUpBatch(w.Table, part(measure.Window(w.Present, turn, n), cpu, cpus), make([]hpt.Found, batchSize), batchSize)
			},
			"insert and invalidate": func(cpu, turn int) {
				entries := part(measure.Window(w.Spare, turn, n), cpu, cpus)
				for i, k := range part(measure.Window(w.Absent, turn, n), cpu, cpus) {
					if hint, err := w.Table.Insert(k, entries[i]); err == nil {
						w.Table.Invalidate(pte.Ref{Key: k, Hint: hint})
					}
				}
			},
		}
		for _, name := range []string{"hit", "hit batch", "insert and invalidate"} {
			var rates []float64
			for turn := range max(l.rounds, 5) {
				w.Touch()
				rates = append(rates, n/1e6/together(cpus, func(cpu int) { work[name](cpu, turn) }).Seconds())
			}
			c.add(name, float64(cpus), measure.QuartilesOf(rates))
		}
	}
	return c, nil
}

// part is the share of one of several CPUs.
func part[T any](s []T, cpu, cpus int) []T { return s[len(s)*cpu/cpus : len(s)*(cpu+1)/cpus] }

// together runs f on several threads and returns the wall time.
func together(cpus int, f func(cpu int)) time.Duration {
	var wg sync.WaitGroup
	begin := time.Now()
	for cpu := range cpus {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread()
			f(cpu)
		}()
	}
	wg.Wait()
	return time.Since(begin)
}

// spaces are how many address spaces share the table.
var spaces = []int{1, 3, 10, 30, 100, 300, 1000, 3000, 10000}

// bySpaces measures address spaces of the same layout, whose pages together
// would fill half of the table. What finds no place is left out: see placedBySpaces.
func (l *limits) bySpaces() (*curve, error) {
	c := &curve{file: "spaces", title: "by address spaces of equal layout, 64M, half full if all were placed", x: "address spaces", y: "ns per operation", logX: true, logY: true}
	for _, n := range spaces {
		w, err := newEqualSpaces(n, true)
		if err != nil {
			return nil, err
		}
		c.addAll(l.lookups(w), float64(n), "touch", "hit", "hit dependent", "hit batch")
		w.Close()
	}
	return c, nil
}

// placedBySpaces counts the pages that find a place in their two groups: of
// processes of equal layout, whose contexts follow each other, and of processes
// whose layouts and contexts are at random.
func placedBySpaces() (*curve, error) {
	c := &curve{file: "placed", title: "entries placed, by address spaces, 64M", x: "address spaces", y: "% of half the slots", logX: true}
	for _, n := range spaces {
		for _, equal := range []bool{true, false} {
			w, err := newEqualSpaces(n, equal)
			if err != nil {
				return nil, err
			}
			name := "equal layout"
			if !equal {
				name = "layout at random"
			}
			s := w.Table.Stats()
			half := float64(s.Entries) / 2
			placed, secondary := 100*float64(s.Valid)/half, 100*float64(s.Secondary)/half
			c.add(name, float64(n), measure.Quartiles{Median: placed, P25: placed, P75: placed})
			c.add(name+", secondary", float64(n), measure.Quartiles{Median: secondary, P25: secondary, P75: secondary})
			w.Close()
		}
	}
	return c, nil
}

// newEqualSpaces offers a table of 64 MiB as many pages as half its slots.
func newEqualSpaces(n int, equal bool) (*measure.World, error) {
	table, err := hpt.New(hpt.Config{Order: 26})
	if err != nil {
		return nil, err
	}
	w := &measure.World{Table: table, Memory: measure.MemoryOf(table)}
	w.Offer(measure.NewSpaces(uint64(n), n, int(table.Slots()/2), equal), int(table.Slots()/2))
	return w, nil
}
