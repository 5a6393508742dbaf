package mm

import (
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// Transparent huge pages: private memory in pages of 16M, hashed by the base page
// size of the segment. The page is entered piece by piece as pieces are used, each
// entry with an actual size of 16M, and the slots are in an array beside the PMD.
// Whatever changes the PMD removes all entries at once; no batch is involved.

// hugeBackend is hardware that knows transparent huge pages.
type hugeBackend interface {
	// flushHuge removes every entry of the huge page p, whose PMD was old, and what
	// TLBs have of them (Linux: hpte_do_hugepage_flush).
	flushHuge(c *CPU, p page, old pte.LinuxPTE)
	// checkHuge is Backend.Check for a huge page.
	checkHuge(p page) error
}

// slotsLoc is the slot array of a transparent huge page.
func (p page) slotsLoc() Loc { return Loc{LocSlots, p.id()} }

// slotDigest tells slot arrays apart.
func (p page) slotDigest() uint64 {
	var h uint64
	for i := range p.table.slots {
		if s := p.table.slots[i].Load(); s != 0 {
			h = fold(fold(h, uint64(i)), uint64(s))
		}
	}
	return h
}

// slot numbers the piece of the page at ea, hashed by base pages of that size.
func (p page) slot(ea pte.EA, base pte.PageSize) int { return int(ea&(hugeSize-1)) >> base.Shift() }

// hashTHP puts the piece of a transparent huge page at ea into the hash table
// (Linux: __hash_page_thp). When the segment has been demoted since the page was
// entered, the entries of 64K go first.
func (h *hash) hashTHP(c *CPU, p page, ea pte.EA, a pte.Access, noHPTE bool) (handled bool, err error) {
	l := h.m.kernel.Layout
	base := p.as.basePage(ea)
	var combo pte.LinuxPTE
	if base == pte.Page4K {
		combo = l.Combo
		c.followDemotion(p.as, ea)
	}
	old, v := h.setBusy(c, p, a, combo)
	switch v {
	case pteBusy:
		return true, nil // take the fault again
	case pteDenies:
		return false, nil
	}
	next := old | l.Accessed | combo
	if a.Has(pte.Write) {
		next |= l.Dirty
	}
	c.touch(p.slotsLoc(), TouchRead)
	if old&l.HashPTE != 0 && old&l.Combo != combo {
		h.flushHuge(c, p, old)
		c.clearSlots(p)
	}
	i := p.slot(ea, base)
	ref := pte.Ref{Key: p.as.keyAt(ea, base), Actual: pte.Page16M, Hint: pte.SlotByte(p.table.slots[i].Load()).Hint()}
	attr := l.Attr(next)
	if !ref.Hint.Hashed() || !h.updatePP(c, p, ref, attr, noHPTE, false) {
		ref.Hint, err = h.insert(c, p, ref.Key, pte.Page16M, attr, l.RA(next), false)
		if err != nil {
			next = old
		} else {
			next |= l.HashPTE
		}
		// The slot before the PMD without BUSY, as with the second half of a PTE.
		c.step(StepStoreSlot, p.ea, p.slotsLoc(), TouchWrite)
		p.table.slots[i].Store(uint32(pte.MakeSlotByte(ref.Hint)))
	}
	if c.stepper != nil {
		c.await(StepClearBusy, p.ea, nil, Touch{p.hashBits(), TouchWrite}, Touch{p.loc(), TouchWrite})
	}
	p.entry.Store(uint64(next &^ l.Busy))
	return true, err
}

// flushHuge implements hugeBackend.
func (h *hash) flushHuge(c *CPU, p page, old pte.LinuxPTE) {
	l := h.m.kernel.Layout
	if old&l.HashPTE == 0 {
		return
	}
	base := pte.Page64K
	if old&l.Combo != 0 {
		base = pte.Page4K
	}
	c.step(StepReadSlots, p.ea, p.slotsLoc(), TouchRead)
	var refs []pte.Ref
	for i := range c.m.hugePieces(base) {
		if hint := pte.SlotByte(p.table.slots[i].Load()).Hint(); hint.Hashed() {
			refs = append(refs, pte.Ref{Key: p.as.keyAt(p.ea+pte.EA(i)<<base.Shift(), base), Actual: pte.Page16M, Hint: hint})
		}
	}
	if len(refs) == 0 {
		return
	}
	h.Flush(c, p.as, refs)
	c.tlbie(p.as, batch.Local, refs)
}

// clearSlots forgets all slots.
func (c *CPU) clearSlots(p page) {
	c.step(StepStoreSlot, p.ea, p.slotsLoc(), TouchWrite)
	for i := range p.table.slots {
		p.table.slots[i].Store(0)
	}
}

// updatePMD changes the PMD of a transparent huge page and removes its entries, in
// this order and before it returns (Linux: pmd_hugepage_update).
func (c *CPU) updatePMD(s Step, p page, clr, set pte.LinuxPTE) pte.LinuxPTE {
	old := c.change(s, p, clr, set)
	c.m.backend.(hugeBackend).flushHuge(c, p, old)
	return old
}

// transparentFault maps a fresh huge page for private memory if the VMA covers it
// and a huge frame is free, and else a page of PTEs, none of them set yet (Linux:
// do_huge_pmd_anonymous_page).
func (c *CPU) transparentFault(v *VMA, p page, a pte.Access) (small bool, err error) {
	l := c.m.kernel.Layout
	entry := tablePMD
	fits := v.Transparent && v.File == nil && v.Start <= p.ea && p.ea+hugeSize <= v.End
	var ra pte.RA
	if fits {
		c.step(StepAlloc, p.ea, FramesLoc, TouchWrite)
		ra, err = c.m.frames.AllocHuge(func() uint64 { return 0 })
		fits = err == nil
		c.saw(uint64(ra))
	}
	if fits {
		c.touchPieces(ra)
		c.m.frames.setAnon(ra)
		entry = v.entry(ra, v.Prot) | l.Accessed | l.Dirty
	}
	if !l.None(c.lockPTE(p)) {
		c.unlockPTEs(p.table, p.ea)
		if fits {
			c.put(ra)
		}
		return false, nil
	}
	if fits {
		c.mapped(ra)
	}
	p.table.home, p.table.homeIndex = v.anon, v.index(p.ea)
	c.set(p, entry)
	c.unlockPTEs(p.table, p.ea)
	return !fits, nil
}

// touchPieces reports that the operation in hand changed all of a huge frame.
func (c *CPU) touchPieces(ra pte.RA) {
	for i := range c.m.frames.pieces {
		c.touchFresh(ra + pte.RA(i)<<c.m.pageShift)
	}
}

// zapPMD takes a transparent huge page away (Linux: zap_huge_pmd).
func (c *CPU) zapPMD(p page) int {
	l := c.m.kernel.Layout
	cur := c.lockPTE(p)
	if !l.IsPresent(cur) {
		c.unlockPTEs(p.table, p.ea)
		return 0
	}
	old := c.updatePMD(StepPTEClear, p, ^pte.LinuxPTE(0), 0)
	c.clearSlots(p)
	ra := l.RA(old)
	c.unmapped(ra)
	c.remove(ra)
	c.unlockPTEs(p.table, p.ea)
	return 1
}

// protectPMD changes what a transparent huge page may be used for (Linux:
// change_huge_pmd).
func (c *CPU) protectPMD(v *VMA, p page) int {
	return c.rewritePMD(p, func(old pte.LinuxPTE) pte.LinuxPTE {
		return c.m.kernel.Layout.WithAccess(old, c.pteAccess(v, p, old))
	})
}

// agePMD clears bits of the PMD of a transparent huge page (Linux:
// madvise_free_huge_pmd).
func (c *CPU) agePMD(p page, clr pte.LinuxPTE) int {
	return c.rewritePMD(p, func(old pte.LinuxPTE) pte.LinuxPTE { return old &^ clr })
}

// rewritePMD makes the PMD invalid, so that hash_page refuses it, removes every
// entry, and sets the new PMD (Linux: pmdp_invalidate, set_pmd_at).
func (c *CPU) rewritePMD(p page, change func(pte.LinuxPTE) pte.LinuxPTE) int {
	l := c.m.kernel.Layout
	n := 0
	if cur := c.lockPTE(p); l.IsPresent(cur) {
		old := c.updatePMD(StepPTEUpdate, p, l.Present, l.Invalid)
		c.set(p, change(old&^l.Invalid|l.Present))
		n = 1
	}
	c.unlockPTEs(p.table, p.ea)
	return n
}

// SplitHugePage replaces the transparent huge page at ea by base pages (Linux:
// split_huge_page). It returns ErrHuge where there is none.
func (c *CPU) SplitHugePage(as *AddressSpace, ea pte.EA) error {
	c.rlock(&as.mmapSem, ea)
	defer c.runlock(&as.mmapSem, ea)
	t := as.hugeTable(ea)
	if t == nil || !t.transparent() || !c.splitPMD(as.hugePage(t, ea)) {
		return fmt.Errorf("%w: none at %v", ErrHuge, ea)
	}
	return nil
}

// splitPMD has PTEs map what a PMD maps, if it maps a huge page (Linux:
// __split_huge_pmd). All entries are gone before the page of PTEs, which was their
// slot array, takes over. Here the frame is split with it.
func (c *CPU) splitPMD(p page) bool {
	l := c.m.kernel.Layout
	if cur := c.lockPTE(p); !l.IsPresent(cur) {
		c.unlockPTEs(p.table, p.ea)
		return false
	}
	old := c.updatePMD(StepPTEUpdate, p, l.Present, l.Invalid)
	c.clearSlots(p)
	entry := old&^(l.Invalid|l.HPTEFlags()) | l.Present
	ra := l.RA(old)
	touches := []Touch{{p.loc(), TouchWrite}, {p.hashBits(), TouchWrite}}
	var pages []page
	for i := range c.m.frames.pieces {
		q := p.as.make(p.ea + pte.EA(i)<<c.m.pageShift)
		pages = append(pages, q)
		touches = append(touches, Touch{q.loc(), TouchWrite}, Touch{q.hashBits(), TouchWrite}, Touch{c.frameLoc(ra + pte.RA(i)<<c.m.pageShift), TouchWrite})
	}
	if c.stepper != nil {
		c.await(StepPopulate, p.ea, nil, touches...)
	}
	c.m.frames.splitHuge(ra)
	for i, q := range pages {
		c.m.frames.setHome(ra+pte.RA(i)<<c.m.pageShift, p.table.home, p.table.homeIndex+uint64(i))
		// Nobody looks at these PTEs before the PMD says that they are there.
		q.table.markSet(q.ea)
		q.entry.Store(uint64(l.WithRA(entry, ra+pte.RA(i)<<c.m.pageShift)))
	}
	p.entry.Store(uint64(tablePMD))
	c.unlockPTEs(p.table, p.ea)
	return true
}

// CollapseHugePage replaces the base pages around ea by a transparent huge page
// with the same contents (Linux: khugepaged's collapse_huge_page). All base pages
// must be private, and nobody else's, or not there; the VMA must be Transparent:
// else ErrHuge. It returns ErrNoMemory when no huge frame is free.
//
// The PMD is cleared, then every CPU is made to leave the page tables that it
// walks without a lock, and only then are the entries of the base pages removed:
// a hash_page that was under way cannot enter one behind the flush, through which a
// store would go to a page that has been copied (Linux: pmdp_collapse_flush,
// serialize_against_pte_lookup).
func (c *CPU) CollapseHugePage(as *AddressSpace, ea pte.EA) error {
	c.lock(&as.mmapSem, ea)
	defer c.unlock(&as.mmapSem, ea)
	v, t := as.vma(ea), as.hugeTable(ea)
	if v == nil || t == nil || !v.Transparent || !c.collapsible(as.hugePage(t, ea)) {
		return fmt.Errorf("%w: no base pages to collapse at %v", ErrHuge, ea)
	}
	p := as.hugePage(t, ea)
	c.step(StepAlloc, p.ea, FramesLoc, TouchWrite)
	ra, err := c.m.frames.AllocHuge(func() uint64 { return 0 })
	if err != nil {
		return err
	}
	c.saw(uint64(ra))
	c.touchPieces(ra)
	c.m.frames.setAnon(ra)
	c.lock(t.ptl, p.ea)
	c.change(StepPTEClear, p, ^pte.LinuxPTE(0), 0)
	c.serializeWalks(as)
	c.flushBasePages(p)
	c.unlockPTEs(t, p.ea)
	entry, copied := tablePMD, c.copyBasePages(p, ra)
	c.lock(t.ptl, p.ea)
	if copied {
		l := c.m.kernel.Layout
		c.clearSlots(p)
		c.mapped(ra)
		t.home, t.homeIndex = v.anon, v.index(p.ea)
		entry = v.entry(ra, v.Prot) | l.Accessed | l.Dirty
	}
	c.set(p, entry)
	c.unlockPTEs(t, p.ea)
	c.finish()
	if !copied {
		c.put(ra)
		return fmt.Errorf("%w: base pages have gone at %v", ErrHuge, ea)
	}
	return nil
}

// basePages calls f for the base pages that a huge page would stand for.
func (c *CPU) basePages(p page, f func(i int, q page)) {
	for i := range c.m.frames.pieces {
		f(i, p.as.make(p.ea+pte.EA(i)<<c.m.pageShift))
	}
}

// collapsible reports whether a page of PTEs is in use and maps only private pages
// that nobody else has.
func (c *CPU) collapsible(p page) bool {
	l := c.m.kernel.Layout
	if c.read(p) != tablePMD {
		return false
	}
	ok := true
	c.basePages(p, func(_ int, q page) {
		cur := c.read(q)
		ok = ok && (l.None(cur) || l.IsPresent(cur) && l.RA(cur) != c.m.zero && c.exclusive(q, l.RA(cur)))
	})
	return ok
}

// flushBasePages removes the entries of base pages and leaves the PTEs as they are
// (Linux: flush_hash_table_pmd_range).
func (c *CPU) flushBasePages(p page) {
	c.batch.EnterLazy()
	c.basePages(p, func(_ int, q page) {
		if c.stepper != nil {
			c.await(StepPTERead, q.ea, nil, Touch{q.loc(), TouchRead}, Touch{q.hashBits(), TouchRead})
		}
		c.m.backend.Changed(c, q.as, q.ea, q.load())
	})
	c.batch.LeaveLazy()
}

// copyBasePages copies base pages into the huge frame and takes them away. It does
// nothing when one of them has been swapped out or is on the move. All have one PTE
// page, and so one lock.
func (c *CPU) copyBasePages(p page, ra pte.RA) bool {
	l := c.m.kernel.Layout
	first := p.as.make(p.ea)
	c.lockPTE(first)
	defer c.unlockPTEs(first.table, p.ea)
	ok := true
	c.basePages(p, func(_ int, q page) {
		cur := c.read(q)
		ok = ok && (l.None(cur) || l.IsPresent(cur))
	})
	if !ok {
		return false
	}
	c.basePages(p, func(i int, q page) {
		cur := q.load()
		if !l.IsPresent(cur) {
			return
		}
		from, to := l.RA(cur), ra+pte.RA(i)<<c.m.pageShift
		c.step(StepCopy, q.ea, c.frameLoc(from), TouchRead)
		c.touchFrame(to, TouchWrite)
		c.m.frames.Store(to, c.m.frames.Load(from))
		c.clearFlush(q)
		c.unmapped(from)
		c.remove(from)
	})
	return true
}

// beginWalk has the CPU take no interrupts while it is in the page tables without a
// lock, and reads the PMD (Linux: local_irq_save, find_linux_pte).
func (c *CPU) beginWalk(p page) pte.LinuxPTE {
	if c.stepper != nil {
		c.await(StepFindPTE, p.ea, nil, Touch{Loc{LocIRQ, uint64(c.id)}, TouchWrite}, Touch{p.loc(), TouchRead})
	}
	c.walking.Store(true)
	return p.load() &^ c.m.kernel.Layout.HPTEFlags()
}

func (c *CPU) endWalk(p page) {
	c.step(StepIRQRestore, p.ea, Loc{LocIRQ, uint64(c.id)}, TouchWrite)
	c.walking.Store(false)
}

// serializeWalks waits until every CPU that was in the page tables without a lock
// has left them (Linux: serialize_against_pte_lookup).
func (c *CPU) serializeWalks(as *AddressSpace) {
	as.users.all(func(cpu int) {
		o := c.m.cpus[cpu]
		if o == c {
			return
		}
		idle := func() bool { return !o.walking.Load() }
		if c.stepper != nil {
			c.await(StepSerialize, 0, idle, Touch{Loc{LocIRQ, uint64(cpu)}, TouchRead})
		}
		c.relaxUntil(idle)
	})
}
