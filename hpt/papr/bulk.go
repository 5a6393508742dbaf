package papr

import "github.com/hashmmu/ppc64/pte"

// A translation specifier is two doublewords: a control byte with a PTEX in the
// seven bytes below, and an AVPN. The control byte is
//
//	7:6 type   5:4 response   3:2 R and C   1:0 condition
const (
	tsPTEX     = 1<<56 - 1
	tsType     = 0xc0
	tsRequest  = 0x40
	tsResponse = 0x80
	tsEnd      = 0xc0
	tsNotFound = 0x10
	tsParm     = 0x20
	tsCond     = 0x03
	tsAndCond  = 0x01
	tsAVPN     = 0x02
)

// BulkRemove is H_BULK_REMOVE: up to four removals, in order. Specifier i is
// ts[2i] and ts[2i+1]; the response replaces ts[2i].
//
// It stops at an end mark with Success and at the first specifier that is not a
// request, has both conditions or a PTEX outside the table with Parameter; what
// was done before stays done and is reported.
func (h *HPT) BulkRemove(ts *[8]uint64) Code {
	for i := 0; i < len(ts); i += 2 {
		control := byte(ts[i] >> 56)
		if control&tsType == tsEnd {
			return Success
		}
		if control&tsType != tsRequest {
			return Parameter
		}
		ptex := ts[i] & tsPTEX
		status, code := h.bulkOne(control&tsCond, ptex, ts[i+1])
		ts[i] = status<<48 | uint64(tsResponse|control&tsCond)<<56 | ptex
		if code != Success {
			return code
		}
	}
	return Success
}

// bulkOne makes one removal. status goes into the top 16 bits of the specifier.
func (h *HPT) bulkOne(cond byte, ptex, avpn uint64) (status uint64, code Code) {
	var flags Flags
	andMask := vTag
	switch cond {
	case tsAVPN:
		flags = AVPN
	case tsAndCond:
		flags = AndCond
		if h.cfg.Quirks.BulkAndAll {
			andMask = ^uint64(0)
		}
	}
	t, s, ok := h.slot(ptex)
	if !ok || cond == tsCond {
		return tsParm << 8, Parameter
	}
	e, code := h.remove(t, s, flags, avpn, andMask)
	if code != Success {
		return tsNotFound << 8, Success
	}
	rc := e.R & (pte.RRef | pte.RChg) >> 7 // R 2, C 1
	if h.cfg.Quirks.BulkShiftRC {
		return rc << 2, Success
	}
	return rc << 10, Success
}
