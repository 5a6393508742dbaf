package mmtest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// ErrDeadlock reports a schedule after which every CPU waits.
var ErrDeadlock = errors.New("mmtest: all CPUs wait")

// Leg is a part of a schedule: one CPU runs, the others stand still. It ends
// after Steps steps or after the step Through, whichever comes first (neither:
// when the CPU is done), and early when the CPU has to wait for another one.
type Leg struct {
	CPU     int
	Steps   int
	Through mm.Step
}

// Taken is a step that a CPU took.
type Taken struct {
	CPU  int
	Step mm.Step
	EA   pte.EA
}

// Stepper is a [mm.Stepper] that replays one schedule, given as legs. Outside of
// Run, CPUs run as if there were none.
type Stepper struct {
	// Each, when set, is called after every step, while all CPUs stand still. An
	// error ends the schedule; the CPUs then run to their ends freely.
	Each func() error

	live atomic.Bool
	cpus []*stepped
}

type stepped struct {
	body    func()
	started bool
	at      chan mm.Op
	resume  chan struct{}
	done    chan struct{}
	pending mm.Op
	ended   bool
}

var _ mm.Stepper = (*Stepper)(nil)

// Step waits until the schedule lets the CPU do op.
func (s *Stepper) Step(cpu int, op mm.Op) {
	if !s.live.Load() || cpu >= len(s.cpus) {
		return
	}
	s.cpus[cpu].at <- op
	<-s.cpus[cpu].resume
}

// Touch does nothing: it is for explorers, as are Note and Saw.
func (s *Stepper) Touch(cpu int, t mm.Touch) {}

// Note does nothing.
func (s *Stepper) Note(cpu int, n mm.Step, ea pte.EA) {}

// Saw does nothing.
func (s *Stepper) Saw(cpu int, v uint64) {}

// stepLimit ends a schedule in which a CPU goes round and round.
const stepLimit = 100_000

// Run runs body i on CPU i in the order of the legs; a body begins with the first
// leg of its CPU. When the legs are used up, the CPUs run to their ends, lowest
// first. It returns the steps taken, and
// ErrDeadlock or the error of Each.
func (s *Stepper) Run(legs []Leg, bodies ...func()) ([]Taken, error) {
	s.cpus = nil
	for _, body := range bodies {
		s.cpus = append(s.cpus, &stepped{body: body, at: make(chan mm.Op), resume: make(chan struct{}), done: make(chan struct{})})
	}
	s.live.Store(true)
	trace, err := s.schedule(legs)
	s.release()
	return trace, err
}

// start runs the body up to its first step.
func (c *stepped) start() {
	if c.started {
		return
	}
	c.launch()
	c.settle()
}

func (c *stepped) launch() {
	c.started = true
	go func() {
		defer close(c.done)
		c.body()
	}()
}

// settle waits until the CPU stands before a step or is done.
func (c *stepped) settle() {
	select {
	case c.pending = <-c.at:
	case <-c.done:
		c.ended = true
	}
}

func (c *stepped) ready() bool { return !c.ended && (c.pending.Ready == nil || c.pending.Ready()) }

func (s *Stepper) schedule(legs []Leg) (trace []Taken, err error) {
	for _, l := range legs {
		c := s.cpus[l.CPU]
		c.start()
		for n := 1; err == nil && c.ready(); n++ {
			step := c.pending.Step
			trace, err = s.take(trace, l.CPU)
			if n == l.Steps || step == l.Through {
				break
			}
		}
	}
	for err == nil && len(trace) < stepLimit {
		next, waiting := -1, false
		for i, c := range s.cpus {
			if next >= 0 {
				break
			}
			c.start()
			waiting = waiting || !c.ended
			if c.ready() {
				next = i
			}
		}
		switch {
		case !waiting:
			return trace, nil
		case next < 0:
			return trace, ErrDeadlock
		}
		trace, err = s.take(trace, next)
	}
	if err == nil {
		err = fmt.Errorf("mmtest: no end after %d steps", stepLimit)
	}
	return trace, err
}

func (s *Stepper) take(trace []Taken, cpu int) ([]Taken, error) {
	c := s.cpus[cpu]
	if len(trace) >= stepLimit {
		return trace, fmt.Errorf("mmtest: no end after %d steps", stepLimit)
	}
	trace = append(trace, Taken{cpu, c.pending.Step, c.pending.EA})
	c.resume <- struct{}{}
	c.settle()
	if s.Each != nil {
		return trace, s.Each()
	}
	return trace, nil
}

// release lets all CPUs run freely and waits for their ends.
func (s *Stepper) release() {
	s.live.Store(false)
	for _, c := range s.cpus {
		switch {
		case !c.started:
			c.launch()
		case !c.ended:
			c.resume <- struct{}{}
		}
	}
	for _, c := range s.cpus {
		<-c.done
	}
}

// FormatTrace writes a trace with a column per CPU.
func FormatTrace(trace []Taken) string {
	var b strings.Builder
	for _, t := range trace {
		fmt.Fprintf(&b, "%*s%d %s\n", 28*t.CPU, "", t.CPU, t.Step)
	}
	return b.String()
}
