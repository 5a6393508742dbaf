package batch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
)

func TestParsePolicyRoundTrip(t *testing.T) {
	for _, p := range policies() {
		got, err := batch.ParsePolicy(p.String())
		require.NoError(t, err)
		require.Equal(t, p.String(), got.String())
		requireSamePolicy(t, p, got)
	}
	for _, form := range batch.PolicyNames() {
		_, err := batch.ParsePolicy(strings.Replace(form, "-N", "-12", 1))
		require.NoError(t, err, form)
	}
}

// requireSamePolicy compares two policies in every state.
func requireSamePolicy(t require.TestingT, p, q batch.Policy) {
	for _, ev := range []batch.Reason{batch.OnAdd, batch.OnLeaveLazy, batch.OnUnlock, batch.OnRangeFlush} {
		for n := 1; n <= batch.MaxEntries; n++ {
			for _, lazy := range []bool{false, true} {
				s := batch.State{Pending: n, Lazy: lazy}
				require.Equal(t, p.Flush(ev, s), q.Flush(ev, s), "%v %v at %v, %+v", p, q, ev, s)
			}
		}
	}
}

func TestParsePolicyErrors(t *testing.T) {
	for _, name := range []string{"", "lazy", "Lazy-MMU", " immediate", "capacity-", "capacity-0", "capacity-193",
		"capacity--1", "capacity-1x", "capacity-007", "capacity-+7", "capacity-99999999999999999999", "+", "immediate+", "+immediate", "immediate++at-finish"} {
		p, err := batch.ParsePolicy(name)
		require.Nil(t, p, name)
		require.ErrorContains(t, err, "one of at-finish, before-unlock, lazy-mmu, immediate, capacity-N", name)
	}
}

func TestAnyOfIsTheUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := batch.ParsePolicy(policyNames().Draw(t, "a"))
		require.NoError(t, err)
		b, err := batch.ParsePolicy(policyNames().Draw(t, "b"))
		require.NoError(t, err)
		either := batch.PolicyFunc("either", func(ev batch.Reason, s batch.State) bool {
			return a.Flush(ev, s) || b.Flush(ev, s)
		})
		requireSamePolicy(t, either, batch.AnyOf(a, b))
		requireSamePolicy(t, a, batch.AnyOf(a, a))
	})
}

func TestReasonNames(t *testing.T) {
	seen := make(map[string]bool)
	for r := batch.OnAdd; r <= batch.OnOtherSegment; r++ {
		require.False(t, seen[r.String()], r.String())
		require.NotContains(t, r.String(), "Reason(")
		seen[r.String()] = true
	}
	require.Equal(t, "Reason(200)", batch.Reason(200).String())
	require.Equal(t, "Reason(12)", (batch.OnOtherSegment + 1).String())
}

func FuzzParsePolicy(f *testing.F) {
	for _, p := range policies() {
		f.Add(p.String())
	}
	f.Add("capacity-007")
	f.Add("lazy-mmu+")
	f.Fuzz(func(t *testing.T, name string) {
		p, err := batch.ParsePolicy(name)
		if err != nil {
			require.Nil(t, p)
			require.ErrorContains(t, err, "unknown policy")
			return
		}
		q, err := batch.ParsePolicy(p.String())
		require.NoError(t, err)
		require.Equal(t, p.String(), q.String())
		for i, part := range strings.Split(name, "+") {
			require.Equal(t, part, strings.Split(p.String(), "+")[i], fmt.Sprintf("%q is not how it is written", name))
		}
	})
}
