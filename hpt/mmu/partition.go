package mmu

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// partition is what a partition table entry, or SDR1, says.
type partition struct {
	table *hpt.Table
	vrma  uint64 // L and LP of the VRMA, where an SLB entry has them
	radix bool

	// The process table of a hash partition: a 1T segment of its own.
	processes segment
	count     uint64 // entries, 0 when there is none
}

// SDR1 is the register that says where the table is, before ISA 3.0.
type SDR1 uint64

// Base is the real address of the table.
func (s SDR1) Base() pte.RA { return pte.RA(s & 0x0ffffffffffc0000) }

// Order is log2 of the table's size in bytes: 18 plus HTABSIZE.
func (s SDR1) Order() int { return 18 + int(s&0x1f) }

// PTCR is the register that says where the partition table is, from ISA 3.0 on.
type PTCR uint64

// Base is the real address of the partition table.
func (p PTCR) Base() pte.RA { return pte.RA(p & 0x0ffffffffffff000) }

// Entries is the number of its entries, of 16 bytes each.
func (p PTCR) Entries() uint64 { return 1 << (8 + p&0x1f) }

// PATE is a partition table entry of ISA 3.0 (Power ISA Book III, Partition
// Table; Linux: patb0, patb1).
//
//	DW0  63 HR   59:18 HTABORG   7:5 PS, page size of the VRMA   4:0 HTABSIZE
//	DW1  PRTB 63:25, VSID of the process table's 1T segment
//	     7:5 page size of that segment   4:0 PRTS
type PATE struct{ DW0, DW1 uint64 }

// Radix reports whether the partition uses radix trees.
func (p PATE) Radix() bool { return p.DW0>>63 != 0 }

// Table returns base and order of the hashed page table, as in SDR1.
func (p PATE) Table() (base pte.RA, order int) { return SDR1(p.DW0).Base(), SDR1(p.DW0).Order() }

// VRMA returns L and LP of the VRMA, where an SLB entry has them.
func (p PATE) VRMA() uint64 { return pageEncoding(p.DW0 >> 5) }

// pageEncoding moves L||LP from three bits to where an SLB entry has them.
func pageEncoding(v uint64) uint64 { return v&4<<6 | v&3<<4 }

// loadPartitions follows a change of SDR1, PTCR, LPIDR or the partition table.
func (c *CPU) loadPartitions() {
	if c.cfg.Storage == nil {
		return
	}
	if !c.cfg.Profile.ISA300 {
		s := SDR1(c.regs.SDR1)
		c.part[0] = partition{table: c.cfg.Storage.Table(s.Base(), s.Order(), c.cfg.Profile.Format)}
		c.part[1] = c.part[0]
		return
	}
	c.part[0] = c.loadPATE(0)
	c.part[1] = c.loadPATE(c.regs.LPIDR)
}

// loadPATE reads a partition table entry; one that is not there has no table.
func (c *CPU) loadPATE(lpid uint64) partition {
	t := PTCR(c.regs.PTCR)
	at := t.Base() + pte.RA(lpid&0xffffffff*16)
	dw0, ok0 := c.cfg.Storage.Load64(at)
	dw1, ok1 := c.cfg.Storage.Load64(at + 8)
	if !ok0 || !ok1 || lpid >= t.Entries() {
		return partition{}
	}
	e := PATE{dw0, dw1}
	if e.Radix() {
		return partition{radix: true}
	}
	p := partition{vrma: e.VRMA()}
	base, order := e.Table()
	p.table = c.cfg.Storage.Table(base, order, c.cfg.Profile.Format)
	word := uint64(pte.Seg1T)<<62 | dw1>>25<<24&slbVSID | pageEncoding(dw1>>5)
	if s, ok := c.decode(word); ok {
		p.processes, p.count = s, 1<<(12+dw1&0x1f)/16
	}
	return p
}
