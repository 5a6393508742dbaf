// Command hcall shows the hypercalls of a pseries guest at work: two vCPUs,
// goroutines here, share one hashed page table and work on it at the same time.
// Who comes first in a group differs from run to run; what is printed does not.
//
//	hcall
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

const (
	ram   = 64 << 20 // bytes of the guest
	pages = 512      // of 64K, that each vCPU maps
)

// flushes counts what the hypercalls invalidate; an emulator would tell its CPUs.
type flushes struct{ pages, tables atomic.Int64 }

func (f *flushes) Flush(e papr.Flush) {
	if e.Kind == papr.FlushPage {
		f.pages.Add(1)
	} else {
		f.tables.Add(1)
	}
}

// vcpu is a virtual processor with a process of its own to map.
type vcpu struct {
	p     *papr.HPT
	vsid  pte.VSID
	slots [pages]uint64     // where H_ENTER put the pages
	codes map[papr.Code]int // how hypercalls ended
	dirty int               // pages that were written, by what H_BULK_REMOVE returned
}

// call makes a hypercall, as sc 1 does.
func (c *vcpu) call(op papr.Op, a *papr.Args) papr.Code {
	code := c.p.Call(op, a)
	c.codes[code]++
	return code
}

// page is one page of the process and the entry that maps it.
func (c *vcpu) page(i int) (pte.Key, pte.HPTE) {
	k := pte.MakeKey(c.vsid, pte.EA(i)<<16, pte.Seg256M, pte.Page64K)
	e, err := c.p.Sizes().Encode(k, pte.RA(i)<<16, pte.Page64K, pte.Attr{
		PP: pte.PPUserRW, WIMG: pte.Memory, Bolted: i%64 == 0, Ref: true, Chg: i%4 == 0,
	})
	if err != nil {
		panic(err) // a constant of this program
	}
	return k, e
}

// mapAll enters every page.
func (c *vcpu) mapAll() {
	for i := range c.slots {
		k, e := c.page(i)
		group := k.Hash().Primary(c.p.Table().Mask())
		a := papr.Args{0, group * pte.SlotsPerGroup, e.V, e.R}
		if c.call(papr.OpEnter, &a) == papr.Success {
			c.slots[i] = a[0]
		}
	}
}

// protect makes every second page read-only.
func (c *vcpu) protect() {
	for i := 0; i < pages; i += 2 {
		k, _ := c.page(i)
		c.call(papr.OpProtect, &papr.Args{uint64(papr.AVPN) | pte.PPRead, c.slots[i], k.AVPN()})
	}
}

// unmap removes all pages from one on, four with each hypercall.
func (c *vcpu) unmap(from int) {
	const request, changed = 0x42 << 56, 0x04 << 56 // by AVPN; C in the response
	for i := from; i < pages; i += 4 {
		var a papr.Args
		for j := range 4 {
			k, _ := c.page(i + j)
			a[2*j], a[2*j+1] = request|c.slots[i+j], k.AVPN()
		}
		c.call(papr.OpBulkRemove, &a)
		for j := range 4 {
			if a[2*j]&changed != 0 {
				c.dirty++
			}
		}
	}
}

func run(w io.Writer) error {
	t, err := hpt.New(hpt.Config{Order: 18})
	if err != nil {
		return err
	}
	var f flushes
	p, err := papr.New(papr.Config{Table: t, Memory: papr.RAMBelow(ram), Sink: &f})
	if err != nil {
		return err
	}
	cpus := [2]*vcpu{
		{p: p, vsid: 0x1000, codes: map[papr.Code]int{}},
		{p: p, vsid: 0x1001, codes: map[papr.Code]int{}},
	}
	together := func(what string, do func(*vcpu)) {
		var wg sync.WaitGroup
		for _, c := range cpus {
			wg.Add(1)
			go func() { defer wg.Done(); do(c) }()
		}
		wg.Wait()
		s := p.Table().Stats()
		fmt.Fprintf(w, "%-36s %4d entries, %4d pages flushed\n", what, s.Valid, f.pages.Load())
	}
	together("each maps 512 pages", (*vcpu).mapAll)
	together("each makes every second read-only", (*vcpu).protect)
	together("each unmaps its upper half", func(c *vcpu) { c.unmap(pages / 2) })

	var won atomic.Int64
	first := cpus[0].slots[0]
	together("both remove one and the same page", func(c *vcpu) {
		if c.call(papr.OpRemove, &papr.Args{0, first}) == papr.Success {
			won.Add(1)
		}
	})
	fmt.Fprintf(w, "  %d of them did\n", won.Load())

	for _, op := range []papr.Op{papr.OpResizePrepare, papr.OpResizeCommit} {
		fmt.Fprintf(w, "%v to 2^20: %v\n", op, cpus[0].call(op, &papr.Args{0, 20}))
	}
	s := p.Table().Stats()
	fmt.Fprintf(w, "the table of order %d has %d entries, all %d bolted\n", s.Order, s.Valid, s.Bolted)
	total := func(code papr.Code) int { return cpus[0].codes[code] + cpus[1].codes[code] }
	fmt.Fprintf(w, "%d hypercalls: %v, %d: %v; %d of the unmapped pages were dirty\n", total(papr.Success),
		papr.Success, total(papr.NotFound), papr.NotFound, cpus[0].dirty+cpus[1].dirty)
	return p.Table().Check()
}
