package mmu

import "github.com/hashmmu/ppc64/pte"

// segmentTables reports whether segment tables back the SLB.
func (c *CPU) segmentTables() bool {
	return c.regs.LPCR&LPCRUPRT != 0 && c.cfg.Profile.ISA300 && c.cfg.Storage != nil && !c.cfg.Quirks.NoSegmentTable
}

// tableWalk reads the tables that an access needs besides the hashed page
// table. They lie in virtual storage, so that reading them searches it too.
type tableWalk struct {
	*CPU
	m      *mode
	update bool // set R in the entries used
}

// virtualTable is where a table lies: its segment, and the offset in it.
type virtualTable struct {
	seg segment
	off uint64
}

const (
	entryBytes      = 16 // of process and segment tables
	segmentGroup    = 8  // entries
	segmentGroupLog = 7  // bytes
)

// find looks for the segment of ea in the segment table of the process (Power
// ISA 3.0 Book III, Segment Table Search). Groups have eight entries of the form
// of SLB entries; a segment's group is that of its low ESID bits, the secondary
// one that of their complement. status is set when a table cannot be read.
func (w tableWalk) find(ea uint64) (s *segment, status uint32) {
	tab, groups, status := w.segmentTable()
	if status != 0 {
		return nil, status
	}
	for _, size := range [...]pte.SegSize{pte.Seg256M, pte.Seg1T} {
		esid := ea >> size.Shift()
		for _, group := range [...]uint64{esid & (groups - 1), ^esid & (groups - 1)} {
			for i := range uint64(segmentGroup) {
				e, ok, status := w.segment(tab, group*segmentGroup+i)
				if status != 0 {
					return nil, status
				}
				if ok && e.seg == size && ea&e.mask == e.esid {
					w.slb.walked = e
					return &w.slb.walked, 0
				}
			}
		}
	}
	return nil, 0
}

// segmentTable reads the process table entry of a hash partition (Power ISA 3.0
// Book III, Process Table):
//
//	DW0  B 63:62, the high 62 bits of the segment table's origin
//	DW1  63:60 its low 4 bits   7:4 size   3:1 page size   0 valid
//
// The origin is a virtual address in units of 4 KiB; the table has 2^(12+size)
// bytes.
func (w tableWalk) segmentTable() (t virtualTable, groups uint64, status uint32) {
	p := w.m.part
	pid := w.regs.PIDR & 0xffffffff
	if pid >= p.count {
		return t, 0, StatusTable
	}
	dw0, dw1, status := w.pair(virtualTable{p.processes, 0}, pid)
	if status != 0 {
		return t, 0, status
	}
	size := pte.SegSize(dw0 >> 62)
	if dw1&1 == 0 || size > pte.Seg1T {
		return t, 0, StatusTable
	}
	upper, lower := dw0&(1<<62-1), dw1>>60
	units := size.Shift() - pte.VPNShift // log2 of the units in the segment
	vsid := upper >> (units - 4)
	word := uint64(size)<<62 | vsid<<(size.Shift()-16) | pageEncoding(dw1>>1)
	var ok bool
	if t.seg, ok = w.decode(word); !ok {
		return t, 0, StatusTable
	}
	t.off = (upper<<4 | lower) & (1<<units - 1) << pte.VPNShift
	return t, 1 << (12 + dw1>>4&0xf - segmentGroupLog), 0
}

// segment reads entry i of a segment table. ok is false when it is invalid.
func (w tableWalk) segment(t virtualTable, i uint64) (s segment, ok bool, status uint32) {
	esid, word, status := w.pair(t, i)
	if status != 0 || esid&slbV == 0 {
		return s, false, status
	}
	if s, ok = w.decode(word); ok {
		s.place(esid, false)
	}
	return s, ok, 0
}

// pair reads entry i of a table.
func (w tableWalk) pair(t virtualTable, i uint64) (dw0, dw1 uint64, status uint32) {
	if dw0, status = w.load(&t.seg, t.off+i*entryBytes); status == 0 {
		dw1, status = w.load(&t.seg, t.off+i*entryBytes+8)
	}
	return dw0, dw1, status
}

// load reads a doubleword at an offset of a segment, as hardware does for
// itself: without protection and keys.
func (w tableWalk) load(s *segment, off uint64) (v uint64, status uint32) {
	t := w.m.part.table
	if t == nil {
		return 0, StatusTable | StatusNoPTE
	}
	base := w.m.base(s)
	for {
		var r Result // no one asks for duplicates
		f, ok := w.search(&r, w.m, s.target(off, base), base)
		if !ok {
			return 0, StatusTable | StatusNoPTE
		}
		if set := f.unset(pte.Read); set != 0 && w.update && !f.record(t, set) {
			continue
		}
		v, ok := w.cfg.Storage.Load64(f.realAddress(off))
		if !ok {
			return 0, StatusTable
		}
		return v, 0
	}
}
