package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
)

func TestOutput(t *testing.T) {
	want, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "trace.json")
	code, out, errs := clitest.Run(run, "", "-o", name)
	require.Zero(t, code, errs)
	require.Equal(t, string(want), out)
	trace, err := os.ReadFile(name)
	require.NoError(t, err)
	require.True(t, json.Valid(trace))
}

func TestBadUsage(t *testing.T) {
	clitest.Refuses(t, run, "not defined: -x", "", "-x")
	clitest.Refuses(t, run, "unexpected argument", "", "file")
	code, _, errs := clitest.Run(run, "", "-o", t.TempDir())
	require.Equal(t, 2, code)
	require.Contains(t, errs, "directory")
}

// TestChrome: every lane is made of spans that end, in order of time, and every page
// is faulted in once a round.
func TestChrome(t *testing.T) {
	var events chrome
	require.NoError(t, storm(&bytes.Buffer{}, &events))
	var file bytes.Buffer
	require.NoError(t, events.write(&file))
	var back struct{ TraceEvents []event }
	require.NoError(t, json.Unmarshal(file.Bytes(), &back))
	require.Len(t, back.TraceEvents, len(events.events))
	open, last, faults, flushed := map[int]int{}, 0.0, 0, 0.0
	for _, e := range back.TraceEvents {
		require.GreaterOrEqual(t, e.Micro, last)
		last = e.Micro
		switch {
		case e.Phase == "B":
			open[e.CPU]++
		case e.Phase == "E":
			open[e.CPU]--
		case e.Name == "page fault":
			faults++
		case e.Name == "flush":
			flushed += e.Args["entries"].(float64)
		}
	}
	for cpu, n := range open {
		require.Zero(t, n, "CPU %d", cpu)
	}
	require.Equal(t, zaps*pages, faults)
	require.EqualValues(t, zaps*pages, flushed)
}
