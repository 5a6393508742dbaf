// Command customstore runs Linux memory management on translation hardware of its
// own: a Go map. The test beside it is what shows that the map is right: it passes the
// contract suite of package mm/mmtest and is explored.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

func main() { run(os.Stdout) }

func run(w io.Writer) {
	table, err := hpt.New(hpt.Config{}) // stays empty
	check(err)
	defer table.Close()
	var store *mapStore
	machine, err := mm.New(mm.Config{Table: table, Backend: func(m *mm.Machine) mm.Backend {
		store = newMapStore(m).(*mapStore)
		return store
	}})
	check(err)
	space, cpu := machine.NewAddressSpace(7), machine.CPU(0)

	pages := mm.Pages(0x10000000, 2)
	check(cpu.Map(space, mm.VMA{Range: pages, Prot: pte.Read | pte.Write}))
	check(cpu.Store(space, pages.Start, 42))
	_, err = cpu.Load(space, pages.Start+0x1000)
	check(err)
	for _, ea := range []pte.EA{pages.Start, pages.Start + 0x1000} {
		t := store.pages[space.Key(ea)]
		fmt.Fprintln(w, ea, "translates to", t.RA, t.Prot)
	}
	_, err = cpu.ZapPageRange(context.Background(), space, pages)
	check(err)
	fmt.Fprintln(w, "after the zap:", len(store.pages), "translations; hash table:", table.Stats().Valid, "entries")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
