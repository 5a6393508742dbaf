package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// TestOutput pins the whole table: the numbers are the same on every machine.
func TestOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("explores every part")
	}
	want, err := os.ReadFile(filepath.Join("testdata", "output.txt"))
	require.NoError(t, err)
	code, out, errs := clitest.Run(run, "")
	require.Zero(t, code, errs)
	require.Equal(t, string(want), out)
}

// TestOnePart pins the lines of one part, which those of all parts contain.
func TestOnePart(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "output.txt"))
	require.NoError(t, err)
	code, out, errs := clitest.Run(run, "", "-profile", "e6500")
	require.Zero(t, code, errs)
	table, _, _ := strings.Cut(out, "\n\n")
	_, lines, _ := strings.Cut(table, "\n") // under the heading
	require.Contains(t, string(want), lines)
}

func TestJSON(t *testing.T) {
	for _, profile := range []string{"ppc603", "mips32r2", "sparc64-tsb"} {
		code, out, errs := clitest.Run(run, "", "-json", "-profile", profile)
		require.Zero(t, code, errs)
		verdicts := map[scenario.Verdict]int{}
		for _, text := range strings.Split(strings.TrimSpace(out), "\n") {
			var l line
			dec := json.NewDecoder(strings.NewReader(text))
			dec.DisallowUnknownFields()
			require.NoError(t, dec.Decode(&l))
			require.Equal(t, profile, l.Profile)
			require.NotEmpty(t, l.MultiHit)
			require.NotEmpty(t, l.Trigger)
			require.Equal(t, l.Predicted, l.Verdict)
			verdicts[l.Verdict]++
			switch {
			case l.Guard != scenario.GuardInPlace:
				require.EqualValues(t, "duplicate", l.Verdict)
				require.NotEmpty(t, l.Consequence)
				require.NotEmpty(t, l.Schedule)
			case l.Verdict == scenario.Proved:
				require.Empty(t, l.Consequence)
				require.Positive(t, l.States)
			}
		}
		require.Positive(t, verdicts["proved"])
		require.Positive(t, verdicts["duplicate"])
		require.Equal(t, profile == "sparc64-tsb", verdicts["stale"] == 1)
	}
}

func TestBadUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-profile", "z80"}, "sparc64-tsb"},
		{[]string{"file"}, "unexpected"},
		{[]string{"-nonsense"}, "not defined: -nonsense"},
	} {
		clitest.Refuses(t, run, c.says, "", c.args...)
	}
}
