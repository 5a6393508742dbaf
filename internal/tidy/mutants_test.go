package tidy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSurvivorsStand: every mutant that .ci/survivors excuses is one of a line that
// still is in its file, and the list is sorted.
func TestSurvivorsStand(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", ".ci", "survivors"))
	require.NoError(t, err)
	var list []string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	require.NotEmpty(t, list)
	require.True(t, slices.IsSorted(list))
	for _, line := range list {
		part := strings.Split(line, "\t")
		require.Len(t, part, 4, line)
		require.NotEmpty(t, part[3], line)
		code, err := os.ReadFile(filepath.Join("../..", part[0]))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(part[2], "»"), line)
		want := strings.Replace(part[2], "»", "", 1)
		require.True(t, slices.ContainsFunc(strings.Split(string(code), "\n"), func(l string) bool {
			return strings.TrimLeft(l, "\t") == want
		}), "%s has no line %s", part[0], want)
	}
}
