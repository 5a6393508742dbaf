package mm

import (
	"errors"
	"fmt"

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

// Touches: a load that nothing is cached of does not care whether a store would
// be permitted.
func (h *hash) Touches(_ *CPU, k pte.Key, a pte.Access, buf []Touch) []Touch {
	buf = append(buf, Touch{h.groups(k), TouchWrite})
	if a.Has(pte.Write) || !h.m.noTLB {
		buf = append(buf, Touch{h.stores(k), TouchWrite})
	}
	return buf
}

// groups is the location of all entries of a key. An operation on any of them
// meets one on any other there, so a state with two of them is never missed.
func (h *hash) groups(k pte.Key) Loc { return Loc{LocGroups, h.pair(k)} }

// stores is the location of what those entries say about stores.
func (h *hash) stores(k pte.Key) Loc { return Loc{LocStores, h.pair(k)} }

// pair numbers the two groups of a key by the lower one.
func (h *hash) pair(k pte.Key) uint64 {
	p := k.Hash().Primary(h.table.Mask())
	return min(p, ^p&h.table.Mask())
}

// rStores are the bits of R that only stores depend on, as long as reading is
// permitted.
const rStores = pte.RPP0 | pte.RPP | pte.RChg

func (h *hash) Locations(k pte.Key) []Location {
	first := pte.Slot(h.pair(k) * h.perGroup())
	second := pte.Slot(^h.pair(k) & h.table.Mask() * h.perGroup())
	_, ea := h.m.home(k)
	return []Location{
		{Loc: h.groups(k), Name: fmt.Sprintf("HPTEs of %v", ea), Value: func() uint64 {
			return h.digest(first, h.digest(second, 0, entryBits), entryBits)
		}},
		{Loc: h.stores(k), Name: fmt.Sprintf("store rights of %v", ea), Value: func() uint64 {
			return h.digest(first, h.digest(second, 0, storeBits), storeBits)
		}},
	}
}

func entryBits(e pte.HPTE) uint64 {
	return fold(fold(e.V, e.R&^rStores), uint64(e.Permits(userKey)&^pte.Write))
}

func storeBits(e pte.HPTE) uint64 { return e.R & rStores }

// digest folds something of the valid entries of a group into d.
func (h *hash) digest(first pte.Slot, d uint64, of func(pte.HPTE) uint64) uint64 {
	for s := first; s < first+pte.Slot(h.perGroup()); s++ {
		v := uint64(0)
		if e := h.table.Load(s); e.Valid() {
			v = of(e)
		}
		d = fold(d, v)
	}
	return d
}

func (h *hash) perGroup() uint64 { return h.table.Slots() / h.table.Groups() }

func (h *hash) Walk(_ *CPU, k pte.Key, a pte.Access) (Translation, Outcome) {
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
		if e, hint, actual, ok = h.findSize(k); !ok {
			return e, pte.Ref{}, Miss
		}
	}
	if !e.Permits(userKey).Has(a) {
		return e, pte.Ref{}, Denied
	}
	return e, pte.Ref{Key: k, Actual: actual, Hint: hint}, Hit
}

// findSize is the search where an entry of another base page size is in the way:
// one that a segment left behind when it was demoted.
func (h *hash) findSize(k pte.Key) (found pte.HPTE, hint pte.SlotHint, actual pte.PageSize, ok bool) {
	for _, secondary := range [2]bool{false, true} {
		for s, e := range h.table.Group(k.Hash().Group(secondary, h.table.Mask())) {
			if size, same := h.sizes.Actual(k.Base, e); same && e.Match(k, secondary) {
				return e, pte.MakeSlotHint(secondary, int(uint64(s)%h.perGroup())), size, true
			}
		}
	}
	return found, 0, 0, false
}

