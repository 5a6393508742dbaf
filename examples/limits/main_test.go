package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// TestEveryGoalIsJudged: one round on the smallest table, figures aside.
func TestEveryGoalIsJudged(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-json", "-size", "256K", "-load", "0.5", "-rounds", "1", "-goal", "G2,G3,G4,G5,G6,G7,translate")
	require.Zero(t, code, "one round decides nothing: %s", errs)
	goals := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		goals[v["goal"].(string)] = true
		require.Len(t, v, 9)
		require.Equal(t, "256K", v["size"])
		require.InDelta(t, 0.5, v["load"], 0)
		require.Contains(t, v["what"], "(1 rounds)")
		require.Positive(t, v["median"])
		require.LessOrEqual(t, v["p25"], v["p75"])
		require.Positive(t, v["bound"])
		require.IsType(t, true, v["ok"])
	}
	require.Len(t, goals, 7)
}

func TestTable(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-size", "256K", "-load", "0.3", "-rounds", "1", "-goal", "G5")
	require.Zero(t, code, errs)
	require.Contains(t, out, "insert / compare-and-swap of a random group")
	require.Contains(t, out, "2 gates, ")
	require.Contains(t, errs, "calibration: ")
}

// TestZap: few pages, so that it is quick, and every one of them.
func TestZap(t *testing.T) {
	var out bytes.Buffer
	l := &limits{rounds: 1, pages: 3000, rng: rand.New(rand.NewPCG(1, 2)), log: io.Discard,
		report: &measure.Report{JSON: true, Out: &out, Rounds: 1}}
	require.NoError(t, l.zaps())
	require.Contains(t, out.String(), `"what":"3000 pages, lazy-mmu / at-finish, at most (1 rounds)"`)
	require.Equal(t, 2, strings.Count(out.String(), "\n"))
}

// TestFloorTouchesTheGroups: where the library would look.
func TestFloorTouchesTheGroups(t *testing.T) {
	w, err := measure.NewWorld(hpt.MinOrder, 0.5, hpt.Config{})
	require.NoError(t, err)
	defer w.Close()
	f := floorOf(w)
	for i, v := range vpns(w.Present) {
		group := w.Present[i].Hash().Primary(w.Table.Mask())
		at := unsafe.Pointer(&w.Memory[group*128])
		require.Equal(t, at, f.group(v))
	}
}

// TestWorld: what the samples say of the table is true.
func TestWorld(t *testing.T) {
	w, err := measure.NewWorld(hpt.MinOrder, 0.5, hpt.Config{})
	require.NoError(t, err)
	defer w.Close()
	s := w.Table.Stats()
	require.EqualValues(t, w.Placed, s.Valid)
	require.InDelta(t, 0.5, s.Load(), 0.001)
	require.Len(t, w.Absent, len(w.Present))
	for i := range w.Present {
		h, hint, ok := w.Table.Lookup(w.Present[i])
		require.True(t, ok)
		require.Equal(t, w.Entries[i].R, h.R)
		require.Equal(t, w.Refs[i].Hint, hint)
		_, _, ok = w.Table.Lookup(w.Absent[i])
		require.False(t, ok)
	}
	require.Zero(t, w.Table.Stats().Duplicates)
}

// TestChangesAreUndone: every contender leaves the table with the entries it had.
func TestChangesAreUndone(t *testing.T) {
	w, err := measure.NewWorld(hpt.MinOrder, 0.8, hpt.Config{})
	require.NoError(t, err)
	defer w.Close()
	l := &limits{rounds: 2, rng: rand.New(rand.NewPCG(1, 2)), log: io.Discard}
	_, err = l.inserts(w)
	require.NoError(t, err)
	_, err = l.invalidations(w)
	require.NoError(t, err)
	require.NoError(t, w.Table.Check())
	require.EqualValues(t, w.Placed, w.Table.Stats().Valid)
	for _, r := range w.Refs {
		_, ok := w.Table.Invalidate(r)
		require.True(t, ok)
	}
}

// TestIdleIsAnError: inserts that find no place are not measured in silence.
func TestIdleIsAnError(t *testing.T) {
	w, err := measure.NewWorld(hpt.MinOrder, 0.5, hpt.Config{})
	require.NoError(t, err)
	defer w.Close()
	for i := range w.Absent {
		w.Absent[i] = pte.Key{Base: pte.Page4K} // all in one group
	}
	l := &limits{rounds: 1, rng: rand.New(rand.NewPCG(1, 2)), log: io.Discard}
	_, err = l.inserts(w)
	require.True(t, errors.Is(err, errIdle))
}

func TestTornPairsAreCaught(t *testing.T) {
	require.True(t, torn(pte.HPTE{V: pageA.V, R: pageB.R}))
	require.True(t, torn(pte.HPTE{V: pageB.V, R: 0}))
	require.False(t, torn(pageA) || torn(pageB) || torn(pte.HPTE{}))
	require.EqualValues(t, 0x0102, number(*(*uint64)(unsafe.Pointer(&[8]byte{6: 1, 7: 2}))))
}

// TestCurveIsDrawn: well-formed, every figure in both files.
func TestCurveIsDrawn(t *testing.T) {
	for _, log := range []bool{false, true} {
		c := &curve{file: "made", title: "a <title>", x: "x", y: "y", logX: log, logY: log}
		for i, x := range []float64{1 << 18, 1 << 20, 1 << 22} {
			q := measure.Quartiles{Median: float64(10 * (i + 1)), P25: 9, P75: 40}
			c.add("one", x, q)
			c.add("two", x, q)
		}
		dir := t.TempDir()
		require.NoError(t, c.write(dir))
		svg, err := os.ReadFile(filepath.Join(dir, "made.svg"))
		require.NoError(t, err)
		dec := xml.NewDecoder(bytes.NewReader(svg))
		circles := 0
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "circle" {
				circles++
			}
		}
		require.Equal(t, 6, circles)
		require.Contains(t, string(svg), ">256K<")
		require.NotContains(t, string(svg), "NaN")
		f, err := os.Open(filepath.Join(dir, "made.csv"))
		require.NoError(t, err)
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 7)
		require.Equal(t, []string{"262144", "one", "10", "9", "40"}, rows[1])
	}
}

// TestPlaced pins that processes of equal layout do not fit into the table.
func TestPlaced(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a table of 64 MiB")
	}
	for n, fit := range map[int]bool{1: true, 100: false} {
		w, err := newEqualSpaces(n, true)
		require.NoError(t, err)
		require.Equal(t, fit, w.Refused == 0, "%d spaces, %d refused", n, w.Refused)
		w.Close()
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		says string
		args []string
	}{
		{"not defined: -x", []string{"-x"}},
		{`unexpected argument "file"`, []string{"file"}},
		{"-size 128K: want", []string{"-size", "128K"}},
		{"-size 8G: want", []string{"-size", "8G"}},
		{"-size 3M: want", []string{"-size", "3M"}},
		{"-size M: want", []string{"-size", "M"}},
		{"-size : want", []string{"-size", ""}},
		{"-size 16: want", []string{"-size", "16"}},
		{"-load 0: want", []string{"-load", "0"}},
		{"-load 1: want", []string{"-load", "1"}},
		{"-load x: want", []string{"-load", "x"}},
		{"-rounds 0: want", []string{"-rounds", "0"}},
		{"-goal G99: want", []string{"-goal", "G99"}},
		{"/dev/null", []string{"-curves", "/dev/null/x"}},
	} {
		clitest.Refuses(t, run, c.says, "", c.args...)
	}
}
