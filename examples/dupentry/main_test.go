package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
)

// TestOutput pins what the README shows: numbers of executions and the schedule
// are the same on every machine and in every run.
func TestOutput(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "output.txt"))
	require.NoError(t, err)
	for range 2 {
		code, out, errs := clitest.Run(run, "")
		require.Zero(t, code, errs)
		require.Equal(t, string(want), out)
	}
}

// TestREADME: table and schedule stand there as they are printed.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, out, _ := clitest.Run(run, "")
	_, table, _ := strings.Cut(out, "\n\n")
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "at-finish,") {
			require.Contains(t, string(readme), strings.TrimRight(line, " "))
		}
	}
}

func TestJSON(t *testing.T) {
	for _, kernel := range []string{"2.6.20", "6.1"} {
		code, out, errs := clitest.Run(run, "", "-json", "-kernel", kernel)
		require.Zero(t, code, errs)
		verdicts := make(map[string]string)
		for _, text := range strings.Split(strings.TrimSpace(out), "\n") {
			var l line
			dec := json.NewDecoder(strings.NewReader(text))
			dec.DisallowUnknownFields()
			require.NoError(t, dec.Decode(&l))
			require.Equal(t, kernel, l.Kernel)
			verdicts[l.Policy] = string(l.Verdict)
			if l.Verdict == "duplicate" {
				require.LessOrEqual(t, l.Executions, int64(10))
				require.Equal(t, 1, l.Switches)
				require.NotEmpty(t, l.Trace)
			} else {
				require.Positive(t, l.States)
				require.Empty(t, l.Schedule)
			}
		}
		require.Equal(t, map[string]string{"at-finish": "duplicate", "before-unlock": "proved",
			"lazy-mmu": "proved", "immediate": "proved"}, verdicts)
	}
}

func TestReplayAndPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "race.html")
	code, out, errs := clitest.Run(run, "", "-policy", "at-finish", "-replay", "0*4 1*8", "-html", page)
	require.Zero(t, code, errs)
	require.Contains(t, out, "duplicate")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(text), "hpte_insert")

	code, out, _ = clitest.Run(run, "", "-policy", "lazy-mmu", "-replay", "0*2")
	require.Zero(t, code)
	require.Contains(t, out, "exhausted-bound", "a harmless schedule is no proof")
}

func TestBadUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-policy", "never"}, "at-finish"},
		{[]string{"-kernel", "7"}, "2.6.20"},
		{[]string{"-scenario", "x"}, "founding"},
		{[]string{"-replay", "zero"}, "schedule"},
		{[]string{"-replay", "1*500"}, "not enabled"},
		{[]string{"-replay", "5*1"}, "not enabled"},
		{[]string{"-policy", "immediate", "-html", filepath.Join(t.TempDir(), "x")}, "no bad schedule"},
		{[]string{"file"}, "unexpected"},
		{[]string{"-nonsense"}, "not defined: -nonsense"},
	} {
		clitest.Refuses(t, run, c.says, "", c.args...)
	}
}

func TestCapacityIsUnsafe(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-policy", "capacity-2", "-json")
	require.Zero(t, code, errs)
	require.Contains(t, out, `"verdict":"duplicate"`)
	code, out, errs = clitest.Run(run, "", "-policy", "capacity-2+before-unlock", "-json")
	require.Zero(t, code, errs)
	require.Contains(t, out, `"verdict":"proved"`)
}
