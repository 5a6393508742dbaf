package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOutput pins the output, and that the README shows program and output as
// they are.
func TestOutput(t *testing.T) {
	want, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	out, err := exec.Command("go", "run", ".").Output()
	require.NoError(t, err)
	require.Equal(t, string(want), string(out))

	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```\n"+string(want)+"```")
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(source), "func main() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	for _, line := range strings.Split(body, "\n") {
		require.Contains(t, string(readme), strings.TrimSpace(line))
	}
}
