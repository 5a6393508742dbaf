// Command conform runs recorded vectors through the library and says whether
// every answer is the recorded one. The kind is found from the content: the
// hash MMU's translations, SLB sequences, page sizes, hypercalls and resizes,
// and the software-loaded TLBs' sequences and traces.
//
//	conform [-json] FILE...
//
// Files may be gzip'ed; "-" is standard input. departed counts the cases that
// the architecture's default answers otherwise: they passed under a named quirk
// of the recorded machine. Exit status 0: every case passed; 1: some failed; 2:
// bad usage, or a file that cannot be read.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/internal/hashvec"
	"github.com/hashmmu/ppc64/internal/softtlbvec"
)

func main() { cli.Main("conform", run) }

// report is one file's line of -json.
type report struct {
	File string `json:"file"`
	hashvec.Report
	Skipped int `json:"skipped"` // 0: every case is run
}

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("conform", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object per file")
	if err := cli.Parse(f, args, std.Out, cli.Files); err != nil {
		return 2, err
	}
	var reports []report
	code := 0
	for _, name := range f.Args() {
		r, err := conform(name, std)
		if err != nil {
			return 2, fmt.Errorf("%s: %w", name, err)
		}
		if r.Failed != 0 {
			code = 1
		}
		if *asJSON {
			if err := json.NewEncoder(std.Out).Encode(r); err != nil {
				return 2, err
			}
		}
		reports = append(reports, r)
	}
	if !*asJSON {
		print(std.Out, reports)
	}
	return code, nil
}

// conform runs one file.
func conform(name string, std cli.Std) (report, error) {
	text, err := std.Open(name)
	if err != nil {
		return report{}, err
	}
	defer text.Close()
	b := bufio.NewReaderSize(text, 1<<16)
	head, _ := b.Peek(1 << 12)
	if !softtlbvec.IsRecording(head) {
		rep, err := hashvec.Run(b)
		return report{File: name, Report: rep}, err
	}
	soft, err := softtlbvec.Run(b)
	return report{File: name, Report: hashvec.Report(soft)}, err
}

// print writes a table, and the first failure of each file that has one.
func print(w io.Writer, reports []report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "kind\tcases\tpassed\tfailed\tskipped\tdeparted\tfile")
	for _, r := range reports {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.Kind, r.Cases, r.Passed, r.Failed, r.Skipped, r.Departed, r.File)
	}
	t.Flush()
	for _, r := range reports {
		if r.First != "" {
			fmt.Fprintf(w, "%s: first failure: %s\n", r.File, r.First)
		}
	}
}
