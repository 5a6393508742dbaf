package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// line is a row as JSON.
type line struct {
	Kernel       string              `json:"kernel"`
	Path         string              `json:"path"`
	Trigger      string              `json:"trigger"`
	Predicted    scenario.Prediction `json:"predicted"`
	Measured     string              `json:"measured"`
	Verdict      scenario.Verdict    `json:"verdict"`
	FramesDiffer bool                `json:"frames_differ"`
	Executions   int64               `json:"executions"`
	States       int64               `json:"states"`
	Schedule     string              `json:"schedule"`
	Switches     int                 `json:"switches"`
}

func printJSON(out io.Writer, rows []scenario.PathResult) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		l := line{
			Kernel: version(r.In.Kernel), Path: r.Path.Name, Trigger: r.Path.Trigger, Predicted: r.In.Predicted,
			Measured: r.In.Measured.String(), Verdict: r.Verdict, FramesDiffer: r.FramesDiffer,
			Executions: r.Executions, States: r.States,
		}
		l.Schedule, l.Switches = schedule(r)
		if err := enc.Encode(l); err != nil {
			return // the reader has gone
		}
	}
}

// version is the name of a kernel without that of its base pages: a path that is
// only there with 64K pages is a path of that kernel.
func version(k *mm.Kernel) string {
	name, _, _ := strings.Cut(k.Name, "-")
	return name
}

// schedule is the shortest bad one, if there is any.
func schedule(r scenario.PathResult) (text string, switches int) {
	f := r.Report.Failure
	if f == nil {
		return "", 0
	}
	return f.Schedule.String(), f.Schedule.Switches()
}

// printTable prints a line a row, and then all there is to say of the rows that
// are not proved.
func printTable(out io.Writer, rows []scenario.PathResult) {
	const format = "%-27s %-7s %-9s %-10s %-9s %-6s %10s %8s  %s\n"
	fmt.Fprintf(out, format, "path", "kernel", "verdict", "predicted", "measured", "frames", "executions", "states", "where to look")
	for _, r := range rows {
		fmt.Fprintf(out, format, r.Path.Name, r.In.Kernel.Name, r.Verdict, r.In.Predicted, found(r.In.Measured), frames(r),
			fmt.Sprint(r.Executions), fmt.Sprint(r.States), r.In.Functions[0])
	}
	bounds(out, rows)
	for _, r := range rows {
		if r.Verdict != scenario.Proved || r.In.Note != "" {
			explain(out, r)
		}
	}
}

// found is a measurement in a word.
func found(m scenario.Measured) string {
	switch {
	case m.Found != "":
		return string(m.Found)
	case m.Count != "":
		return "none"
	}
	return m.String()
}

// frames tells whether two entries name one frame or two.
func frames(r scenario.PathResult) string {
	switch {
	case r.FramesDiffer:
		return "differ"
	case r.Verdict == scenario.Duplicate:
		return "same"
	}
	return "-"
}

// bounds says for what the proofs hold, each bound once.
func bounds(out io.Writer, rows []scenario.PathResult) {
	var texts []string
	for _, r := range rows {
		text := plural(r.Report.CPUs, "CPU") + ", " + plural(r.Report.Operations, "operation") + ", " + plural(r.Report.Pages, "page")
		if r.Verdict == scenario.Proved && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		fmt.Fprintf(out, "\nproved: every interleaving of %s, by source-DPOR (executions) and by state caching (states)\n", strings.Join(texts, "; or of "))
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// explain says how a row comes to its verdict, and why others thought otherwise.
func explain(out io.Writer, r scenario.PathResult) {
	fmt.Fprintf(out, "\n%s, Linux %s: %s\n", r.Path.Name, r.In.Kernel.Name, strings.Join(r.In.Functions, ", "))
	fmt.Fprintf(out, "  trigger   %s\n", r.Path.Trigger)
	fmt.Fprintf(out, "  read      %s: %s\n", r.In.Predicted, r.In.Why)
	fmt.Fprintf(out, "  measured  %v\n", r.In.Measured)
	if r.In.Note != "" {
		fmt.Fprintf(out, "  but       %s\n", r.In.Note)
	}
	f := r.Report.Failure
	if f == nil {
		return
	}
	fmt.Fprintf(out, "  page      %s\n", r.Variant)
	for _, turn := range turns(f.Trace) {
		fmt.Fprintln(out, turn)
	}
	fmt.Fprintf(out, "  => %s\n", strings.ReplaceAll(f.Err.Error(), "\n", "; "))
}

// turns gives a trace as a paragraph for each time that another CPU goes on.
func turns(t *explore.Trace) []string {
	var out []string
	at := 0
	for _, turn := range t.Schedule {
		var ops []string
		for range turn.Steps {
			e := t.Steps[at]
			at++
			ops = append(ops, strings.Join(append([]string{e.Op}, e.Notes...), " + "))
		}
		out = append(out, wrap(fmt.Sprintf("  CPU%d %s: ", turn.CPU, t.CPUs[turn.CPU]), ops))
	}
	return out
}

// wrap joins the items with commas, in lines of at most 120 characters.
func wrap(head string, items []string) string {
	const width = 120
	var b strings.Builder
	line := head
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if len(line)+len(item) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = "      "
		}
		line += item + " "
	}
	b.WriteString(strings.TrimRight(line, " "))
	return b.String()
}
