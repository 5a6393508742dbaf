//go:build !explore

package hpt_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const schedImport = `"github.com/hashmmu/ppc64/internal/sched"`

// direct turns calls of package sched into what they are in the default build.
var direct = []struct {
	call *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`sched\.((Load|Store|CompareAndSwap|Add)Uint64)\(`), "atomic.$1("},
	{regexp.MustCompile(`sched\.Unique\(([^()]*)\)`), "atomic.AddUint64($1, 1)"},
	{regexp.MustCompile(`sched\.AwaitChange\([^()]*\)`), "runtime.Gosched()"},
	{regexp.MustCompile(`sched\.Exploring`), "false"},
}

// hot are functions whose machine code must be the same to the byte.
var hot = []string{
	"hpt.(*Table).Lookup", "hpt.(*Table).find", "hpt.(*Table).scanGroup", "hpt.(*Table).load16", "hpt.(*Table).cas16",
	"hpt.(*Table).Insert", "hpt.(*Table).InsertGroup", "hpt.(*Table).InsertUnique", "hpt.(*Table).Invalidate",
	"hpt.(*Table).InvalidateBatch", "hpt.(*Table).Protect", "hpt.(*Table).MarkAccess", "hpt.(*Table).Evict",
}

// TestShimCostsNothing compiles the package as it is, and once more with every
// call of package sched replaced by sync/atomic, and compares the machine code of
// all functions. Among independent instructions the compiler chooses by line
// number, and the line of an inlined wrapper is another one; so functions off the
// hot path may differ in the order of their instructions and in registers.
//
// It fails when a wrapper does more than the operation, or stops being inlined.
// The control is a wrapper that looks at a hook first.
func TestShimCostsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package three times")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	shim := machineCode(t, nil)

	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	replaced := map[string]string{}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if s := string(text); strings.Contains(s, schedImport) && !strings.HasSuffix(name, "_test.go") && name != "slot_explore.go" {
			replaced[name] = withoutShim(t, name, s)
		}
	}
	require.Contains(t, replaced, "slot.go")
	want := machineCode(t, replaced)
	for _, name := range hot {
		require.NotEmpty(t, want[name].bytes, name)
		require.Equal(t, want[name].bytes, shim[name].bytes, name)
	}
	requireSame(t, want, shim)

	wrapper := filepath.Join("..", "internal", "sched", "default.go")
	text, err := os.ReadFile(wrapper)
	require.NoError(t, err)
	hooked := strings.Replace(string(text), "{ return atomic.LoadUint64(p) }",
		"{\n\tif Hook != nil {\n\t\tHook()\n\t}\n\treturn atomic.LoadUint64(p)\n}\n\nvar Hook func()", 1)
	require.NotEqual(t, string(text), hooked)
	control := machineCode(t, map[string]string{wrapper: hooked})
	for _, name := range []string{"hpt.(*Table).scanGroup", "hpt.(*stripe).load"} {
		require.NotEqual(t, shim[name].instructions, control[name].instructions, "the comparison must notice a hook in %s", name)
	}
}

// withoutShim is a source file that calls sync/atomic itself, line by line.
func withoutShim(t *testing.T, name, text string) string {
	for _, d := range direct {
		text = d.call.ReplaceAllString(text, d.is)
	}
	var imports []string
	for _, p := range []string{"runtime", "sync/atomic"} {
		if quoted := strconv.Quote(p); strings.Contains(text, path.Base(p)+".") && !strings.Contains(text, quoted) {
			imports = append(imports, quoted)
		}
	}
	text = strings.Replace(text, schedImport, strings.Join(imports, "; "), 1)
	require.NotContains(t, text, "sched.", "%s uses a wrapper that this test does not know", name)
	return text
}

// function is what the compiler made of a function.
type function struct {
	bytes        string   // machine code and relocations
	instructions []string // names, sorted
}

var (
	textSymbol  = regexp.MustCompile(`^github\.com/hashmmu/ppc64/(\S+) STEXT `)
	codeLine    = regexp.MustCompile(`^\t(0x[0-9a-f]+(?: [0-9a-f]{2})+  |rel .*)`)
	instruction = regexp.MustCompile(`^\t0x[0-9a-f]+ \d+ \([^\t]*\)\t([A-Z0-9]+)`)
	pseudo      = regexp.MustCompile(`^(TEXT|FUNCDATA|PCDATA|NOP|XCHGL)$`)
)

// machineCode compiles the package, with the contents of some files replaced.
func machineCode(t *testing.T, replaced map[string]string) map[string]function {
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range replaced {
		original, err := filepath.Abs(name)
		require.NoError(t, err)
		file := filepath.Join(dir, filepath.Base(name))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		overlay["Replace"][original] = file
	}
	list, err := json.Marshal(overlay)
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o600))
	out, err := exec.Command("go", "build", "-overlay="+file, "-gcflags=-S", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return parseListing(string(out))
}

// parseListing reads what the compiler prints under -S.
func parseListing(listing string) map[string]function {
	functions, name := map[string]function{}, ""
	for _, line := range strings.Split(listing, "\n") {
		if !strings.HasPrefix(line, "\t") {
			name = ""
			if m := textSymbol.FindStringSubmatch(line); m != nil {
				name = m[1]
			}
			continue
		}
		f := functions[name]
		if m := instruction.FindStringSubmatch(line); m != nil && !pseudo.MatchString(m[1]) {
			f.instructions = append(f.instructions, m[1])
		} else if m := codeLine.FindStringSubmatch(line); m != nil {
			f.bytes += m[1] + "\n"
		}
		functions[name] = f
	}
	delete(functions, "")
	for _, f := range functions {
		slices.Sort(f.instructions)
	}
	return functions
}

// requireSame names the functions that differ.
func requireSame(t *testing.T, want, got map[string]function) {
	require.NotEmpty(t, want)
	require.Len(t, got, len(want))
	for name, f := range want {
		if g := got[name]; g.bytes != f.bytes && !slices.Equal(f.instructions, g.instructions) {
			t.Errorf("%s: with sync/atomic\n%s%v\nwith the shim\n%s%v", name, f.bytes, f.instructions, g.bytes, g.instructions)
		}
	}
}
