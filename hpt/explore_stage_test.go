//go:build explore

package hpt

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// stageSlots is the size of an explored table: two groups of two slots, which
// are the primary and the secondary group of every page.
const stageSlots = 4

// stage is a tiny table on which every atomic operation is a step of an explored
// world. Each word that operations touch is a location; its number comes from its
// place in the table's state, so it is the same in every execution.
type stage struct {
	*Table
	world        *explore.World
	state, start []uint64
	words        []explore.Loc // by index in state, 0 where nobody looks
	present      []explore.Loc // per watched page, an array by slot: 1 while it holds a valid entry
	naming       naming
	named        [explore.MaxCPUs]uint64
}

// naming says where InsertUnique takes the tag of its tentative entry from.
type naming int

const (
	perCall naming = iota // CPU and a count of its own: equal to the counter up to renaming
	counter               // the table's counter, a location like any other
	perCPU                // the CPU's number, the same in every call of it
)

// newStage makes the table, lets prepare fill it, and takes the hooks of package
// sched, so that one exploration at a time can run in a process.
func newStage(w *explore.World, c tiny.Config, n naming, prepare func(*stage)) *stage {
	c.Groups, c.Slots = 2, stageSlots/2
	made := tiny.New(c)
	s := &stage{Table: made.Store.(*Table), world: w, state: made.State, naming: n}
	sched.Hook, sched.Names = s.step, nil
	if n != counter {
		sched.Names = s.name
	}
	prepare(s)
	s.start = append([]uint64(nil), s.state...)
	s.register()
	return s
}

func dropHooks(t *testing.T) {
	t.Cleanup(func() { sched.Hook, sched.Names = nil, nil })
}

func (s *stage) register() {
	s.words = make([]explore.Loc, len(s.state))
	word := func(name string, n, first, stride int) {
		l := s.world.Array(name, n, func(i int) uint64 { return s.state[first+i*stride] })
		for i := range n {
			s.words[first+i*stride] = l.At(i)
		}
	}
	word("V", stageSlots, 0, 2)
	word("R", stageSlots, 1, 2)
	if s.naming == counter {
		word("tag", 1, 2*stageSlots, 1)
	}
	word("victim", 1, 2*stageSlots+1, 1)
	at := 2*stageSlots + 2
	if !s.native {
		word("generation", len(s.stripes), at, stripeWords)
		at += len(s.stripes) * stripeWords
	}
	if s.locks != nil {
		word("lock", len(s.locks), at, 1)
		at += len(s.locks)
	}
	if s.overflow != nil {
		word("overflow", len(s.overflow), at, 1)
	}
	s.world.Reset(func() {
		copy(s.state, s.start)
		s.named = [explore.MaxCPUs]uint64{}
	})
	s.world.Snapshot(s.picture)
}

// name is a number for a tentative entry.
func (s *stage) name() uint64 {
	id := explore.MaxCPUs - 1 // while the table is prepared
	if c := s.world.Running(); c != nil {
		id = c.ID()
	}
	if s.naming == perCall {
		s.named[id]++
	}
	return uint64(id+1)<<32 | s.named[id]
}

// step stops the CPU that runs before an atomic operation.
func (s *stage) step(op sched.Step) {
	c := s.world.Running()
	if c == nil {
		return // outside of the CPUs' programs
	}
	at := int(uintptr(op.Addr)-uintptr(unsafe.Pointer(&s.state[0]))) / 8
	loc := s.words[at]
	var room [8]explore.Access
	touched := room[:0]
	switch op.Op {
	case sched.Await:
		c.Await("await", loc, func() bool { return s.state[at] != op.Seen })
		return
	case sched.Load:
		touched = append(touched, explore.Read(loc))
		if op.Size == 16 {
			touched = append(touched, explore.Read(s.words[at+1]))
		}
		c.Step("load", touched...)
		return
	case sched.Store:
		touched = append(touched, explore.Write(loc))
	default:
		touched = append(touched, explore.Update(loc))
		if op.Size == 16 {
			touched = append(touched, explore.Update(s.words[at+1]))
		}
	}
	if at < 2*stageSlots && at&1 == 0 {
		for _, p := range s.present {
			touched = append(touched, explore.Write(p.At(at/2)))
		}
	}
	c.Step(stepNames[op.Op], touched...)
}

var stepNames = [...]string{sched.Store: "store", sched.CompareAndSwap: "compare-and-swap", sched.Add: "add"}

// raw is what memory holds in a slot, half-made entries of the portable protocol
// included.
func (s *stage) raw(slot int) pte.HPTE {
	return pte.HPTE{V: bigEndian(s.state[2*slot]), R: bigEndian(s.state[2*slot+1])}
}

// holds reports whether a slot has a valid entry of a key.
func (s *stage) holds(slot int, k pte.Key) bool { return s.raw(slot).Match(k, s.secondary(slot, k)) }

func (s *stage) secondary(slot int, k pte.Key) bool {
	return uint64(slot)/s.perGroup != k.Hash().Primary(s.mask)
}

// copies counts the valid entries of a key.
func (s *stage) copies(k pte.Key) (n int) {
	for slot := range stageSlots {
		if s.holds(slot, k) {
			n++
		}
	}
	return n
}

// atMostOne adds H3 for a key. Where entries of it are valid is a location per
// slot, derived from V, so that only steps which make one valid or invalid have
// an order on account of this invariant.
func (s *stage) atMostOne(name string, k pte.Key) {
	first := s.world.Array("valid "+name, stageSlots, func(i int) uint64 {
		if s.holds(i, k) {
			return 1
		}
		return 0
	})
	s.present = append(s.present, first)
	var where []explore.Loc
	for i := range stageSlots {
		where = append(where, first.At(i))
	}
	s.world.Always("H3: at most one valid entry of "+name, func() error {
		if n := s.copies(k); n > 1 {
			return fmt.Errorf("%d valid entries", n)
		}
		return nil
	}, where...)
}

// noneTentative adds that no tentative entry outlives its call.
func (s *stage) noneTentative() {
	s.world.Finally("no tentative entry is left", func() error {
		for i := range stageSlots {
			if h := s.raw(i); tentative(h) {
				return fmt.Errorf("slot %d holds %v", i, h)
			}
		}
		return nil
	})
}

// picture draws the two groups.
func (s *stage) picture() (panels []explore.Panel) {
	for g := range 2 {
		p := explore.Panel{Title: fmt.Sprintf("PTEG %d", g)}
		for i := range stageSlots / 2 {
			c := explore.Cell{Label: fmt.Sprintf("slot %d", i), Text: "free", Mark: explore.Dim}
			switch h := s.raw(g*stageSlots/2 + i); {
			case h.Valid():
				c.Text, c.Mark = h.String(), explore.Live
			case tentative(h):
				c.Text, c.Mark = fmt.Sprintf("tentative %#x", h.R), explore.Plain
			}
			p.Cells = append(p.Cells, c)
		}
		panels = append(panels, p)
	}
	return panels
}
