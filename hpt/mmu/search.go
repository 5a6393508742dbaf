package mmu

import (
	"math/bits"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// hit is an entry that translates a page.
type hit struct {
	h      pte.HPTE // in format 2
	slot   pte.Slot
	actual pte.PageSize
}

// realAddress is that of the byte at ea.
func (f hit) realAddress(ea uint64) pte.RA {
	return f.h.RA(f.actual) | pte.RA(ea&(f.actual.Bytes()-1))
}

// target is what the search for a page looks for.
type target struct {
	hash pte.Hash
	v    uint64 // of the entry in its primary group
}

// target makes the search for ea in a segment.
func (s *segment) target(ea uint64, base pte.PageSize) target {
	off := s.offset(ea, base)
	return target{hash: s.hash ^ pte.Hash(off>>base.Shift()), v: s.avpn | off>>16&^0x7f | pte.VValid}
}

// is reports whether an entry is the one looked for, wherever it sits. A format 3
// table finds more: it has not all of AVPN.
func (w target) is(h pte.HPTE) bool { return (h.V^w.v)&(pte.VMatch&^pte.VSecondary) == 0 }

// search looks for the entry that translates a page: the primary group, then the
// secondary, slots ascending (Power ISA Book III, Page Table Search). An entry
// counts when B, AVPN, H and V match and its page size exists in a segment of that
// base page size. r is told of a duplicate, where they are to be detected.
func (c *CPU) search(r *Result, m *mode, want target, base pte.PageSize) (f hit, ok bool) {
	r.Dup, r.Other = NoDuplicate, NoSlot
	t, groups := m.part.table, 2
	if m.primary {
		groups = 1
	}
	hash, v := uint64(want.hash), want.v
	for range groups {
		group := hash & t.Mask()
		for hits := t.Candidates(group, v); hits != 0; hits &= hits - 1 {
			slot := pte.Slot(group*pte.SlotsPerGroup) + pte.Slot(bits.TrailingZeros8(hits))
			h := t.Load(slot)
			if (h.V^v)&pte.VMatch != 0 {
				continue
			}
			actual, sized := c.sizes.Actual(base, h)
			if !sized {
				continue
			}
			if ok {
				r.compare(f.h, h, slot)
				continue
			}
			f = hit{h, slot, actual}
			if ok = true; !c.cfg.DetectDuplicates {
				return f, true
			}
		}
		hash, v = ^hash, v|pte.VSecondary
	}
	return f, ok
}

// view converts from the table's format to format 2.
func view(t *hpt.Table, raw pte.HPTE) pte.HPTE {
	if t.Format() == hpt.Format3 {
		return pte.From3(raw.V, raw.R)
	}
	return raw
}

// compare grades another entry for the same page; the worst grade stays.
func (r *Result) compare(first, other pte.HPTE, slot pte.Slot) {
	grade := Agreeing
	if !first.SameTranslation(other) {
		grade = Conflicting
	}
	if grade > r.Dup {
		r.Dup, r.Other = grade, slot
	}
}

// unset returns what an access has to set in the entry found: R, and C for a
// store, where they are not set.
func (f hit) unset(acc pte.Access) uint64 {
	bits := uint64(pte.RRef)
	if acc.Has(pte.Write) {
		bits |= pte.RChg
	}
	return bits &^ f.h.R
}

// record sets R or C in the entry found. It is false when the entry is no longer
// what was found, and the search has to begin again.
func (f hit) record(t *hpt.Table, set uint64) bool {
	raw := t.LoadRaw(f.slot)
	return view(t, raw) == f.h && t.CompareAndSwapRaw(f.slot, raw, pte.HPTE{V: raw.V, R: raw.R | set})
}

// permits returns what an entry's protection grants (Power ISA Book III, Storage
// Protection).
func (m *mode) permits(s *segment, h pte.HPTE) pte.Access { return h.Permits(s.word&m.keyBit != 0) }

// keyOf returns the virtual page class key.
func keyOf(h pte.HPTE) uint8 { return uint8(h.R&pte.RKeyHi>>57 | h.R&pte.RKeyLo>>9) }

// keyRights returns what AMR and IAMR leave of a key's pages.
func (c *CPU) keyRights(m *mode, key uint8) pte.Access {
	if m.keys {
		return c.keys[key&31]
	}
	return realGrant
}

// denial returns the status of an access that protection or key do not grant. A
// fetch from no-execute or guarded storage does not tell about PP.
func denial(granted, keys pte.Access, h pte.HPTE, acc pte.Access) (status uint32) {
	switch {
	case acc.Has(pte.Exec) && h.R&(pte.RN|guarded) != 0:
		status = StatusNoExec
	case !granted.Has(acc):
		status = StatusProtection
	}
	if !keys.Has(acc) {
		status |= StatusKey
	}
	return status
}

const guarded = 0x08 // G of WIMG in R
