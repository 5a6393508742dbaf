// Command replay runs recorded traces of a machine through the library and
// compares every answer: hypercalls, translations with their R and C updates, SLB
// instructions, and the tables that resizes make.
//
//	replay [-json] [FILE...]
//
// FILE is a trace, gzip'ed or not, "-" for standard input; without one the trace in the repository is
// replayed, a Linux 6.1 boot on a pseries POWER9. Exit status 0: no mismatch; 1:
// some, the first of each file named; 2: bad usage or a file that is no trace.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/internal/replay"
)

func main() { cli.Main("replay", run) }

// line is what -json prints for each file.
type line struct {
	File string `json:"file"`
	replay.Report
	ElapsedMS int64 `json:"elapsed_ms"`
}

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("replay", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object per file")
	if err := cli.Parse(f, args, std.Out, cli.AnyFiles); err != nil {
		return 2, err
	}
	names, open := f.Args(), std.Open
	if len(names) == 0 {
		names, open = []string{replay.ShippedName}, replay.OpenShipped
	}
	code := 0
	for _, name := range names {
		l, err := play(name, open)
		if err != nil {
			return 2, fmt.Errorf("%s: %w", name, err)
		}
		if l.Mismatches != 0 {
			code = 1
		}
		if *asJSON {
			err = json.NewEncoder(std.Out).Encode(l)
		} else {
			err = print(std.Out, l)
		}
		if err != nil {
			return 2, err
		}
	}
	return code, nil
}

// play replays one file.
func play(name string, open func(string) (io.ReadCloser, error)) (line, error) {
	start := time.Now()
	in, err := open(name)
	if err != nil {
		return line{}, err
	}
	defer in.Close()
	r, err := replay.Run(in)
	return line{File: name, Report: r, ElapsedMS: time.Since(start).Milliseconds()}, err
}

func print(w io.Writer, l line) error {
	_, err := fmt.Fprintf(w, `%s: %d records in %d ms
%9d hypercalls
%9d translations
%9d SLB instructions
%9d tlbie
%9d entries changed by other means
%9d answers compared, %d differ
%9d of them not as the architecture has it
`, l.File, l.Records, l.ElapsedMS, l.HCalls, l.Xlates, l.SLBOps, l.TLBIEs, l.Syncs, l.Checked, l.Mismatches, l.Departed)
	if err == nil && l.First != "" {
		_, err = fmt.Fprintf(w, "first: %s\n", l.First)
	}
	return err
}
