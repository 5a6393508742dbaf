package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli"
)

func TestRun(t *testing.T) {
	command := func(_ context.Context, args []string, out io.Writer) (int, error) {
		f := flag.NewFlagSet("name", flag.ContinueOnError)
		bad := f.Bool("bad", false, "fail")
		if err := cli.Parse(f, args, out); err != nil {
			return 2, err
		}
		if *bad {
			return 1, errors.New("no good")
		}
		return 0, nil
	}
	for _, c := range []struct {
		args      []string
		code      int
		out, errs string
	}{
		{nil, 0, "", ""},
		{[]string{"-bad"}, 1, "", "name: no good\n"},
		{[]string{"-worse"}, 2, "", "name: flag provided but not defined: -worse\n"},
		{[]string{"x"}, 2, "", "name: unexpected argument \"x\"\n"},
		{[]string{"-h"}, 0, "usage of name:\n  -bad\n    \tfail\n", ""},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, c.code, cli.Run(context.Background(), "name", command, c.args, &out, &errs), c.args)
		require.Equal(t, c.out, out.String(), c.args)
		require.Equal(t, c.errs, errs.String(), c.args)
	}
}
