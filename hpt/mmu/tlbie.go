package mmu

import "github.com/hashmmu/ppc64/pte"

// TLBIE are the operands of tlbie and tlbiel.
//
//	RB   AVA 63:20 or 63:12, IS 11:10 (with VA: part of it), B 9:8, then
//	     L=0: AP 7:5, a page of a segment of 4K pages
//	     L=1: LP 19:12 as in an entry, AVAL 7:1, L 0
//	RS   PID 63:32, LPID 31:0
//
// RIC, PRS and R exist from ISA 3.0 on and are 0 before. (Bits are numbered from
// the least significant, 0; Power ISA Book III, TLB Management Instructions.)
type TLBIE struct {
	RB, RS uint64
	RIC    uint8
	PRS    bool
	R      bool // radix
	Local  bool // tlbiel
}

// Fields of RB.
const (
	rbL    = 0x001
	rbAVAL = 0x0fe
	rbAP   = 0x0e0
	rbB    = 0x300
	rbIS   = 0xc00
	rbLP   = 0xff000

	isPage = 0
	isLPID = 2
	isAll  = 3
)

// TLBIE is tlbie, or tlbiel where Local is set. The flush is carried out on this
// CPU's software TLB and queued for its owner; a global one also goes to the
// other CPUs of the Domain. false means that the operands are none, for which
// the architecture leaves the result undefined: nothing is flushed, and an
// emulator raises a program interrupt.
func (c *CPU) TLBIE(op TLBIE) bool {
	f, ok := c.DecodeTLBIE(op)
	if !ok || f.Kind == FlushNone {
		return ok
	}
	c.carryOut(f)
	if f.Global {
		c.send(f)
	}
	return true
}

// TLBIA is tlbia: every translation of this CPU.
func (c *CPU) TLBIA() { c.flush(Flush{Kind: FlushTranslated}) }

// DecodeTLBIE says which pages an instruction names, without doing anything.
// The kind is FlushNone for forms that touch no translation of a hashed page
// table. For IS=0 the event names exactly the pages that the architecture
// flushes. tlbiel with a set number flushes one congruence class; the event
// names the whole scope of IS, of which every set is a part.
func (c *CPU) DecodeTLBIE(op TLBIE) (f Flush, ok bool) {
	isa300, hv := c.cfg.Profile.ISA300, c.regs.MSR&MSRHV != 0
	if op.R {
		return Flush{}, isa300
	}
	f = Flush{Global: !op.Local, LPID: uint32(c.regs.LPIDR), Tables: op.RIC == 2}
	if hv && !op.Local {
		f.LPID = uint32(op.RS)
	}
	is := op.RB & rbIS >> 10
	if !op.Local && !c.cfg.Profile.ScopedTLBIE {
		is = isPage
	}
	switch {
	case c.cfg.Quirks.FlushAllTLBIE:
		f.Kind, f.LPID = FlushTranslated, 0
		return f, true
	case !isa300 && (op.RIC != 0 || op.PRS), op.RIC > 2, op.PRS && op.RIC != 2:
		return Flush{}, false
	case op.RIC == 1:
		return Flush{}, true // page walk caches are of radix trees
	case op.PRS:
		f.Kind, f.LPID = FlushSegments, 0 // the process table entries, hence segment tables
		return f, true
	case is == isPage && op.RIC == 0:
		ok = f.page(c.sizes, op.RB)
		return f, ok
	case is == isLPID, is == isAll && !hv:
		f.Kind = FlushLPID
		return f, true
	case is == isAll:
		f.Kind, f.LPID = FlushTranslated, 0
		return f, true
	}
	return Flush{}, false
}

// page sets the page that RB names. ok is false when its sizes are none.
func (f *Flush) page(sizes *pte.Sizes, rb uint64) (ok bool) {
	f.Kind, f.Seg = FlushPage, pte.SegSize(rb&rbB>>8)
	va := rb &^ 0xfff
	if rb&rbL == 0 {
		f.Base = pte.Page4K
		f.Actual, ok = sizes.Base(rb&rbAP>>7<<8 | rb&rbAP>>5&3<<4)
		ok = ok && hasActual(sizes, f.Base, f.Actual)
	} else {
		f.Base, f.Actual, ok = sizes.Decode(pte.HPTE{V: pte.VLarge, R: rb & rbLP})
		va = rb&^0xfffff | rb&rbAVAL<<12
	}
	if !ok || f.Seg > pte.Seg1T {
		*f = Flush{}
		return false
	}
	f.VPN = pte.VPN(va &^ (f.Actual.Bytes() - 1) >> pte.VPNShift)
	return true
}

func hasActual(s *pte.Sizes, base, actual pte.PageSize) bool {
	for _, b := range s.Bases() {
		for _, a := range b.Actual {
			if b.Base == base && a.Size == actual {
				return true
			}
		}
	}
	return false
}

// EncodeTLBIE is the way back: RB for a page (Linux: ___tlbie). ok is false when
// the table has no such size.
func EncodeTLBIE(s *pte.Sizes, k pte.Key, actual pte.PageSize) (rb uint64, ok bool) {
	if !hasActual(s, k.Base, actual) {
		return 0, false
	}
	va := uint64(k.VPN()) << pte.VPNShift
	rb = uint64(k.Seg) << 8
	if k.Base == pte.Page4K {
		enc, ok := s.SLB(actual)
		return rb | va | enc>>8<<7 | enc>>4&3<<5, ok
	}
	for _, b := range s.Bases() {
		for _, a := range b.Actual {
			if b.Base == k.Base && a.Size == actual {
				rb |= a.LP << 12
			}
		}
	}
	return rb | va&^(actual.Bytes()-1) | uint64(k.VPN())&rbAVAL | rbL, true
}
