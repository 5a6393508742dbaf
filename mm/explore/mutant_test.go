package explore

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// engineMutants are the mistakes that the traps of the package comment are about, made in the engine itself. The test
// named for the trap notices each.
//
// Not among them is unknown for yes in search.together: the race is tried all the same and only hides no other, which
// costs executions and loses none.
var engineMutants = []struct{ name, trap, file, old, new string }{
	{"a release hides the race behind it", "1", "dpor.go", "		if r == ordered {\n", "		if r == ordered {\n			hides.join(&n.clock)\n"},
	{"keys differ between worlds", "2", "scenario.go", "key: finish(uint64(l) * golden)", "key: finish(uint64(l)*golden + w.tick)"},
	{"a CPU that waits is enabled", "3", "dpor.go", "			if n.enabled.has(cpu) {\n				return yes\n			}\n			return no", "			return yes"},
	{"a CPU that waits is not enabled", "3", "dpor.go", "			if n.enabled.has(cpu) {\n				return yes\n			}\n			return no", "			return no"},
	{"an awaited value does not come back", "3", "dpor.go", "			return yes\n		default:", "			return no\n		default:"},
	{"an Await accepts one value only", "3", "dpor.go", "		default:\n			return unknown", "		default:\n			return no"},
	{"only what is awaited makes a race", "3", "dpor.go", "	return unknown // they conflict elsewhere", "	return no"},
	{"every CPU waits already", "3", "dpor.go", "case j > s.last[cpu]:", "case true:"},
	{"blocked CPUs have no races", "4", "search.go", "	if s.plan.dpor {\n		s.recordBlocked()\n	}\n", ""},
	{"a failed compare-and-swap writes", "5", "world.go", "t.kind = w.store(c, a)", "w.store(c, a)"},
	{"invariants over two words are no dependence", "6", "world.go", "				ev.watch |= loc.watch\n				w.written", "				w.written"},
	{"call and return commute", "7", "access.go", "[2]kind{ret, ret})", "[2]kind{ret, ret}, [2]kind{call, ret})"},
	{"a write that writes nothing is a read", "8", "world.go", "if a.kind == write && !alone {", "if a.kind > update && !alone {"},
}

func TestEngineMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package once a mutant")
	}
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	for _, m := range engineMutants {
		t.Run(m.name, func(t *testing.T) {
			file := filepath.Join(here, m.file)
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(source), m.old), "%s has changed: %q", m.file, m.old)
			dir := t.TempDir()
			mutated, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
			require.NoError(t, os.WriteFile(mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
			list, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutated}})
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(overlay, list, 0o600))
			out, err := exec.Command("go", "test", "-short", "-count=1", "-overlay", overlay, "-run", "^TestTrap"+m.trap, ".").CombinedOutput()
			require.Error(t, err, "survived")
			require.Contains(t, string(out), "--- FAIL: TestTrap"+m.trap, "not built, or another failure")
		})
	}
}
