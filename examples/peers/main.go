// Command peers measures the table against maps that Go programs use, on the same
// work in the same process, in turns: 64-bit numbers of pages to 64-bit values, half
// of the slots taken, maps made for their final size, the garbage collector off
// while time is taken.
//
//	peers [-json] [-size 256K,16M,256M] [-rounds N] [-goal G9,...]
//
// G9 is against xsync, the best map for concurrent use, G10 against cockroachdb's
// swiss, the best without any synchronisation, G11 against maps under locks,
// sync.Map, otter and haxmap. A ratio is the time of the map in times of the
// table's. The table's inserts are its unique ones, since a map has no duplicates,
// and its removals search, since a map has no hints.
//
// Built with -tags canchor it measures G8 as well, against C that does what an
// emulator does: the time of the table in times of C's.
//
// This is a module of its own, so that the library does not depend on what it is
// compared with. Verdicts and exit status are as in examples/limits.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/internal/measure"
)

func main() { cli.Main("peers", run) }

// peers is what was asked for.
type peers struct {
	rounds int
	goals  []string
	rng    *rand.Rand
	report *measure.Report
	log    io.Writer
}

// goalNames are the goals that this program knows. G8 needs -tags canchor, without
// which it is passed over.
var goalNames = []string{"G8", "G9", "G10", "G11"}

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object per verdict")
	sizes := f.String("size", "256K,16M", "sizes of tables")
	rounds := f.Int("rounds", 5, "rounds for each ratio")
	goals := f.String("goal", strings.Join(goalNames, ","), "goals")
	if err := cli.Parse(f, args, std.Out, cli.NoFiles); err != nil {
		return 2, err
	}
	orders, err := measure.ParseSizes(*sizes)
	if err != nil {
		return 2, err
	}
	if *rounds < 1 {
		return 2, fmt.Errorf("-rounds %d: want 1 or more", *rounds)
	}
	p := &peers{rounds: *rounds, goals: strings.Split(*goals, ","), rng: newRand(), log: std.Err}
	for _, g := range p.goals {
		if !slices.Contains(goalNames, g) {
			return 2, fmt.Errorf("-goal %s: want one of %s", g, strings.Join(goalNames, ", "))
		}
	}
	p.report = &measure.Report{JSON: *asJSON, Out: std.Out, Rounds: p.rounds}
	for _, order := range orders {
		if err := p.size(order); err != nil {
			return 2, fmt.Errorf("%s: %w", measure.SizeName(order), err)
		}
	}
	return p.report.Close()
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

const load = 0.5

// size measures one size of the table.
func (p *peers) size(order int) error {
	w, err := measure.NewWorld(order, load, hpt.Config{LockUnique: true})
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Fprintf(p.log, "%s, %d entries\n", measure.SizeName(order), w.Placed)
	if p.wanted("G8") {
		if err := p.anchor(w); err != nil {
			return err
		}
	}
	if p.wanted("G9", "G10", "G11") {
		return p.compare(newField(w)) // moves entries
	}
	return nil
}

// compare runs every kind of work on every store.
func (p *peers) compare(f *field) error {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	order := f.w.Table.Order()
	for _, work := range f.works() {
		runtime.GC()
		f.touch()
		mix := work.mix()
		figures := mix.Measure(p.rounds, p.rng)
		fmt.Fprintf(p.log, "  %s: %v\n", work.name, figures)
		if f.failed != nil {
			return fmt.Errorf("%s: %w", work.name, f.failed)
		}
		for _, g := range gates {
			if bound := g.bound(work.name, order); bound > 0 && figures[g.peer] != nil && p.wanted(g.goal) {
				p.report.Add(measure.SizeName(order), load, measure.AtLeast(g.goal,
					work.name+", "+g.peer+" / table", figures.Ratio(g.peer, table), bound))
			}
		}
	}
	return nil
}

// wanted reports whether one of the goals is asked for.
func (p *peers) wanted(goals ...string) bool {
	return slices.ContainsFunc(goals, func(g string) bool { return slices.Contains(p.goals, g) })
}

// gate is what a peer must be slower by, by kind of work and size: up to 1 MiB,
// up to 64 MiB, above.
type gate struct {
	goal, peer string
	by         map[string][3]float64
}

// bound is 0 where nothing is promised.
func (g *gate) bound(work string, order int) float64 {
	class := 0
	switch {
	case order >= 28:
		class = 2
	case order > 20:
		class = 1
	}
	return g.by[work][class]
}

func all(x float64) [3]float64 { return [3]float64{x, x, x} }

// gates are G9 to G11. Maps that allocate for each entry are held against one
// bound.
var gates = func() []gate {
	gs := []gate{
		{"G9", "xsync", map[string][3]float64{
			"hit": {1.6, 2.3, 2.8}, "miss": {1.7, 1.6, 2.2}, "insert": {1.8, 2.2, 3}, "churn": {2.6, 2.9, 3}, "mixed": {1.7, 1.5, 2.2}}},
		{"G10", "cockroachdb/swiss", map[string][3]float64{
			"hit": {1.2, 1.4, 1.8}, "miss": all(1.7), "insert": {1.1, 1.2, 1.4}, "churn": {1.15, 1.4, 1.6}}},
	}
	for _, peer := range []string{"map under RWMutex", "map in 64 shards"} {
		gs = append(gs, gate{"G11", peer, map[string][3]float64{"hit": {1.6, 1.8, 2.6}, "mixed": all(1.5)}})
	}
	for peer, x := range map[string]float64{"sync.Map": 5, "otter": 2.3, "haxmap": 2.3} {
		gs = append(gs, gate{"G11", peer, map[string][3]float64{"hit": all(x), "miss": all(x), "insert": all(x), "churn": all(x)}})
	}
	return gs
}()
