package hpt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/pte"
)

// TestLockOfPair: the two groups of a key have one lock, and a small table has one for
// each pair.
func TestLockOfPair(t *testing.T) {
	for groups := 2; groups < minGroups; groups *= 2 {
		table := tiny.New(tiny.Config{Groups: groups, Slots: 8, LockUnique: true}).Store.(*Table)
		pairs := make(map[*uint64]int)
		for g := range uint64(groups) {
			require.Same(t, table.lock(g), table.lock(^g&table.mask))
			pairs[table.lock(g)]++
		}
		require.Len(t, pairs, groups/2)
	}
}

// TestContendsWhereItIs: an insert whose tentative entry the assembly has put into the
// first place goes on with that one.
func TestContendsWhereItIs(t *testing.T) {
	table, err := New(Config{})
	require.NoError(t, err)
	k := pte.Key{VSID: 0x5000015, Base: pte.Page4K}
	h := pte.HPTE{V: k.AVPN() | pte.VValid, R: 0x5000}
	tag := sched.Unique(table.tags)
	u := table.unique(k, tag)
	table.StoreRaw(u.slot(0), u.tentative(0))
	hint, err := table.finishTentative(k, h, tag, 0)
	require.NoError(t, err)
	require.Equal(t, pte.MakeSlotHint(false, 0), hint)
	require.Equal(t, h, table.Load(u.slot(0)))
	require.EqualValues(t, 1, table.Stats().Valid)
}
