package tlb_test

import (
	"fmt"

	"github.com/hashmmu/ppc64/tlb"
)

// Two entries for one page, on a part that checks when it writes and on one
// that finds out at the access.
func Example() {
	for _, name := range []string{"mips32r2", "r4000"} {
		profile, err := tlb.ByName(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		cpu, err := tlb.NewMIPS(profile)
		if err != nil {
			fmt.Println(err)
			return
		}
		cpu.OnWrite = func(r tlb.Report) { fmt.Printf("%s: entries %d and %d match %#x\n", name, r.First, r.Second, r.Addr) }
		cpu.Write(tlb.EntryHi, 0x10000)
		cpu.Write(tlb.EntryLo0, 0x40<<6|2) // page frame 0x40, valid, read-only
		cpu.TLBWI()

		cpu.Write(tlb.EntryLo0, 0x80<<6|6) // the copy, writable; Index now names another entry
		cpu.Write(tlb.Index, 3)
		fmt.Printf("%s: write: %v\n", name, cpu.TLBWI())
		r := cpu.Translate(tlb.MIPSUser, tlb.Load, 0x10123)
		fmt.Printf("%s: load: %#x, fault %v\n", name, r.PA, r.Fault)
	}
	// Output:
	// mips32r2: entries 0 and 3 match 0x10000
	// mips32r2: write: machine-check
	// mips32r2: load: 0x40123, fault none
	// r4000: entries 0 and 3 match 0x10000
	// r4000: write: none
	// r4000: load: 0x0, fault shutdown
}

// An address has one slot in a TSB, so the second insert replaces the first.
func ExampleTSB() {
	tsb, err := tlb.NewTSB(tlb.TSBConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	const va = 0x40002000
	tsb.Insert(va, 0xa)
	tsb.Insert(va, 0xb)
	tte, ok := tsb.Lookup(va)
	fmt.Printf("%#x %v\n", tte, ok)
	fmt.Println(tsb.Flush(va), tsb.Flush(va))
	// Output:
	// 0xb true
	// true false
}
