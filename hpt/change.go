package hpt

import (
	"github.com/hashmmu/ppc64/pte"
)

// Bits of R that Protect replaces; C it raises only.
const rProtect = pte.RPP0 | pte.RPP | pte.RN | pte.RKeyHi | pte.RKeyLo

// Protect replaces protection, N and key of the entry that the hint names, and
// raises C if a has it; R and the rest stay (Linux: native_hpte_updatepp). It
// flushes no TLB. The error is [ErrNotFound] when the hint is stale, and then
// nothing has changed (H5).
func (t *Table) Protect(r pte.Ref, a pte.Attr) error {
	bits := pte.HPTE{}.WithAttr(a).R
	if _, ok := t.update(r, ^uint64(rProtect), bits&(rProtect|pte.RChg)); !ok {
		return ErrNotFound
	}
	return nil
}

// MarkAccess records an access in the entry that the hint names: R, and C for a
// store, as the hardware's walk does. The error is [ErrNotFound] when the hint is
// stale.
func (t *Table) MarkAccess(r pte.Ref, a pte.Access) error {
	bits := uint64(pte.RRef)
	if a.Has(pte.Write) {
		bits |= pte.RChg
	}
	if _, ok := t.update(r, ^uint64(0), bits); !ok {
		return ErrNotFound
	}
	return nil
}

// Invalidate removes the entry that the hint names and returns it as it was at
// that instant, so no R or C that anyone recorded before is lost (H7). ok is
// false when the hint is stale, and then nothing has changed. It flushes no TLB.
func (t *Table) Invalidate(r pte.Ref) (old pte.HPTE, ok bool) {
	if t.assembled() && r.Hint.Hashed() {
		old.V, old.R, ok = remove(t, r)
		return old, ok
	}
	return t.changeTwin(r, 0, 0, 0)
}

// update changes the entry that the hint names, if it is still the key's: R
// becomes R&keepR|setR. It returns what the entry was.
func (t *Table) update(r pte.Ref, keepR, setR uint64) (old pte.HPTE, ok bool) {
	if t.assembled() && r.Hint.Hashed() {
		old.V, old.R, ok = change(t, r, keepR, setR)
		return old, ok
	}
	return t.changeTwin(r, ^uint64(0), keepR, setR)
}

func (t *Table) changeTwin(r pte.Ref, keepV, keepR, setR uint64) (old pte.HPTE, ok bool) {
	s, ok := t.at(r.Key, r.Hint)
	if !ok {
		return pte.HPTE{}, false
	}
	n := t.needle(r.Key, r.Hint.Secondary())
	for {
		raw := t.LoadRaw(s)
		old = t.view(raw)
		if !n.matches(old) {
			return pte.HPTE{}, false
		}
		new := pte.HPTE{V: old.V & keepV, R: old.R&keepR | setR}
		if new == old || t.CompareAndSwapRaw(s, raw, t.raw(new)) {
			return old, true
		}
	}
}

// InvalidateKey searches for the key's entry, as [Table.Lookup] does, and removes
// it. When the key has several it removes the first.
func (t *Table) InvalidateKey(k pte.Key) (old pte.HPTE, h pte.SlotHint, ok bool) {
	for {
		_, h, ok = t.Lookup(k)
		if !ok {
			return pte.HPTE{}, 0, false
		}
		if old, ok = t.Invalidate(pte.Ref{Key: k, Hint: h}); ok {
			return old, h, true
		}
	}
}
