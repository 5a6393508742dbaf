package scenario

import (
	"fmt"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// stepper lets the explorer schedule the CPUs of a machine. Outside of an
// execution, while a stage is set up or checked, it lets them run.
type stepper struct {
	world *explore.World
	cpus  []*explore.CPU
	locs  map[mm.Loc]explore.Loc
	pages int
	buf   []explore.Access
}

// register tells the explorer every location of the machine that matters.
func (s *stepper) register(m *mm.Machine, pages []mm.PageOf) {
	s.locs = make(map[mm.Loc]explore.Loc)
	s.pages = len(pages)
	for _, l := range m.Locations(pages...) {
		if l.Lock {
			s.locs[l.Loc] = s.world.RWMutex(l.Name)
		} else {
			s.locs[l.Loc] = s.world.Var(l.Name, l.Value)
		}
	}
}

// Step implements [mm.Stepper].
func (s *stepper) Step(cpu int, op mm.Op) {
	if s.world.Running() == nil {
		return
	}
	c := s.cpus[cpu]
	s.buf = s.buf[:0]
	locks := false
	for _, t := range op.Touches {
		l, ok := s.locs[t.Loc]
		if !ok {
			panic(fmt.Sprintf("scenario: %s touches %v, which is not registered", op.Step, t.Loc))
		}
		locks = locks || t.Kind == mm.TouchLock || t.Kind == mm.TouchRLock
		s.buf = append(s.buf, access(t.Kind, l))
	}
	name := s.name(c, op.Step, op.EA)
	if op.Ready != nil && !locks {
		c.Await(name, s.locs[op.Touches[0].Loc], op.Ready, s.buf...)
		return
	}
	c.Step(name, s.buf...)
}

func access(k mm.TouchKind, l explore.Loc) explore.Access {
	switch k {
	case mm.TouchRead:
		return explore.Read(l)
	case mm.TouchLock:
		return explore.Lock(l)
	case mm.TouchUnlock:
		return explore.Unlock(l)
	case mm.TouchRLock:
		return explore.RLock(l)
	case mm.TouchRUnlock:
		return explore.RUnlock(l)
	}
	return explore.Update(l)
}

// name is what the trace calls a step: with its page where there are several.
func (s *stepper) name(c *explore.CPU, n mm.Step, ea pte.EA) string {
	if s.pages > 1 && ea != 0 && c.Tracing() {
		return fmt.Sprintf("%s %v", n, ea)
	}
	return string(n)
}

// Touch implements [mm.Stepper].
func (s *stepper) Touch(cpu int, t mm.Touch) {
	if c := s.world.Running(); c != nil {
		c.Touch(access(t.Kind, s.locs[t.Loc]))
	}
}

// Note implements [mm.Stepper].
func (s *stepper) Note(cpu int, n mm.Step, ea pte.EA) {
	if c := s.world.Running(); c != nil && c.Tracing() {
		c.Note(s.name(c, n, ea))
	}
}

// Saw implements [mm.Stepper].
func (s *stepper) Saw(cpu int, v uint64) {
	if c := s.world.Running(); c != nil {
		c.Observed(v)
	}
}