func (h *hash) Valid(k pte.Key) (n int, conflict bool) {
	var first pte.HPTE
	for _, secondary := range [2]bool{false, true} {
		for _, e := range h.table.Group(k.Hash().Group(secondary, h.table.Mask())) {
			if _, same := h.sizes.Actual(k.Base, e); !same || !e.Match(k, secondary) {
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

// Miss is hash_page. It takes no lock but the BUSY bit of the PTE.
func (h *hash) Miss(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access, o Outcome) (bool, error) {
	if t := as.hugeTable(ea); t != nil {
		return h.hashHuge(c, as.hugePage(t, ea), ea, a, o == Miss)
	}
	p, ok := as.find(ea)
	if !ok {
		return false, nil
	}
	return h.hashBase(c, p, ea, a, o == Miss)
}

// hashBase is hash_page once it has found the PTE of a base page.
func (h *hash) hashBase(c *CPU, p page, ea pte.EA, a pte.Access, noHPTE bool) (handled bool, err error) {
	if p.second != nil {
		handled, err = h.hash64K(c, p, ea, a, noHPTE)
	} else {
		handled, err = h.hashPage(c, p, a, noHPTE)
	}
	if errors.Is(err, errOlderEntry) {
		h.awaitNoOlder(c, p, p.as.key(ea))
		return true, nil
	}
	return handled, err
}

// Granted does nothing: the next access is denied by the old entry, and
// hash_page updates that.
func (h *hash) Granted(*CPU, *AddressSpace, pte.EA) {}

// Preload is hash_preload: it asks for reading only, so it never sets DIRTY.
// When the entry finds no place, the access comes back with a hash fault.
func (h *hash) Preload(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access) {
	if t := as.hugeTable(ea); t != nil {
		if !t.transparent() {
			return // nor does Linux
		}
		at := as.hugePage(t, ea)
		defer c.endWalk(at)
		if c.beginWalk(at) != tablePMD {
			return
		}
	}
	p, ok := as.find(ea)
	switch a = pte.Read | a&pte.Exec; {
	case !ok || h.m.noPreload:
	case p.second != nil:
		h.preload64K(c, p, ea, a)
	default:
		_, _ = h.hashPage(c, p, a, true)
	}
}

// hashPage puts the translation of a PTE into the hash table, or brings the
// entry that the PTE says is there up to date (Linux: __hash_page_4K, or with 64K
// base pages __hash_page_64K). noHPTE says that the fault was for want of an entry.
// It returns false when the PTE does not permit the access, an error wrapping
// hpt.ErrBolted when there is no room for the entry and nothing may be evicted, and
// errOlderEntry when a countermeasure has the entry wait for an older one to go.
// With an error the PTE is what it was, neither accessed nor dirty.
func (h *hash) hashPage(c *CPU, p page, a pte.Access, noHPTE bool) (handled bool, err error) {
	old, v := h.setBusy(c, p, a, 0)
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
	k := p.as.keyAt(p.ea, p.size())
	r := h.real(c, p, old)
	hint := l.RealHint(r)
	attr := l.Attr(next)
	same := next&^l.HPTEFlags() == old&^l.HPTEFlags()
	if hint.Hashed() && !h.updatePP(c, p, pte.Ref{Key: k, Actual: p.size(), Hint: hint}, attr, noHPTE, same) {
		hint, same = 0, false
	}
	if !hint.Hashed() {
		if hint, err = h.insert(c, p, k, p.size(), attr, l.RA(next), same); err != nil {
			next, hint = old, 0 // the access does not take place
		}
	}
	h.publish(c, p, l.WithRealHint(pte.RealPTE{PTE: next, Hidx: r.Hidx}, hint))
	return true, err
}

// underBusy stops before the change s of the hash table that follows setBusy, or
// another one. first says that it follows setBusy and that this one changed
// nothing in the PTE but hash bits.
//
// With Config.MergeSteps the two are then one step, as are the last change and
// the clearing of BUSY. What changes hash bits waits for BUSY to be clear, and what
// does not wait, set, meets no present PTE. So between setBusy and the clearing
// no other CPU's step touches the hash bits: setBusy can as well come after what
// other CPUs did before the change, and the clearing before what they did after
// it (Lipton, "Reduction", CACM 1975).
func (h *hash) underBusy(c *CPU, s Step, p page, k pte.Key, first bool) {
	if first && h.m.merge {
		c.runOn(s, p.ea, h.groups(k), h.stores(k))
		return
	}
	h.step(c, s, p.ea, k)
}

// step stops before a change of the entries of a key.
func (h *hash) step(c *CPU, s Step, ea pte.EA, k pte.Key) {
	if c.stepper != nil {
		c.await(s, ea, nil, Touch{h.groups(k), TouchWrite}, Touch{h.stores(k), TouchWrite})
	}
}

// What setBusy found.
type busyVerdict uint8

const (
	pteOurs busyVerdict = iota
	pteBusy
	pteDenies
)

// setBusy locks the PTE with its BUSY bit if it permits the access, and sets
// ACCESSED, DIRTY for a store, and extra, in the same step. It returns the value that
// it replaced. A busy PTE is somebody else's: the CPU waits for that one to finish
// before it takes the fault again (Linux takes it again until then).
func (h *hash) setBusy(c *CPU, p page, a pte.Access, extra pte.LinuxPTE) (pte.LinuxPTE, busyVerdict) {
	l := h.m.kernel.Layout
	c.awaitNotBusy(StepSetBusy, p)
	for {
		old := p.load()
		denied := !l.Granted(old).Has(a)
		if denied && h.m.kernel.RightsBeforeBusy {
			return old, pteDenies
		}
		if old&l.Busy != 0 {
			c.relaxUntil(p.notBusy)
			return old, pteBusy
		}
		if denied {
			return old, pteDenies
		}
		next := old | l.Busy | l.Accessed | extra
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
func (h *hash) updatePP(c *CPU, p page, r pte.Ref, a pte.Attr, noHPTE, first bool) bool {
	h.underBusy(c, StepUpdatePP, p, r.Key, first)
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
func (h *hash) insert(c *CPU, p page, k pte.Key, actual pte.PageSize, a pte.Attr, ra pte.RA, first bool) (pte.SlotHint, error) {
	if h.refuse(c, p, k) {
		return 0, errOlderEntry
	}
	e, err := h.sizes.Encode(k, ra, actual, a)
	if err == nil && h.m.counter.InsertUnique {
		return h.insertUnique(c, p, k, e, first)
	}
	for err == nil {
		for _, secondary := range [2]bool{false, true} {
			if hint, ok := h.insertIn(c, p, k, e, secondary, first); ok {
				return hint, nil
			}
			first = false
		}
		err = h.evict(c, p, k)
	}
	return 0, err
}

// insertIn enters the entry in one group of the key (Linux: hpte_insert).
func (h *hash) insertIn(c *CPU, p page, k pte.Key, e pte.HPTE, secondary, first bool) (pte.SlotHint, bool) {
	h.underBusy(c, StepInsert, p, k, first)
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
	h.step(c, StepRemove, p.ea, k)
	mask := h.table.Mask()
	first := c.coin()
	_, _, err := h.table.Evict(k.Hash().Group(first, mask))
	if err != nil {
		_, _, err = h.table.Evict(k.Hash().Group(!first, mask))
	}
	if err != nil && !(h.bolted(k, false) && h.bolted(k, true)) {
		return nil // another CPU has made room since, or taken it again
	}
	return err
}

// bolted reports whether nothing but bolted entries is in a group of the key, and no
// free slot.
func (h *hash) bolted(k pte.Key, secondary bool) bool {
	bolted := uint64(0)
	for _, e := range h.table.Group(k.Hash().Group(secondary, h.table.Mask())) {
		if e.Bolted() {
			bolted++
		}
	}
	return bolted == h.perGroup()
}

// Changed queues the entry of a PTE that was cleared or restricted (Linux:
// hpte_need_flush).
func (h *hash) Changed(c *CPU, as *AddressSpace, ea pte.EA, old pte.LinuxPTE) {
	l := h.m.kernel.Layout
	if old&l.HashPTE == 0 {
		return
	}
	if t := as.hugeTable(ea); t != nil && !t.transparent() {
		h.changedHugetlb(c, as.hugePage(t, ea), old)
		return
	}
	if l.Page == pte.Page64K {
		h.changed64K(c, as, ea, old)
		return
	}
	c.enqueue(as, ea, pte.Ref{Key: as.keyAt(ea, l.Page), Actual: l.Page, Hint: l.Hint(old)})
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
		h.step(c, StepInvalidate, as.address(refs[i].Key), refs[i].Key)
		h.table.Invalidate(refs[i])
	}
}

// Check: a translation belongs to a present PTE that knows of it (M1).
func (h *hash) Check(as *AddressSpace, ea pte.EA, p pte.LinuxPTE) error {
	l := h.m.kernel.Layout
	if l.Page == pte.Page64K {
		return h.check64K(as, ea, p)
	}
	return h.checkKey(as.key(ea), ea, l.IsPresent(p) && p&l.HashPTE != 0)
}

// checkKey checks the entries of one key. known says that a PTE stands for one.
func (h *hash) checkKey(k pte.Key, ea pte.EA, known bool) error {
	n, conflict := h.Valid(k)
	switch {
	case n > 1:
		return fmt.Errorf("%w: %v, conflict %t", ErrDuplicate, ea, conflict)
	case n == 1 && !known:
		return fmt.Errorf("%w: %v", ErrOrphan, ea)
	}
	return nil
}

// Save notes both groups of every key.
func (h *hash) Save(pages []pte.Key) (restore func()) {
	type saved struct {
		slot  pte.Slot
		entry pte.HPTE
	}
	var slots []saved
	for _, k := range pages {
		for _, secondary := range [2]bool{false, true} {
			first := pte.Slot(k.Hash().Group(secondary, h.table.Mask()) * h.perGroup())
			for s := first; s < first+pte.Slot(h.perGroup()); s++ {
				slots = append(slots, saved{s, h.table.LoadRaw(s)})
			}
		}
	}
	return func() {
		for _, s := range slots {
			h.table.StoreRaw(s.slot, s.entry)
		}
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
