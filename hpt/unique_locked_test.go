package hpt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/tiny"
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
