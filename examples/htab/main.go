// Command htab reads an image of a hashed page table and reports its health:
// how full it is, what pages it maps, and whether anything is where it must not
// be.
//
//	htab [-json] [-format 2|3] [-png FILE] FILE
//
// FILE is a raw image, 2^18 bytes or a larger power of two, gzip'ed or not; "-"
// is standard input. Exit status 0: no duplicate and no misplaced entry; 1:
// some, each named; 2: bad usage or no usable image.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/oracle"
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
	err := flags.Parse(args)
	switch {
	case err != nil:
		return fail(stderr, err)
	case flags.NArg() != 1:
		return fail(stderr, fmt.Errorf("want one FILE, have %d", flags.NArg()))
	case *format != 0 && *format != 2 && *format != 3:
		return fail(stderr, fmt.Errorf("-format %d: valid formats are 2 and 3", *format))
	}
	image, err := read(flags.Arg(0), stdin)
	if err != nil {
		return fail(stderr, err)
	}
	t, err := load(image, *format)
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
		err = print(stdout, newReport(t, s))
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
	fmt.Fprintf(stderr, "htab: %v (usage: htab [-json] [-format 2|3] [-png FILE] FILE)\n", err)
	return 2
}

// read returns the file's bytes, unpacked.
func read(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		r, err := oracle.Decompress(stdin)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	f, err := oracle.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// load makes a table of the image. Nothing in an image says its format, but in
// the wrong one segment sizes come out wrong, and with them the hash: the format
// is the one under which more entries sit where a search finds them, format 2
// when that is undecided.
func load(image []byte, format int) (*hpt.Table, error) {
	two, err := hpt.ReadImage(bytes.NewReader(image), hpt.Config{})
	if err != nil || format == 2 {
		return two, err
	}
	three, err := hpt.ReadImage(bytes.NewReader(image), hpt.Config{Format: hpt.Format3})
	if err != nil || format == 3 || placed(three) > placed(two) {
		return three, err
	}
	return two, nil
}

func placed(t *hpt.Table) uint64 {
	s := t.Stats()
	return s.Valid - s.Misplaced - s.Undecodable
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
func print(w io.Writer, r report) error {
	var b bytes.Buffer
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
