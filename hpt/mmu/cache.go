package mmu

import "github.com/hashmmu/ppc64/pte"

// cache is the software TLB: direct mapped, one line per 4 KiB of effective
// address and context. It holds translations through the table only. What may
// change without a flush, the keys' rights, is judged on every hit.
//
// live lists the lines in use, so that a flush looks at those only.
type cache struct {
	lines []line
	live  []uint32
	shift uint // of the multiplied page number
}

type line struct {
	page  uint64 // ea>>12<<12 | context<<1 | 1; 0 when empty
	ra    pte.RA // of the page's first byte
	vpn   pte.VPN
	word  uint64 // the segment
	slot  pte.Slot
	prot  pte.Access // by PP, N, G and C
	base  pte.PageSize
	size  pte.PageSize
	key   uint8
	wimg  uint8
	sec   bool
	place uint32 // in live
}

const pageMask = 1<<12 - 1

func newCache(order int) *cache {
	return &cache{lines: make([]line, 1<<order), live: make([]uint32, 0, 1<<order), shift: 64 - uint(order)}
}

// tagOf is what a line for ea in a mode has as page.
func tagOf(m *mode, ea uint64) uint64 { return ea&^pageMask | m.context<<1 | 1 }

// index spreads neighbouring pages and contexts.
func (t *cache) index(tag uint64) uint32 {
	return uint32((tag>>12 ^ tag<<48) * spread >> (t.shift & 63))
}

// line returns the line for ea, nil if there is none.
func (t *cache) line(m *mode, ea uint64) *line {
	tag := tagOf(m, ea)
	if l := &t.lines[t.index(tag)]; l.page == tag {
		return l
	}
	return nil
}

// cached answers from the software TLB into r. It is false when there is no
// line, and when the line does not grant the access: then the walk decides.
func (c *CPU) cached(r *Result, m *mode, ea uint64, acc pte.Access) bool {
	l := m.cache.line(m, ea)
	if l == nil {
		return false
	}
	prot := l.prot & c.keyRights(m, l.key)
	if !prot.Has(acc) {
		return false
	}
	r.RA, r.ASDR = l.ra|pte.RA(ea&pageMask), l.word
	r.Slot, r.Other = l.slot, NoSlot
	r.PageShift, r.Prot, r.WIMG, r.Key = l.size, prot, l.wimg, l.key
	r.Secondary, r.Cached = l.sec, true
	return true
}

// fill keeps a translation. A duplicate is not kept, so that each access tells
// about it.
func (c *CPU) fill(m *mode, s *segment, ea uint64, r *Result, granted pte.Access) {
	if r.Dup != NoDuplicate {
		return
	}
	tag := tagOf(m, ea)
	i := c.cache.index(tag)
	l := &c.cache.lines[i]
	place := l.place
	if l.page == 0 {
		place = uint32(len(c.cache.live))
		c.cache.live = append(c.cache.live, i)
	}
	*l = line{
		page: tag, ra: r.RA &^ pageMask, word: r.ASDR, slot: r.Slot, prot: granted, place: place,
		vpn:  s.key(ea, pte.Page4K).VPN() & vpnMask,
		base: m.base(s), size: r.PageShift, key: r.Key, wimg: r.WIMG, sec: r.Secondary,
	}
}

// drop empties a line.
func (t *cache) drop(i uint32) {
	p := t.lines[i].place
	last := t.live[len(t.live)-1]
	t.live[p], t.lines[last].place = last, p
	t.live = t.live[:len(t.live)-1]
	t.lines[i] = line{}
}

// flush drops the live lines that f names.
func (t *cache) flush(c *CPU, f Flush) {
	if f.Kind == FlushReal || f.Kind == FlushKeys {
		return // neither is kept
	}
	for p := len(t.live); p > 0; p-- {
		if i := t.live[p-1]; t.lines[i].named(c, f) {
			t.drop(i)
		}
	}
}

// named reports whether f names the line.
func (l *line) named(c *CPU, f Flush) bool {
	switch f.Kind {
	case FlushPage:
		return f.HasPage(l.vpn, l.base, l.size, pte.SegSize(l.word>>62), l.lpid(c))
	case FlushLPID:
		return f.LPID == l.lpid(c)
	case FlushSegment, FlushSegments:
		return f.HasEA(pte.EA(l.page &^ pageMask))
	}
	return true
}

// lpid is the partition whose table the line comes from.
func (l *line) lpid(c *CPU) uint32 {
	const hv = 2 << 1 // of mode.context in the tag
	if l.page&hv != 0 && c.cfg.Profile.ISA300 && !c.cfg.Quirks.PATEByLPIDR {
		return 0
	}
	return uint32(c.regs.LPIDR)
}

// Live is the number of lines in use in the software TLB.
func (c *CPU) Live() int {
	if c.cache == nil {
		return 0
	}
	return len(c.cache.live)
}
