package realtable

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
)

func TestTablesAreSound(t *testing.T) {
	p8, err := LoadPOWER8(hpt.Config{})
	require.NoError(t, err)
	require.NoError(t, p8.Check())
	require.EqualValues(t, 54574, p8.Stats().Valid)

	p9, err := LoadPOWER9(hpt.Config{})
	require.NoError(t, err)
	require.NoError(t, p9.Check())
	require.EqualValues(t, 33802, p9.Stats().Valid)
}
