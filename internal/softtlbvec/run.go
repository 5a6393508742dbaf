package softtlbvec

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Machine runs one sequence: a part of the library in the initial state that
// the header describes.
type Machine interface {
	// Step executes op and compares every recorded answer. It returns nil if
	// all agree, an error that wraps ErrFormat if op cannot be read, and else
	// the first disagreement.
	Step(op Op) error
	// Finish compares the contents of the TLB.
	Finish(final []Value) error
	// CopyFrom takes over registers and TLB of a machine of the same sequence.
	CopyFrom(Machine)
}

// Result counts what became of a recording's cases: one per operation, or per
// event of a Linux trace. A TLB left with other contents than the recorded
// ones fails the last case of its sequence.
type Result struct {
	Kind     string // family that ran it
	Cases    int
	Passed   int
	Failed   int
	Departed int    // passed, but only under a quirk of the recorded machine
	First    string // the first failure, empty if there is none
}

func (r *Result) fail(where string, err error) {
	r.Failed++
	if r.First == "" {
		r.First = where + ": " + err.Error()
	}
}

// ErrUnknown reports text that is no recording of a software-loaded TLB.
var ErrUnknown = errors.New("softtlbvec: no recording of a software-loaded TLB")

const traceStart = `["state",`

// IsRecording tells by the first bytes of uncompressed text, a line or at
// least 512 bytes of it, whether Run can take it.
func IsRecording(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.HasPrefix(line, []byte(traceStart)) {
		return true
	}
	if !bytes.HasPrefix(line, []byte(`{"cpu":`)) {
		return false
	}
	before, _, _ := bytes.Cut(line, []byte(`"ops":`))
	return bytes.Contains(before, []byte(`"seq":`))
}

// Run executes a recording through the library, under the quirks of the
// recorded machine. Every case runs a second time with the quirks off, from
// the same state, to count the departures.
func Run(r io.Reader) (Result, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(512)
	switch {
	case !IsRecording(head):
		return Result{}, ErrUnknown
	case bytes.HasPrefix(head, []byte(traceStart)):
		return runTrace(b)
	}
	return runSequences(b)
}

func runSequences(r io.Reader) (Result, error) {
	var res Result
	reader := NewReader(r)
	for {
		s, err := reader.Next()
		if err == io.EOF {
			return res, nil
		}
		if err != nil {
			return res, err
		}
		f, err := familyOf(s)
		if err == nil {
			res.Kind = f.kind
			err = f.run(s, &res)
		}
		if err != nil {
			return res, fmt.Errorf("line %d: %w", reader.line, err)
		}
	}
}

// run executes one sequence.
func (f *family) run(s *Sequence, res *Result) error {
	recorded, err := f.machine(s, f.quirks)
	if err != nil {
		return err
	}
	part, err := f.machine(s, 0)
	if err != nil {
		return err
	}
	for i, op := range s.Ops {
		where := fmt.Sprintf("seq %d op %d %s", s.Seq, i, op.Name)
		part.CopyFrom(recorded)
		err := recorded.Step(op)
		if err == nil && i == len(s.Ops)-1 {
			err = recorded.Finish(s.Final)
		}
		if errors.Is(err, ErrFormat) {
			return fmt.Errorf("%s: %w", where, err)
		}
		res.count(where, err, part.Step(op))
	}
	return nil
}

// count adds a case: what it did as the recorded machine, and as the part.
func (r *Result) count(where string, asRecorded, asPart error) {
	r.Cases++
	switch {
	case asRecorded != nil:
		r.fail(where, asRecorded)
	default:
		r.Passed++
		if asPart != nil {
			r.Departed++
		}
	}
}

// diff collects disagreements of one operation.
type diff []string

func (d *diff) hex(what string, got, want uint64) {
	if got != want {
		*d = append(*d, fmt.Sprintf("%s %#x, recorded %#x", what, got, want))
	}
}

func (d *diff) int(what string, got, want int) {
	if got != want {
		*d = append(*d, fmt.Sprintf("%s %d, recorded %d", what, got, want))
	}
}

func (d *diff) text(what, got, want string) {
	if got != want {
		*d = append(*d, fmt.Sprintf("%s %s, recorded %s", what, got, want))
	}
}

// err is the error of an operation: what could not be read, else what differs.
func (d *diff) err(a *Args) error {
	if err := a.Err(); err != nil {
		return err
	}
	if len(*d) > 0 {
		return errors.New(strings.Join(*d, "; "))
	}
	return nil
}
