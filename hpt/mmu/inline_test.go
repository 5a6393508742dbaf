package mmu_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInlining: with Translate inlined, a Result is made in the caller's variable.
// To copy one right after it was written field by field costs as much as a search.
func TestInlining(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	out, err := exec.Command(goTool, "build", "-gcflags=-m", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, f := range []string{"(*CPU).Translate", "(*CPU).mode", "(*segment).target", "(*CPU).keyRights"} {
		require.True(t, strings.Contains(string(out), "can inline "+f+"\n"), "%s is no longer inlined", f)
	}
}
