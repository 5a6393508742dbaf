package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFuzzTargetsAreBuilt: the script that builds for ClusterFuzzLite and OSS-Fuzz
// builds each fuzz target of the tree once, under a name of its own, from a folder
// where it is. The builder is one that notes what it is given.
func TestFuzzTargetsAreBuilt(t *testing.T) {
	if testing.Short() {
		t.Skip("copies the tree")
	}
	tree := copyTree(t)
	want := fuzzTargets(t, tree)
	require.NotEmpty(t, want)

	bin, noted := t.TempDir(), filepath.Join(t.TempDir(), "noted")
	builder := "#!/bin/sh\necho \"$@\" >>" + noted + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "compile_native_go_fuzzer_v2"), []byte(builder), 0o755))
	cmd := exec.Command("bash", ".clusterfuzzlite/oss-fuzz/build.sh")
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	text, err := os.ReadFile(noted)
	require.NoError(t, err)
	var built, names []string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fields := strings.Fields(line)
		require.Len(t, fields, 3)
		folder, ok := strings.CutPrefix(fields[0], module+"/")
		require.True(t, ok, fields[0])
		require.Contains(t, fuzzTargets(t, filepath.Join(tree, folder)), fields[1])
		built = append(built, filepath.Join(strings.TrimSuffix(folder, "/external"), fields[1]))
		names = append(names, fields[2])
	}
	require.ElementsMatch(t, want, built)
	slices.Sort(names)
	require.Len(t, slices.Compact(names), len(want))
}

// TestFuzzDefinitions: what the two services need is there.
func TestFuzzDefinitions(t *testing.T) {
	for _, folder := range []string{"", "oss-fuzz"} {
		for file, says := range map[string]string{
			"project.yaml": "language: go",
			"Dockerfile":   "FROM gcr.io/oss-fuzz-base/base-builder-go",
			"build.sh":     "#!/bin/bash -eu",
		} {
			text, err := os.ReadFile(filepath.Join("../../.clusterfuzzlite", folder, file))
			require.NoError(t, err)
			require.Contains(t, string(text), says)
		}
	}
}

// copyTree copies the files under version control into a repository of its own.
func copyTree(t *testing.T) string {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Skip("no repository: ", err)
	}
	tree := t.TempDir()
	for _, name := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // removed, and not told yet
		}
		require.NoError(t, err)
		to := filepath.Join(tree, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		require.NoError(t, os.WriteFile(to, text, 0o644))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = tree
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return tree
}

// fuzzTargets lists the fuzz targets below a folder, by file's folder and name.
func fuzzTargets(t *testing.T, root string) (targets []string) {
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") {
				targets = append(targets, filepath.Join(folder, fn.Name.Name))
			}
		}
		return nil
	}))
	return targets
}
