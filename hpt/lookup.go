package hpt

import (
	"math/bits"

	"github.com/hashmmu/ppc64/pte"
)

// Bits of V that decide a match, in the format 2 view of a format 3 entry: V
// has no AVPN above bit 51 there, and B comes out of R.
const vMatch3 = pte.VMatch & (0xc<<60 | 1<<52 - 1)

// needle is what a search looks for: V of the entry in the format 2 view, under
// mask.
type needle struct{ v, mask uint64 }

// needle makes the needle of a key in its primary or secondary group.
func (t *Table) needle(k pte.Key, secondary bool) needle {
	n := t.needleOf(k.AVPN() | pte.VValid)
	if secondary {
		n.v |= pte.VSecondary
	}
	return n
}

// needleOf makes the needle for a V.
func (t *Table) needleOf(v uint64) needle {
	if t.config.Format == Format3 {
		return needle{v, vMatch3}
	}
	return needle{v, pte.VMatch}
}

// matches reports whether h, in the format 2 view, is what the search looks for.
func (n needle) matches(h pte.HPTE) bool { return (h.V^n.v)&n.mask == 0 }

// nominate returns the slots of a group whose V may match.
func (t *Table) nominate(group uint64, n needle) uint32 {
	if t.config.Format == Format3 {
		n.mask &= 1<<52 - 1
	}
	if !t.native {
		n.mask &^= pte.VValid // clear for a moment while an entry changes
	}
	return t.scanGroup(group, n.v, n.mask)
}

// Candidates returns in bit i whether V of slot i of a group equals v under
// [pte.VMatch]; in a format 3 table, under what V holds there. It nominates: it
// may name a slot whose entry is not valid, and who uses a slot loads it and
// compares again.
func (t *Table) Candidates(group uint64, v uint64) uint8 {
	return uint8(t.nominate(group, needle{v, pte.VMatch}))
}

// slot returns the slot of an index in a group.
func (t *Table) slot(group uint64, index int) pte.Slot {
	return pte.Slot(group*t.perGroup + uint64(index))
}

// find searches one group and returns the entry as memory has it.
func (t *Table) find(group uint64, n needle) (raw pte.HPTE, index int, ok bool) {
	for hits := t.nominate(group, n); hits != 0; hits &= hits - 1 {
		index = bits.TrailingZeros32(hits)
		if raw = t.LoadRaw(t.slot(group, index)); n.matches(t.view(raw)) {
			return raw, index, true
		}
	}
	return pte.HPTE{}, 0, false
}

// Lookup searches for a key's entry, primary group first, lowest slot first
// (Power ISA Book III, Page Table Search). The page size is not looked at: see
// [pte.Sizes.Actual].
//
// A hit is an entry that was in the table at one instant of the call. A miss is
// exact as long as nobody inserts a key's new entry before removing its old one.
func (t *Table) Lookup(k pte.Key) (h pte.HPTE, hint pte.SlotHint, ok bool) {
	if t.assembled() {
		v, r, hint := lookup(t, k)
		return pte.HPTE{V: v, R: r}, pte.SlotHint(hint), hint != 0
	}
	raw, hint := t.searchTwin(k.Hash(), k.AVPN()|pte.VValid)
	return t.view(raw), hint, hint.Hashed()
}

// Search is Lookup for a caller who has the hash, and V of the entry in its
// primary group: B, AVPN and the bit V, H clear. It returns the entry as memory has
// it; the hint is zero for a miss.
func (t *Table) Search(hash pte.Hash, v uint64) (raw pte.HPTE, hint pte.SlotHint) {
	if t.assembled() {
		v, r, hint := search(t, uint64(hash), v)
		return pte.HPTE{V: v, R: r}, pte.SlotHint(hint)
	}
	return t.searchTwin(hash, v)
}

func (t *Table) searchTwin(hash pte.Hash, v uint64) (pte.HPTE, pte.SlotHint) {
	n := t.needleOf(v)
	if raw, i, ok := t.find(hash.Primary(t.mask), n); ok {
		return raw, pte.MakeSlotHint(false, i)
	}
	if !t.overflowed(hash.Primary(t.mask)) {
		return pte.HPTE{}, 0
	}
	n.v |= pte.VSecondary
	if raw, i, ok := t.find(hash.Secondary(t.mask), n); ok {
		return raw, pte.MakeSlotHint(true, i)
	}
	return pte.HPTE{}, 0
}

// at returns the slot that a hint names for a key. ok is false when it names
// none.
func (t *Table) at(k pte.Key, h pte.SlotHint) (s pte.Slot, ok bool) {
	if !h.Hashed() || uint64(h.Index()) >= t.perGroup {
		return 0, false
	}
	return t.slot(k.Hash().Group(h.Secondary(), t.mask), h.Index()), true
}
