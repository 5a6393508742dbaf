package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// repaired is a path of a kernel with a fix in it.
type repaired struct {
	fix scenario.Fix
	scenario.PathResult
}

// price is what a workload takes with a fix.
type price struct {
	kernel   *mm.Kernel
	fix      scenario.Fix
	workload *scenario.Workload
	scenario.Cost
}

// exploreFixes tries every fix on the rows that are not proved, and the smallest
// repair on the others too: it must not open what was closed.
func exploreFixes(ctx context.Context, rows []scenario.PathResult) ([]repaired, error) {
	var out []repaired
	for _, r := range rows {
		switch {
		case r.Path.Unbatched:
			continue
		case r.In.Verdict == scenario.Proved:
			out = append(out, repaired{scenario.SmallestRepair, r})
			continue
		}
		for _, f := range scenario.Fixes(r.In.Kernel) {
			out = append(out, repaired{f, r})
		}
	}
	err := parallel(len(out), func(i int) (err error) {
		cfg := out[i].fix.Config(scenario.Config{})
		out[i].PathResult, err = scenario.RunPath(ctx, out[i].Path, out[i].In, cfg, explore.Config{})
		return err
	})
	return out, err
}

// prices runs the workloads with every fix, on 4K base pages.
func prices(o options) ([]price, error) {
	var out []price
	for _, k := range mm.Kernels() {
		if !o.wants(k) {
			continue
		}
		for _, w := range scenario.Workloads(k) {
			for _, f := range scenario.Fixes(k) {
				c, err := w.Cost(k, f)
				if err != nil {
					return nil, err
				}
				out = append(out, price{k, f, w, c})
			}
		}
	}
	return out, nil
}

// runFixes prints what every fix closes and costs. The exit code is 1 when the
// smallest repair leaves a path of Linux 6.1 open.
func runFixes(ctx context.Context, o options, out io.Writer) (int, error) {
	tried, err := exploreFixes(ctx, o.rows())
	if err != nil {
		return 1, err
	}
	paid, err := prices(o)
	if err != nil {
		return 1, err
	}
	if o.json {
		printFixesJSON(out, tried, paid)
	} else {
		for _, k := range mm.AllKernels() {
			if o.wants(k) {
				printFixes(out, k, tried)
				printPrices(out, k, paid)
			}
		}
	}
	left := slices.ContainsFunc(tried, func(r repaired) bool {
		return strings.HasPrefix(r.In.Kernel.Name, mm.Linux61.Name) && r.fix == scenario.SmallestRepair && r.Verdict != scenario.Proved
	})
	if left {
		return 1, nil
	}
	return 0, nil
}

// printFixes prints the verdicts of a kernel, a line a path and a column a fix.
func printFixes(out io.Writer, k *mm.Kernel, tried []repaired) {
	if !slices.ContainsFunc(tried, func(r repaired) bool { return r.In.Kernel == k }) {
		return
	}
	fixes := scenario.Fixes(k)
	fmt.Fprintf(out, "Linux %s: what closes which path\n", k.Name)
	for i, f := range fixes {
		fmt.Fprintf(out, "  %c  %v\n", 'A'+i, f)
	}
	fmt.Fprintln(out)
	heading(out, fixes)
	stillProved := 0
	var verdicts []string
	for _, r := range tried {
		switch {
		case r.In.Kernel != k:
		case r.In.Verdict != scenario.Proved:
			if verdicts = append(verdicts, string(r.Verdict)); len(verdicts) == len(fixes) {
				row(out, r.Path.Name, verdicts)
				verdicts = nil
			}
		case r.Verdict == scenario.Proved:
			stillProved++
		}
	}
	smallest := slices.Index(fixes, scenario.SmallestRepair)
	fmt.Fprintf(out, "%s more: closed in the kernel as it is and with %c, the smallest repair\n\n", plural(stillProved, "path"), 'A'+smallest)
}

