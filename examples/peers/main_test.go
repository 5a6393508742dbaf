package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/measure"
)

// TestEveryGateIsJudged: one round on the smallest table, figures aside.
func TestEveryGateIsJudged(t *testing.T) {
	code, out, errs := clitest.Run(run, "", "-json", "-size", "256K", "-rounds", "1")
	require.Zero(t, code, errs)
	got := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		require.Len(t, v, 9)
		require.Positive(t, v["median"])
		got[v["goal"].(string)+" "+v["what"].(string)] = true
	}
	for _, g := range gates {
		for work := range g.by {
			require.True(t, got[g.goal+" "+work+", "+g.peer+" / table, at least (1 rounds)"], "%s %s %s", g.goal, work, g.peer)
		}
	}
}

// TestStoresAgree: all of them, the table included, answer alike.
func TestStoresAgree(t *testing.T) {
	w, err := measure.NewWorld(hpt.MinOrder, load, hpt.Config{LockUnique: true})
	require.NoError(t, err)
	defer w.Close()
	f := newField(w)
	require.Len(t, f.stores, len(makers)+1)
	for name, s := range f.stores {
		require.Equal(t, len(f.all), has(s, f.all), name)
		require.Zero(t, has(s, f.absent), name)
		for i, k := range f.present[:1000] {
			v, _ := s.get(k)
			require.Equal(t, w.Entries[i].R, v, name)
		}
	}
	for _, work := range f.works() {
		for name, s := range f.stores {
			in, out := f.present[:work.n], f.absent[:work.n]
			work.run(s, in, out)
			require.True(t, work.complete(s, in, out), "%s %s", name, work.name)
			if work.undo != nil {
				work.undo(s, in, out)
			}
			require.Equal(t, len(in), has(s, in), "%s %s", name, work.name)
			require.Zero(t, has(s, out), "%s %s", name, work.name)
		}
	}
}

// TestIdleIsAnError: a store that does nothing is not measured in silence.
func TestIdleIsAnError(t *testing.T) {
	w, err := measure.NewWorld(hpt.MinOrder, load, hpt.Config{})
	require.NoError(t, err)
	defer w.Close()
	f := newField(w)
	f.names, f.stores = []string{table, "idle"}, map[string]store{table: f.stores[table], "idle": idle{}}
	p := &peers{rounds: 1, goals: []string{"G9"}, report: &measure.Report{Out: &bytes.Buffer{}}, log: &bytes.Buffer{}}
	p.rng = newRand()
	require.ErrorContains(t, p.compare(f), "idle did not do")
}

type idle struct{}

func (idle) get(uint64) (uint64, bool) { return 0, false }
func (idle) put(uint64, uint64)        {}
func (idle) del(uint64)                {}

func TestUsage(t *testing.T) {
	clitest.Refuses(t, run, "not defined: -x", "", "-x")
	clitest.Refuses(t, run, "unexpected argument", "", "file")
	clitest.Refuses(t, run, "-size 1K: want", "", "-size", "1K")
	clitest.Refuses(t, run, "-rounds 0: want", "", "-rounds", "0")
	clitest.Refuses(t, run, "-goal G1: want one of G8", "", "-goal", "G9,G1")
}
