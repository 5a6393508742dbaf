package mm

import (
	"context"
	"fmt"
)

// Fork makes child a copy of parent that shares its private pages until one of
// the two stores to them (Linux: dup_mmap, copy_page_range). child is an empty
// address space, new or left by Exit, that nobody uses before Fork returns; else
// ErrOverlap. One that had huge pages where the parent has something else is no good:
// ErrHuge. Pages of shared mappings are not copied: the child finds them in the
// file. (Linux passes over a private mapping too, as long as nobody has stored to
// it.) Cancelled by ctx it leaves child as Exit does.
func (c *CPU) Fork(ctx context.Context, parent, child *AddressSpace) (Result, error) {
	if parent == child {
		return Result{}, fmt.Errorf("%w: space %d is its own child", ErrOverlap, child.context)
	}
	c.lock(&parent.mmapSem, 0)
	defer c.unlock(&parent.mmapSem, 0)
	c.lockNested(&child.mmapSem, 0)
	defer c.unlock(&child.mmapSem, 0)
	switch {
	case parent.exited.Load():
		return Result{}, ErrExited
	case len(child.vmas) > 0:
		return Result{}, fmt.Errorf("%w: space %d has mappings", ErrOverlap, child.context)
	}
	for _, v := range parent.vmas {
		if err := child.checkPlaces(v, v.Range); err != nil {
			return Result{}, err
		}
	}
	child.exited.Store(false)
	child.mmaps, child.cleared = parent.mmaps, parent.cleared
	defer c.batch.RangeFlush() // flush_tlb_mm of the parent

	var total Result
	for _, v := range parent.vmas {
		one, err := c.copyVMA(ctx, v, child)
		total.Next, total.Pages = one.Next, total.Pages+one.Pages
		if err != nil {
			c.unmapAll(child)
			c.removeVMAs(child)
			return total, err
		}
	}
	return total, nil
}

// copyVMA maps what v maps in child too, and copies the PTEs of private memory.
func (c *CPU) copyVMA(ctx context.Context, v *VMA, child *AddressSpace) (Result, error) {
	copied := *v
	copied.as = child
	c.replace(child, nil, []*VMA{&copied})
	if v.Shared {
		return Result{Next: v.End}, ctx.Err()
	}
	return c.walk(ctx, v.as, v.Range, func() {}, func(t *ptePage, r Range) int {
		return c.copyPTEs(v.as, child, t, r)
	})
}

// copyPTEs copies the PTEs of one PTE page and takes the right to store from both
// copies (Linux: copy_pte_range, ptep_set_wrprotect). The old PTEs keep their hash
// bits, so hash_page finds the old entries or learns that they have gone.
func (c *CPU) copyPTEs(parent, child *AddressSpace, src *ptePage, r Range) int {
	l := c.m.kernel.Layout
	n := 0
	dst := child.populate(r.Start).table
	c.lock(dst.ptl, r.Start)
	c.lockNested(src.ptl, r.Start)
	c.batch.EnterLazy()
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := src.at(parent, ea)
		if cur := p.load() &^ l.HPTEFlags(); !l.IsPresent(cur) {
			if !l.None(cur) {
				c.copyEntry(p, dst.at(child, ea), cur)
				n++
			}
			continue
		}
		v := c.read(p)
		ra := l.RA(v)
		if l.Writable(v) {
			clr, set := l.WriteProtect(v)
			c.update(StepPTEUpdate, p, clr, set)
			v = v&^clr | set
		}
		c.get(p, ra)
		c.set(dst.at(child, ea), v&^l.Accessed)
		c.mapped(ra)
		n++
	}
	c.batch.LeaveLazy()
	c.unlockPTEs(src, r.Start)
	c.unlockPTEs(dst, r.Start)
	return n
}
