package mm

import (
	"fmt"
	"slices"

	"github.com/hashmmu/ppc64/pte"
)

// demotion is a part of an address space whose pages, of 64K to the page table, are
// hashed as 4K ones. It is never undone. CPUs learn of it one by one: a CPU has the
// page size of a segment in its SLB, and looks again only when it takes a hash
// fault there. Until then it searches for 64K entries.
type demotion struct {
	Range
	known cpuSet // CPUs whose SLB has it
}

// demotionOf returns the demotion that covers ea, nil if there is none.
func (as *AddressSpace) demotionOf(ea pte.EA) *demotion {
	list := as.demotions.Load()
	if list == nil {
		return nil
	}
	for _, d := range *list {
		if d.Contains(ea) {
			return d
		}
	}
	return nil
}

// basePage is the page size by which ea is hashed (Linux: get_slice_psize).
func (as *AddressSpace) basePage(ea pte.EA) pte.PageSize {
	if t := as.hugeTable(ea); t != nil && !t.transparent() {
		return pte.Page16M
	}
	if as.demotionOf(ea) != nil {
		return pte.Page4K
	}
	return as.m.kernel.PageSize()
}

// slbPage is the page size by which the CPU's hardware hashes ea. That of hugetlb pages
// is not demoted.
func (c *CPU) slbPage(as *AddressSpace, ea pte.EA) pte.PageSize {
	base := as.basePage(ea)
	if d := as.demotionOf(ea); d != nil && base != pte.Page16M && !d.known.has(c.id) {
		return as.m.kernel.PageSize()
	}
	return base
}

// slice is the range that is demoted with ea: all of user space in Linux 2.6.20;
// in 6.1 256M below 4G and 1T above.
func (k *Kernel) slice(ea pte.EA) Range {
	switch {
	case k.DemoteSpace:
		return Range{0, MaxEA}
	case ea>>32 == 0:
		start := ea &^ (1<<28 - 1)
		return Range{start, start + 1<<28}
	}
	start := ea &^ (1<<40 - 1)
	return Range{max(start, 1<<32), start + 1<<40}
}

// psizeLoc is the page size of the slice of ea.
func (as *AddressSpace) psizeLoc(ea pte.EA) Loc {
	return Loc{LocPageSize, as.context<<34 ^ uint64(as.m.kernel.slice(ea).Start)>>pte.VPNShift}
}

// readPageSize looks up how the page of ea is hashed. One that cannot be hashed as
// 64K has its slice demoted, unless here is false.
func (c *CPU) readPageSize(p page, ea pte.EA, here bool) pte.PageSize {
	if c.stepper != nil {
		c.await(StepReadPageSize, ea, nil, Touch{p.as.psizeLoc(ea), TouchRead}, Touch{p.loc(), TouchRead})
	}
	if here && p.as.basePage(ea) == pte.Page64K && c.needs4K(p.load()) {
		c.demote(p.as, ea)
	}
	return p.as.basePage(ea)
}

// needs4K reports whether a page cannot be entered as one of 64K: its storage is
// cache-inhibited, and the processor can map that in 4K pages only.
func (c *CPU) needs4K(p pte.LinuxPTE) bool {
	return c.m.kernel.Layout.Inhibited(p) && !c.m.largeCI
}

// followDemotion brings the CPU's SLB up to date (Linux: check_paca_psize).
func (c *CPU) followDemotion(as *AddressSpace, ea pte.EA) {
	if d := as.demotionOf(ea); d != nil {
		d.known.add(c.id)
	}
}

// demote has the slice of ea hashed as 4K pages from now on (Linux:
// demote_segment_4k). Entries of 64K stay until their PTEs change or are hashed
// anew. CPUs that never translated in the space learn of it when they do.
func (c *CPU) demote(as *AddressSpace, ea pte.EA) {
	c.step(StepDemote, ea, as.psizeLoc(ea), TouchWrite)
	as.demoteMu.Lock()
	defer as.demoteMu.Unlock()
	if as.demotionOf(ea) != nil {
		return
	}
	d := &demotion{Range: as.m.kernel.slice(ea)}
	d.known.bits.Store(^as.users.bits.Load() | 1<<c.id)
	list := []*demotion{d}
	if old := as.demotions.Load(); old != nil {
		list = append(list, *old...)
	}
	as.demotions.Store(&list)
}

