package scenario

import (
	"fmt"
	"strings"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// Scenario is a small concurrent program on the pages of a stage. The zero
// value of a field means none.
type Scenario struct {
	Name    string
	Summary string
	Tasks   []Task    // what the CPUs do, one each
	Vary    []Variant // how it can start; at least one
	// Expect is the documented verdict; nil for the scenarios of a Path, which
	// documents them together.
	Expect func(*mm.Kernel, batch.Policy) Verdict

	Pages     int        // pages of the file and of the address space; 0 means 1
	Stride    uint64     // from one page to the next, in pages; 0 means 1
	Crowded   bool       // the tiny table has two slots in all
	Private   bool       // the mapping of the file is private: stores copy
	Huge      HugeKind   // pages of 16M
	Anonymous bool       // no file is mapped; a Variant says what Before stores
	Prot      pte.Access // what the mapping permits at first; 0 means loads and stores
	Batch     int        // entries that a batch holds; 0 means batch.MaxEntries

	// Others lists pages besides those of the stage that tasks touch, where they are
	// moved or copied to for instance, and makes the spaces they are in.
	Others func(*Stage) []mm.PageOf

	// Remaps says that a task changes the mappings, so takes mmap_sem for writing;
	// Drops that one takes pages out of the page cache or needs frames. Where no
	// task does, the locks, the page cache and the allocator are no locations, and
	// what touches nothing else is no step. A task that does all the same panics.
	Remaps, Drops bool
	// Demotes says that a task has pages hashed in 4K pieces, and the pages of the
	// scenario are pieces of one page of 64K.
	Demotes bool
}

// HugeKind is what pages of 16M a scenario plays on.
type HugeKind uint8

// The kinds.
const (
	NotHuge     HugeKind = iota
	Hugetlb              // the pages of the scenario are hugetlb pages of the file
	Transparent          // they are the base pages of one transparent huge page
)

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
	Nest  batch.Nesting
	// TrackDirty maps pages of the file read-only until they are stored to.
	TrackDirty bool
	// Before runs on the last CPU before the tasks begin: it gives the pages their
	// PTEs and hash table entries. nil loads every page.
	Before func(s *Stage, c *mm.CPU)
}

// operations is the number of operations of all tasks.
func (sc *Scenario) operations() int {
	n := 0
	for _, t := range sc.Tasks {
		n += max(1, t.Operations)
	}
	return n
}

func (sc *Scenario) pages() int { return max(1, sc.Pages) }

// All lists the scenarios.
func All() []*Scenario {
	return []*Scenario{Founding, Three, TwoPages, Overflow, OverflowRest, OutsideLazy, NestedLazy, Switch, Munmap, DontNeed, Mprotect, StaleHole, SizeChange, Evicted}
}

// Names lists the names of the scenarios.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// Parse returns the scenario with the given name.
func Parse(name string) (*Scenario, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("scenario: unknown scenario %q; one of %s", name, strings.Join(Names(), " "))
}

// safe tells whether a policy lets no entry outlive the PTE page lock.
func safe(p batch.Policy) bool {
	for _, part := range strings.Split(p.String(), "+") {
		switch part {
		case "before-unlock", "lazy-mmu", "immediate", "capacity-1":
			return true
		}
	}
	return false
}

// atOnce tells whether a policy lets no entry outlive its PTE.
func atOnce(p batch.Policy) bool {
	for _, part := range strings.Split(p.String(), "+") {
		if part == "immediate" || part == "capacity-1" {
			return true
		}
	}
	return false
}

// unless gives the verdict of a policy that is not safe.
func unless(safe func(batch.Policy) bool, otherwise Verdict) func(*mm.Kernel, batch.Policy) Verdict {
	return func(_ *mm.Kernel, p batch.Policy) Verdict {
		if safe(p) {
			return Proved
		}
		return otherwise
	}
}

// always expects the same of every kernel and policy.
func always(v Verdict) func(*mm.Kernel, batch.Policy) Verdict {
	return func(*mm.Kernel, batch.Policy) Verdict { return v }
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
