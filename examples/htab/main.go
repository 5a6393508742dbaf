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
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/pte"
)

func main() { cli.Main("htab", run) }

// options are the command line, checked.
type options struct {
	json     bool
	format   int // 0: the one that fits
	picture  string
	where    where
	segments []segment // list their pages; nil: none
	file     string
}

func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("htab", flag.ContinueOnError)
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.IntVar(&o.format, "format", 0, "entry format of a raw image, 2 or 3; default: the one that fits")
	f.StringVar(&o.picture, "png", "", "draw the table into this file, a square a group")
	sdr1 := f.Uint64("sdr1", 0, "the register that says where in memory the table is")
	ptcr := f.Uint64("ptcr", 0, "the register that says where the partition table is, from ISA 3.0 on")
	lpid := f.Uint64("lpid", 0, "partition, with -ptcr")
	vsid := f.Uint64("vsid", 0, "list the pages of this virtual segment")
	slb := f.String("slb", "", "list the pages of the segments in this file")
	if err := cli.Parse(f, args, out, cli.OneFile); err != nil {
		return o, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case given["sdr1"] && given["ptcr"] || given["vsid"] && given["slb"]:
		return o, errors.New("want one of -sdr1 and -ptcr, one of -vsid and -slb")
	case given["lpid"] && (!given["ptcr"] || *lpid != uint64(uint32(*lpid))):
		return o, fmt.Errorf("-lpid %d: want -ptcr and 32 bits", *lpid)
	case given["format"] && o.format != 2 && o.format != 3:
		return o, fmt.Errorf("-format %d: valid formats are 2 and 3", o.format)
	case given["sdr1"]:
		o.where = where{register: regSDR1, value: *sdr1}
	case given["ptcr"]:
		o.where = where{register: regPTCR, value: *ptcr, lpid: uint32(*lpid)}
	}
	if given["vsid"] {
		o.segments = []segment{{vsid: pte.VSID(*vsid), any: true}}
	}
	if given["slb"] {
		o.segments, err = readSLB(*slb)
	}
	o.file = f.Arg(0)
	return o, err
}

func run(args []string, std cli.Std) (int, error) {
	o, err := parse(args, std.Out)
	if err != nil {
		return 2, err
	}
	t, found, err := open(o, std)
	if err != nil {
		return 2, fmt.Errorf("%s: %w", o.file, err)
	}
	if o.picture != "" {
		if err := writePNG(o.picture, t); err != nil {
			return 2, err
		}
	}
	if o.json {
		err = json.NewEncoder(std.Out).Encode(newReport(t))
	} else {
		err = print(std.Out, found, newReport(t))
	}
	if err == nil && o.segments != nil {
		err = printPages(std.Out, pagesOf(t, o.segments), o.json)
	}
	if err != nil {
		return 2, err
	}
	if err := t.Check(); err != nil {
		fmt.Fprintln(std.Err, err) // a line for each
		return 1, nil
	}
	return 0, nil
}

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

func newReport(t *hpt.Table) report {
	s := t.Stats()
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
	sizes := slices.SortedFunc(maps.Keys(r.Sizes), func(a, b hpt.SizePair) int {
		return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Actual, b.Actual))
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
