package tlb_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocNamesTests: every test that the package documentation cites exists.
func TestDocNamesTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	cited := regexp.MustCompile(`Test[A-Z0-9]\w+`).FindAllString(string(doc), -1)
	require.NotEmpty(t, cited)
	defined := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	explored, err := filepath.Glob("../mm/scenario/*_test.go")
	require.NoError(t, err)
	files = append(files, explored...)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
			defined[string(m[1])] = true
		}
	}
	for _, name := range cited {
		require.True(t, defined[name], "%s is cited but not defined", name)
	}
}
