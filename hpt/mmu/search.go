package mmu

import (
	"math/bits"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// hit is an entry that translates a page.
type hit struct {
	raw, h    pte.HPTE // as memory has it, and in format 2
	slot      pte.Slot
	other     pte.Slot // the other entry of a duplicate
	actual    pte.PageSize
	dup       Duplicate
	secondary bool
}

// target is what the search for a page looks for.
type target struct {
	hash uint64
	v    uint64 // of the entry in its primary group
}

// target makes the search for ea in a segment.
func (s *segment) target(ea uint64, base pte.PageSize) target {
	off := s.offset(ea, base)
	return target{hash: s.hash ^ off>>base.Shift(), v: s.avpn | off>>16&^0x7f | pte.VValid}
}

// is reports whether an entry is the one looked for, wherever it sits. A format 3
// table finds more: it has not all of AVPN.
func (w target) is(h pte.HPTE) bool { return (h.V^w.v)&(pte.VMatch&^pte.VSecondary) == 0 }

// search looks for the entry that translates a page and puts it into f, which is
// zero: the primary group, then the secondary, slots ascending (Power ISA Book III,
// Page Table Search). An entry counts when B, AVPN, H and V match and its page size
// exists in a segment of that base page size. The table finds the first entry that
// matches; only where that has another page size, or all are wanted, is
// there more to look at.
func (c *CPU) search(f *hit, m *mode, s *segment, ea uint64, base pte.PageSize, t *hpt.Table) (ok bool) {
	want := s.target(ea, base)
	if !m.primary && !c.cfg.DetectDuplicates {
		raw, hint := t.Search(pte.Hash(want.hash), want.v)
		if !hint.Hashed() {
			return false
		}
		h := view(t, raw)
		if actual, sized := c.sizes.Actual(base, h); sized && want.is(h) {
			f.raw, f.h, f.actual, f.secondary = raw, h, actual, hint.Secondary()
			f.slot, f.other = hint.Slot(pte.Hash(want.hash), t.Mask()), NoSlot
			return true
		}
	}
	return c.searchAll(f, m, want, base, t)
}

// searchAll is search entry by entry.
func (c *CPU) searchAll(f *hit, m *mode, want target, base pte.PageSize, t *hpt.Table) (ok bool) {
	groups := 2
	if m.primary {
		groups = 1
	}
	hash, v := want.hash, want.v
	for i := range groups {
		group := hash & t.Mask()
		for hits := t.Candidates(group, v); hits != 0; hits &= hits - 1 {
			slot := pte.Slot(group*pte.SlotsPerGroup) + pte.Slot(bits.TrailingZeros8(hits))
			raw := t.LoadRaw(slot)
			h := view(t, raw)
			if (h.V^v)&pte.VMatch != 0 {
				continue
			}
			actual, sized := c.sizes.Actual(base, h)
			if !sized {
				continue
			}
			if ok {
				f.compare(h, slot)
				continue
			}
			f.raw, f.h, f.slot, f.other, f.actual, f.secondary = raw, h, slot, NoSlot, actual, i != 0
			if ok = true; !c.cfg.DetectDuplicates {
				return true
			}
		}
		hash, v = ^hash, v|pte.VSecondary
	}
	return ok
}

// view converts from the table's format to format 2.
func view(t *hpt.Table, raw pte.HPTE) pte.HPTE {
	if t.Format() == hpt.Format3 {
		return pte.From3(raw.V, raw.R)
	}
	return raw
}

// compare grades another entry for the same page; the worst grade stays.
func (f *hit) compare(h pte.HPTE, slot pte.Slot) {
	grade := Agreeing
	if !f.h.SameTranslation(h) {
		grade = Conflicting
	}
	if grade > f.dup {
		f.dup, f.other = grade, slot
	}
}

// record sets R, and C for a store, in the entry found. ok is false when the
// entry is no longer what was found, and the search has to begin again.
func (f *hit) record(t *hpt.Table, acc pte.Access) (set uint64, ok bool) {
	set = pte.RRef
	if acc.Has(pte.Write) {
		set |= pte.RChg
	}
	if set &^= f.h.R; set == 0 {
		return 0, true
	}
	ok = t.CompareAndSwapRaw(f.slot, f.raw, pte.HPTE{V: f.raw.V, R: f.raw.R | set})
	f.h.R |= set
	return set, ok
}

// rights are what an entry's protection and its key grant.
type rights struct{ pp, key pte.Access }

// rights judges an entry (Power ISA Book III, Storage Protection).
func (c *CPU) rights(m *mode, s *segment, h pte.HPTE) rights {
	r := rights{pp: h.Permits(s.word&m.keyBit != 0), key: realGrant}
	if m.keys {
		r.key = c.keyRights(uint8(keyOf(h)))
	}
	return r
}

// keyOf returns the virtual page class key.
func keyOf(h pte.HPTE) uint64 { return h.R&pte.RKeyHi>>57 | h.R&pte.RKeyLo>>9 }

// keyRights returns what AMR and IAMR leave of a key's pages. Two bits per key,
// key 0 first: in AMR the first forbids stores, the second loads; in IAMR the
// second forbids fetches.
func (c *CPU) keyRights(key uint8) pte.Access {
	shift := 62 - 2*(key&31)
	denied := c.regs.AMR >> shift & 3 // bit values of Write and Read
	if c.cfg.Profile.IAMR {
		denied |= c.regs.IAMR >> shift & 1 << 2 // of Exec
	}
	return realGrant &^ pte.Access(denied)
}

// denial returns the status of an access that the rights do not cover, 0 when
// they do. A fetch from no-execute or guarded storage does not tell about PP.
func (r rights) denial(h pte.HPTE, acc pte.Access) (status uint32) {
	switch {
	case acc.Has(pte.Exec) && h.R&(pte.RN|guarded) != 0:
		status = StatusNoExec
	case !r.pp.Has(acc):
		status = StatusProtection
	}
	if !r.key.Has(acc) {
		status |= StatusKey
	}
	return status
}

const guarded = 0x08 // G of WIMG in R
