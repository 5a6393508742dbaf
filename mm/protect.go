package mm

import (
	"context"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// Protect changes what a range may be used for (Linux: mprotect). All of the
// range must be mapped, else ErrNoVMA, and it must not cut a hugetlb page in two,
// else ErrHuge; then nothing changes. PTEs follow the VMA
// with it, where they may: a page that must not be stored to yet (copy on write,
// dirty tracking) stays read-only until it faults.
func (c *CPU) Protect(ctx context.Context, as *AddressSpace, r Range, a pte.Access) (Result, error) {
	res := Result{Next: r.Start}
	if err := as.check(r); err != nil {
		return res, err
	}
	c.lock(&as.mmapSem, r.Start)
	defer c.unlock(&as.mmapSem, r.Start)
	if err := as.checkCut(r); err != nil {
		return res, err
	}
	old := as.overlapping(r)
	if !covered(old, r) {
		return res, fmt.Errorf("%w: part of %v", ErrNoVMA, r)
	}
	set := func(v *VMA) { v.Prot = a }
	changed, _ := carve(old, r, set)
	var err error
	for _, v := range changed {
		var one Result
		one, err = c.changeProtection(ctx, v)
		res.Next, res.Pages = one.Next, res.Pages+one.Pages
		if err != nil {
			break
		}
	}
	// Only what was done: a cancelled change is a prefix (M5).
	if done := (Range{r.Start, res.Next}); !done.empty() {
		old = as.overlapping(done)
		inside, outside := carve(old, done, set)
		c.replace(as, old, append(inside, outside...))
	}
	return res, err
}

// covered reports whether the sorted VMAs leave no hole in r.
func covered(vmas []*VMA, r Range) bool {
	at := r.Start
	for _, v := range vmas {
		if v.Start > at {
			return false
		}
		at = v.End
	}
	return at >= r.End
}

// changeProtection brings the PTEs of a VMA in line with it and asks for the
// old translations to be gone (Linux: change_protection, flush_tlb_range).
func (c *CPU) changeProtection(ctx context.Context, v *VMA) (Result, error) {
	return c.walkHuge(ctx, v.as, v.Range, c.batch.RangeFlush, c.protectHuge(v), func(t *ptePage, part Range) int {
		return c.protectPTEs(v, t, part)
	})
}

// protectPTEs changes the PTEs of one PTE page (Linux: change_pte_range).
func (c *CPU) protectPTEs(v *VMA, t *ptePage, r Range) int {
	l := c.m.kernel.Layout
	n := 0
	c.enter(t, r.Start)
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(v.as, ea)
		if cur := p.load() &^ l.HPTEFlags(); !l.IsPresent(cur) {
			c.restrictEntry(p, cur, v.Prot)
			continue
		}
		c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE {
			return l.WithAccess(old&^l.Invalid|l.Present, c.pteAccess(v, p, old))
		})
		n++
	}
	c.leave(t, r.Start)
	return n
}

// pteAccess is the access that a PTE of v may grant to the page that it maps:
// that of the VMA, without stores where those must fault first (Linux:
// vm_page_prot, and for stores can_change_pte_writable).
func (c *CPU) pteAccess(v *VMA, p page, old pte.LinuxPTE) pte.Access {
	l := c.m.kernel.Layout
	a := v.pageProt()
	switch {
	case a.Has(pte.Write) || !v.Prot.Has(pte.Write) || old&l.Dirty == 0:
	case v.tracked() && old&l.SoftDirty == 0:
	case v.Shared, c.m.kernel.ModifyProt && c.exclusive(p, l.RA(old)):
		a |= pte.Write
	}
	return a
}

// exclusive reports whether a page belongs to one private mapping and to
// nobody else.
func (c *CPU) exclusive(p page, ra pte.RA) bool {
	c.step(StepPageCount, p.ea, c.frameLoc(ra), TouchRead)
	only := c.m.frames.Anon(ra) && c.m.frames.Refs(ra) == 1
	c.saw(b2u(only))
	return only
}
