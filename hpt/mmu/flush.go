package mmu

import (
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// FlushKind says what a Flush names.
type FlushKind uint8

// The kinds, each with the fields of Flush that it uses.
const (
	FlushNone       FlushKind = iota
	FlushPage                 // one page: VPN, Base, Actual, Seg, LPID
	FlushLPID                 // every translation through the table of LPID
	FlushTranslated           // every translation through a table
	FlushSegment              // what the segment at EA of size Seg translated
	FlushSegments             // what any segment translated
	FlushKeys                 // Prot of pages with a key in Keys may be different
	FlushReal                 // real mode addresses
	FlushAll                  // everything
	numFlushKinds   = iota
)

var flushNames = [numFlushKinds]string{
	"none", "page", "lpid", "translated", "segment", "segments", "keys", "real", "all",
}

// String gives the kind in lower case.
func (k FlushKind) String() string {
	if int(k) < len(flushNames) {
		return flushNames[k]
	}
	return fmt.Sprintf("FlushKind(%d)", uint8(k))
}

// Flush tells the owner of a CPU what it must drop of what it has cached from
// results of that CPU: its own TLB, translated code. It is a comparable value.
type Flush struct {
	Kind   FlushKind
	Seg    pte.SegSize  // FlushPage, FlushSegment
	Base   pte.PageSize // FlushPage: base page size
	Actual pte.PageSize // FlushPage: its size
	Global bool         // from an instruction that reaches all CPUs
	Tables bool         // the cached partition and process table entries too
	LPID   uint32       // FlushPage, FlushLPID
	Keys   uint32       // FlushKeys: bit k for key k
	VPN    pte.VPN      // FlushPage: first page; 52 bits, as tlbie has them
	EA     pte.EA       // FlushSegment: first byte
}

// vpnMask are the bits of a VPN that tlbie can name: the virtual address modulo
// 2^64.
const vpnMask = 1<<52 - 1

// HasPage reports whether a FlushPage names the 4 KiB piece at vpn of a page of
// the given sizes in a table of the given LPID. The other kinds name no pages.
func (f Flush) HasPage(vpn pte.VPN, base, actual pte.PageSize, seg pte.SegSize, lpid uint32) bool {
	return f.Kind == FlushPage && f.Base == base && f.Actual == actual && f.Seg == seg && f.LPID == lpid &&
		(vpn^f.VPN)&vpnMask>>(actual.Shift()-pte.VPNShift) == 0
}

// HasEA reports whether a FlushSegment or FlushSegments names an address.
func (f Flush) HasEA(ea pte.EA) bool {
	return f.Kind == FlushSegments || f.Kind == FlushSegment && (ea^f.EA)>>f.Seg.Shift() == 0
}

// covers reports whether carrying out f leaves nothing for g to do.
func (f Flush) covers(g Flush) bool {
	if g.Tables && !f.Tables {
		return false
	}
	switch f.Kind {
	case FlushAll:
		return true
	case FlushTranslated:
		switch g.Kind {
		case FlushPage, FlushLPID, FlushTranslated, FlushSegment, FlushSegments, FlushKeys:
			return true
		}
		return false
	case FlushLPID:
		return (g.Kind == FlushLPID || g.Kind == FlushPage) && f.LPID == g.LPID
	case FlushSegments:
		return g.Kind == FlushSegments || g.Kind == FlushSegment
	case FlushKeys:
		return g.Kind == FlushKeys && g.Keys&^f.Keys == 0
	case FlushReal:
		return g.Kind == FlushReal
	}
	f.Global = g.Global
	return f == g
}

// String gives the event in one line.
func (f Flush) String() string {
	s := f.Kind.String()
	switch f.Kind {
	case FlushPage:
		s += fmt.Sprintf(" %v %v/%v/%v lpid %d", f.VPN, f.Base, f.Actual, f.Seg, f.LPID)
	case FlushLPID:
		s += fmt.Sprintf(" %d", f.LPID)
	case FlushSegment:
		s += fmt.Sprintf(" %v/%v", f.EA, f.Seg)
	case FlushKeys:
		s += fmt.Sprintf(" %#x", f.Keys)
	}
	if f.Global {
		s += " global"
	}
	return s
}

// queueLen is how many events wait before they are replaced by one that names
// everything they might.
const queueLen = 64

// queue holds flushes in order, without those that others cover.
type queue struct {
	n      int
	events [queueLen]Flush
}

// add queues f unless an event covers it; events that it covers go.
func (q *queue) add(f Flush) {
	keep := q.events[:0]
	for i := range q.events[:q.n] {
		g := q.events[i]
		if g.covers(f) {
			return // then f covers no other: nothing has been dropped
		}
		if g.Kind == FlushKeys && f.Kind == FlushKeys {
			f.Keys |= g.Keys
			continue
		}
		if !f.covers(g) {
			keep = append(keep, g)
		}
	}
	q.n = len(keep)
	if q.n == queueLen {
		q.collapse()
		if q.events[0].covers(f) {
			return
		}
	}
	q.events[q.n] = f
	q.n++
}

// collapse replaces the events of a full queue by one that covers them.
func (q *queue) collapse() {
	all := Flush{Kind: FlushTranslated}
	for _, g := range q.events[:q.n] {
		if g.Kind == FlushReal || g.Kind == FlushAll {
			all.Kind = FlushAll
		}
		all.Global = all.Global || g.Global
		all.Tables = all.Tables || g.Tables
	}
	q.events[0], q.n = all, 1
}

// flush carries a flush out on this CPU's own software TLB and queues it for
// the owner.
func (c *CPU) flush(f Flush) {
	if c.cache != nil {
		c.cache.flush(c, f)
	}
	c.queue.add(f)
}

// Pending reports whether Drain has something to give.
func (c *CPU) Pending() bool {
	return c.queue.n != 0 || c.mail != nil && c.mail.full.Load()
}

// Drain takes in what other CPUs have sent and appends everything that the owner
// must drop to buf, in order. Call it where the architecture synchronises
// context: an interrupt, rfid, isync, the end of a block of translated code.
// Flushes of one kind may have been merged; more than 64 that wait become one
// that covers them.
func (c *CPU) Drain(buf []Flush) []Flush {
	c.receive()
	buf = append(buf, c.queue.events[:c.queue.n]...)
	c.queue.n = 0
	return buf
}
