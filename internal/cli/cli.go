// Package cli is the frame of the examples that explore: interrupts, flags, errors
// in one line, exit codes.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// Command does the work of a program and returns its exit code. An error is printed
// in one line after the program's name, but for flag.ErrHelp.
type Command func(ctx context.Context, args []string, out io.Writer) (code int, err error)

// Main runs a command as the program. An interrupt cancels its context.
func Main(name string, c Command) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(Run(ctx, name, c, os.Args[1:], os.Stdout, os.Stderr))
}

// Run is Main for given arguments and files.
func Run(ctx context.Context, name string, c Command, args []string, out, errs io.Writer) int {
	code, err := c(ctx, args, out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(errs, "%s: %v\n", name, err)
	}
	return code
}

// Parse parses arguments that are all flags. It prints nothing but what -h asks for,
// and returns flag.ErrHelp then.
func Parse(f *flag.FlagSet, args []string, out io.Writer) error {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(out, "usage of %s:\n", f.Name())
		f.SetOutput(out)
		f.PrintDefaults()
	case err == nil && f.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return err
}
