package mm

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// This file is what pages of 16M have in common: hugetlb pages, which a file is made
// of, and transparent ones, which stand in for a page of PTEs. Either has one
// entry, with a lock of its own, in a table beside the page table; Linux has it in
// a level of the page table that depends on the kernel.

// ErrHuge reports an operation that a huge page, or the lack of one, forbids.
var ErrHuge = errors.New("mm: not possible with this huge page")

const (
	hugeShift = 24 // pte.Page16M
	hugeSize  = 1 << hugeShift
)

// tablePMD is the entry of a place for a transparent huge page where a page of
// PTEs is in use. It is neither none nor present.
const tablePMD pte.LinuxPTE = 2

// newHugeTable makes the table of the huge pages of a space. Each has a page of one
// entry.
func newHugeTable() *pgd {
	s := shape{pte: hugeShift, pmd: hugeShift, pud: 34, pgd: 44, end: 46}
	return &pgd{shape: s, puds: make([]atomic.Pointer[pud], 1<<(s.end-s.pgd))}
}

// newHugePage makes the entry of the huge page at ea. A transparent one has a slot
// for each 4K that the page could be hashed by (Linux: in the deposited page table).
func (as *AddressSpace) newHugePage(ea pte.EA, transparent bool) *ptePage {
	p := &ptePage{entries: make([]atomic.Uint64, 1), used: make([]atomic.Uint64, 1), shift: hugeShift}
	switch {
	case transparent:
		p.slots = make([]atomic.Uint32, as.m.hugePieces(pte.Page4K))
	case as.m.kernel.PageSize() == pte.Page64K:
		p.second = make([]atomic.Uint64, 1)
	}
	if as.m.granularity == LockPerSpace {
		p.ptl = &as.pageTableLocks[0]
		return p
	}
	p.own = lock{rank: rankPTL, id: 3<<62 | as.context<<32 | uint64(ea)>>hugeShift, acquire: StepPMDLock, release: StepPMDUnlock}
	p.own.ready = p.own.free
	p.ptl = &p.own
	return p
}

// transparent reports whether the entry is one of a transparent huge page.
func (p *ptePage) transparent() bool { return p.slots != nil }

// hugeTable returns where the entry of the huge page at ea is, nil where none can be.
func (as *AddressSpace) hugeTable(ea pte.EA) *ptePage {
	if as.huge == nil {
		return nil
	}
	return as.huge.lookup(ea)
}

// hugePage is the huge page at ea, with t from hugeTable.
func (as *AddressSpace) hugePage(t *ptePage, ea pte.EA) page { return t.at(as, ea&^(hugeSize-1)) }

// hugePieces is how many base pages of the given size of a huge page have contents.
func (m *Machine) hugePieces(base pte.PageSize) int {
	return m.frames.pieces << (m.pageShift - base.Shift())
}

// leaf returns the page of ea, base or huge, as hardware could meet it.
func (as *AddressSpace) leaf(ea pte.EA) (page, bool) {
	if t := as.hugeTable(ea); t != nil {
		if p := as.hugePage(t, ea); !t.transparent() || as.m.kernel.Layout.IsPresent(p.load()) {
			return p, true
		}
	}
	return as.find(ea)
}

// mapHuge makes room for the huge pages of a VMA.
func (as *AddressSpace) mapHuge(v *VMA) {
	if as.huge == nil || !v.hugetlb() && !v.Transparent {
		return
	}
	first := (v.Start + hugeSize - 1) &^ (hugeSize - 1)
	for ea := first; ea+hugeSize <= v.End; ea += hugeSize {
		as.huge.alloc(ea, func() *ptePage { return as.newHugePage(ea, !v.hugetlb()) })
	}
}

// checkPlaces reports a VMA that does not fit in with the huge pages that were mapped
// in its range before: a place stays one for hugetlb pages, which are hashed by 16M,
// or for transparent ones. (Linux converts slices that are empty.) The caller holds
// mmapSem.
func (as *AddressSpace) checkPlaces(v *VMA, r Range) error {
	if as.hasPlace(r, v.hugetlb()) {
		return fmt.Errorf("%w: %v had huge pages of another kind", ErrHuge, r)
	}
	return nil
}

// hasPlace reports whether there is a place for a transparent huge page in the range,
// or for a hugetlb page.
func (as *AddressSpace) hasPlace(r Range, transparent bool) bool {
	for ea := r.Start; as.huge != nil && ea < r.End; {
		t, span := as.huge.seek(ea)
		if t != nil && t.transparent() == transparent {
			return true
		}
		ea = ea&^(span-1) + span
	}
	return false
}

// zapHuge returns what a zap does to huge pages. (Linux: zap_huge_pmd,
// __unmap_hugepage_range).
func (c *CPU) zapHuge(evenCOWs bool) func(page) int {
	return func(p page) int {
		switch {
		case !p.table.transparent():
			return c.zapHugetlb(p)
		case !evenCOWs:
			return 0 // private
		}
		return c.zapPMD(p)
	}
}

// protectHuge returns what mprotect does to huge pages of v.
func (c *CPU) protectHuge(v *VMA) func(page) int {
	return func(p page) int {
		if p.table.transparent() {
			return c.protectPMD(v, p)
		}
		return c.protectHugetlb(v, p)
	}
}

// hugetlb reports whether the VMA maps a file of huge pages.
func (v *VMA) hugetlb() bool { return v.File != nil && v.File.huge }

// hugeFault is the page fault handler where a huge page is or could be. small is
// true when base pages are to be used after all.
func (c *CPU) hugeFault(v *VMA, t *ptePage, ea pte.EA, a pte.Access) (small bool, err error) {
	p := v.as.hugePage(t, ea)
	l, old := c.m.kernel.Layout, c.read(p)
	switch {
	case old == tablePMD:
		return true, nil
	case !l.None(old):
		return false, c.presentFault(v, p, a, old)
	case !t.transparent():
		return false, c.fileFault(v, p, a)
	}
	return c.transparentFault(v, p, a)
}

// hugeStep does to the huge page at ea, if there is one, what a walk of r does, and
// returns where that goes on: at ea when base pages come next. A transparent huge
// page that r covers in part, or that huge is nil for, is split first; then hugetlb
// pages are left alone. Whether a hugetlb page is there is for huge to find out, under
// its lock; for a transparent one the PMD is read without (Linux: zap_pmd_range).
func (c *CPU) hugeStep(as *AddressSpace, ea pte.EA, r Range, huge func(page) int) (n int, next pte.EA) {
	t := as.hugeTable(ea)
	if t == nil {
		return 0, ea
	}
	p := as.hugePage(t, ea)
	end := p.ea + hugeSize
	switch {
	case !t.transparent() && huge == nil:
		return 0, min(end, r.End)
	case !t.transparent():
		return huge(p), end
	case !c.m.kernel.Layout.IsPresent(c.read(p)):
		return 0, ea
	case huge == nil || ea != p.ea || end > r.End:
		c.splitPMD(p)
		return 0, ea
	}
	return huge(p), end
}
