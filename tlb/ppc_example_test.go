package tlb_test

import (
	"fmt"

	"github.com/hashmmu/ppc64/tlb"
)

// Two entries for one page on an e500mc: a report names both at the write, and
// the access is a machine check.
func ExampleE500Core() {
	p, err := tlb.ByName("e500mc")
	if err != nil {
		panic(err)
	}
	core, err := tlb.NewE500(p)
	if err != nil {
		panic(err)
	}
	core.OnWrite = func(r tlb.Report) { fmt.Println("entries", r.First, "and", r.Second, "overlap") }
	cpu := core.Thread(0)
	for way := range uint64(2) {
		cpu.Write(tlb.MAS0, way<<16)               // TLB0
		cpu.Write(tlb.MAS1, 1<<31|2<<7)            // valid, TID 0, 4 KiB
		cpu.Write(tlb.MAS2, 0x1000)                // effective page
		cpu.Write(tlb.MAS3, (0x5000+way<<12)|0x15) // real page, SX SW SR
		cpu.TLBWE()
		r := cpu.Translate(tlb.Load, 0x1234)
		fmt.Printf("%#x %v, MCSR %#x\n", r.PA, r.Fault, cpu.MCSR)
	}
	// Output:
	// 0x5234 none, MCSR 0x0
	// entries 4 and 5 overlap
	// 0x0 machine-check, MCSR 0x8000000
}
