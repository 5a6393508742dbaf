package scenario

import (
	"fmt"
	"strings"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
)

// Scenario is a small concurrent program on the pages of a stage. The zero
// value of a field means none.
type Scenario struct {
	Name    string
	Summary string
	Pages   int       // pages of the file and of the address space; 0 means 1
	Tasks   []Task    // what the CPUs do, one each
	Vary    []Variant // how it can start; at least one
	// Remaps says that a task changes the mappings, so takes mmap_sem for writing;
	// Drops that one takes pages out of the page cache or needs frames. Where no
	// task does, the locks, the page cache and the allocator are no locations, and
	// what touches nothing else is no step. A task that does all the same panics.
	Remaps, Drops bool
	// Expect is the documented verdict.
	Expect func(*mm.Kernel, batch.Policy) Verdict
}

// Task is what one CPU does.
type Task struct {
	Name       string
	Operations int // what the bound of a proof counts; 0 means 1
	Run        func(s *Stage, c *mm.CPU)
}

// Variant is one way for a scenario to start.
type Variant struct {
	Name  string
	Locks mm.LockGranularity
	// TrackDirty maps pages of the file read-only until they are stored to.
	TrackDirty bool
	// Before runs on CPU 1, or on the last one, before the tasks begin: it gives
	// the pages their PTEs and hash table entries. nil loads every page.
	Before func(s *Stage, c *mm.CPU)
}

// operations is the number of operations of all tasks.
func (s *Scenario) operations() int {
	n := 0
	for _, t := range s.Tasks {
		n += max(1, t.Operations)
	}
	return n
}

// All lists the scenarios.
func All() []*Scenario { return []*Scenario{Founding} }

// Parse returns the scenario with the given name.
func Parse(name string) (*Scenario, error) {
	var names []string
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("scenario: unknown scenario %q; one of %v", name, names)
}

// unsafeIsDuplicate expects a duplicate under every policy that lets an entry
// outlive the PTE page lock, and a proof under the others.
func unsafeIsDuplicate(_ *mm.Kernel, p batch.Policy) Verdict {
	for _, part := range strings.Split(p.String(), "+") {
		switch part {
		case "before-unlock", "lazy-mmu", "immediate", "capacity-1":
			return Proved
		}
	}
	return Duplicate
}

// twoLocks gives each variant a PTE page lock of its own and one per space.
func twoLocks(vs ...Variant) []Variant {
	var out []Variant
	for _, v := range vs {
		for _, g := range []mm.LockGranularity{mm.LockPerPage, mm.LockPerSpace} {
			one := v
			one.Name, one.Locks = v.Name+", PTL "+g.String(), g
			out = append(out, one)
		}
	}
	return out
}
