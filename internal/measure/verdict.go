package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// EnoughRounds is how many rounds a gate is defined for. A figure of fewer is
// printed and decides nothing.
const EnoughRounds = 20

// Verdict is one measured ratio beside its gate, as -json prints it.
type Verdict struct {
	Goal   string  `json:"goal"`
	Size   string  `json:"size"` // of the table, "256K" to "4G"
	Load   float64 `json:"load"` // share of slots taken, 0 to 1
	What   string  `json:"what"`
	Median float64 `json:"median"`
	P25    float64 `json:"p25"`
	P75    float64 `json:"p75"`
	Bound  float64 `json:"bound"`
	OK     bool    `json:"ok"`

	least  bool
	rounds int
}

// AtMost judges a ratio that must not exceed bound.
func AtMost(goal, what string, q Quartiles, bound float64) Verdict {
	return Verdict{Goal: goal, What: what + ", at most", Median: round(q.Median), P25: round(q.P25), P75: round(q.P75),
		Bound: bound, OK: q.Median <= bound}
}

// AtLeast judges a ratio that must reach bound.
func AtLeast(goal, what string, q Quartiles, bound float64) Verdict {
	return Verdict{Goal: goal, What: what + ", at least", Median: round(q.Median), P25: round(q.P25), P75: round(q.P75),
		Bound: bound, OK: q.Median >= bound, least: true}
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// Report prints verdicts as they come, or as a table.
type Report struct {
	JSON     bool
	Out      io.Writer
	Rounds   int // said in every verdict
	verdicts []Verdict
	err      error
}

// Add prints the verdicts on one size and load.
func (r *Report) Add(size string, load float64, vs ...Verdict) {
	for _, v := range vs {
		r.add(size, load, v, r.Rounds)
	}
}

// AddRounds is Add for a verdict that has rounds of its own.
func (r *Report) AddRounds(rounds int, size string, load float64, v Verdict) {
	r.add(size, load, v, rounds)
}

func (r *Report) add(size string, load float64, v Verdict, rounds int) {
	v.Size, v.Load, v.rounds = size, round(load), rounds
	v.What = fmt.Sprintf("%s (%d rounds)", v.What, rounds)
	r.verdicts = append(r.verdicts, v)
	if r.JSON && r.err == nil {
		r.err = json.NewEncoder(r.Out).Encode(v)
	}
}

// Close prints the table, and returns the exit status: 1 when a gate was missed
// in enough rounds, 2 when printing failed.
func (r *Report) Close() (int, error) {
	if !r.JSON {
		r.table()
	}
	status := 0
	for _, v := range r.verdicts {
		if !v.OK && v.rounds >= EnoughRounds {
			status = 1
		}
	}
	if r.err != nil {
		return 2, r.err
	}
	return status, nil
}

func (r *Report) table() {
	t := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "goal\tsize\tload\twhat\tmedian\tp25-p75\tbound\t")
	missed := 0
	for _, v := range r.verdicts {
		sign, mark := "<=", ""
		if v.least {
			sign = ">="
		}
		if !v.OK {
			mark = "missed"
			missed++
		}
		what := strings.NewReplacer(", at most", "", ", at least", "", fmt.Sprintf(" (%d rounds)", r.Rounds), "").Replace(v.What)
		fmt.Fprintf(t, "%s\t%s\t%.2g\t%s\t%.2f\t%.2f-%.2f\t%s %.4g\t%s\n", v.Goal, v.Size, v.Load, what, v.Median, v.P25, v.P75, sign, v.Bound, mark)
	}
	if err := t.Flush(); err != nil && r.err == nil {
		r.err = err
	}
	fmt.Fprintf(r.Out, "%d gates, %d missed, in %d rounds; %s", len(r.verdicts), missed, r.Rounds, Clock)
	if r.Rounds < EnoughRounds {
		fmt.Fprintf(r.Out, ". Gates are defined for medians of %d rounds: -rounds %d decides", EnoughRounds, EnoughRounds)
	}
	fmt.Fprintln(r.Out)
}
