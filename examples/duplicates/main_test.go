package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/oracle"
)

// sample holds three of the recorded logs: pages of one entry each, removed by
// H_REMOVE; a permission that differs; a real page that differs.
const sample = "testdata/schedules.jsonl"

// TestOutput pins what is printed.
func TestOutput(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-json", sample)
	require.Zero(t, code, errs)
	require.Equal(t, `{"run":"D64h","seq":103912,"old_ptex":"da519","new_ptex":"da51a","grade":"conflicting","ended_seq":103924,"removed":"old","hypercalls":12}
{"run":"a1h","seq":107252,"old_ptex":"da4b9","new_ptex":"da4ba","grade":"conflicting","ended_seq":107253,"removed":"old","hypercalls":1}
{"run":"x128","seq":71375,"old_ptex":"13f0","new_ptex":"13f1","grade":"conflicting","ended_seq":71380,"removed":"old","hypercalls":5}
`, out)
	code, out, errs = clitest.Run(run, "", sample)
	require.Zero(t, code, errs)
	require.Equal(t, `run   born at call  old slot  new slot  grade        ended at call  removed  hypercalls  by
D64h  103912        da519     da51a     conflicting  103924         old      12          H_BULK_REMOVE
a1h   107252        da4b9     da4ba     conflicting  107253         old      1           H_REMOVE
x128  71375         13f0      13f1      conflicting  71380          old      5           H_BULK_REMOVE
3 logs, 177 hypercalls, 3 pairs
`, out)
}

func TestGzipOnStandardInput(t *testing.T) {
	b, err := os.ReadFile(sample)
	require.NoError(t, err)
	var z strings.Builder
	w := gzip.NewWriter(&z)
	_, err = w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	_, want, _ := clitest.Run(run, "", "-json", sample)
	code, out, errs := clitest.Run(run, z.String(), "-json", "-")
	require.Zero(t, code, errs)
	require.Equal(t, want, out)
}

// birth names a pair as the recorder did.
type birth struct {
	run      string
	seq      uint64
	old, new string
	conflict bool
	ended    uint64
	removed  string
}

// answer is what a recorded log says besides run and events.
type answer struct {
	Events []struct {
		Seq uint64 `json:"seq"`
	} `json:"events"`
	Run string `json:"run"`
	Seq uint64 `json:"dup_seq"`
	Old struct {
		PTEX string `json:"ptex"`
	} `json:"old"`
	New struct {
		PTEX string `json:"ptex"`
	} `json:"new"`
}

// TestEveryRecordedPair: in each recorded log the pairs found are those that the
// recorder found there, by looking at the table at each H_ENTER, and no others.
// Only run and events are shown to the program.
func TestEveryRecordedPair(t *testing.T) {
	names := append(oracle.Glob("duplicates/schedules.jsonl"), sample)
	recorded := recordedPairs(t)
	for _, name := range names {
		var bare bytes.Buffer
		want := map[birth]bool{}
		for _, line := range lines(t, name) {
			var a answer
			require.NoError(t, json.Unmarshal(line, &a))
			var all map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(line, &all))
			require.NoError(t, json.NewEncoder(&bare).Encode(map[string]json.RawMessage{"run": all["run"], "events": all["events"]}))
			if len(recorded) == 0 {
				want[birth{run: a.Run, seq: a.Seq, old: a.Old.PTEX, new: a.New.PTEX}] = true
			}
			for _, b := range recorded {
				if b.run == a.Run && b.seq >= a.Events[0].Seq && b.seq <= a.Events[len(a.Events)-1].Seq {
					want[b] = true
				}
			}
		}
		code, out, errs := clitest.Run(run, bare.String(), "-json", "-")
		require.Zero(t, code, errs)
		got := map[birth]bool{}
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			var p pair
			require.NoError(t, json.Unmarshal([]byte(line), &p))
			b := birth{p.Run, p.Seq, p.OldPTEX, p.NewPTEX, p.Grade == "conflicting", p.EndedSeq, p.Removed}
			if len(recorded) == 0 {
				b.conflict, b.ended, b.removed = false, 0, ""
			}
			got[b] = true
		}
		require.NotEmpty(t, want)
		require.Equal(t, want, got, name)
	}
}

// recordedPairs reads the recorder's own list of pairs; none without the data.
func recordedPairs(t *testing.T) (births []birth) {
	type record struct {
		Kind  string `json:"k"`
		Run   string `json:"run"`
		ID    int    `json:"id"`
		Seq   uint64 `json:"seq"`
		RPN   int    `json:"rpn_differ"`
		Perm  int    `json:"perm_differ"`
		Lived uint64 `json:"life_hcalls"`
		answer
		Removed string `json:"removed"`
	}
	type id struct {
		run string
		n   int
	}
	at := map[id]int{}
	for _, name := range oracle.Glob("duplicates/dups.jsonl") {
		for _, line := range lines(t, name) {
			var r record
			require.NoError(t, json.Unmarshal(line, &r))
			switch key := (id{r.Run, r.ID}); r.Kind {
			case "dup":
				at[key] = len(births)
				births = append(births, birth{r.Run, r.Seq, r.Old.PTEX, r.New.PTEX, r.RPN+r.Perm > 0, 0, "none"})
			case "end":
				b := &births[at[key]]
				b.ended, b.removed = b.seq+r.Lived, r.Removed
			}
		}
	}
	return births
}

func lines(t *testing.T, name string) (all [][]byte) {
	f, err := oracle.Open(name)
	require.NoError(t, err)
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		all = append(all, bytes.Clone(s.Bytes()))
	}
	require.NoError(t, s.Err())
	return all
}

