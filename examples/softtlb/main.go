// Softtlb asks of every software-loaded TLB what the hash table was asked: can
// there be two entries for one address, what happens then, and what does the
// kernel do against it? It runs every interleaving of the founding race on the
// part, and again with each precaution removed.
//
//	go run ./examples/softtlb
//	go run ./examples/softtlb -profile e6500
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
	"github.com/hashmmu/ppc64/tlb"
)

func main() { cli.Main("softtlb", run) }

// options are the command line, checked.
type options struct {
	json     bool
	profiles []string
}

func run(args []string, std cli.Std) (int, error) {
	o, err := parse(args, std.Out)
	if err != nil {
		return 2, err
	}
	results, err := exploreAll(context.Background(), o.profiles)
	if err != nil {
		return 1, err
	}
	if o.json {
		printJSON(std.Out, results)
	} else {
		printTable(std.Out, results)
	}
	for _, r := range results {
		if r.Verdict != r.Race.Expect {
			return 1, nil
		}
	}
	return 0, nil
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var profile string
	f := flag.NewFlagSet("softtlb", flag.ContinueOnError)
	f.BoolVar(&o.json, "json", false, "print one JSON object per line")
	f.StringVar(&profile, "profile", "", "part: "+strings.Join(scenario.SoftProfiles, " ")+"; default: all")
	if err := cli.Parse(f, args, out, cli.NoFiles); err != nil {
		return o, err
	}
	switch {
	case profile == "":
		o.profiles = scenario.SoftProfiles
	case slices.Contains(scenario.SoftProfiles, profile):
		o.profiles = []string{profile}
	default:
		return o, fmt.Errorf("unknown profile %q; one of %s", profile, strings.Join(scenario.SoftProfiles, " "))
	}
	return o, nil
}

// exploreAll runs every race of the parts.
func exploreAll(ctx context.Context, profiles []string) ([]scenario.SoftResult, error) {
	var out []scenario.SoftResult
	for _, name := range profiles {
		races, err := scenario.SoftRaces(name)
		if err != nil {
			return nil, err
		}
		for _, r := range races {
			res, err := scenario.RunSoft(ctx, r, explore.Config{})
			if err != nil {
				return nil, err
			}
			out = append(out, res)
		}
	}
	return out, nil
}

// line is a result as JSON.
type line struct {
	Profile      string           `json:"profile"`
	MultiHit     string           `json:"multihit"`    // what the part does about two entries
	Consequence  string           `json:"consequence"` // what came of those found
	Guard        string           `json:"guard"`
	Kernel       string           `json:"kernel"`
	Path         string           `json:"path"`
	Trigger      string           `json:"trigger"`
	Predicted    scenario.Verdict `json:"predicted"` // from the part's manual and the kernel's source
	Measured     string           `json:"measured"`  // on a running kernel; empty: never was
	Verdict      scenario.Verdict `json:"verdict"`
	FramesDiffer bool             `json:"frames_differ"`
	Executions   int64            `json:"executions"`
	States       int64            `json:"states"`
	Schedule     string           `json:"schedule"`
	Switches     int              `json:"switches"`
}

func makeLine(r *scenario.SoftResult) line {
	p, _ := tlb.ByName(r.Race.Profile) // the race has been run
	l := line{
		Profile: r.Race.Profile, MultiHit: p.MultiHit.String(), Consequence: consequence(r, p.MultiHit.Undefined), Guard: r.Race.Guard,
		Kernel: r.Race.Kernel.Name, Path: r.Race.Path, Trigger: r.Race.Trigger(), Predicted: r.Race.Expect,
		Verdict: r.Verdict, Executions: r.Executions, States: r.States,
	}
	if f := r.Report.Failure; f != nil {
		l.Schedule, l.Switches = f.Schedule.String(), f.Schedule.Switches()
	}
	if c := r.Collision; c != nil {
		l.FramesDiffer = !c.SameFrame
	}
	return l
}

// consequence is what happened; empty if nothing did. undefined says that the
// part's manual promises nothing.
func consequence(r *scenario.SoftResult, undefined bool) string {
	switch {
	case r.Collision != nil && undefined && r.Collision.Met.OK():
		return "undefined; the stand-in: " + r.Collision.String()
	case r.Collision != nil:
		return r.Collision.String()
	case r.Verdict == scenario.Stale:
		return "the old page is used after it was freed"
	}
	return ""
}

func printJSON(out io.Writer, results []scenario.SoftResult) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i := range results {
		if err := enc.Encode(makeLine(&results[i])); err != nil {
			return // the reader has gone
		}
	}
}

func printTable(out io.Writer, results []scenario.SoftResult) {
	fmt.Fprintf(out, "%-11s  %-19s  %-6s  %-23s  %-9s  %10s  %6s  %s\n",
		"part", "race", "kernel", "guard removed", "verdict", "executions", "states", "what happens; or what prevents it")
	last := ""
	for i := range results {
		r := &results[i]
		l := makeLine(r)
		if l.Profile != last {
			fmt.Fprintf(out, "%s: on two entries, %s\n", l.Profile, l.MultiHit)
			last = l.Profile
		}
		guard, what := l.Guard, l.Consequence
		if guard == scenario.GuardInPlace {
			guard = "-"
		}
		if what == "" {
			what = r.Race.Against
		}
		fmt.Fprintf(out, "%-11s  %-19s  %-6s  %-23s  %-9s  %10d  %6d  %s\n",
			l.Profile, l.Path, l.Kernel, guard, l.Verdict, l.Executions, l.States, what)
	}
	fmt.Fprintf(out, "\nproved: with %s, by source-DPOR and by state caching, in TLBs of 4 to 8 entries\n", bounds(results))
}

// bounds is the range of what was proved.
func bounds(results []scenario.SoftResult) string {
	ops, pages := 0, 0
	for i := range results {
		if r := &results[i]; r.Verdict == scenario.Proved {
			ops, pages = max(ops, r.Report.Operations), max(pages, r.Report.Pages)
		}
	}
	return fmt.Sprintf("up to 2 CPUs, %d operations and %d pages", ops, pages)
}
