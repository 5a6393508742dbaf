package measure

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

func TestQuartiles(t *testing.T) {
	require.Equal(t, Quartiles{3, 2, 4}, QuartilesOf([]float64{5, 1, 4, 2, 3}))
	require.Equal(t, Quartiles{1.5, 1.25, 1.75}, QuartilesOf([]float64{2, 1}))
	require.Equal(t, Quartiles{7, 7, 7}, QuartilesOf([]float64{7}))
}

// TestRatioIsWithinARound: a round in which everything is slow changes nothing.
func TestRatioIsWithinARound(t *testing.T) {
	f := Figures{"a": {2, 200, 4}, "b": {1, 100, 2}}
	require.Equal(t, Quartiles{2, 2, 2}, f.Ratio("a", "b"))
	require.Equal(t, []float64{2, 200, 4}, f["a"], "the figures are as they were")
	require.Panics(t, func() { f.Ns("c") })
}

// TestMeasureTakesTurns: every contender runs in every round, its work is undone,
// and no turn comes twice.
func TestMeasureTakesTurns(t *testing.T) {
	turns, open, touched := map[int]bool{}, 0, 0
	run := func(turn int) {
		require.False(t, turns[turn])
		turns[turn] = true
		open++
	}
	m := Mix{Ops: 10, Slices: 3, Touch: func() { touched++ }, Contenders: []Contender{
		{"kept", run, nil},
		{"undone", run, func(int) { open-- }},
	}}
	f := m.Measure(5, rand.New(rand.NewPCG(1, 2)))
	require.Len(t, turns, 30)
	require.Equal(t, 15, open)
	require.Equal(t, 5, touched)
	for _, xs := range f {
		require.Len(t, xs, 5)
		for _, x := range xs {
			require.Positive(t, x)
		}
	}
}

func TestVerdicts(t *testing.T) {
	q := Quartiles{1.23456, 1, 2}
	require.True(t, AtMost("G", "x", q, 1.3).OK)
	require.False(t, AtMost("G", "x", q, 1.2).OK)
	require.True(t, AtLeast("G", "x", q, 1.2).OK)
	require.False(t, AtLeast("G", "x", q, 1.3).OK)

	for _, c := range []struct {
		rounds, status int
		bound          float64
	}{{20, 0, 2}, {20, 1, 1}, {19, 0, 1}} {
		var out bytes.Buffer
		r := Report{JSON: true, Out: &out, Rounds: c.rounds}
		r.Add("16M", 0.5, AtMost("G1", "x / y", q, c.bound))
		status, err := r.Close()
		require.NoError(t, err)
		require.Equal(t, c.status, status)
		require.Contains(t, out.String(), `{"goal":"G1","size":"16M","load":0.5,"what":"x / y, at most (`)
		require.Contains(t, out.String(), `"median":1.235,"p25":1,"p75":2,"bound":`)
	}
	var out bytes.Buffer
	r := Report{Out: &out, Rounds: 3}
	r.Add("16M", 0.5, AtMost("G1", "x / y", q, 1))
	_, err := r.Close()
	require.NoError(t, err)
	require.Contains(t, out.String(), "missed")
	require.Contains(t, out.String(), "1 gates, 1 missed, in 3 rounds")
	require.Equal(t, 3, strings.Count(out.String(), "\n"))
}

// TestPagesAreDistinct: of either kind, and the same for the same seed.
func TestPagesAreDistinct(t *testing.T) {
	for _, equal := range []bool{false, true} {
		a, b := NewPages(1), NewPages(1)
		a.Equal, b.Equal = equal, equal
		seen := map[pte.Key]bool{}
		for range 100_000 {
			k := a.Next()
			require.Equal(t, k, b.Next())
			require.False(t, seen[k])
			seen[k] = true
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, order := range map[string]int{"256K": 18, "1M": 20, "16M": 24, "512M": 29, "4G": 32} {
		got, err := ParseSize(s)
		require.NoError(t, err, s)
		require.Equal(t, order, got)
		require.Equal(t, s, SizeName(got))
	}
}
