package papr

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

const (
	rProtection uint64 = pte.RPP0 | pte.RKeyHi | pte.RKeyLo | pte.RN | pte.RPP

	pp0Shift   = 55 // from Flags to R
	keyHiShift = 48
)

// Protect is H_PROTECT: it sets PP, N and the storage key of the entry at ptex from
// flags and clears R; C stays. With AVPN, avpn must equal B and AVPN of the entry,
// all other bits zero.
//
// Codes: Parameter (ptex outside the table), NotFound.
func (h *HPT) Protect(flags Flags, ptex, avpn uint64) Code {
	r := uint64(flags)<<pp0Shift&pte.RPP0 | uint64(flags)<<keyHiShift&pte.RKeyHi |
		uint64(flags)&(pte.RKeyLo|pte.RN|pte.RPP)
	clear := rProtection
	if !h.cfg.Quirks.ProtectKeepsR {
		clear |= pte.RRef
	}
	t, s, ok := h.slot(ptex)
	if !ok {
		return Parameter
	}
	for {
		e := t.Load(s)
		if !e.Valid() || flags&AVPN != 0 && e.V&vTag != avpn {
			return NotFound
		}
		n := h.cfg.Quirks.written(pte.HPTE{V: e.V, R: e.R&^clear | r})
		if h.replace(t, s, e, n) {
			return Success
		}
	}
}

// replace swaps e for n in slot s, unless they are equal, and flushes what CPUs
// may hold of e. It reports false when the slot holds something else.
func (h *HPT) replace(t *hpt.Table, s pte.Slot, e, n pte.HPTE) bool {
	if e == n {
		return true
	}
	if !t.CompareAndSwap(s, e, n) {
		return false
	}
	h.flushEntry(t.Mask(), s, e)
	return true
}

// ClearRef is H_CLEAR_REF: it clears R of the entry at ptex and returns the R
// doubleword as it was. flags has no meaning here.
//
// Codes: Parameter (ptex outside the table), NotFound (the slot is empty).
func (h *HPT) ClearRef(flags Flags, ptex uint64) (r uint64, code Code) {
	return h.clearBit(pte.RRef, ptex)
}

// ClearMod is H_CLEAR_MOD: ClearRef for C.
func (h *HPT) ClearMod(flags Flags, ptex uint64) (r uint64, code Code) {
	return h.clearBit(pte.RChg, ptex)
}

func (h *HPT) clearBit(bit, ptex uint64) (uint64, Code) {
	if h.cfg.Quirks.NoClear {
		return 0, Function
	}
	t, s, ok := h.slot(ptex)
	if !ok {
		return 0, Parameter
	}
	for {
		e := t.Load(s)
		if !e.Valid() {
			return 0, NotFound
		}
		if h.replace(t, s, e, h.cfg.Quirks.written(pte.HPTE{V: e.V, R: e.R &^ bit})) {
			return e.R, Success
		}
	}
}

// Read is H_READ: it returns the entry at ptex in out[0], or with Read4 the four
// entries from ptex rounded down to a multiple of four, and their number. Invalid
// slots are read as they are. Four entries are not a snapshot.
//
// Code: Parameter (ptex outside the table).
func (h *HPT) Read(flags Flags, ptex uint64, out *[4]pte.HPTE) (n int, code Code) {
	t, s, ok := h.slot(ptex)
	if !ok {
		return 0, Parameter
	}
	n = 1
	if flags&Read4 != 0 {
		n, s = 4, s&^3
	}
	for i := range n {
		out[i] = t.Load(s + pte.Slot(i))
	}
	return n, Success
}