// Subpage protection codes of [CPU.SubpageProt].
const (
	SubpageAll    = 0 // no restriction
	SubpageRead   = 1 // no stores
	SubpageNone   = 2 // no access
	subpageAccess = 3 // mask of a code
)

// SubpageProt restricts what user code may do with the 4K pieces of the 64K pages
// from start on, whatever their VMA permits (Linux 6.1: subpage_prot). words has
// one word a page, two bits a piece, piece 0 highest: SubpageAll, SubpageRead or
// SubpageNone. The segments are hashed as 4K pages from then on. An access that is
// restricted fails with ErrProtected.
//
// A CPU that is about to enter a 64K page while this runs may do so after the old
// entries are flushed, and then goes on past the restriction until that entry
// goes: see the path subpage-protection of package scenario. It returns ErrRange for
// addresses out of bounds or no words, ErrHuge where hugetlb pages are, and
// ErrUnsupported.
func (c *CPU) SubpageProt(as *AddressSpace, start pte.EA, words []uint32) error {
	r := c.m.kernel.Pages(start, uint64(len(words)))
	if err := as.check(r); err != nil {
		return err
	}
	if err := c.m.kernel.need(SubpageProt); err != nil {
		return err
	}
	c.lock(&as.mmapSem, start)
	defer c.unlock(&as.mmapSem, start)
	if as.hasPlace(r, false) {
		return fmt.Errorf("%w: %v has hugetlb pages", ErrHuge, r)
	}
	c.forbidHuge(as, r)
	for i, w := range words {
		p := as.populate(start + pte.EA(i)<<c.m.pageShift)
		if as.basePage(p.ea) != pte.Page4K {
			c.demote(as, p.ea)
		}
		c.step(StepSubpageProt, p.ea, p.subpageLoc(), TouchWrite)
		p.table.protWord(p.ea).Store(w)
		c.flushPTE(p)
	}
	return nil
}

// forbidHuge has no transparent huge page in the range, now or later (Linux:
// subpage_mark_vma_nohuge).
func (c *CPU) forbidHuge(as *AddressSpace, r Range) {
	old := as.overlapping(r)
	if !slices.ContainsFunc(old, func(v *VMA) bool { return v.Transparent }) {
		return
	}
	inside, outside := carve(old, r, func(v *VMA) { v.Transparent = false })
	c.replace(as, old, append(inside, outside...))
	for ea := r.Start; ea < r.End; {
		_, next := c.hugeStep(as, ea, r, nil)
		_, end := as.seek(ea)
		ea = max(next, end)
	}
}

// flushPTE has the entries of one PTE flushed, which keeps HASHPTE: hash_page will
// find them gone (Linux: hpte_flush_range).
func (c *CPU) flushPTE(p page) {
	c.enter(p.table, p.ea)
	c.update(StepPTEUpdate, p, 0, 0)
	c.leave(p.table, p.ea)
}

// subpageLoc is the restriction of the pieces of a page.
func (p page) subpageLoc() Loc { return Loc{LocSubpage, p.id()} }

// prot is the restriction of the pieces of a page; 0 where pages are 4K.
func (p page) prot() uint32 {
	if p.table.prot == nil {
		return 0
	}
	return p.table.protWord(p.ea).Load()
}

// readSubpageProt returns what is denied to the piece at ea (Linux:
// subpage_protection).
func (c *CPU) readSubpageProt(p page, ea pte.EA) pte.Access {
	c.step(StepReadSubpage, p.ea, p.subpageLoc(), TouchRead)
	n := int(ea >> pte.VPNShift % pte.Pieces)
	switch p.table.protWord(p.ea).Load() >> (2 * (pte.Pieces - 1 - n)) & subpageAccess {
	case SubpageAll:
		return 0
	case SubpageRead:
		return pte.Write
	}
	return pte.Read | pte.Write | pte.Exec
}
