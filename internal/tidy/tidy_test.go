// Package tidy checks how the tree is laid out: which room imports which, and
// what lies at the top.
package tidy

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/hashmmu/ppc64"

// allowed lists what each room imports besides the standard library, no less and no
// more. What it imports of internal/ is part of the room.
var allowed = map[string][]string{
	"pte":         {},
	"batch":       {"pte"},
	"tlb":         {"pte", "xxhash"},
	"hpt":         {"pte", "xxhash", "sys"},
	"hpt/mmu":     {"hpt", "pte", "xxhash"},
	"hpt/papr":    {"hpt", "pte"},
	"hpt/image":   {"hpt", "pte"},
	"mm":          {"hpt", "tlb", "batch", "pte", "xxhash"},
	"mm/explore":  {},
	"mm/scenario": {"mm", "mm/explore", "hpt", "tlb", "batch", "pte"},
	"hpt/hpttest": {"hpt", "pte", "rapid", "testify", "testing"},
	"tlb/tlbtest": {"tlb", "pte", "rapid", "testify", "testing"},
	"mm/mmtest":   {"mm", "mm/scenario", "mm/explore", "hpt", "tlb", "batch", "pte", "rapid", "testify", "testing"},
}

var outside = map[string]string{
	"github.com/cespare/xxhash/v2": "xxhash",
	"golang.org/x/sys":             "sys",
	"pgregory.net/rapid":           "rapid",
	"github.com/stretchr/testify":  "testify",
	"testing":                      "testing",
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestRoomsImportWhatTheyMay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	imports := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		imports[strings.TrimPrefix(p.ImportPath, module+"/")] = p.Imports
	}
	for room, may := range allowed {
		require.Contains(t, imports, room, "every room exists")
		require.ElementsMatch(t, may, roomImports(imports, room), room)
	}
}

// roomImports names what a room imports, itself or by what it has in internal/.
func roomImports(imports map[string][]string, room string) (names []string) {
	for _, imp := range imports[room] {
		found := []string{nameOf(imp)}
		if inner, ok := strings.CutPrefix(imp, module+"/internal/"); ok {
			found = roomImports(imports, "internal/"+inner)
		}
		for _, name := range found {
			if name != "" && name != room && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// nameOf is how allowed calls an import; empty for what everybody may use.
func nameOf(imp string) string {
	if room, ok := strings.CutPrefix(imp, module+"/"); ok {
		return room
	}
	for prefix, name := range outside {
		if imp == prefix || strings.HasPrefix(imp, prefix+"/") {
			return name
		}
	}
	if strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
		return imp // a dependency that nobody lists
	}
	return ""
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		require.Contains(t, []string{"hpt", "tlb", "pte", "batch", "mm", "examples", "internal",
			"go.mod", "go.sum", "README.md", "LICENSE"}, e.Name())
	}
}

func TestEveryRoomIsExplained(t *testing.T) {
	for room := range allowed {
		_, err := os.Stat(filepath.Join("../..", room, "doc.go"))
		require.NoError(t, err, "%s has no doc.go", room)
	}
}
