// Package judge runs the checks of a contract suite on something with a planted fault,
// to see whether they fail.
package judge

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// T is a test that keeps its failures to itself. It does for rapid.Check and require.
type T struct {
	mu     sync.Mutex
	failed bool            // protected by mu
	log    strings.Builder // protected by mu
}

// Of runs a check and returns what it said, empty when it passed.
func Of(check func(*T)) string {
	t := new(T)
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(t)
	}()
	<-done
	if t.Failed() {
		return t.log.String()
	}
	return ""
}

// Quietly has rapid neither shrink nor write files until the returned function is
// called: failures are what is wanted.
func Quietly(t testing.TB) (restore func()) {
	was := map[string]string{}
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "0s"} {
		was[name] = flag.Lookup(name).Value.String()
		set(t, name, value)
	}
	return func() {
		for name, value := range was {
			set(t, name, value)
		}
	}
}

func set(t testing.TB, name, value string) {
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// The methods of testing.TB that are of use here.

func (t *T) Helper()                        {}
func (t *T) Name() string                   { return "planted" }
func (t *T) Logf(format string, a ...any)   { t.Log(fmt.Sprintf(format, a...)) }
func (t *T) Skipf(string, ...any)           { t.SkipNow() }
func (t *T) Skip(...any)                    { t.SkipNow() }
func (t *T) SkipNow()                       { runtime.Goexit() }
func (t *T) Errorf(format string, a ...any) { t.Error(fmt.Sprintf(format, a...)) }
func (t *T) Error(a ...any)                 { t.Log(a...); t.Fail() }
func (t *T) Fatalf(format string, a ...any) { t.Fatal(fmt.Sprintf(format, a...)) }
func (t *T) Fatal(a ...any)                 { t.Error(a...); t.FailNow() }
func (t *T) FailNow()                       { t.Fail(); runtime.Goexit() }

// Log keeps a line.
func (t *T) Log(a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(&t.log, a...)
}

// Fail marks the test as failed.
func (t *T) Fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

// Failed reports whether the test has failed.
func (t *T) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}
