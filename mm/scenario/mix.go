package scenario

import (
	"fmt"

	"github.com/hashmmu/ppc64/mm"
)

// Mix is a scenario in which each CPU does a number of operations one after the
// other. CPU 0 unmaps a page from the file in its first operation and in every
// third one after that; of two CPUs it takes all pages in the first, so that they
// wait in one batch. Everything else is loads and stores in turn, on the pages in
// turn, so that under AtFinish every mix gets its duplicate. Stores write what is
// there already, so that contents do not multiply the states. It has no story; it
// is there to be proved.
func Mix(cpus, operations, pages int) *Scenario {
	sc := &Scenario{
		Name:    fmt.Sprintf("mix-%dx%d-%d", cpus, operations, pages),
		Summary: fmt.Sprintf("%d CPUs, %d operations each, on %d pages", cpus, operations, pages),
		Pages:   pages,
		Expect:  unless(safe, Duplicate),
		Vary:    []Variant{{Name: "writable-but-clean"}},
	}
	for cpu := range cpus {
		sc.Tasks = append(sc.Tasks, Task{
			Name: fmt.Sprintf("%d operations", operations), Operations: operations,
			Run: func(s *Stage, c *mm.CPU) {
				for i := range operations {
					s.next(c, i)
					s.mixed(c, i, (cpu/2+i)%pages)
				}
				s.next(c, operations)
			},
		})
	}
	return sc
}

// mixed does operation i of a CPU.
func (st *Stage) mixed(c *mm.CPU, i, page int) {
	switch {
	case c.ID() == 0 && i == 0 && st.Machine.CPUs() == 2:
		st.unmap(c, 0, len(st.pages))
	case c.ID() == 0 && i%3 == 0:
		st.unmap(c, page, 1)
	case (c.ID()+i)%2 == 1:
		st.storeSame(c, page)
	default:
		st.load(c, page)
	}
}
