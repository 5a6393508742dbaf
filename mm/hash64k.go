package mm

import (
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// This file is what 64K base pages add to hash_page and to hpte_need_flush. A PTE
// has a second half there. A 64K page is entered by one entry of 64K or, in a
// segment that was demoted, by up to sixteen of 4K: a COMBO page.
//
// The two halves are two words, and no lock covers both for everybody. hash_page
// writes the second half under BUSY and stores it before it drops BUSY with the
// PTE (smp_wmb); hpte_need_flush reads it after it has changed the PTE, which
// waits for BUSY to be clear (smp_rmb). So whoever finds HASHPTE in a PTE finds the
// slot that was stored before that, or a later one. A later one is as good: it is
// where the page is now, and what was in the older slot is known to have gone.
// Written or read the other way round, HASHPTE comes with a slot of the past, the
// wrong one is flushed and the entry stays: an orphan. sync/atomic keeps the order
// of both; to an explorer each is a step of its own, never merged with another.

// hidx reads the second half of the PTE; 0 where pages are 4K.
func (p page) hidx() uint64 {
	if p.second == nil {
		return 0
	}
	return p.second.Load()
}

// secondHalf is the location of the second half.
func (p page) secondHalf() Loc { return Loc{LocHidx, p.id()} }

// real pairs old, which setBusy replaced, with the second half, which nobody
// changes while the PTE is busy.
func (h *hash) real(c *CPU, p page, old pte.LinuxPTE) pte.RealPTE {
	if p.second != nil {
		c.touch(p.secondHalf(), TouchRead)
	}
	return pte.RealPTE{PTE: old, Hidx: p.hidx()}
}

// publish ends what setBusy began: it stores the second half, where that has
// something to say, and then the PTE without BUSY.
func (h *hash) publish(c *CPU, p page, r pte.RealPTE) {
	l := h.m.kernel.Layout
	split := p.second != nil && (l.GIX == 0 || r.PTE&l.Combo != 0)
	if split {
		c.step(StepStoreHidx, p.ea, p.secondHalf(), TouchWrite)
		p.second.Store(r.Hidx)
	}
	restores := (r.PTE^p.load())&^l.HPTEFlags() != 0 // the access does not take place
	switch {
	case restores && c.stepper != nil:
		c.await(StepClearBusy, p.ea, nil, Touch{p.hashBits(), TouchWrite}, Touch{p.loc(), TouchWrite})
	case h.m.merge && !split:
		c.runOn(StepClearBusy, p.ea, p.hashBits())
	default:
		c.step(StepClearBusy, p.ea, p.hashBits(), TouchWrite)
	}
	p.entry.Store(uint64(r.PTE &^ l.Busy))
}

// hash64K is hash_page of a kernel with 64K base pages, as far as it comes before
// the PTE is made busy: it finds out by which page size the segment is hashed now
// and has this CPU's SLB follow.
func (h *hash) hash64K(c *CPU, p page, ea pte.EA, a pte.Access, noHPTE bool) (handled bool, err error) {
	if c.readPageSize(p, ea, true) == pte.Page64K {
		return h.hashPage(c, p, a, noHPTE)
	}
	c.followDemotion(p.as, ea)
	denied := c.readSubpageProt(p, ea)
	if a&denied != 0 {
		return true, fmt.Errorf("%w: %v, subpage protection", ErrProtected, ea)
	}
	return h.hashPiece(c, p, ea, a, denied, noHPTE)
}

// preload64K is what hash_preload does with 64K base pages.
func (h *hash) preload64K(c *CPU, p page, ea pte.EA, a pte.Access) {
	if c.readPageSize(p, ea, false) == pte.Page64K {
		if !c.needs4K(p.load()) {
			_, _ = h.hashPage(c, p, a, true)
		}
		return
	}
	if denied := c.readSubpageProt(p, ea); a&denied == 0 {
		_, _ = h.hashPiece(c, p, ea, a, denied, true)
	}
}

// hashPiece puts the translation of the 4K piece at ea into the hash table (Linux:
// __hash_page_4K of a 64K kernel). An entry of the whole page goes first. denied
// is taken from what the PTE permits.
func (h *hash) hashPiece(c *CPU, p page, ea pte.EA, a, denied pte.Access, noHPTE bool) (handled bool, err error) {
	l := h.m.kernel.Layout
	old, v := h.setBusy(c, p, a, l.Combo)
	switch v {
	case pteBusy:
		return true, nil // take the fault again
	case pteDenies:
		return false, nil
	}
	next := old | l.Accessed
	if a.Has(pte.Write) {
		next |= l.Dirty
	}
	r := h.real(c, p, old)
	if whole := l.RealHint(r); whole.Hashed() {
		h.dropWhole(c, p, whole)
	}
	if old&l.Combo == 0 {
		r = l.Split(r)
	}
	r.PTE = next&^l.HPTEFlags() | r.PTE&l.HPTEFlags()
	n := int(ea >> pte.VPNShift % pte.Pieces)
	hint, err := h.enterPiece(c, p, ea, l.PieceHint(r, n), l.Attr(l.WithAccess(next, l.Granted(next)&^denied)), l.PieceRA(next, n), noHPTE)
	if err != nil {
		r.PTE = old&^l.HPTEFlags() | r.PTE&l.HPTEFlags() // the access does not take place
	}
	h.publish(c, p, l.WithPieceHint(r, n, hint))
	return true, err
}

// enterPiece brings the entry of a piece up to date or makes one, and returns where
// it is. It never is in the sixteenth place where the second half cannot say that:
// an entry that gets there is taken away again and the primary group makes room.
func (h *hash) enterPiece(c *CPU, p page, ea pte.EA, hint pte.SlotHint, a pte.Attr, ra pte.RA, noHPTE bool) (pte.SlotHint, error) {
	k := p.as.keyAt(ea, pte.Page4K)
	ref := pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}
	if hint.Hashed() && h.updatePP(c, p, ref, a, noHPTE, false) {
		return hint, nil
	}
	for {
		var err error
		if ref.Hint, err = h.insert(c, p, k, pte.Page4K, a, ra, false); err != nil {
			return 0, err
		}
		if h.m.kernel.Layout.Records(ref.Hint) {
			return ref.Hint, nil
		}
		h.drop(c, p, ref)
		h.step(c, StepRemove, ea, k)
		if _, _, err = h.table.Evict(k.Hash().Primary(h.table.Mask())); err != nil && h.bolted(k, false) {
			return 0, err
		}
	}
}

