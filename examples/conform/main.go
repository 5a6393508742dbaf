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
	"os"
	"text/tabwriter"

	"github.com/hashmmu/ppc64/internal/hashvec"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/internal/softtlbvec"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// report is one file's line of -json.
type report struct {
	File string `json:"file"`
	hashvec.Report
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conform", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "print one JSON object per file")
	err := flags.Parse(args)
	if err == nil && flags.NArg() == 0 {
		err = fmt.Errorf("want one FILE or more")
	}
	if err != nil {
		fmt.Fprintf(stderr, "conform: %v (usage: conform [-json] FILE...)\n", err)
		return 2
	}
	var reports []report
	status := 0
	for _, name := range flags.Args() {
		r, err := conform(name, stdin)
		if err != nil {
			fmt.Fprintf(stderr, "conform: %s: %v\n", name, err)
			return 2
		}
		if r.Failed != 0 {
			status = 1
		}
		if *asJSON {
			if err := json.NewEncoder(stdout).Encode(r); err != nil {
				fmt.Fprintf(stderr, "conform: %v\n", err)
				return 2
			}
		}
		reports = append(reports, r)
	}
	if !*asJSON {
		print(stdout, reports)
	}
	return status
}

// conform runs one file.
func conform(name string, stdin io.Reader) (report, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return report{}, err
		}
		defer f.Close()
		in = f
	}
	text, err := oracle.Decompress(in)
	if err != nil {
		return report{}, err
	}
	b := bufio.NewReaderSize(text, 1<<16)
	head, _ := b.Peek(1 << 12)
	if !softtlbvec.IsRecording(head) {
		rep, err := hashvec.Run(b)
		return report{name, rep}, err
	}
	soft, err := softtlbvec.Run(b)
	return report{name, hashvec.Report{
		Kind: soft.Kind, Cases: soft.Cases, Passed: soft.Passed, Failed: soft.Failed,
		Skipped: soft.Skipped, Departed: soft.Departed, First: soft.First,
	}}, err
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
