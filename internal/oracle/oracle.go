// Package oracle finds the recorded data that tests and examples are measured
// against: translations, hypercalls, boots and TLB sequences of real machines.
//
// The data is optional. A checkout without it builds and passes with what the
// testdata folders hold.
package oracle

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Env names the environment variable that points at the recorded data.
const Env = "PPC64_ORACLE"

// Dir returns the folder of recorded data: $PPC64_ORACLE, else shared/data
// beside the module root. ok is false when neither exists.
func Dir() (dir string, ok bool) {
	dir = os.Getenv(Env)
	if dir == "" {
		_, self, _, _ := runtime.Caller(0)
		root := filepath.Dir(filepath.Dir(filepath.Dir(self)))
		dir = filepath.Join(filepath.Dir(root), "shared", "data")
	}
	st, err := os.Stat(dir)
	return dir, err == nil && st.IsDir()
}

// Glob returns the recorded files that match pattern below Dir, sorted; none
// when there is no recorded data.
func Glob(pattern string) []string {
	dir, ok := Dir()
	if !ok {
		return nil
	}
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		panic(err) // the pattern is a constant of the caller
	}
	return names
}

// Open opens a file that may be gzip'ed; its content decides, not its name.
func Open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := decompress(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// decompress returns r itself, or what it holds when that is gzip'ed.
func decompress(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return gzip.NewReader(b)
	}
	return b, nil
}
