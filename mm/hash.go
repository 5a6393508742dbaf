package mm

import (
	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// hash is the hash table as a Backend: the hardware walk, hash_page, and the
// flush of batched entries.
type hash struct {
	m     *Machine
	table *hpt.Table
	sizes *pte.Sizes
}

// NewHash returns the backend that translates through the machine's hash table.
func NewHash(m *Machine) Backend { return &hash{m, m.table, m.table.Sizes()} }

// userKey is the protection key bit in force for user accesses: user segments
// have Ks=Kp=1.
const userKey = true

func (h *hash) Touches(k pte.Key, buf []Touch) []Touch {
	return append(buf, Touch{h.groups(k), TouchWrite})
}

// groups is the location of all entries of a key. An operation on any of them
// meets one on any other there, so a state with two of them is never missed.
func (h *hash) groups(k pte.Key) Loc {
	p := k.Hash().Primary(h.table.Mask())
	s := k.Hash().Secondary(h.table.Mask())
	return Loc{LocGroups, min(p, s)}
}

func (h *hash) Walk(k pte.Key, a pte.Access) (Translation, Outcome) {
	for {
		e, ref, o := h.find(k, a)
		if o != Hit {
			return Translation{}, o
		}
		if h.table.MarkAccess(ref, a) != nil {
			continue // the entry has gone since
		}
		prot := e.Permits(userKey)
		unchanged := e.R&pte.RChg == 0 && a&pte.Write == 0
		return Translation{e.RA(ref.Actual), ref.Actual, prot, unchanged}, Hit
	}
}

// find is the table search of the hardware and its check of protection.
func (h *hash) find(k pte.Key, a pte.Access) (pte.HPTE, pte.Ref, Outcome) {
	e, hint, ok := h.table.Lookup(k)
	if !ok {
		return e, pte.Ref{}, Miss
	}
	actual, ok := h.sizes.Actual(k.Base, e)
	if !ok {
		return e, pte.Ref{}, Miss
	}
	if !e.Permits(userKey).Has(a) {
		return e, pte.Ref{}, Denied
	}
	return e, pte.Ref{Key: k, Actual: actual, Hint: hint}, Hit
}

func (h *hash) Valid(k pte.Key) (n int, conflict bool) {
	var first pte.HPTE
	for _, secondary := range [2]bool{false, true} {
		for _, e := range h.table.Group(k.Hash().Group(secondary, h.table.Mask())) {
			if !e.Match(k, secondary) {
				continue
			}
			if n++; n == 1 {
				first = e
			} else if !first.SameTranslation(e) {
				conflict = true
			}
		}
	}
	return n, conflict
}

// Miss is hash_page for 4K pages. It takes no lock but the BUSY bit of the PTE.
func (h *hash) Miss(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access, o Outcome) (bool, error) {
	p, ok := as.find(ea)
	if !ok {
		return false, nil
	}
	return h.hashPage(c, p, a, o == Miss)
}

// Preload is hash_preload: it asks for reading only, so it never sets DIRTY.
// When the entry finds no place, the access comes back with a hash fault.
func (h *hash) Preload(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access) {
	if p, ok := as.find(ea); ok && !h.m.noPreload {
		_, _ = h.hashPage(c, p, pte.Read|a&pte.Exec, true)
	}
}

// hashPage puts the translation of a PTE into the hash table, or brings the
// entry that the PTE says is there up to date (Linux: __hash_page_4K). noHPTE
// says that the fault was for want of an entry. It returns false when the PTE
// does not permit the access, and an error wrapping hpt.ErrBolted when there is
// no room for the entry and nothing may be evicted.
func (h *hash) hashPage(c *CPU, p page, a pte.Access, noHPTE bool) (handled bool, err error) {
	old, v := h.setBusy(c, p, a)
	switch v {
	case pteBusy:
		return true, nil // take the fault again
	case pteDenies:
		return false, nil
	}
	l := h.m.kernel.Layout
	next := old | l.Accessed | l.Busy
	if a.Has(pte.Write) {
		next |= l.Dirty
	}
	k := p.as.key(p.ea)
	hint := l.Hint(old)
	attr := l.Attr(next)
	if hint.Hashed() && !h.updatePP(c, p, pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}, attr, noHPTE) {
		hint = 0
	}
	if !hint.Hashed() {
		hint, err = h.insert(c, p, k, attr, l.RA(next))
	}
	c.step(StepClearBusy, p.ea, p.loc(), TouchWrite)
	p.entry.Store(uint64(l.WithHint(next, hint) &^ l.Busy))
	return true, err
}

// What setBusy found.
type busyVerdict uint8

const (
	pteOurs busyVerdict = iota
	pteBusy
	pteDenies
)

