// Command duplicates replays recorded hypercalls of a guest through a hashed page
// table that reports duplicates, and says of each pair where it came from and how
// it ended.
//
//	duplicates [-json] FILE...
//
// FILE, gzip'ed or not, "-" for standard input, holds one JSON object for each log:
// the name "run", and "events", the hash hypercalls in the order in which they
// took effect. Nothing else in it is looked at. A pair begins with the H_ENTER
// that made the new entry valid and ends with the hypercall that took one of the
// two away; "removed" is "none" and "ended_seq" 0 when the log ends before that.
//
// Exit status 0 whatever is found; 2: bad usage, or a log that cannot be read or
// contradicts itself.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/hashmmu/ppc64/internal/cli"
)

func main() { cli.Main("duplicates", run) }

// found counts what the files held.
type found struct {
	logs, calls int
	pairs       []pair
}

func run(args []string, std cli.Std) (int, error) {
	f := flag.NewFlagSet("duplicates", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON object per pair")
	if err := cli.Parse(f, args, std.Out, cli.Files); err != nil {
		return 2, err
	}
	var all found
	for _, name := range f.Args() {
		if err := all.file(name, std); err != nil {
			return 2, fmt.Errorf("%s: %w", name, err)
		}
	}
	write := all.table
	if *asJSON {
		write = all.json
	}
	if err := write(std.Out); err != nil {
		return 2, err
	}
	return 0, nil
}

// file replays every log of one file.
func (f *found) file(name string, std cli.Std) error {
	text, err := std.Open(name)
	if err != nil {
		return err
	}
	defer text.Close()
	logs := json.NewDecoder(text)
	for n := 1; ; n++ {
		var l log
		var misfit *json.UnmarshalTypeError
		switch err := logs.Decode(&l); {
		case errors.Is(err, io.EOF) && n > 1:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("no log in it")
		case errors.As(err, &misfit):
			return fmt.Errorf("log %d: %s where a log has none, at byte %d", n, misfit.Value, logs.InputOffset())
		case err != nil:
			return fmt.Errorf("log %d: %w, at byte %d", n, err, logs.InputOffset())
		}
		pairs, err := l.replay()
		if err != nil {
			return fmt.Errorf("log %d: %w", n, err)
		}
		f.logs++
		f.calls += len(l.Events)
		f.pairs = append(f.pairs, pairs...)
	}
}

func (f *found) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	for _, p := range f.pairs {
		if err := enc.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// table writes what a person reads.
func (f *found) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\tborn at call\told slot\tnew slot\tgrade\tended at call\tremoved\thypercalls\tby")
	for _, p := range f.pairs {
		ended := fmt.Sprint(p.EndedSeq)
		if p.EndedSeq == 0 {
			ended = "-"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n",
			p.Run, p.Seq, p.OldPTEX, p.NewPTEX, p.Grade, ended, p.Removed, p.Hypercalls, p.by)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d logs, %d hypercalls, %d pairs\n", f.logs, f.calls, len(f.pairs))
	return err
}
