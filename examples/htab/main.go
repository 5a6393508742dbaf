// Command htab reads a hashed page table from whatever holds one and reports its
// health: how full it is, what pages it maps, and whether anything is where it must
// not be.
//
//	htab [-json] [-format 2|3] [-png FILE] [-sdr1 X | -ptcr X [-lpid N]] [-vsid X | -slb FILE] FILE
//
// FILE, gzip'ed or not, "-" for standard input, is one of
//
//   - a raw image, 2^18 bytes or a larger power of two;
//   - a KVM HTAB stream, as KVM_PPC_GET_HTAB_FD gives it;
//   - a QEMU migration stream of a pseries guest;
//   - an ELF core of a machine (dump-guest-memory), with the register that says
//     where its table is: SDR1, or PTCR and a partition number from ISA 3.0 on;
//   - with one of these registers, memory of a machine from address 0 on.
//
// With a VSID, or an SLB as lines of slot and two doublewords, the pages of that
// address space follow. Exit status 0: no duplicate and no misplaced entry; 1: some,
// each named; 2: bad usage or no usable table.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// report is the health of a table as -json prints it.
type report struct {
	Format      int                     `json:"format"`
	Order       int                     `json:"order"`
	Entries     uint64                  `json:"entries"`
	Valid       uint64                  `json:"valid"`
	Bolted      uint64                  `json:"bolted"`
	Secondary   uint64                  `json:"secondary"`
	Duplicates  uint64                  `json:"duplicates"`
	Conflicts   uint64                  `json:"conflicts"`
	Misplaced   uint64                  `json:"misplaced"`
	Undecodable uint64                  `json:"undecodable"`
	Load        float64                 `json:"load"`
	Sizes       map[hpt.SizePair]uint64 `json:"sizes"`
	MaxGroup    int                     `json:"max_group"`
	FullGroups  uint64                  `json:"full_groups"`
	Digest      string                  `json:"digest"`
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("htab", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "print one JSON object")
	format := flags.Int("format", 0, "entry format, 2 or 3; without it, the one that fits")
	picture := flags.String("png", "", "draw the table into this file, a pixel a group")
	var w where
	flags.Uint64Var(&w.sdr1, "sdr1", 0, "the register that says where in memory the table is")
	flags.Uint64Var(&w.ptcr, "ptcr", 0, "the register that says where the partition table is, from ISA 3.0 on")
	flags.UintVar(&w.lpid, "lpid", 0, "partition, with -ptcr")
	vsid := flags.Uint64("vsid", 0, "list the pages of this virtual segment")
	slb := flags.String("slb", "", "list the pages of the segments in this file")
	err := flags.Parse(args)
	switch {
	case err != nil:
		return fail(stderr, err)
	case flags.NArg() != 1:
		return fail(stderr, fmt.Errorf("want one FILE, have %d", flags.NArg()))
	case w.sdr1 != 0 && w.ptcr != 0 || *vsid != 0 && *slb != "":
		return fail(stderr, errors.New("want one of -sdr1 and -ptcr, one of -vsid and -slb"))
	case *format != 0 && *format != 2 && *format != 3:
		return fail(stderr, fmt.Errorf("-format %d: valid formats are 2 and 3", *format))
	}
	segments := []segment{{vsid: pte.VSID(*vsid), any: true}}
	if *slb != "" {
		if segments, err = readSLB(*slb); err != nil {
			return fail(stderr, err)
		}
	}
	t, found, err := open(flags.Arg(0), stdin, *format, w)
	if err != nil {
		return fail(stderr, fmt.Errorf("%s: %w", flags.Arg(0), err))
	}
	if *picture != "" {
		if err := writePNG(*picture, t); err != nil {
			return fail(stderr, err)
		}
	}
	s := t.Stats()
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(newReport(t, s))
	} else {
		err = print(stdout, found, newReport(t, s))
	}
	if err == nil && (*slb != "" || *vsid != 0) {
		err = printPages(stdout, pagesOf(t, segments), *asJSON)
	}
	if err != nil {
		return fail(stderr, err)
	}
	if err := t.Check(); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "htab: %v (usage: htab [-json] [-format 2|3] [-png FILE] [-sdr1 X | -ptcr X [-lpid N]] [-vsid X | -slb FILE] FILE)\n", err)
	return 2
}

func newReport(t *hpt.Table, s hpt.Stats) report {
	return report{
		Format: int(t.Format()) + 2, Order: s.Order, Entries: s.Entries,
		Valid: s.Valid, Bolted: s.Bolted, Secondary: s.Secondary,
		Duplicates: s.Duplicates, Conflicts: s.Conflicts, Misplaced: s.Misplaced, Undecodable: s.Undecodable,
		Load: s.Load(), Sizes: s.Sizes, MaxGroup: s.MaxGroup, FullGroups: s.FullGroups,
		Digest: fmt.Sprintf("%#016x", t.Digest()),
	}
}

// print writes the report for a person.
func print(w io.Writer, found string, r report) error {
	var b bytes.Buffer
	fmt.Fprintln(&b, found)
	fmt.Fprintf(&b, "format %d, order %d: %d groups of 8\n", r.Format, r.Order, r.Entries/8)
	fmt.Fprintf(&b, "%9d of %d slots hold an entry, %.1f %%\n", r.Valid, r.Entries, 100*r.Load)
	fmt.Fprintf(&b, "%9d bolted\n", r.Bolted)
	fmt.Fprintf(&b, "%9d in their secondary group\n", r.Secondary)
	sizes := make([]hpt.SizePair, 0, len(r.Sizes))
	for p := range r.Sizes {
		sizes = append(sizes, p)
	}
	slices.SortFunc(sizes, func(a, b hpt.SizePair) int {
		return int(a.Base)<<8 + int(a.Actual) - int(b.Base)<<8 - int(b.Actual)
	})
	for _, p := range sizes {
		fmt.Fprintf(&b, "%9d pages of %v in segments of %v pages\n", r.Sizes[p], p.Actual, p.Base)
	}
	fmt.Fprintf(&b, "%9d groups full; the fullest has %d entries\n", r.FullGroups, r.MaxGroup)
	fmt.Fprintf(&b, "%9d duplicate pairs, %d of them conflicting\n", r.Duplicates, r.Conflicts)
	fmt.Fprintf(&b, "%9d misplaced, %d undecodable\n", r.Misplaced, r.Undecodable)
	fmt.Fprintf(&b, "digest %s\n", r.Digest)
	_, err := w.Write(b.Bytes())
	return err
}
