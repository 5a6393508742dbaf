package mmu

import "github.com/hashmmu/ppc64/pte"

// slb is the segment lookaside buffer. The entries keep both doublewords as
// written; valid ones also stand, decoded and in slot order, in a dense array
// that lookups go through.
type slb struct {
	esid, word [maxSLB]uint64
	n          int
	dense      [maxSLB]segment
	slot       [maxSLB]uint8 // of dense[i]
	walked     segment       // the entry found in a segment table

	// Where find found the segments used last. Addresses that differ below shift
	// only, log2 of the smallest segment, have the same.
	recent [1 << recentOrder]recent
	shift  uint
}

type recent struct {
	at uint64 // ea>>shift
	s  *segment
}

const recentOrder = 6

// find returns the matching segment with the lowest slot, nil if none matches.
func (b *slb) find(ea uint64) *segment {
	at := ea >> (b.shift & 63)
	e := &b.recent[at*spread>>(64-recentOrder)]
	if e.at != at || e.s == nil {
		*e = recent{at, b.scan(ea)}
	}
	return e.s
}

// scan is find entry by entry.
func (b *slb) scan(ea uint64) *segment {
	for i := range b.dense[:b.n] {
		if s := &b.dense[i]; ea&s.mask == s.esid {
			return s
		}
	}
	return nil
}

// spread is a factor that makes neighbouring numbers differ in the high bits.
const spread = 0x9e3779b97f4a7c15

// count returns how many segments match.
func (b *slb) count(ea uint64) (n int) {
	for i := range b.dense[:b.n] {
		if s := &b.dense[i]; ea&s.mask == s.esid {
			n++
		}
	}
	return n
}

// settle rebuilds the dense array after a change of entries.
func (c *CPU) settle() {
	b := &c.slb
	b.n = 0
	b.shift = pte.Seg1T.Shift()
	clear(b.recent[:])
	for i := range b.esid[:c.cfg.Profile.SLB] {
		if b.esid[i]&slbV == 0 {
			continue
		}
		if s, ok := c.decode(b.word[i]); ok {
			s.place(b.esid[i], c.cfg.Quirks.ExactESID1T)
			b.dense[b.n], b.slot[b.n] = s, uint8(i)
			b.n++
			b.shift = min(b.shift, s.seg.Shift())
		}
	}
}

// SLBEntry is an entry of the SLB as slbmfee and slbmfev show it.
type SLBEntry struct {
	Slot int
	ESID uint64 // ESID 63:28, V 0x08000000
	VSID uint64 // B 63:62, VSID, Ks, Kp, N, L, C, LP
}

// Valid reports whether the entry takes part in translation.
func (e SLBEntry) Valid() bool { return e.ESID&slbV != 0 }

// AppendSLB appends the entries that are not all zero, in slot order.
func (c *CPU) AppendSLB(es []SLBEntry) []SLBEntry {
	for i := range c.cfg.Profile.SLB {
		if c.slb.esid[i]|c.slb.word[i] != 0 {
			es = append(es, SLBEntry{i, c.slb.esid[i], c.slb.word[i]})
		}
	}
	return es
}

// SLBMTE is slbmte RS,RB. false means a program interrupt for operands that are
// none: a slot beyond the SLB, reserved bits in RB, a segment or page size that
// does not exist. The SLB is then unchanged.
func (c *CPU) SLBMTE(rb, rs uint64) bool {
	i, esid := rb&0xfff, rb&^0xfff
	if i >= uint64(c.cfg.Profile.SLB) || esid&^(slbESID|slbV) != 0 {
		return false
	}
	if _, ok := c.decode(rs); !ok {
		return false
	}
	b := &c.slb
	if b.esid[i] == esid && b.word[i] == rs {
		return true
	}
	c.forget(int(i))
	b.esid[i], b.word[i] = esid, rs
	c.settle()
	if esid&slbV != 0 && c.shared(esid, rs) {
		c.flushSegment(esid, rs)
	}
	return true
}

// forget queues the flush of what an entry translates, if it is valid.
func (c *CPU) forget(i int) {
	if c.slb.esid[i]&slbV != 0 {
		c.flushSegment(c.slb.esid[i], c.slb.word[i])
	}
}

func (c *CPU) flushSegment(esid, word uint64) {
	seg := pte.SegSize(word >> 62)
	c.flush(Flush{Kind: FlushSegment, EA: pte.EA(esid & slbESID &^ (seg.Bytes() - 1)), Seg: seg})
}

// shared reports whether translations may be cached for a segment that is being
// entered anew: another entry, or a segment table, covers part of it.
func (c *CPU) shared(esid, word uint64) bool {
	if c.segmentTables() {
		return true
	}
	mask := ^(pte.SegSize(word>>62).Bytes() - 1)
	n := 0
	for i := range c.slb.dense[:c.slb.n] {
		s := &c.slb.dense[i]
		if (s.esid^esid)&s.mask&mask == 0 {
			n++
		}
	}
	return n > 1
}

