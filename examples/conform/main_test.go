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

const sample = "../../internal/hashvec/testdata/"

func TestTable(t *testing.T) {
	status, out, errs := clitest.Run(run, "", sample+"psize_p8.jsonl.gz", sample+"slb_p9.jsonl.gz")
	require.Empty(t, errs)
	require.Zero(t, status)
	require.Equal(t, strings.Join([]string{
		"kind   cases  passed  failed  skipped  departed  file",
		"psize  1500   1500    0       0        123       " + sample + "psize_p8.jsonl.gz",
		"slb    120    120     0       0        32        " + sample + "slb_p9.jsonl.gz",
		"",
	}, "\n"), out)
}

// Every file of the sample passes, and its line has the keys of the contract.
func TestJSON(t *testing.T) {
	names, err := filepath.Glob(sample + "*.jsonl.gz")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	status, out, errs := clitest.Run(run, "", append([]string{"-json"}, names...)...)
	require.Empty(t, errs)
	require.Zero(t, status)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, len(names))
	for i, l := range lines {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(l), &m))
		require.Equal(t, names[i], m["file"])
		for _, k := range []string{"kind", "cases", "passed", "failed", "skipped", "departed", "first"} {
			require.Contains(t, m, k)
		}
		require.Len(t, m, 8)
		require.Equal(t, m["cases"], m["passed"])
	}
}

func TestFailure(t *testing.T) {
	status, out, _ := clitest.Run(run, `["0x5","0x80000d8800003c43",12]`, "-json", "-")
	require.Equal(t, 1, status)
	require.Contains(t, out, `"failed":1`)
	status, out, _ = clitest.Run(run, `["0x5","0x80000d8800003c43",12]`, "-")
	require.Equal(t, 1, status)
	require.Contains(t, out, "first failure")
}

// Recordings of software-loaded TLBs, sequences and traces, go to their runner.
func TestSoftware(t *testing.T) {
	const soft = "../../internal/softtlbvec/testdata/"
	status, out, errs := clitest.Run(run, "", "-json", soft+"440_flow.jsonl.gz", soft+"24Kf_boot.trace.gz")
	require.Empty(t, errs)
	require.Zero(t, status)
	require.Contains(t, out, `"kind":"tlb-44x"`)
	require.Contains(t, out, `"kind":"tlb-mips-linux"`)

	clitest.Refuses(t, run, "softtlbvec", `{"cpu":"4Kc","seq":0,"ops":[["nonsense"]]}`, "-")
}

// TestCutShort: a download that ended early says so, whatever was in it.
func TestCutShort(t *testing.T) {
	const soft = "../../internal/softtlbvec/testdata/"
	for _, name := range []string{sample + "slb_p9.jsonl.gz", soft + "440_flow.jsonl.gz", soft + "24Kf_boot.trace.gz"} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		clitest.Refuses(t, run, "unexpected EOF", string(b[:len(b)/2]), "-")
	}
}

func TestUsage(t *testing.T) {
	notGzip := filepath.Join(t.TempDir(), "x.gz")
	require.NoError(t, os.WriteFile(notGzip, []byte{0x1f, 0x8b, 0, 0}, 0o600))
	for _, c := range []struct {
		says string
		args []string
	}{
		{"want FILE..., have 0", nil},
		{"not defined: -nonsense", []string{"-nonsense"}},
		{"missing: no such file", []string{"missing"}},
		{"directory", []string{"."}},
		{"gzip header", []string{notGzip}},
		{"no known kind of vectors", []string{"-"}},
	} {
		clitest.Refuses(t, run, c.says, "", c.args...)
	}
}
