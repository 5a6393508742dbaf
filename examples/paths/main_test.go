package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/scenario"
)

// TestOutput pins what the program prints: numbers of executions and the schedules
// are the same on every machine and in every run.
func TestOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("every path in every kernel")
	}
	want, err := os.ReadFile(filepath.Join("testdata", "output.txt"))
	require.NoError(t, err)
	code, out, errs := clitest.Run(run, "")
	require.Zero(t, code, errs)
	require.Equal(t, string(want), out, "go run ./examples/paths >examples/paths/testdata/output.txt if that is meant")

	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	for _, line := range strings.Split(string(readme), "\n") {
		if row, ok := strings.CutPrefix(line, "    "); ok && strings.Contains(row, ".c:") {
			require.Contains(t, string(want), row+"\n", "the README shows rows as they are")
		}
	}
}

// TestJSON: a row is a line with these keys and no other.
func TestJSON(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-json", "-path", "mprotect-raise")
	require.Zero(t, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	for i, text := range lines {
		var keys map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &keys))
		require.Len(t, keys, 11)
		var l line
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&l))
		require.Equal(t, mm.Kernels()[i].Name, l.Kernel)
		require.Equal(t, scenario.Duplicate, l.Verdict)
		require.Equal(t, scenario.LooksDuplicate, l.Predicted)
		require.False(t, l.FramesDiffer)
		require.Equal(t, "0*4 1*3", l.Schedule)
		require.Equal(t, 1, l.Switches)
	}
}

// TestExplained: a row that is not proved names the function, the schedule in the
// kernel's words, and why reading or measurement say something else.
func TestExplained(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-kernel", "6.1", "-path", "mprotect-lower")
	require.Zero(t, code, errs)
	for _, want := range []string{"mm/mprotect.c:change_pte_range", "CPU0 mprotect: down_write(mmap_sem), pte_offset_map_lock, pte_update + batch_add, set_pte_at",
		"the reading is wrong", "none in 9,182 rounds"} {
		require.Contains(t, out, want)
	}
	code, out, _ = clitest.Run(run, "", "-kernel", "6.1", "-path", "munmap")
	require.Zero(t, code)
	require.Contains(t, out, "proved: every interleaving of 3 CPUs, 3 operations, 1 page,")
	require.NotContains(t, out, "trigger")
}

func TestBadUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-path", "mlock"}, `unknown path "mlock"`},
		{[]string{"-kernel", "2.4"}, `unknown kernel "2.4"`},
		{[]string{"munmap"}, "unexpected argument"},
		{[]string{"-nonsense"}, "not defined: -nonsense"},
	} {
		clitest.Refuses(t, run, c.says, "", c.args...)
	}
}

// TestFixes: an entry that is made twice can be prevented where entries are made;
// one that outlives its page cannot.
func TestFixes(t *testing.T) {
	if testing.Short() {
		t.Skip("counts all workloads")
	}
	code, out, errs := clitest.Run(run, "", "-fixes", "-json", "-kernel", "6.1", "-path", "madvise-split-load")
	require.Zero(t, code, errs)
	verdicts, prices := make(map[string]scenario.Verdict), 0
	for _, text := range strings.Split(strings.TrimSpace(out), "\n") {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if strings.Contains(text, `"workload"`) {
			var l priceLine
			require.NoError(t, dec.Decode(&l))
			require.Positive(t, l.Flushes)
			prices++
			continue
		}
		var l fixLine
		require.NoError(t, dec.Decode(&l))
		require.Equal(t, "madvise-split-load", l.Path)
		verdicts[l.Fix] = l.Verdict
	}
	require.Equal(t, map[string]scenario.Verdict{
		"as it is": scenario.Stale, "at-finish": scenario.Stale, "before-unlock": scenario.Proved, "immediate": scenario.Proved,
		"flush-at-commit": scenario.Proved, "carry-hash-bits": scenario.Proved, "leave-lazy-before-unlock": scenario.Proved,
		"refuse-queued": scenario.Stale, "insert-unique": scenario.Stale,
		"carry-hash-bits+leave-lazy-before-unlock": scenario.Proved,
	}, verdicts)
	require.Equal(t, len(scenario.Workloads(mm.Linux61))*len(scenario.Fixes(mm.Linux61)), prices)

	code, out, _ = clitest.Run(run, "", "-fixes", "-kernel", "6.1", "-path", "madvise-split-load")
	require.Zero(t, code)
	require.Contains(t, out, "\nmadvise-split-load          stale     stale     proved    proved    proved    proved    proved    stale     stale     proved\n")
	require.Contains(t, out, "F  carry-hash-bits")
}
