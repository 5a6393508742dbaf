package papr

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// A block specifier is one doubleword: a control byte and a PTEX in the low six
// bytes. In a request bit 0 of the control byte asks for the AVPN comparison; a
// response is
//
//	7:6 type   5:3 response   2:1 R and C
const (
	blockAVPN         = 0x01
	blockPTEX         = 1<<48 - 1
	blockNotFound     = 0x08
	blockParm         = 0x10
	blockInconsistent = 0x18
	blockCross        = 0x28
	blockR            = 0x04
	blockC            = 0x02
	blockShift        = 3 // log2 of the pages of a block
)

// block is what the first entry removed lays down for the others.
type block struct {
	anchored bool
	base     pte.PageSize
	actual   pte.PageSize
	seg      pte.SegSize
	vsid     pte.VSID
	number   uint32 // of the block within its segment
}

// BlockRemove is H_BLOCK_REMOVE: up to eight entries of one naturally aligned block
// of eight base pages, of the same segment and page sizes. ts are specifiers, and
// each is replaced by its response; an end mark stops. With the AVPN bit, an entry
// goes only if ava equals its B and AVPN, but for the bits that tell pages of one
// block apart. Bolted entries are never removed.
//
// Codes: Partial (some entry was not removed, its response says why), Parameter (a
// specifier is not a request; those before it are done).
//
// No entry is reported busy: each is removed by one compare-and-swap.
func (h *HPT) BlockRemove(ava uint64, ts *[8]uint64) Code {
	if h.cfg.Quirks.NoBlockRemove {
		return Function
	}
	t := h.table.Load()
	var b block
	code := Success
	for i, w := range ts {
		control := byte(w >> 56)
		if control&tsType == tsEnd {
			break
		}
		if control&tsType != tsRequest {
			return Parameter
		}
		status := h.blockOne(t, &b, w&blockPTEX, control&blockAVPN != 0, ava)
		ts[i] = uint64(tsResponse|status)<<56 | w&blockPTEX
		if status&^(blockR|blockC) != 0 {
			code = Partial
		}
	}
	return code
}

// blockOne removes one entry of the block and returns its response.
func (h *HPT) blockOne(t *hpt.Table, b *block, ptex uint64, cmp bool, ava uint64) byte {
	if ptex >= t.Slots() {
		return blockParm
	}
	s := pte.Slot(ptex)
	for {
		e := t.Load(s)
		if !e.Valid() || e.Bolted() {
			return blockNotFound
		}
		key, actual, err := h.sizes.Key(e, s.Group(), t.Mask())
		if err != nil {
			return blockParm
		}
		if cmp && (e.V^ava)&blockTag(key) != 0 {
			return blockNotFound
		}
		n := block{true, key.Base, actual, key.Seg, key.VSID, blockNumber(key)}
		switch {
		case !b.anchored:
		case n.base != b.base || n.actual != b.actual || n.seg != b.seg:
			return blockInconsistent
		case n != *b:
			return blockCross
		}
		if t.CompareAndSwap(s, e, h.cfg.Quirks.gone()) {
			*b = n
			h.flushEntry(t.Mask(), s, e)
			return byte(e.R & (pte.RRef | pte.RChg) >> 6) // R 4, C 2
		}
	}
}

// blockNumber is the number of the key's block within its segment.
func blockNumber(k pte.Key) uint32 {
	return k.Page >> (k.Base.Shift() - pte.VPNShift + blockShift)
}

// blockTag are the bits of V that all pages of the key's block have in common: B
// and those AVPN bits that lie above the block. AVPN bit 7 is address bit 23.
func blockTag(k pte.Key) uint64 {
	return vTag << (max(k.Base.Shift()+blockShift, 23) - 23)
}
