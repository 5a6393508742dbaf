// Package clitest runs commands of package cli in tests.
package clitest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli"
)

// Name is what commands are called in tests.
const Name = "program"

// Run runs a command and returns what it printed.
func Run(c cli.Command, stdin string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = cli.Run(Name, c, args, cli.Std{In: strings.NewReader(stdin), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// Refuses checks that a command does nothing with an input or arguments that it
// cannot use, but says why: exit code 2, one line on standard error.
func Refuses(t testing.TB, c cli.Command, says, stdin string, args ...string) {
	t.Helper()
	code, out, errs := Run(c, stdin, args...)
	require.Equal(t, 2, code, args)
	require.Empty(t, out, args)
	require.Contains(t, errs, says)
	require.True(t, strings.HasPrefix(errs, Name+": "), errs)
	require.Equal(t, 1, strings.Count(errs, "\n"), "one line: %s", errs)
}
