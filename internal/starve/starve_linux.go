// Package starve runs tests in processes of their own that lack something.
package starve

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const name = "STARVED_TEST"

// Process reports whether the test runs in a process of its own. Elsewhere it runs
// the test in one and fails or skips as that does, so the caller returns.
func Process(t *testing.T) bool {
	t.Helper()
	if os.Getenv(name) == t.Name() {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	// Each thread may map 64 MiB for the C library's malloc, which is more than some tests leave.
	cmd.Env = append(os.Environ(), name+"="+t.Name(), "MALLOC_ARENA_MAX=1", "GOMAXPROCS=2")
	out, err := cmd.CombinedOutput()
	switch _, ended := err.(*exec.ExitError); {
	case err != nil && !ended:
		t.Skip("no process of its own: ", err) // an emulated test binary
	case err != nil || !bytes.Contains(out, []byte("--- ")):
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skip(string(out))
	}
	return false
}

// LimitMemory lets the process map slack bytes more than it has, and no more.
func LimitMemory(t *testing.T, slack uint64) {
	t.Helper()
	limit := unix.Rlimit{}
	if err := unix.Getrlimit(unix.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = Mapped(t) + slack
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	if m, err := unix.Mmap(-1, 0, int(2*slack), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE); err == nil {
		_ = unix.Munmap(m)
		t.Skip("the host does not keep to the limit")
	}
}

// Mapped is how many bytes the process has mapped.
func Mapped(t *testing.T) uint64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}

// NoHugePages has the kernel give the process none.
func NoHugePages(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0); err != nil {
		t.Skip("PR_SET_THP_DISABLE: ", err)
	}
}