// dropWhole takes the entry of the whole page away, and what TLBs have of it.
func (h *hash) dropWhole(c *CPU, p page, hint pte.SlotHint) {
	h.drop(c, p, pte.Ref{Key: p.as.keyAt(p.ea, pte.Page64K), Actual: pte.Page64K, Hint: hint})
}

// drop takes one entry away, and what TLBs have of it (Linux: hpte_invalidate).
func (h *hash) drop(c *CPU, p page, r pte.Ref) {
	h.step(c, StepInvalidate, p.ea, r.Key)
	h.table.Invalidate(r)
	c.one[0] = r
	c.tlbie(p.as, batch.Local, c.one[:])
}

// changed64K queues every entry of a PTE that was cleared or restricted (Linux:
// hpte_need_flush). A COMBO page takes as many places in the batch as it has
// entries; Linux has one for the page and finds the pieces when it flushes.
func (h *hash) changed64K(c *CPU, as *AddressSpace, ea pte.EA, old pte.LinuxPTE) {
	l := h.m.kernel.Layout
	p, _ := as.find(ea)
	c.step(StepReadHidx, p.ea, p.secondHalf(), TouchRead)
	r := pte.RealPTE{PTE: old, Hidx: p.hidx()}
	if hint := l.RealHint(r); hint.Hashed() {
		c.enqueue(as, p.ea, pte.Ref{Key: as.keyAt(p.ea, pte.Page64K), Actual: pte.Page64K, Hint: hint})
	}
	for n := range pte.Pieces {
		if hint := l.PieceHint(r, n); hint.Hashed() {
			piece := p.ea + pte.EA(n)<<pte.VPNShift
			c.enqueue(as, piece, pte.Ref{Key: as.keyAt(piece, pte.Page4K), Actual: pte.Page4K, Hint: hint})
		}
	}
}

// check64K compares the entries of a 64K page and of its pieces with its PTE: each
// is one that the PTE knows of.
func (h *hash) check64K(as *AddressSpace, ea pte.EA, p pte.LinuxPTE) error {
	l := h.m.kernel.Layout
	at, _ := as.find(ea)
	r := pte.RealPTE{PTE: p, Hidx: at.hidx()}
	if err := h.checkKey(as.keyAt(ea, pte.Page64K), ea, l.IsPresent(p) && l.RealHint(r).Hashed()); err != nil {
		return err
	}
	for n := range pte.Pieces {
		piece := ea + pte.EA(n)<<pte.VPNShift
		if err := h.checkKey(as.keyAt(piece, pte.Page4K), piece, l.IsPresent(p) && l.PieceHint(r, n).Hashed()); err != nil {
			return err
		}
	}
	return nil
}
