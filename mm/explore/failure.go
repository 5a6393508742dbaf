package explore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of thing went wrong.
type Kind string

// The kinds of failure.
const (
	InvariantFailed Kind = "invariant" // a World.Always does not hold
	FinallyFailed   Kind = "final"     // a World.Finally does not hold
	Deadlock        Kind = "deadlock"  // no CPU can run and some have not finished
	Panicked        Kind = "panic"     // a body panicked
)

// A Failure is one bad interleaving, made as simple as could be.
type Failure struct {
	Kind  Kind
	Name  string // of the invariant, or of the CPU that panicked
	Err   error  // what the invariant said, a *PanicError, or nil for a deadlock
	Waits []Wait // who waits for what in a deadlock

	Schedule  Schedule // the simplest schedule known; replay it with Config.Replay
	Minimal   bool     // no schedule with fewer context switches fails in this way
	Found     Schedule // the schedule as it was first found
	Execution int64    // number of the execution that found it, counted from 1
	Trace     *Trace   // what Schedule does
}

// same tells whether two failures are the same problem reached on different ways.
func (f *Failure) same(g *Failure) bool { return f.Kind == g.Kind && f.Name == g.Name }

// Reason says in one line what went wrong.
func (f *Failure) Reason() string {
	switch f.Kind {
	case Deadlock:
		waits := make([]string, len(f.Waits))
		for i, w := range f.Waits {
			waits[i] = w.String()
		}
		return "deadlock: " + strings.Join(waits, "; ")
	}
	return fmt.Sprintf("%s: %v", f.Name, f.Err)
}

// String gives the reason, the schedule and the trace with one column per CPU.
func (f *Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nschedule %s (%s", f.Reason(), f.Schedule, f.Schedule.size())
	if f.Minimal {
		b.WriteString(", no fewer possible")
	}
	b.WriteString(")\n")
	if f.Trace != nil {
		b.WriteString(f.Trace.String())
	}
	return b.String()
}

type failureJSON struct {
	Kind      Kind     `json:"kind"`
	Name      string   `json:"name,omitempty"`
	Error     string   `json:"error,omitempty"`
	Waits     []Wait   `json:"waits,omitempty"`
	Schedule  Schedule `json:"schedule"`
	Switches  int      `json:"switches"`
	Minimal   bool     `json:"minimal"`
	Found     Schedule `json:"found"`
	Execution int64    `json:"execution"`
	Trace     *Trace   `json:"trace,omitempty"`
}

// MarshalJSON writes the failure; the error becomes its text.
func (f *Failure) MarshalJSON() ([]byte, error) {
	j := failureJSON{Kind: f.Kind, Name: f.Name, Waits: f.Waits, Schedule: f.Schedule, Switches: f.Schedule.Switches(),
		Minimal: f.Minimal, Found: f.Found, Execution: f.Execution, Trace: f.Trace}
	if f.Err != nil {
		j.Error = f.Err.Error()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote; Err comes back with the same text and no type.
func (f *Failure) UnmarshalJSON(data []byte) error {
	var j failureJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*f = Failure{Kind: j.Kind, Name: j.Name, Waits: j.Waits, Schedule: j.Schedule, Minimal: j.Minimal, Found: j.Found,
		Execution: j.Execution, Trace: j.Trace}
	if j.Error != "" {
		f.Err = errors.New(j.Error)
	}
	return nil
}

// broken looks at the invariants that the last step may have changed, and at panics.
func (w *World) broken(last *CPU) *Failure {
	if last != nil && last.failure != nil {
		return panicked(last)
	}
	for i := range w.always {
		if w.written>>i&1 == 0 {
			continue
		}
		if err := w.always[i].hold(); err != nil {
			return &Failure{Kind: InvariantFailed, Name: w.always[i].name, Err: err}
		}
	}
	return nil
}

// brokenStart looks at the initial state.
func (w *World) brokenStart() *Failure {
	for _, c := range w.cpus {
		if c.failure != nil {
			return panicked(c)
		}
	}
	return w.broken(nil)
}

// brokenEnd looks at a state in which no CPU can run.
func (w *World) brokenEnd() *Failure {
	if w.unfinished() != 0 {
		return &Failure{Kind: Deadlock, Waits: w.waits()}
	}
	for i := range w.finally {
		if err := w.finally[i].hold(); err != nil {
			return &Failure{Kind: FinallyFailed, Name: w.finally[i].name, Err: err}
		}
	}
	return nil
}

func panicked(c *CPU) *Failure {
	return &Failure{Kind: Panicked, Name: fmt.Sprintf("CPU %d", c.id), Err: c.failure}
}
