// Command flushpolicy replays what a recorded Linux did to its hash table under
// each flush policy and counts what the policies cost.
//
//	flushpolicy [-json] [-policy NAME,...] [FILE...]
//
// FILE is a trace of a guest, gzip'ed or not, "-" for standard input; without one the trace in the
// repository is taken, the beginning of a Linux 6.1 boot. Inserts, changes of
// protection and evictions go to the table as recorded. Removals go through a
// batch, whose policy decides when they reach the table.
//
// The trace shows when the recorded kernel flushed, not which page table updates
// belonged together. So a stretch of removals of one address space that no other
// hypercall on the table interrupts is taken as one operation of the kernel, such as
// a zap, and each page-table page in it as one lazy section under one PTE page
// lock. An operation of the kernel that touched the table in its midst counts as
// several, and lock drops within a page-table page are not seen: the figures of
// policies that wait longer are therefore lower bounds of what they batch.
//
// Counted, for each policy:
//
//	operations  stretches of removals
//	flushes     of the batch, and how many entries each had: mean and largest
//	full        flushes that the batch's capacity forced
//	hypercalls  that remove: H_BULK_REMOVE takes four entries, H_REMOVE one
//	tlbies      invalidations of a page in the TLBs: one for each entry removed,
//	            evicted or given another protection
//	tlbsyncs    waits for them: one for each flush, eviction and change
//	exposed     entries that outlived the PTE page lock of their page: what
//	            makes a policy unsafe
//	delay       how many page table updates later an entry went, on average
//
// Not measured is time: see examples/limits for what a flush costs. Which CPUs had
// used an address space is not in a trace, so no invalidation counts as local.
//
// Exit status 0: done; 1: the table did not come out as recorded; 2: bad usage or
// a trace that cannot be used.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/internal/replay"
)

func main() { cli.Main("flushpolicy", run) }

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("flushpolicy", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object per file and policy")
	list := f.String("policy", "at-finish,before-unlock,lazy-mmu,immediate,capacity-16", "policies")
	if err := cli.Parse(f, args, std.Out, cli.AnyFiles); err != nil {
		return 2, err
	}
	var policies []batch.Policy
	for _, name := range strings.Split(*list, ",") {
		p, err := batch.ParsePolicy(name)
		if err != nil {
			return 2, err
		}
		policies = append(policies, p)
	}
	names, open := f.Args(), std.Open
	if len(names) == 0 {
		names, open = []string{replay.ShippedName}, replay.OpenShipped
	}
	write := table
	if *asJSON {
		write = lines
	}
	for _, name := range names {
		figures, err := measure(name, open, policies)
		if err == nil {
			err = write(std.Out, name, figures)
		}
		switch {
		case errors.Is(err, errDiffers):
			return 1, fmt.Errorf("%s: %w", name, err)
		case err != nil:
			return 2, fmt.Errorf("%s: %w", name, err)
		}
	}
	return 0, nil
}

// measure replays one file under all policies.
func measure(name string, open func(string) (io.ReadCloser, error), policies []batch.Policy) ([]figures, error) {
	in, err := open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return replayed(in, policies)
}

func lines(w io.Writer, name string, all []figures) error {
	enc := json.NewEncoder(w)
	for _, f := range all {
		f.File = name
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

func table(w io.Writer, name string, all []figures) error {
	first := all[0]
	fmt.Fprintf(w, "%s: %d inserts, %d removals in %d operations, %d evictions, %d changes of protection\n",
		name, first.Inserts, first.Removals, first.Operations, first.Evictions, first.Protects)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "policy\tflushes\tentries/flush\tlargest\tfull\thypercalls\ttlbies\ttlbsyncs\texposed\tdelay\t")
	for _, f := range all {
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%d\t%d\t%d\t%d\t%d\t%d\t%.2f\t\n", f.Policy, f.Flushes, f.PerFlush,
			f.Largest, f.Full, f.Hypercalls, f.TLBIEs, f.TLBSyncs, f.Exposed, f.Delay)
	}
	return t.Flush()
}