// invalidate clears V of an entry; the rest of it stays readable.
func (c *CPU) invalidate(i int) {
	c.forget(i)
	c.slb.esid[i] &^= slbV
}

// SLBIE is slbie RB: the entry that translates the address in RB is invalidated,
// and what was cached from it. The class and size bits of RB are not looked at:
// the architecture leaves a mismatch undefined. Of several matching entries the
// lowest slot goes.
func (c *CPU) SLBIE(rb uint64) {
	b := &c.slb
	for i := range b.dense[:b.n] {
		if s := &b.dense[i]; rb&slbESID&s.mask == s.esid {
			c.invalidate(int(b.slot[i]))
			c.settle()
			return
		}
	}
	if c.segmentTables() {
		// Found in a segment table, so of unknown size: the larger.
		c.flushSegment(rb, uint64(pte.Seg1T)<<62)
	}
}

// SLBIEG is slbieg RS,RB (ISA 3.0): slbie on every processor of the Domain whose
// LPIDR and PIDR are those that RS names, PID in its high and LPID in its low
// half.
func (c *CPU) SLBIEG(rs, rb uint64) { c.global(slbGlobal{rs: rs, ea: pte.EA(rb)}) }

// SLBIAG is slbiag RS,L (ISA 3.0): every entry goes on every processor of the
// Domain whose LPIDR and PIDR RS names; with L=1 PIDR does not count.
func (c *CPU) SLBIAG(rs uint64, l bool) { c.global(slbGlobal{rs: rs, all: true, anyPID: l}) }

// global carries out slbieg or slbiag here, and sends it to the others.
func (c *CPU) global(g slbGlobal) {
	c.invalidateGlobal(g)
	if !c.cfg.Quirks.LocalSLBIEG {
		c.sendSLB(g)
	}
}

// invalidateGlobal carries out a slbieg or slbiag of any processor.
func (c *CPU) invalidateGlobal(g slbGlobal) {
	samePID := uint32(c.regs.PIDR) == uint32(g.rs>>32) || g.anyPID
	ours := uint32(c.regs.LPIDR) == uint32(g.rs) && samePID
	switch {
	case !ours && !c.cfg.Quirks.LocalSLBIEG:
	case g.all:
		c.invalidateAll(func(int) bool { return true })
		c.flushWalked()
	default:
		c.SLBIE(uint64(g.ea))
	}
}

// SLBIA is slbia IH. Slot 0 stays, but from ISA 3.0 on IH decides: 3 takes the
// entries of class 1 only, slot 0 among them; 4 takes all; 7 takes none.
func (c *CPU) SLBIA(ih uint64) {
	switch {
	case !c.cfg.Profile.ISA300 || ih != 3 && ih != 4 && ih != 7:
		c.invalidateAll(func(i int) bool { return i != 0 })
	case ih == 3:
		c.invalidateAll(func(i int) bool { return c.slb.word[i]&slbC != 0 })
	case ih == 4:
		c.invalidateAll(func(int) bool { return true })
	}
	if ih != 7 {
		c.flushWalked()
	}
}

func (c *CPU) invalidateAll(goes func(i int) bool) {
	b := &c.slb
	for i := range b.dense[:b.n] {
		if slot := int(b.slot[i]); goes(slot) {
			c.invalidate(slot)
		}
	}
	c.settle()
}

// flushWalked drops what was cached from a segment table.
func (c *CPU) flushWalked() {
	if c.segmentTables() {
		c.flush(Flush{Kind: FlushSegments})
	}
}

// SLBMFEE is slbmfee RT,RB: the first doubleword of a slot. false means a program
// interrupt: there is no such slot.
func (c *CPU) SLBMFEE(rb uint64) (rt uint64, ok bool) { return c.slbWord(&c.slb.esid, rb) }

// SLBMFEV is slbmfev RT,RB: the second doubleword of a slot.
func (c *CPU) SLBMFEV(rb uint64) (rt uint64, ok bool) { return c.slbWord(&c.slb.word, rb) }

func (c *CPU) slbWord(words *[maxSLB]uint64, rb uint64) (rt uint64, ok bool) {
	if i := rb & 0xfff; i < uint64(c.cfg.Profile.SLB) {
		return words[i], true
	}
	return 0, false
}

// SLBFEE is slbfee. RT,RB: the second doubleword of the entry that translates
// the address in RB. When found is false, RT and CR0[EQ] are 0.
func (c *CPU) SLBFEE(rb uint64) (rt uint64, found bool) {
	if s := c.slb.find(rb); s != nil {
		return s.word, true
	}
	return 0, false
}
