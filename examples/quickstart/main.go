// Quickstart maps a page, touches it, and shows what the hash table has of it,
// before and after it is zapped.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

func main() {
	table, err := hpt.New(hpt.Config{Order: 18})
	check(err)
	defer table.Close()
	machine, err := mm.New(mm.Config{Table: table, Kernel: mm.Linux61})
	check(err)
	space, cpu := machine.NewAddressSpace(7), machine.CPU(0)

	page := mm.Pages(0x10000000, 1)
	check(cpu.Map(space, mm.VMA{Range: page, Prot: pte.Read | pte.Write}))
	check(cpu.Store(space, page.Start, 42)) // TLB miss, hash fault, page fault, store
	for slot, entry := range table.All() {
		fmt.Println("slot", slot, "holds", entry)
	}
	_, err = cpu.ZapPageRange(context.Background(), space, page)
	check(err)
	fmt.Println("after the zap:", table.Stats().Valid, "entries")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
