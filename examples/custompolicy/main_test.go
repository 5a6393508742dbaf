package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm/mmtest"
)

func TestOutput(t *testing.T) {
	want, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	var out bytes.Buffer
	run(&out)
	require.Equal(t, string(want), out.String())
}

// TestSafe is all that a policy of one's own has to pass: the contract suite, and
// every interleaving of the scenarios that policies get wrong.
func TestSafe(t *testing.T) {
	mmtest.Run(t, mmtest.Config{Policy: eighthOrUnlock})
	if !testing.Short() {
		mmtest.Explore(t, nil, eighthOrUnlock)
	}
}
