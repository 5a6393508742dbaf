package softtlbvec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/oracle"
)

// runFile executes a recording and requires every case to agree.
func runFile(t *testing.T, name string) Result {
	t.Helper()
	f, err := oracle.Open(name)
	require.NoError(t, err)
	defer f.Close()
	res, err := Run(f)
	require.NoError(t, err)
	require.NotZero(t, res.Cases)
	require.Empty(t, res.First)
	require.Equal(t, res.Cases, res.Passed)
	return res
}

// TestRecordings runs every recording there is.
func TestRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("full recordings")
	}
	names := append(oracle.Glob("tlb/*/*.jsonl.gz"), oracle.Glob("tlb/linux/*.trace.gz")...)
	if len(names) == 0 {
		t.Skip("no recorded data")
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".gz"), func(t *testing.T) {
			res := runFile(t, name)
			t.Logf("%d cases, %d departed", res.Cases, res.Departed)
			if strings.HasSuffix(name, "_dup.jsonl.gz") {
				require.NotZero(t, res.Departed, "overlaps were recorded: the documented behaviour differs")
			}
			if strings.HasSuffix(name, ".trace.gz") {
				require.Zero(t, res.Departed, "a real kernel relies on documented behaviour only")
			}
		})
	}
}

// TestSample runs the thin sample of every kind of recording that the
// repository carries.
func TestSample(t *testing.T) {
	names, err := filepath.Glob("testdata/*.gz")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { runFile(t, name) })
	}
}

// TestSampleIsSmall keeps the checkout light.
func TestSampleIsSmall(t *testing.T) {
	names, err := filepath.Glob("testdata/*.gz")
	require.NoError(t, err)
	var total int64
	for _, name := range names {
		st, err := os.Stat(name)
		require.NoError(t, err)
		total += st.Size()
	}
	require.Less(t, total, int64(600<<10))
}
