package papr

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

const (
	vHypervisor = 0x60    // software bits of V that belong to the hypervisor
	rReserved   = 1 << 62 // reserved bit of R
)

// Enter is H_ENTER: it puts the entry e into the first free slot of the group that
// ptex lies in, or into the slot ptex itself with Exact, and returns the slot. It
// does not look for an entry that maps the same page already.
//
// Codes: Parameter (undecodable page size, reserved B, no such storage, WIMG that
// does not fit the storage, ptex outside the table), TooBig (a page above 64K with
// ZeroPage or an I-cache flag), H_UNSUPPORTED_FLAG, PTEGFull.
func (h *HPT) Enter(flags Flags, ptex uint64, e pte.HPTE) (pte.Slot, Code) {
	_, actual, ok := h.sizes.Decode(e)
	if !ok || e.Seg() > pte.Seg1T && !h.cfg.Quirks.AcceptReservedB {
		return 0, Parameter
	}
	storage := h.storage(e, actual)
	if !h.wimgFits(storage, e) {
		return 0, Parameter
	}
	if code := h.pageFlags(flags, actual); code != Success {
		return 0, code
	}
	t, s, ok := h.slot(ptex)
	if !ok {
		return 0, Parameter
	}
	if storage == RAM {
		h.preparePage(flags, e.RA(actual), actual.Bytes())
	}
	e.V &^= vHypervisor
	if !h.cfg.Quirks.AcceptInvalid {
		e.V |= pte.VValid
	}
	if !h.cfg.Quirks.KeepReservedR {
		e.R &^= rReserved
	}
	return place(t, s, flags&Exact != 0, h.cfg.Quirks.written(e))
}

// storage is what the page of e lies in.
func (h *HPT) storage(e pte.HPTE, actual pte.PageSize) Storage {
	size := actual.Bytes()
	if h.cfg.Quirks.FirstByteStorage {
		size = 1
	}
	return h.memory.Storage(e.RA(actual), size)
}

// wimgFits reports whether the storage attributes of e fit the storage.
func (h *HPT) wimgFits(s Storage, e pte.HPTE) bool {
	wimg := e.R & pte.RWIMG >> 3
	switch s {
	case RAM:
		return wimg == 2 || wimg == 14 && h.cfg.SAO
	case IO:
		return wimg&12 == 4
	}
	return false
}

// pageFlags checks the flags that ask for work on the page.
func (h *HPT) pageFlags(flags Flags, actual pte.PageSize) Code {
	switch {
	case h.cfg.Quirks.IgnoreEnterFlags:
		return Success
	case flags&(ZeroPage|ICacheInvalidate|ICacheSync) != 0 && actual > pte.Page64K:
		return TooBig
	case flags&ZeroPage != 0 && h.zeroer == nil:
		return unsupported(ZeroPage)
	case flags&Compression != 0:
		return unsupported(Compression)
	}
	return Success
}

// preparePage does to a page of RAM what the flags ask for.
func (h *HPT) preparePage(flags Flags, ra pte.RA, size uint64) {
	if h.cfg.Quirks.IgnoreEnterFlags {
		return
	}
	if flags&ZeroPage != 0 {
		h.zeroer.Zero(ra, size)
	}
	if flags&(ICacheInvalidate|ICacheSync) != 0 && h.icache != nil {
		h.icache.InvalidateICache(ra, size)
	}
}

// place stores e in the slot s, or in the first free slot of its group.
func place(t *hpt.Table, s pte.Slot, exact bool, e pte.HPTE) (pte.Slot, Code) {
	last := s
	if !exact {
		s &^= pte.SlotsPerGroup - 1
		last = s + pte.SlotsPerGroup - 1
	}
	for s <= last {
		old := t.Load(s)
		if old.Valid() {
			s++
		} else if t.CompareAndSwap(s, old, e) {
			return s, Success
		}
	}
	return 0, PTEGFull
}
