package explore

import (
	"errors"
	"fmt"
)

// Sentinels for errors.Is. Run wraps them in an error that names the scenario, the step and the location.
var (
	// ErrScenario: the scenario cannot be run (no Build, no CPU).
	ErrScenario = errors.New("explore: bad scenario")
	// ErrConfig: a Config field is out of range.
	ErrConfig = errors.New("explore: bad configuration")
	// ErrSchedule: the text is not a schedule.
	ErrSchedule = errors.New("explore: malformed schedule")
	// ErrNotEnabled: a replayed schedule runs a CPU that cannot run there. The error is a *NotEnabledError.
	ErrNotEnabled = errors.New("explore: scheduled step is not enabled")
	// ErrNondeterministic: the same schedule did something else the second time. Build, Reset or a body depends on
	// something the explorer does not control (map order, time, an address, state left over from the last execution).
	ErrNondeterministic = errors.New("explore: scenario is not deterministic")
	// ErrUndeclared: a step changed a location it did not declare.
	ErrUndeclared = errors.New("explore: undeclared write")
	// ErrDependent: what a step does to a location is decided by another one, but it declared Update and not Write.
	ErrDependent = errors.New("explore: access depends on another location")
	// ErrUnreported: state caching needs the value of a location that nobody reported.
	ErrUnreported = errors.New("explore: value not reported")
	// ErrTooLong: an execution exceeded Config.MaxSteps; a body probably spins instead of using Await.
	ErrTooLong = errors.New("explore: execution too long")
	// ErrDisagree: two algorithms that both finished reached different final states or verdicts, so the accesses the
	// steps declare are not what they do.
	ErrDisagree = errors.New("explore: algorithms disagree")
	// ErrMerge: reports of shards that do not belong together.
	ErrMerge = errors.New("explore: reports cannot be merged")
)

// A NotEnabledError names the step of a replayed schedule that cannot happen.
type NotEnabledError struct {
	Schedule Schedule
	Step     int // counted from 0
	CPU      int
	Reason   string
}

func (e *NotEnabledError) Error() string {
	return fmt.Sprintf("explore: schedule %q: step %d on CPU %d is not enabled: %s", e.Schedule, e.Step, e.CPU, e.Reason)
}

// Is makes errors.Is(err, ErrNotEnabled) true.
func (e *NotEnabledError) Is(target error) bool { return target == ErrNotEnabled }

// A PanicError is a panic of a CPU's body, which fails the execution it happened in.
type PanicError struct {
	Value any
	Stack string
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the panic value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A UsageError is a wrong use of the explorer by a scenario. Inside a body it is a panic that fails the execution; in
// Build it is a panic like any other.
type UsageError struct{ Method, Problem string }

func (e *UsageError) Error() string { return "explore: " + e.Method + ": " + e.Problem }

func misuse(method, problem string) error { return &UsageError{method, problem} }