// heading prints a letter for every fix.
func heading(out io.Writer, fixes []scenario.Fix) {
	var letters []string
	for i := range fixes {
		letters = append(letters, string(rune('A'+i)))
	}
	row(out, "", letters)
}

// row prints a line of a table whose columns are fixes.
func row(out io.Writer, head string, cells []string) {
	text := fmt.Sprintf("%-27s", head)
	for _, c := range cells {
		text += fmt.Sprintf(" %-9s", c)
	}
	fmt.Fprintln(out, strings.TrimRight(text, " "))
}

// measures are what a workload is counted by.
var measures = []struct {
	what string
	of   func(scenario.Cost) int
}{
	{"flushes (each waits for all other CPUs)", func(c scenario.Cost) int { return c.Flushes }},
	{"tlbie", func(c scenario.Cost) int { return c.TLBIE }},
	{"table operations", func(c scenario.Cost) int { return c.TableOps }},
	{"hypercalls, where the table is a hypervisor's", func(c scenario.Cost) int { return c.Hcalls }},
	{"operations that the kernel as it is has not", func(c scenario.Cost) int { return c.Extra }},
}

// printPrices prints what workloads take for each page that they change, a line a
// workload and a column a fix.
func printPrices(out io.Writer, k *mm.Kernel, paid []price) {
	if !slices.ContainsFunc(paid, func(p price) bool { return p.kernel == k }) {
		return
	}
	fixes := scenario.Fixes(k)
	fmt.Fprintf(out, "Linux %s: what it takes, per page changed and then used by another CPU\n", k.Name)
	for _, m := range measures {
		fmt.Fprintf(out, "\n%s\n", m.what)
		heading(out, fixes)
		var cells []string
		for _, p := range paid {
			if p.kernel != k {
				continue
			}
			cells = append(cells, fmt.Sprintf("%.3f", float64(m.of(p.Cost))/float64(p.workload.Pages)))
			if len(cells) == len(fixes) {
				row(out, p.workload.Name, cells)
				cells = nil
			}
		}
	}
	fmt.Fprintln(out)
}

// fixLine is the verdict on a path with a fix as JSON.
type fixLine struct {
	Kernel       string           `json:"kernel"`
	Path         string           `json:"path"`
	Fix          string           `json:"fix"`
	Verdict      scenario.Verdict `json:"verdict"`
	FramesDiffer bool             `json:"frames_differ"`
	Executions   int64            `json:"executions"`
	States       int64            `json:"states"`
	Schedule     string           `json:"schedule"`
	Switches     int              `json:"switches"`
}

// priceLine is what a workload takes in all, as JSON.
type priceLine struct {
	Kernel   string `json:"kernel"`
	Workload string `json:"workload"`
	Fix      string `json:"fix"`
	Pages    int    `json:"pages"`
	Flushes  int    `json:"flushes"`
	TLBIE    int    `json:"tlbie"`
	TableOps int    `json:"table_ops"`
	Hcalls   int    `json:"hcalls"`
	Extra    int    `json:"extra"`
}

func printFixesJSON(out io.Writer, tried []repaired, paid []price) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, r := range tried {
		l := fixLine{
			Kernel: r.In.Kernel.Name, Path: r.Path.Name, Fix: r.fix.String(), Verdict: r.Verdict, FramesDiffer: r.FramesDiffer,
			Executions: r.Executions, States: r.States,
		}
		l.Schedule, l.Switches = schedule(r.PathResult)
		if err := enc.Encode(l); err != nil {
			return // the reader has gone
		}
	}
	for _, p := range paid {
		l := priceLine{
			Kernel: p.kernel.Name, Workload: p.workload.Name, Fix: p.fix.String(), Pages: p.workload.Pages,
			Flushes: p.Flushes, TLBIE: p.TLBIE, TableOps: p.TableOps, Hcalls: p.Hcalls, Extra: p.Extra,
		}
		if err := enc.Encode(l); err != nil {
			return
		}
	}
}
