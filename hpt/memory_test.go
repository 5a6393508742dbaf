package hpt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDivide: table and bitmap fill the memory that is asked for both, with a bit for
// each group.
func TestDivide(t *testing.T) {
	for order := MinOrder; order <= MinOrder+4; order++ {
		table, overflow := divide(make([]byte, ownBytes(order)), order)
		require.Len(t, table, 1<<order)
		require.Len(t, overflow, 1<<(order-7)/64)
		require.Equal(t, ownBytes(order), len(table)+8*len(overflow))
	}
}

// TestDirtyWords: the log of changed groups has a bit for each.
func TestDirtyWords(t *testing.T) {
	table, err := New(Config{Order: 20})
	require.NoError(t, err)
	l, ok := table.LogDirty()
	require.True(t, ok)
	require.Len(t, l.words, 1<<(20-7)/groupsPerWord)
}
