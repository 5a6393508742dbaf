package scenario

import (
	"bufio"
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// modePaths are the paths of what the guest's program did, by its letter.
var modePaths = map[string]string{
	"a": "mprotect-raise", "A": "mprotect-raise", "b": "mprotect-raise", "B": "mprotect-raise", "f": "mprotect-lower",
	"c": "madvise-free", "d": "madvise-cold", "D": "madvise-cold", "u": "madvise-cold", "p": "madvise-pageout",
	"q": "madvise-split", "Q": "madvise-free-split", "x": "madvise-split", "X": "madvise-free-split",
	"W": "madvise-split-load", "Y": "madvise-split-store",
	"e": "madvise-dontneed", "E": "madvise-dontneed", "z": "madvise-dontneed", "C": "munmap", "m": "munmap",
	"h": "hole-punch", "t": "truncate", "k": "fork", "r": "mremap", "s": "clear-soft-dirty", "y": "clear-young", "N": "numa-hinting",
}

// notRows are runs that tell nothing of a row: one vCPU, huge pages beside small
// ones, and the walks of madvise against MADV_DONTNEED without a folio to split,
// which TestNoFolioNoRace is about.
var notRows = map[string]bool{"up1": true, "up2": true, "thp": true, "v128": true, "V128": true, "Z128": true}

// measuredRun is a line of the recording.
type measuredRun struct {
	Run     string
	Results []string
	Stats   struct {
		Dups      int
		RPNDiffer int `json:"rpn_differ"`
	}
}

var result = regexp.MustCompile(`mode=(\w) .* iterations=\d+ .* bad=0(?: dontneed=\d+ stale_reads=(\d+) .*)?$`)

// TestMeasuredRuns: what a run of the guest showed, the path comes to. Where no run
// of a kind showed anything the path is proved, or its note says what the runs
// lacked.
func TestMeasuredRuns(t *testing.T) {
	seen := make(map[string]Verdict) // by mode
	for _, r := range measuredRuns(t) {
		if notRows[r.Run] {
			continue
		}
		for _, text := range r.Results {
			m := result.FindStringSubmatch(text)
			require.NotNil(t, m, text)
			p, err := PathNamed(modePaths[m[1]])
			require.NoError(t, err, "%s: mode %s", r.Run, m[1])
			in := p.InKernel(mm.Linux61)
			stale, _ := strconv.Atoi(m[2])
			switch {
			case r.Stats.Dups > 0:
				seen[m[1]] = Duplicate
				require.Equal(t, Duplicate, in.Verdict, "%s: %s", r.Run, p.Name)
				require.True(t, r.Stats.RPNDiffer == 0 || in.FramesDiffer, "%s: %s", r.Run, p.Name)
			case stale > 0:
				seen[m[1]] = Stale
				require.Equal(t, Stale, in.Verdict, "%s: %s", r.Run, p.Name)
			case seen[m[1]] == "":
				seen[m[1]] = Proved
			}
		}
	}
	require.Len(t, seen, len(modePaths))
	for mode, v := range seen {
		p, _ := PathNamed(modePaths[mode])
		in := p.InKernel(mm.Linux61)
		require.True(t, v == in.Verdict || v == Proved && in.Note != "", "%s: measured %s, documented %s", p.Name, v, in.Verdict)
	}
}

func measuredRuns(t *testing.T) []measuredRun {
	names := oracle.Glob("duplicates/runs.jsonl")
	if len(names) == 0 {
		t.Skip("no recorded data")
	}
	f, err := oracle.Open(names[0])
	require.NoError(t, err)
	defer f.Close()
	var runs []measuredRun
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r measuredRun
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		runs = append(runs, r)
	}
	require.NoError(t, lines.Err())
	return runs
}

// TestNoFolioNoRace: the races of madvise with MADV_DONTNEED need the folio: without
// one the walk keeps the PTE page lock until it has flushed. The guest showed none
// either (runs v128, V128 and Z128).
func TestNoFolioNoRace(t *testing.T) {
	for _, sc := range []*Scenario{
		{Name: "store", Tasks: []Task{cooling, discardThen(smallOnes, storing(0))}, Vary: []Variant{freed}},
		{Name: "load", Tasks: []Task{cooling, discardThen(smallOnes, loading(0))}, Vary: []Variant{anonymous}},
		{Name: "store, load", Tasks: []Task{cooling, discardThen(smallOnes, storingAndLoading)}, Vary: []Variant{anonymous}},
	} {
		sc.Pages, sc.Anonymous, sc.Remaps, sc.Drops = smallPages, true, true, true
		res, err := Run(context.Background(), sc, Config{Kernel: mm.Linux61}, explore.Config{})
		require.NoError(t, err)
		require.Equal(t, Proved, res.Verdict, "%v", res.Report)
	}
}
