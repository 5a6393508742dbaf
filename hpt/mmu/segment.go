package mmu

import "github.com/hashmmu/ppc64/pte"

// Bits of the two doublewords of an SLB entry.
const (
	slbESID = 0xfffffffff0000000 // ESID, of 256M segments
	slbV    = 0x08000000
	slbB    = 3 << 62
	slbVSID = 0x3ffffffffffff000
	slbKs   = 0x800
	slbKp   = 0x400
	slbN    = 0x200
	slbC    = 0x080

	slbLow1T = 0xfff000 // VSID bits that do not exist in a 1T segment
)

// segment is an SLB entry made ready for searching the table, once, when it is
// written.
type segment struct {
	esid, mask uint64   // matches when ea&mask == esid
	avpn       uint64   // B and VSID where V has them
	hash       pte.Hash // what the VSID adds to the hash
	word       uint64   // second doubleword
	base       pte.PageSize
	seg        pte.SegSize
}

// decode makes a segment of the second doubleword of an entry. ok is false when
// B or the page size is none.
func (c *CPU) decode(word uint64) (s segment, ok bool) {
	base, ok := c.sizes.Base(word)
	s = segment{word: word, base: base, seg: pte.SegSize(word >> 62)}
	if !ok || s.seg > pte.Seg1T {
		return s, false
	}
	s.mask = ^(s.seg.Bytes() - 1)
	s.avpn = word & (slbB | slbVSID)
	s.hash = pte.Hash(s.vsid())
	if s.seg == pte.Seg1T {
		s.hash ^= s.hash << 25
		if !c.cfg.Quirks.LowVSID1T {
			s.avpn &^= slbLow1T
		}
	}
	return s, true
}

// place makes the segment match the effective addresses that the first
// doubleword names.
func (s *segment) place(esid uint64, exact1T bool) {
	s.esid = esid & s.mask
	if s.seg == pte.Seg1T && exact1T && esid&slbESID != s.esid {
		s.esid = 1 // matches nothing: outside the mask
	}
}

// vsid returns the virtual segment identifier.
func (s *segment) vsid() pte.VSID {
	if s.seg == pte.Seg1T {
		return pte.VSID(s.word & slbVSID >> 24)
	}
	return pte.VSID(s.word & slbVSID >> 12)
}

// offset returns the part of ea that names a base page of the segment.
func (s *segment) offset(ea uint64, base pte.PageSize) uint64 {
	return ea &^ s.mask &^ (base.Bytes() - 1)
}

// key is what a search for ea asks the table.
func (s *segment) key(ea uint64, base pte.PageSize) pte.Key {
	return pte.MakeKey(s.vsid(), pte.EA(ea), s.seg, base)
}

// findSegment returns the segment of ea: the lowest SLB slot that matches, then
// what a segment table says. n is the number of SLB entries that match, where
// several are to be detected. status is set when a table could not be read.
func (c *CPU) findSegment(m *mode, ea uint64, update bool) (s *segment, n int, status uint32) {
	switch s = c.slb.find(ea); {
	case s == nil && m.segTables:
		s, status = tableWalk{c, m, update}.find(ea)
	case s != nil && c.cfg.DetectMultihit:
		n = c.slb.count(ea)
	}
	return s, n, status
}
