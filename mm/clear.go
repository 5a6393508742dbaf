package mm

import (
	"context"

	"github.com/hashmmu/ppc64/pte"
)

// ClearYoung forgets which pages of the address space were accessed (Linux:
// clear_refs_write of 1, clear_refs_pte_range). Next is the end of what was done.
func (c *CPU) ClearYoung(ctx context.Context, as *AddressSpace) (Result, error) {
	return c.clearRefs(ctx, as, ClearRefs, func(p page, cur pte.LinuxPTE) bool {
		return c.m.kernel.Layout.IsPresent(cur) && c.testAndClearYoung(p)
	})
}

// ClearSoftDirty forgets which pages of the address space were stored to, and has
// the next store to each fault so that it is seen (Linux: clear_refs_write of 4,
// clear_soft_dirty). Cancelled by ctx it has forgotten those below Next; stores to
// all of them fault. A store to a page that is being migrated meanwhile may go
// unseen, as in Linux.
func (c *CPU) ClearSoftDirty(ctx context.Context, as *AddressSpace) (Result, error) {
	l := c.m.kernel.Layout
	return c.clearRefs(ctx, as, SoftDirty, func(p page, cur pte.LinuxPTE) bool {
		if !l.IsPresent(cur) {
			c.set(p, cur&^l.SoftDirty)
			return false
		}
		c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE {
			clr, set := l.WriteProtect(old)
			return (old&^l.Invalid|l.Present)&^(clr|l.SoftDirty) | set
		})
		return true
	})
}

// clearRefs calls one for every PTE of the space that is not none, with its lock held
// and without lazy MMU mode, so that every entry is flushed at once, and counts those
// that changed (Linux: clear_refs_write).
func (c *CPU) clearRefs(ctx context.Context, as *AddressSpace, f Feature, one func(page, pte.LinuxPTE) bool) (Result, error) {
	var total Result
	if err := c.m.kernel.need(f); err != nil {
		return total, err
	}
	c.lock(&as.mmapSem, 0)
	defer c.unlock(&as.mmapSem, 0)
	if as.exited.Load() {
		return total, ErrExited
	}
	if f == SoftDirty {
		as.cleared = as.mmaps
	}
	for _, v := range as.vmas {
		part, err := c.walk(ctx, as, v.Range, c.batch.Finish, func(t *ptePage, r Range) int {
			return c.clearPTEs(as, t, r, one)
		})
		total.Next, total.Pages = part.Next, total.Pages+part.Pages
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (c *CPU) clearPTEs(as *AddressSpace, t *ptePage, r Range, one func(page, pte.LinuxPTE) bool) (n int) {
	l := c.m.kernel.Layout
	c.lock(t.ptl, r.Start)
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(as, ea)
		if cur := p.load() &^ l.HPTEFlags(); !l.None(cur) && one(p, cur) {
			n++
		}
	}
	c.unlockPTEs(t, r.Start)
	return n
}

// testAndClearYoung clears ACCESSED and reports whether it was set. The hash bits
// stay; that the entry is flushed makes the next access set it again (Linux:
// ptep_test_and_clear_young).
func (c *CPU) testAndClearYoung(p page) bool {
	young := c.m.kernel.Layout.Accessed
	return c.update(StepPTEUpdate, p, young, 0)&young != 0
}

// SoftDirty reports whether the page of ea may have been stored to since soft-dirty
// bits were last cleared (Linux: bit 55 in /proc/PID/pagemap).
func (c *CPU) SoftDirty(as *AddressSpace, ea pte.EA) (bool, error) {
	if err := c.m.kernel.need(SoftDirty); err != nil {
		return false, err
	}
	c.rlock(&as.mmapSem, ea)
	defer c.runlock(&as.mmapSem, ea)
	v := as.vma(ea)
	if v == nil {
		return false, ErrNoVMA
	}
	if !v.tracked() {
		return true, nil
	}
	p, ok := as.find(ea)
	return ok && c.read(p)&c.m.kernel.Layout.SoftDirty != 0, nil
}

// tracked reports whether soft-dirty bits were cleared since v was mapped, so that
// a first store to each page must fault (Linux: vma_soft_dirty_enabled). mmapSem is
// held.
func (v *VMA) tracked() bool { return v.number != 0 && v.number <= v.as.cleared }

// pageProt is the access that a PTE of v grants to a page that nobody has stored
// to: stores must fault where they copy or somebody keeps track of them (Linux:
// vm_page_prot). mmapSem is held.
func (v *VMA) pageProt() pte.Access {
	if !v.Shared || v.File.TrackDirty || v.tracked() {
		return v.Prot &^ pte.Write
	}
	return v.Prot
}