// setBusy locks the PTE with its BUSY bit if it permits the access, and sets
// ACCESSED, and DIRTY for a store, in the same step. It returns the value that
// it replaced. A busy PTE is somebody else's; an explored CPU waits for that one
// to finish before it takes the fault again.
func (h *hash) setBusy(c *CPU, p page, a pte.Access) (pte.LinuxPTE, busyVerdict) {
	l := h.m.kernel.Layout
	if c.stepper != nil {
		c.await(StepSetBusy, p.ea, p.notBusy, Touch{p.loc(), TouchWrite})
	}
	for {
		old := p.load()
		c.saw(uint64(old))
		denied := !l.Granted(old).Has(a)
		if denied && h.m.kernel.RightsBeforeBusy {
			return old, pteDenies
		}
		if old&l.Busy != 0 {
			c.relax()
			return old, pteBusy
		}
		if denied {
			return old, pteDenies
		}
		next := old | l.Busy | l.Accessed
		if a.Has(pte.Write) {
			next |= l.Dirty
		}
		if h.m.kernel.EarlyHashPTE {
			next |= l.HashPTE
		}
		if p.cas(old, next) {
			return old, pteOurs
		}
	}
}

// updatePP brings the entry that the hint names up to date. It returns false
// when the entry is not there: it was evicted (Linux: hpte_updatepp). The TLBs
// are flushed in either case, because eviction does not, unless the fault said
// that hardware found no entry.
func (h *hash) updatePP(c *CPU, p page, r pte.Ref, a pte.Attr, noHPTE bool) bool {
	c.step(StepUpdatePP, p.ea, h.groups(r.Key), TouchWrite)
	found := h.table.Protect(r, a) == nil
	c.saw(b2u(found))
	if !noHPTE {
		c.one[0] = r
		c.tlbie(p.as, batch.Local, c.one[:])
	}
	return found
}

// insert enters the translation in the primary group, else in the secondary,
// else in the place of a victim, and returns where.
func (h *hash) insert(c *CPU, p page, k pte.Key, a pte.Attr, ra pte.RA) (pte.SlotHint, error) {
	e, err := h.sizes.Encode(k, ra, pte.Page4K, a)
	for err == nil {
		for _, secondary := range [2]bool{false, true} {
			if hint, ok := h.insertIn(c, p, k, e, secondary); ok {
				return hint, nil
			}
		}
		err = h.evict(c, p, k)
	}
	return 0, err
}

// insertIn enters the entry in one group of the key (Linux: hpte_insert).
func (h *hash) insertIn(c *CPU, p page, k pte.Key, e pte.HPTE, secondary bool) (pte.SlotHint, bool) {
	c.step(StepInsert, p.ea, h.groups(k), TouchWrite)
	if secondary {
		e.V |= pte.VSecondary
	}
	i, err := h.table.InsertGroup(k.Hash().Group(secondary, h.table.Mask()), e)
	c.saw(uint64(i) + 1)
	if err != nil {
		return 0, false
	}
	return pte.MakeSlotHint(secondary, i), true
}

// evict makes room in one of the groups of the key, without a TLB flush and
// without a word to the PTE whose entry goes (Linux: hpte_remove). When one
// group holds nothing but bolted entries it takes the other.
func (h *hash) evict(c *CPU, p page, k pte.Key) error {
	c.step(StepRemove, p.ea, h.groups(k), TouchWrite)
	mask := h.table.Mask()
	first := c.coin()
	_, _, err := h.table.Evict(k.Hash().Group(first, mask))
	if err != nil {
		_, _, err = h.table.Evict(k.Hash().Group(!first, mask))
	}
	if err != nil && h.room(k) {
		return nil // made by another CPU since the groups were found full
	}
	return err
}

// room reports whether a group of the key has a free slot.
func (h *hash) room(k pte.Key) bool {
	for _, secondary := range [2]bool{false, true} {
		used := uint64(0)
		for range h.table.Group(k.Hash().Group(secondary, h.table.Mask())) {
			used++
		}
		if used < h.table.Slots()/h.table.Groups() {
			return true
		}
	}
	return false
}

// Changed queues the entry of a PTE that was cleared or restricted (Linux:
// hpte_need_flush).
func (h *hash) Changed(c *CPU, as *AddressSpace, ea pte.EA, old pte.LinuxPTE) {
	hint := h.m.kernel.Layout.Hint(old)
	if !hint.Hashed() {
		return
	}
	scope := batch.Global
	if as.users.only(c.id) {
		scope = batch.Local
	}
	c.note(NoteBatchAdd, ea)
	c.batch.Add(as.context, pte.Ref{Key: as.key(ea), Actual: pte.Page4K, Hint: hint}, scope)
}

// Flush removes the entries first and the translations that TLBs have of them
// afterwards, so that no TLB is refilled from an entry that goes (Linux:
// flush_hash_range). An entry that has gone already is flushed from the TLBs
// all the same.
func (h *hash) Flush(c *CPU, as *AddressSpace, refs []pte.Ref) {
	if c.stepper == nil {
		h.table.InvalidateBatch(refs)
		return
	}
	for i := range refs {
		c.step(StepInvalidate, as.address(refs[i].Key), h.groups(refs[i].Key), TouchWrite)
		h.table.Invalidate(refs[i])
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
