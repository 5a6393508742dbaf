// A toy emulator: it runs a guest loop that walks an array, with every access going
// through the hashed page table.
package main

import (
	"fmt"
	"log"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

const (
	array = pte.EA(0x10000000)
	pages = 4
	vsid  = 0x7ca3
)

// machine is guest memory and the processor that translates into it.
type machine struct {
	ram   []byte
	table *hpt.Table
	cpu   *mmu.CPU
	next  pte.RA // the next free page
}

func newMachine() (*machine, error) {
	table, err := hpt.New(hpt.Config{})
	if err != nil {
		return nil, err
	}
	cpu, err := mmu.New(mmu.Config{Table: table, Paravirtual: true, TLB: 6})
	if err != nil {
		return nil, err
	}
	cpu.SetMSR(mmu.MSRIR | mmu.MSRDR | mmu.MSRPR)
	cpu.SLBMTE(uint64(array)|0x08000000, vsid<<12|0x400)
	return &machine{ram: make([]byte, 1<<20), table: table, cpu: cpu, next: 0x1000}, nil
}

// access translates, and handles faults as a guest kernel would: it enters the page.
func (m *machine) access(ea pte.EA, a pte.Access) (*byte, error) {
	for {
		r := m.cpu.Translate(ea, a)
		if r.OK() {
			return &m.ram[r.RA], nil
		}
		key := pte.MakeKey(vsid, ea, pte.Seg256M, pte.Page4K)
		entry, err := m.table.Sizes().Encode(key, m.next, pte.Page4K, pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory})
		if err != nil {
			return nil, err
		}
		if _, err := m.table.InsertUnique(key, entry); err != nil {
			return nil, fmt.Errorf("%v: %w", r, err)
		}
		m.next += 0x1000
	}
}

func main() {
	m, err := newMachine()
	if err != nil {
		log.Fatal(err)
	}
	defer m.table.Close()
	sum := 0
	for round := range 3 {
		for i := range pte.EA(pages * 4096) {
			b, err := m.access(array+i, pte.Write)
			if err != nil {
				log.Fatal(err)
			}
			*b += byte(round)
			sum += int(*b)
		}
	}
	fmt.Println("sum:", sum, "entries:", m.table.Stats().Valid)
}
