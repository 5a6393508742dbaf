package mmu_test

import (
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// A guest enters a segment, its hypervisor an entry; a load is translated, and
// what the emulator caches of it is named when the page goes.
func Example() {
	table, _ := hpt.New(hpt.Config{})
	cpu, _ := mmu.New(mmu.Config{Profile: mmu.POWER8, Table: table, Paravirtual: true})
	cpu.SetMSR(mmu.MSRIR | mmu.MSRDR | mmu.MSRPR)

	const ea = 0x10001234
	fmt.Println(cpu.Translate(ea, pte.Read))
	cpu.SLBMTE(0x10000000|0x08000000|1, 0x7ca3<<12|0x400) // slot 1, VSID 0x7ca3, Kp
	fmt.Println(cpu.Translate(ea, pte.Read))

	sizes := table.Sizes()
	key := pte.MakeKey(0x7ca3, ea, pte.Seg256M, pte.Page4K)
	entry, _ := sizes.Encode(key, 0x5000, pte.Page4K, pte.Attr{PP: pte.PPUserRead, WIMG: pte.Memory})
	table.Insert(key, entry)
	fmt.Println(cpu.Translate(ea, pte.Read))
	fmt.Println(cpu.Translate(ea, pte.Write))

	table.InvalidateKey(key)
	rb, _ := mmu.EncodeTLBIE(sizes, key, pte.Page4K)
	cpu.TLBIE(mmu.TLBIE{RB: rb})
	for _, f := range cpu.Drain(nil) {
		fmt.Println(f)
	}
	// Output:
	// DSEG status 0x0 dar 0x10001234
	// DSI status 0x40000000 dar 0x10001234
	// 0x5234 page 4K r-x wimg 0x2
	// DSI status 0xa000000 dar 0x10001234
	// page 0x7ca30001 4K/4K/256M lpid 0 global
}
