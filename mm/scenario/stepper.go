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
	sites []site
	index [1024]uint8        // of sites by hash of their Loc, open addressing; 0 is none
	seen  [mm.MaxCPUs]uint64 // of each CPU: everything that decides what it will do
	pages int
	buf   []explore.Access
}

// site is a location of the machine as the explorer knows it.
type site struct {
	mm.Location
	loc   explore.Loc
	fixed bool // nobody changes it in this scenario
}

// maxSites keeps the index of locations nearly empty.
const maxSites = 128

// register tells the explorer every location of the machine that matters.
func (s *stepper) register(m *mm.Machine, pages []mm.PageOf, sc *Scenario) {
	s.pages = len(pages)
	s.sites = make([]site, 1, maxSites) // pointers into it are kept
	for _, l := range m.Locations(pages...) {
		if len(s.sites) == maxSites {
			panic("scenario: too many locations; fewer pages or CPUs")
		}
		s.sites = append(s.sites, site{Location: l, fixed: fixed(l.Loc, m.Kernel(), sc)})
		at := &s.sites[len(s.sites)-1]
		if l.Lock {
			at.loc = s.world.RWMutex(l.Name)
		} else {
			at.loc = s.world.Var(l.Name, l.Value)
		}
		h := hashLoc(l.Loc)
		for s.index[h] != 0 {
			h = (h + 1) % uint16(len(s.index))
		}
		s.index[h] = uint8(len(s.sites) - 1)
	}
}

func hashLoc(l mm.Loc) uint16 {
	return uint16((l.ID + uint64(l.Kind)<<56) * 0x9e3779b97f4a7c15 >> 54)
}

// at returns the location l, which must be registered.
func (s *stepper) at(l mm.Loc) *site {
	for h := hashLoc(l); s.index[h] != 0; h = (h + 1) % uint16(len(s.index)) {
		if at := &s.sites[s.index[h]]; at.Loc == l {
			return at
		}
	}
	panic(fmt.Sprintf("scenario: a step touches %v, which is not registered", l))
}

// fixed tells whether no task of the scenario changes a location.
func fixed(l mm.Loc, k *mm.Kernel, sc *Scenario) bool {
	switch l.Kind {
	case mm.LocMmapSem:
		return !sc.Remaps
	case mm.LocIMmap, mm.LocAnon:
		return !sc.Remaps && k.IMmapShared
	case mm.LocFile, mm.LocFrames, mm.LocSwap:
		return !sc.Drops
	case mm.LocPageSize, mm.LocSubpage:
		return !sc.Demotes
	}
	return false
}

// guard panics when a task changes what its scenario says is not changed.
func guard(t mm.Touch) {
	if t.Kind == mm.TouchWrite || t.Kind == mm.TouchLock {
		panic(fmt.Sprintf("scenario: a task changes %v; set Remaps or Drops", t.Loc))
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
		at := s.at(t.Loc)
		if at.fixed {
			guard(t)
			continue
		}
		locks = locks || at.Lock
		s.buf = append(s.buf, access(t.Kind, at))
	}
	if len(s.buf) == 0 {
		return
	}
	name := s.name(c, op.Step, op.EA)
	if op.Ready != nil && !locks {
		c.Await(name, s.at(op.Touches[0].Loc).loc, op.Ready, s.buf...)
	} else {
		c.Step(name, s.buf...)
	}
	for _, t := range op.Touches {
		s.look(cpu, s.at(t.Loc))
	}
}

// Touch implements [mm.Stepper].
func (s *stepper) Touch(cpu int, t mm.Touch) {
	c := s.world.Running()
	if c == nil {
		return
	}
	at := s.at(t.Loc)
	if at.fixed {
		guard(t)
		return
	}
	s.look(cpu, at)
	c.Touch(access(t.Kind, at))
}

// look folds the value that the operation in hand finds at a location into what
// the CPU has seen.
func (s *stepper) look(cpu int, at *site) {
	if !at.Lock && !at.fixed {
		s.see(cpu, s.world.Value(at.loc))
	}
}

func (s *stepper) see(cpu int, v uint64) {
	h := (s.seen[cpu] ^ v) * 0x9e3779b97f4a7c15
	s.seen[cpu] = h ^ h>>29
}

// forget says that the CPU is about to begin its operation i and that what it has
// seen so far has no part in what it will do but for what the CPU itself keeps.
func (s *stepper) forget(c *mm.CPU, i int) {
	s.seen[c.ID()] = uint64(i)
	s.see(c.ID(), c.Digest())
}

func access(k mm.TouchKind, at *site) explore.Access {
	switch l := at.loc; {
	case k == mm.TouchRead:
		return explore.Read(l)
	case k == mm.TouchLock:
		return explore.Lock(l)
	case k == mm.TouchUnlock:
		return explore.Unlock(l)
	case k == mm.TouchRLock:
		return explore.RLock(l)
	case k == mm.TouchRUnlock:
		return explore.RUnlock(l)
	case at.Loc.Kind == mm.LocTLB:
		// Whether an access fills the TLB depends on the hash table, which a tlbie does
		// not look at.
		return explore.Write(l)
	default:
		return explore.Update(l)
	}
}

// name is what the trace calls a step: with its page where there are several.
func (s *stepper) name(c *explore.CPU, n mm.Step, ea pte.EA) string {
	if s.pages > 1 && ea != 0 && c.Tracing() {
		return fmt.Sprintf("%s %v", n, ea)
	}
	return string(n)
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
		s.see(cpu, v)
	}
}
