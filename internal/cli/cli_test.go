package cli_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli"
)

func TestRun(t *testing.T) {
	command := func(args []string, std cli.Std) (int, error) {
		f := flag.NewFlagSet("name", flag.ContinueOnError)
		bad := f.Bool("bad", false, "fail")
		if err := cli.Parse(f, args, std.Out, cli.NoFiles); err != nil {
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
		{[]string{"-worse"}, 2, "", "name: flag provided but not defined: -worse; see name -h\n"},
		{[]string{"x"}, 2, "", "name: unexpected argument \"x\"; see name -h\n"},
		{[]string{"-h"}, 0, "usage: name [FLAG...]\n  -bad\n    \tfail\n", ""},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, c.code, cli.Run("name", command, c.args, cli.Std{Out: &out, Err: &errs}), c.args)
		require.Equal(t, c.out, out.String(), c.args)
		require.Equal(t, c.errs, errs.String(), c.args)
	}
}

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		files string
		args  []string
		says  string
	}{
		{cli.OneFile, nil, "want FILE, have 0; see name -h"},
		{cli.OneFile, []string{"a"}, ""},
		{cli.OneFile, []string{"a", "b"}, "want FILE, have 2; see name -h"},
		{cli.Files, nil, "want FILE..., have 0; see name -h"},
		{cli.Files, []string{"a", "b"}, ""},
		{cli.AnyFiles, nil, ""},
		{cli.AnyFiles, []string{"a", "b"}, ""},
	} {
		err := cli.Parse(flag.NewFlagSet("name", flag.ContinueOnError), c.args, io.Discard, c.files)
		if c.says == "" {
			require.NoError(t, err, "%s %q", c.files, c.args)
		} else {
			require.EqualError(t, err, c.says, "%s %q", c.files, c.args)
		}
	}
	var out strings.Builder
	require.ErrorIs(t, cli.Parse(flag.NewFlagSet("name", flag.ContinueOnError), []string{"-h"}, &out, cli.AnyFiles), flag.ErrHelp)
	require.Equal(t, "usage: name [FLAG...] [FILE...]\n", out.String())
}

func TestOpen(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte("text"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, content := range []string{"text", packed.String()} {
		name := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		for _, name := range []string{name, "-"} {
			r, err := cli.Std{In: strings.NewReader(content)}.Open(name)
			require.NoError(t, err)
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, "text", string(b))
			require.NoError(t, r.Close())
		}
	}
	_, err = cli.Std{}.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotContains(t, err.Error(), "none")
	_, err = cli.Std{In: strings.NewReader("\x1f\x8b")}.Open("-")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
