package mm_test

import (
	"context"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// A file is mapped, one CPU stores to it, another takes its pages away: the entry of
// the hash table goes with them.
func Example() {
	table, _ := hpt.New(hpt.Config{})
	defer table.Close()
	m, _ := mm.New(mm.Config{Table: table, Kernel: mm.Linux61, CPUs: 2})
	space, file := m.NewAddressSpace(7), m.NewMapping(1, false)
	page := mm.Pages(0x10000000, 1)
	fmt.Println(m.CPU(0).Map(space, mm.VMA{Range: page, Prot: pte.Read | pte.Write, Shared: true, File: file}))

	fmt.Println(m.CPU(0).Store(space, page.Start, 42))
	fmt.Println(table.Stats().Valid, "entry")
	res, _ := m.CPU(1).UnmapMappingRange(context.Background(), file, 0, 0, true)
	fmt.Println(res.Pages, "page unmapped,", table.Stats().Valid, "entries")
	fmt.Println(m.CPU(1).Load(space, page.Start)) // the file still has it
	fmt.Println(m.Check())
	// Output:
	// <nil>
	// <nil>
	// 1 entry
	// 1 page unmapped, 0 entries
	// 42 <nil>
	// <nil>
}
