// Emulator is a small ppc64 machine that runs real machine code, with
// translation on: a kernel that takes storage and segment interrupts, fills the
// SLB and the hash table by hypercall, and a user program, on two virtual
// processors that share one table. It is here to show that the library is all
// one needs to write an emulator's memory management with.
//
//	go run ./examples/emulator
//	go run ./examples/emulator -tlb e5500
//
// With -tlb the same program runs on a TLB that the kernel fills; the kernel is
// then this machine's own, in soft.go.
//
// The guest's source and the line that builds it are in guest/.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/internal/cli"
	"github.com/hashmmu/ppc64/mm/scenario"
	"github.com/hashmmu/ppc64/pte"
)

//go:embed guest/guest.bin
var guest []byte

const (
	ramBytes     = 2 << 20
	sharedCount  = 0x80000 // where the guest counts together
	instructions = 50_000_000
)

func main() { cli.Main("emulator", command) }

func command(args []string, std cli.Std) (int, error) {
	parts := strings.Join(scenario.SoftProfiles, " ")
	f := flag.NewFlagSet("emulator", flag.ContinueOnError)
	part := f.String("tlb", "", "run on the software-loaded TLB of this part: "+parts)
	if err := cli.Parse(f, args, std.Out, cli.NoFiles); err != nil {
		return 2, err
	}
	if *part != "" && !slices.Contains(scenario.SoftProfiles, *part) {
		return 2, fmt.Errorf("unknown TLB %q; one of %s", *part, parts)
	}
	if err := start(std.Out, *part); err != nil {
		return 1, err
	}
	return 0, nil
}

// start runs the guest on a hash table or on the TLB of a part.
func start(w io.Writer, part string) error {
	if part == "" {
		return run(w)
	}
	return runSoft(w, part)
}

func run(w io.Writer) error {
	table, err := hpt.New(hpt.Config{Order: 18})
	if err != nil {
		return err
	}
	defer table.Close()
	memory := make(ram, ramBytes/8)
	memory.write(guest)

	var domain mmu.Domain
	var cpus [2]*vcpu
	for i := range cpus {
		m, err := mmu.New(mmu.Config{Profile: mmu.POWER8, Table: table, Paravirtual: true, Domain: &domain, TLB: 6})
		if err != nil {
			return err
		}
		cpus[i], err = newVCPU(uint64(i), memory, m, papr.Config{Table: table, Memory: papr.RAMBelow(ramBytes)})
		if err != nil {
			return err
		}
	}

	var wg sync.WaitGroup
	var errs [len(cpus)]error
	for i, c := range cpus {
		wg.Add(1)
		go func() { defer wg.Done(); errs[i] = c.run(instructions) }()
	}
	wg.Wait()
	for i, c := range cpus {
		fmt.Fprintf(w, "vCPU %d\n%s", i, c.console)
		if errs[i] != nil {
			return errs[i]
		}
	}
	fmt.Fprintf(w, "counted together: %d\n", memory.load(sharedCount, 8))
	s := table.Stats()
	fmt.Fprintf(w, "hash table: %d entries, all of 4K pages: %t\n", s.Valid, s.Sizes[hpt.SizePair{Base: pte.Page4K, Actual: pte.Page4K}] == s.Valid)
	return table.Check()
}
