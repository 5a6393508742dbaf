// Package cli is the frame of the examples that are tools: flags, files, errors in one
// line, exit codes.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashmmu/ppc64/hpt/image"
)

// Std are the standard streams of a program.
type Std struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer // for progress; errors are returned
}

// Command does the work of a program and returns its exit code. An error is printed
// in one line after the program's name, but for flag.ErrHelp.
type Command func(args []string, std Std) (code int, err error)

// Main runs a command as the program.
func Main(name string, c Command) {
	os.Exit(Run(name, c, os.Args[1:], Std{os.Stdin, os.Stdout, os.Stderr}))
}

// Run is Main for given arguments and streams.
func Run(name string, c Command, args []string, std Std) int {
	code, err := c(args, std)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(std.Err, "%s: %v\n", name, err)
	}
	return code
}

// What may follow the flags of a program, as its usage has it.
const (
	NoFiles  = ""
	OneFile  = "FILE"
	Files    = "FILE..."   // one or more
	AnyFiles = "[FILE...]" // those in the repository if there are none
)

// Parse parses flags, and checks what follows them by one of the constants above. It
// prints nothing but what -h asks for, and returns flag.ErrHelp then.
func Parse(f *flag.FlagSet, args []string, out io.Writer, files string) error {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	switch n := f.NArg(); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(out, strings.TrimSpace(fmt.Sprintf("usage: %s [FLAG...] %s", f.Name(), files)))
		f.SetOutput(out)
		f.PrintDefaults()
		return err
	case err != nil:
	case files == NoFiles && n > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case files == OneFile && n != 1, files == Files && n == 0:
		err = fmt.Errorf("want %s, have %d", files, n)
	}
	if err != nil {
		return fmt.Errorf("%w; see %s -h", err, f.Name())
	}
	return nil
}

// Open opens a file that may be gzip'ed; "-" is standard input. Its error leaves
// out the name, which the caller knows.
func (s Std) Open(name string) (io.ReadCloser, error) {
	in := io.NopCloser(s.In)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, errors.Unwrap(err) // of *fs.PathError
		}
		in = f
	}
	r, err := image.Decompress(in)
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("gzip header: %w", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{r, in}, nil
}