// Entries of one page, made by hand: an enter, a protect, a removal.
const (
	in5   = `{"seq":5,"op":"H_ENTER","ret":0,"slot":"8","v":"4000000001000005","r":"11196"}`
	in6   = `{"seq":6,"op":"H_ENTER","ret":0,"slot":"9","v":"4000000001000005","r":"11196"}`
	in7   = `{"seq":7,"op":"H_ENTER","ret":0,"slot":"a","v":"4000000001000005","r":"21196"}`
	full  = `{"seq":7,"op":"H_ENTER","ret":-6,"group":"8","v":"4000000001000005","r":"21196"}`
	out8  = `{"seq":8,"op":"H_REMOVE","ret":0,"ptex":"8","avpn":"4000000001000000","removed":[["4000000001000005","11196"]]}`
	prot8 = `{"seq":8,"op":"H_PROTECT","ret":0,"ptex":"8","avpn":"4000000001000000","flags":"80000003","before_after":[["4000000001000005","11196"],["4000000001000005","11193"]]}`
	not8  = `{"seq":8,"op":"H_PROTECT","ret":-7,"ptex":"8","avpn":"4000000001000000","flags":"80000003"}`
	out9  = `{"seq":9,"op":"H_BULK_REMOVE","ret":0,"entries":[["a","4000000001000000"],["9","4000000001000000"]],"removed":[null,["4000000001000005","11196"]]}`
)

func made(events ...string) string {
	return `{"run":"made","events":[` + strings.Join(events, ",") + `]}`
}

func TestPairs(t *testing.T) {
	for name, c := range map[string]struct {
		log   string
		pairs []string // seq, old, new, grade, ended, removed, hypercalls
	}{
		"none":                {made(in5, out8, in6), nil},
		"agreeing, open":      {made(in5, in6), []string{"5+6 8 9 agreeing 0 none 0"}},
		"new one goes":        {made(in5, in6, out9), []string{"5+6 8 9 agreeing 9 new 3"}},
		"three":               {made(in5, in6, in7, out8), []string{"6 8 9 agreeing 8 old 2", "7 8 a conflicting 8 old 1", "7 9 a conflicting 0 none 1"}},
		"from before":         {made(in6, out8), []string{"6 8 9 agreeing 8 old 2"}},
		"protected before":    {made(in6, prot8), []string{"6 8 9 agreeing 0 none 2"}},
		"pair from before":    {made(out8, out9), nil},
		"failed calls do not": {made(in5, full, not8), nil},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := clitest.Run(run, c.log, "-json", "-")
			require.Zero(t, code, errs)
			var want []string
			for _, p := range c.pairs {
				f := strings.Fields(strings.Replace(p, "5+", "", 1))
				want = append(want, `{"run":"made","seq":`+f[0]+`,"old_ptex":"`+f[1]+`","new_ptex":"`+f[2]+`","grade":"`+f[3]+
					`","ended_seq":`+f[4]+`,"removed":"`+f[5]+`","hypercalls":`+f[6]+`}`)
			}
			require.Equal(t, strings.Join(want, "\n"), strings.TrimSpace(out))
		})
	}
}

func TestUnusable(t *testing.T) {
	for name, c := range map[string]struct{ log, says string }{
		"empty":           {"", "no log"},
		"no JSON":         {"hello", "invalid character"},
		"no log":          {"[1]", "log 1: array where a log has none"},
		"no events":       {`{"run":"x"}`, `no "events"`},
		"no slot":         {made(`{"seq":5,"op":"H_ENTER","ret":0}`), "lacks its arguments"},
		"no hexadecimal":  {made(`{"seq":5,"op":"H_ENTER","ret":0,"slot":"xyz"}`), "invalid syntax"},
		"foreign call":    {made(`{"seq":5,"op":"H_CEDE","ret":0}`), "H_CEDE"},
		"enormous slot":   {made(`{"seq":5,"op":"H_ENTER","ret":0,"slot":"ffffffffff","v":"1","r":"190"}`), "more than a table"},
		"slot taken":      {made(in5, in5), "H_PTEG_FULL"},
		"not there":       {made(in5, out8, out8), "H_NOT_FOUND"},
		"another entry":   {made(in5, strings.Replace(out8, "4000000001000005", "4000000002000005", 1)), "in the log"},
		"too many":        {made(`{"seq":5,"op":"H_REMOVE","ret":0,"removed":[["1","2"]]}`), "0 entries"},
		"no such page":    {made(`{"seq":5,"op":"H_ENTER","ret":0,"slot":"8","v":"4000000001000005","r":"10196"}`), "H_PARAMETER"},
		"protect nothing": {made(in5, out8, prot8), "H_NOT_FOUND"},
	} {
		t.Run(name, func(t *testing.T) {
			clitest.Refuses(t, run, c.says, c.log, "-")
		})
	}
	clitest.Refuses(t, run, "want FILE...", "")
	clitest.Refuses(t, run, "not defined: -x", "", "-x")
	clitest.Refuses(t, run, "none: no such file", "", filepath.Join(t.TempDir(), "none"))
}

func FuzzLog(f *testing.F) {
	f.Add([]byte(made(in5, in6, in7, prot8, out8)))
	f.Add([]byte(made(full, not8, out9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if code, _, errs := clitest.Run(run, string(b), "-json", "-"); code != 0 {
			require.Equal(t, 2, code)
			require.NotEmpty(t, errs)
		}
	})
}
