package mm

import (
	"context"

	"github.com/hashmmu/ppc64/pte"
)

// HintNUMA makes the next access to every page of a range a page fault, by which
// the kernel sees who uses it (Linux: change_prot_numa, from task_numa_work). All
// pages are taken to be on another node than the one that asks, except those that
// copy on write shares, which Linux leaves alone too. Mappings that permit nothing
// and files that are only read are passed over, as are holes.
func (c *CPU) HintNUMA(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	res := Result{Next: r.Start}
	if err := c.m.kernel.need(NUMAHinting); err != nil {
		return res, err
	}
	if err := as.check(r); err != nil {
		return res, err
	}
	c.rlock(&as.mmapSem, r.Start)
	defer c.runlock(&as.mmapSem, r.Start)
	for _, v := range as.overlapping(r) {
		if v.Prot == 0 || v.File != nil && v.Prot&(pte.Read|pte.Write) == pte.Read {
			continue
		}
		one, err := c.walk(ctx, as, v.intersect(r), c.batch.Finish, func(t *ptePage, part Range) int {
			return c.hintPTEs(v, t, part)
		})
		res.Next, res.Pages = one.Next, res.Pages+one.Pages
		if err != nil {
			return res, err
		}
	}
	res.Next = r.End
	return res, nil
}

// hintPTEs is change_pte_range with MM_CP_PROT_NUMA. The new PTE permits nothing, so
// hash_page leaves it alone, and the page fault that follows waits for the PTE
// page lock.
func (c *CPU) hintPTEs(v *VMA, t *ptePage, r Range) int {
	l := c.m.kernel.Layout
	n := 0
	c.enter(t, r.Start)
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(v.as, ea)
		cur := p.load() // but for ACCESSED and DIRTY it changes under the lock only
		if !l.IsPresent(cur) || l.ProtNone(cur) || l.RA(cur) == c.m.zero {
			continue
		}
		if !v.Shared && !c.exclusive(p, l.RA(cur)) {
			continue
		}
		c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE { return l.Hinting(old&^l.Invalid | l.Present) })
		n++
	}
	c.leave(t, r.Start)
	return n
}

// numaFault makes a page accessible again, on the node where it is (Linux:
// do_numa_page). The PTE page lock is held on entry and not on return.
func (c *CPU) numaFault(v *VMA, p page, a pte.Access, cur pte.LinuxPTE) {
	l := c.m.kernel.Layout
	access := v.pageProt()
	if l.SavedWrite(cur) {
		access |= v.Prot & pte.Write
	}
	c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE {
		return l.WithAccess(old&^l.Invalid|l.Present, access) | l.Accessed
	})
	c.m.backend.Preload(c, p.as, p.ea, a)
	c.unlockPTEs(p.table, p.ea)
}
