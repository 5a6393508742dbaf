// Command limits measures the library against what the machine allows: bare
// loops that load the same cache lines, or compare and swap the same words, in the
// same process and in turns with it.
//
//	limits [-json] [-size 256K,16M,256M] [-load 0.5,0.8] [-rounds N] [-goal G1,...]
//	limits -curves DIR
//
// A verdict is the median of the ratios within a round, its quartiles, and the bound
// it must keep. Bounds are defined for medians of 20 rounds. Fewer, as without
// -rounds, are for a look: they are printed with their number and decide nothing.
// -curves measures how the cost of operations grows with the size of the table, its
// load, CPUs, batches and address spaces, and draws it into DIR.
//
// Ratios are the same on a busy machine and on an idle one as far as processor time
// goes; but a neighbour that shares the caches or the core makes loops that
// only load slower than those that wait, so that gates which hold on a quiet machine may be
// missed on a busy one. The first line on standard error calibrates: 1.5 ns and
// less is a quiet core.
//
// Exit status 0: no gate was missed in 20 rounds or more; 1: one was; 2: bad usage, or
// what was to be measured did not work.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/internal/measure"
)

func main() { cli.Main("limits", run) }

// limits is what was asked for.
type limits struct {
	orders []int
	loads  []float64
	rounds int
	goals  map[string]bool // nil: all
	pages  int             // that are zapped
	rng    *rand.Rand
	report *measure.Report
	log    io.Writer
}

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("limits", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object per verdict")
	sizes := f.String("size", "256K,16M,256M", "sizes of tables")
	loads := f.String("load", "0.5,0.8", "shares of slots taken")
	rounds := f.Int("rounds", 5, "rounds for each ratio")
	goals := f.String("goal", "", "only these goals: "+strings.Join(goalNames, ","))
	curves := f.String("curves", "", "draw growth curves into this folder, and judge nothing")
	if err := cli.Parse(f, args, std.Out, cli.NoFiles); err != nil {
		return 2, err
	}
	l := &limits{rounds: *rounds, pages: zapped, rng: rand.New(rand.NewPCG(1, 2)), log: std.Err}
	if err := l.parse(*sizes, *loads, *goals); err != nil {
		return 2, err
	}
	if *curves != "" {
		if err := l.draw(*curves); err != nil {
			return 2, err
		}
		return 0, nil
	}
	l.report = &measure.Report{JSON: *asJSON, Out: std.Out, Rounds: l.rounds}
	if err := l.all(); err != nil {
		return 2, err
	}
	return l.report.Close()
}

// parse reads the lists of the command line.
func (l *limits) parse(sizes, loads, goals string) error {
	var err error
	if l.orders, err = measure.ParseSizes(sizes); err != nil {
		return err
	}
	for _, s := range strings.Split(loads, ",") {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || x < 0.05 || x > 0.95 {
			return fmt.Errorf("-load %s: want 0.05 to 0.95", s)
		}
		l.loads = append(l.loads, x)
	}
	if l.rounds < 1 {
		return fmt.Errorf("-rounds %d: want 1 or more", l.rounds)
	}
	for _, g := range strings.Split(goals, ",") {
		if g == "" {
			break
		}
		if !slices.Contains(goalNames, g) {
			return fmt.Errorf("-goal %s: want one of %s", g, strings.Join(goalNames, ", "))
		}
		if l.goals == nil {
			l.goals = map[string]bool{}
		}
		l.goals[g] = true
	}
	return nil
}

var goalNames = []string{"G1", "G2", "G3", "G4", "G5", "G6", "G7", "G12", "G13", "translate", "zap"}

// wanted reports whether one of the goals is asked for.
func (l *limits) wanted(goals ...string) bool {
	for _, g := range goals {
		if l.goals == nil || l.goals[g] {
			return true
		}
	}
	return false
}

// run measures a mix, and says on standard error what a nanosecond count is worth
// on its own: not much, see package measure.
func (l *limits) run(m measure.Mix) measure.Figures {
	f := m.Measure(l.rounds, l.rng)
	fmt.Fprintf(l.log, "  %v\n", f)
	return f
}

// add reports verdicts of goals that are asked for.
func (l *limits) add(size string, load float64, vs []measure.Verdict) {
	for _, v := range vs {
		if l.wanted(v.Goal) {
			l.report.Add(size, load, v)
		}
	}
}

// all measures what is asked for.
func (l *limits) all() error {
	l.calibrate()
	for _, order := range l.orders {
		for _, load := range l.loads {
			if err := l.size(order, load); err != nil {
				return fmt.Errorf("%s: %w", measure.SizeName(order), err)
			}
		}
	}
	if l.wanted("G13") {
		l.report.Add(measure.SizeName(hpt.MinOrder), 0, l.torn()...)
	}
	if l.wanted("zap") {
		return l.zaps()
	}
	return nil
}

// small is the largest table that the bounds for 256 KiB are meant for, large
// the smallest of those for 256 MiB.
const (
	small = 20
	large = 28
)

// size measures one size and load.
func (l *limits) size(order int, load float64) error {
	fmt.Fprintf(l.log, "%s, load %v\n", measure.SizeName(order), load)
	if l.wanted("G1", "G2", "G3", "G4", "G5", "G6", "G7") {
		w, err := measure.NewWorld(order, load, hpt.Config{})
		if err != nil {
			return err
		}
		err = l.table(w, load)
		w.Close()
		if err != nil {
			return err
		}
	}
	if l.wanted("translate") {
		if err := l.translations(order, load); err != nil {
			return err
		}
	}
	if l.wanted("G12") && order >= large && load == l.loads[0] {
		return l.hugePages(order, load)
	}
	return nil
}

// table measures G1 to G7 on one table. Inserts come after lookups, because
// overflow bits are never cleared.
func (l *limits) table(w *measure.World, load float64) error {
	name, isSmall := measure.SizeName(w.Table.Order()), w.Table.Order() <= small
	if l.wanted("G1", "G2", "G3", "G4") {
		l.add(name, load, lookupGoals(l.lookups(w), isSmall, load))
	}
	if l.wanted("G5", "G6") {
		f, err := l.inserts(w)
		if err != nil {
			return err
		}
		l.add(name, load, insertGoals(f, isSmall, load))
	}
	if l.wanted("G7") {
		f, err := l.invalidations(w)
		if err != nil {
			return err
		}
		l.add(name, load, invalidateGoals(f))
	}
	return nil
}
