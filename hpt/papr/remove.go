package papr

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// vTag are the bits of V that an AVPN argument is compared with: B and AVPN.
const vTag = ^uint64(0x7f)

// Remove is H_REMOVE: it makes the entry at ptex invalid and returns it as it was,
// R and C included. With AVPN the entry goes only if avpn equals its B and AVPN,
// all other bits zero; with AndCond only if avpn and V have no bit in common. With
// both, both must hold.
//
// Codes: Parameter (ptex outside the table), NotFound (the slot is empty or a
// condition fails), H_UNSUPPORTED_FLAG.
func (h *HPT) Remove(flags Flags, ptex, avpn uint64) (pte.HPTE, Code) {
	if flags&Compression != 0 && !h.cfg.Quirks.IgnoreEnterFlags {
		return pte.HPTE{}, unsupported(Compression)
	}
	t, s, ok := h.slot(ptex)
	if !ok {
		return pte.HPTE{}, Parameter
	}
	return h.remove(t, s, flags, avpn, ^uint64(0))
}

// remove takes the entry out of slot s if the conditions of flags hold. andMask
// are the bits of V that AndCond sees.
func (h *HPT) remove(t *hpt.Table, s pte.Slot, flags Flags, avpn, andMask uint64) (pte.HPTE, Code) {
	for {
		e := t.Load(s)
		if !e.Valid() ||
			flags&AVPN != 0 && e.V&vTag != avpn ||
			flags&AndCond != 0 && e.V&andMask&avpn != 0 {
			return pte.HPTE{}, NotFound
		}
		if t.CompareAndSwap(s, e, h.cfg.Quirks.gone()) {
			h.flushEntry(t.Mask(), s, e)
			return e, Success
		}
	}
}

// ClearHPT is H_CLEAR_HPT: every valid entry goes, bolted or not. It is finished
// when it returns; H_CONTINUE is never needed.
func (h *HPT) ClearHPT() Code {
	if h.cfg.Quirks.NoClear {
		return Function
	}
	t := h.table.Load()
	for s, e := range t.All() {
		for e.Valid() && !t.CompareAndSwap(s, e, h.cfg.Quirks.gone()) {
			e = t.Load(s)
		}
	}
	if h.sink != nil {
		h.sink.Flush(Flush{Kind: FlushAll})
	}
	return Success
}
