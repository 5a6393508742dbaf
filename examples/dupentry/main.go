// Dupentry takes the hash table of a real Linux, sets up the race of the report
// of February 2007 in it, and runs every interleaving under each flush policy:
// which ones let the table get two entries for one page?
//
//	go run ./examples/dupentry
//	go run ./examples/dupentry -policy at-finish -replay '0*4 1*8'
//	go run ./examples/dupentry -policy at-finish -html race.html
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

func main() { cli.Main("dupentry", run) }

// options are the command line, checked.
type options struct {
	json     bool
	kernel   *mm.Kernel
	scenario *scenario.Scenario
	policies []batch.Policy
	replay   explore.Schedule
	html     string
}

func run(args []string, std cli.Std) (int, error) {
	o, err := parse(args, std.Out)
	if err != nil {
		return 2, err
	}
	rows, err := explorePolicies(context.Background(), o)
	if err == nil && o.html != "" {
		err = writeHTML(o.html, rows)
	}
	if err != nil {
		return 2, err
	}
	if o.json {
		printJSON(std.Out, rows)
	} else {
		printTable(std.Out, o, rows)
	}
	for _, r := range rows {
		if !r.documented && o.replay == nil {
			return 1, nil
		}
	}
	return 0, nil
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var kernel, policy, scene, replay string
	f := flag.NewFlagSet("dupentry", flag.ContinueOnError)
	f.BoolVar(&o.json, "json", false, "print one JSON object per line")
	f.StringVar(&kernel, "kernel", "2.6.20", "kernel profile: 2.6.20 or 6.1")
	f.StringVar(&policy, "policy", "", "flush policy: "+strings.Join(batch.PolicyNames(), " ")+"; default: all")
	f.StringVar(&scene, "scenario", scenario.Founding.Name, "scenario: "+strings.Join(scenario.Names(), " "))
	f.StringVar(&replay, "replay", "", "run this one schedule, like '0*4 1*8'")
	f.StringVar(&o.html, "html", "", "write the bad schedule as a page to this file")
	if err := cli.Parse(f, args, out, cli.NoFiles); err != nil {
		return o, err
	}
	var err error
	if o.kernel, err = mm.ParseKernel(kernel); err != nil {
		return o, err
	}
	if o.scenario, err = scenario.Parse(scene); err != nil {
		return o, err
	}
	if replay != "" {
		if o.replay, err = explore.ParseSchedule(replay); err != nil {
			return o, err
		}
	}
	switch {
	case policy != "":
		p, err := batch.ParsePolicy(policy)
		o.policies = []batch.Policy{p}
		return o, err
	case o.replay != nil || o.html != "":
		o.policies = []batch.Policy{o.kernel.Policy}
	default:
		o.policies = []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()}
	}
	return o, nil
}

// row is the outcome under one policy.
type row struct {
	policy     batch.Policy
	kernel     *mm.Kernel
	documented bool // the verdict is the one that the scenario documents
	scenario.Result
}

// trace is the bad schedule, or the one replayed; nil if there is neither.
func (r *row) trace() *explore.Trace {
	if f := r.Report.Failure; f != nil {
		return f.Trace
	}
	return r.Report.Trace
}

func explorePolicies(ctx context.Context, o options) ([]row, error) {
	var rows []row
	for _, p := range o.policies {
		cfg := scenario.Config{Kernel: o.kernel, Policy: p, Table: realTable}
		res, err := explorePolicy(ctx, o, cfg)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{p, o.kernel, res.Verdict == o.scenario.Expect(o.kernel, p), res})
	}
	return rows, nil
}

func explorePolicy(ctx context.Context, o options, cfg scenario.Config) (scenario.Result, error) {
	if o.replay != nil {
		return scenario.RunVariant(ctx, o.scenario, o.scenario.Vary[0], cfg, explore.Config{Replay: o.replay})
	}
	return scenario.Run(ctx, o.scenario, cfg, explore.Config{})
}

// realTable loads the table of a POWER8 with 1 GiB, 83 % full.
func realTable() (*hpt.Table, error) { return realtable.LoadPOWER8(hpt.Config{}) }

func writeHTML(name string, rows []row) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, r := range rows {
		if r.Report.Failure != nil {
			return r.Report.Failure.WriteHTML(f)
		}
		if t := r.trace(); t != nil {
			return t.WriteHTML(f)
		}
	}
	return fmt.Errorf("no bad schedule to write to %s; choose a policy with one", name)
}

// line is a row as JSON.
type line struct {
	Kernel     string           `json:"kernel"`
	Scenario   string           `json:"scenario"`
	Policy     string           `json:"policy"`
	Verdict    scenario.Verdict `json:"verdict"`
	Executions int64            `json:"executions"`
	States     int64            `json:"states"`
	CPUs       int              `json:"cpus"`
	Ops        int              `json:"ops"`
	Pages      int              `json:"pages"`
	Switches   int              `json:"switches"`
	Schedule   string           `json:"schedule"`
	Trace      []explore.Event  `json:"trace"`
	ElapsedMS  float64          `json:"elapsed_ms"`
}

func printJSON(out io.Writer, rows []row) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		l := line{
			Kernel: r.kernel.Name, Scenario: r.Scenario.Name, Policy: r.policy.String(), Verdict: r.Verdict,
			Executions: r.Executions, States: r.States, CPUs: r.Report.CPUs, Ops: r.Report.Operations, Pages: r.Report.Pages,
			Trace: []explore.Event{}, ElapsedMS: float64(r.Elapsed.Microseconds()) / 1000,
		}
		if t := r.trace(); t != nil {
			l.Schedule, l.Switches = t.Schedule.String(), t.Schedule.Switches()
			for _, e := range t.Steps {
				e.Panels = nil // pictures are for the page
				l.Trace = append(l.Trace, e)
			}
		}
		if err := enc.Encode(l); err != nil {
			return // the reader has gone
		}
	}
}

func printTable(out io.Writer, o options, rows []row) {
	fmt.Fprintf(out, "Linux %s, %s, in the hash table of a POWER8, 83 %% full\n\n", o.kernel.Name, o.scenario.Summary)
	fmt.Fprintf(out, "%-14s %-16s %11s %8s  %s\n", "policy", "verdict", "executions", "states", "shortest bad schedule")
	for _, r := range rows {
		fmt.Fprintf(out, "%-14s %-16s %11d %8d  %s\n", r.policy, r.Verdict, r.Executions, r.States, shortest(r))
	}
	for _, r := range rows {
		if r.trace() != nil {
			printTrace(out, r)
		}
	}
}

func shortest(r row) string {
	if r.Report.Failure == nil {
		return "-"
	}
	return r.Report.Failure.Schedule.String()
}

// printTrace shows who does what, step by step; what each step touches is left
// to the page and to JSON.
func printTrace(out io.Writer, r row) {
	t := *r.trace()
	t.Steps = slices.Clone(t.Steps)
	for i := range t.Steps {
		t.Steps[i].Accesses = nil
	}
	fmt.Fprintf(out, "\n%s, page %s:\n%s", r.policy, r.Variant, &t)
}
