// Command replay runs recorded traces of a machine through the library and
// compares every answer: hypercalls, translations with their R and C updates, SLB
// instructions, and the tables that resizes make.
//
//	replay [-json] [FILE...]
//
// FILE is a trace, gzip'ed or not; without one the trace in the repository is
// replayed, a Linux 6.1 boot on a pseries POWER9. Exit status 0: no mismatch; 1:
// some, the first of each file named; 2: bad usage or a file that is no trace.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hashmmu/ppc64/internal/replay"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// line is what -json prints for each file.
type line struct {
	File string `json:"file"`
	replay.Report
	ElapsedMS int64 `json:"elapsed_ms"`
}

// shipped is the name under which the trace in the repository is reported.
const shipped = "shipped"

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "print one JSON object per file")
	if err := flags.Parse(args); err != nil {
		return fail(stderr, err)
	}
	files := flags.Args()
	if len(files) == 0 {
		files = []string{shipped}
	}
	code := 0
	for _, name := range files {
		l, err := play(name, flags.NArg() == 0)
		if err != nil {
			return fail(stderr, fmt.Errorf("%s: %w", name, err))
		}
		if l.Mismatches != 0 {
			code = 1
		}
		if *asJSON {
			err = json.NewEncoder(stdout).Encode(l)
		} else {
			err = print(stdout, l)
		}
		if err != nil {
			return fail(stderr, err)
		}
	}
	return code
}

func fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "replay: %v (usage: replay [-json] [FILE...])\n", err)
	return 2
}

// play replays one file, or the trace in the repository.
func play(name string, own bool) (l line, err error) {
	start := time.Now()
	l.File = name
	if own {
		l.Report, err = replay.Run(bytes.NewReader(replay.Shipped))
	} else {
		l.Report, err = replay.RunFile(name)
	}
	l.ElapsedMS = time.Since(start).Milliseconds()
	return l, err
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
