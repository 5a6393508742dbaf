package mm

import (
	"context"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// Remap moves a range with its pages to the address to (Linux: mremap with
// MREMAP_MAYMOVE and MREMAP_FIXED, move_vma). The range must lie in one mapping,
// else ErrNoVMA, and nothing may be mapped where it goes, else ErrOverlap (Linux
// would unmap that); hugetlb pages cannot be moved, nor anything to where some were:
// ErrHuge. Result.Next is an address of the old range; what is below it
// has moved when ctx cancels.
func (c *CPU) Remap(ctx context.Context, as *AddressSpace, old Range, to pte.EA) (Result, error) {
	res := Result{Next: old.Start}
	moved := Range{to, to + (old.End - old.Start)}
	if err := as.check(old); err != nil {
		return res, err
	}
	if err := as.check(moved); err != nil {
		return res, err
	}
	c.lock(&as.mmapSem, old.Start)
	defer c.unlock(&as.mmapSem, old.Start)
	v := as.vma(old.Start)
	switch {
	case v == nil || old.End > v.End:
		return res, fmt.Errorf("%w: %v is not one mapping", ErrNoVMA, old)
	case v.hugetlb():
		return res, fmt.Errorf("%w: %v is of hugetlb pages", ErrHuge, old)
	case !old.intersect(moved).empty() || len(as.overlapping(moved)) > 0:
		return res, fmt.Errorf("%w: %v", ErrOverlap, moved)
	}
	if err := as.checkPlaces(v, moved); err != nil {
		return res, err
	}
	fresh := v.cut(old)
	fresh.Range = moved
	c.replace(as, nil, []*VMA{fresh})
	err := c.movePageTables(ctx, v, old, to, &res)

	if res.Next < old.End { // cancelled: keep the part that moved
		part := fresh.cut(Range{to, to + (res.Next - old.Start)})
		c.replace(as, []*VMA{fresh}, nonEmpty(part))
	}
	if done := (Range{old.Start, res.Next}); !done.empty() {
		_, zapErr := c.zap(context.Background(), as, done, true)
		_, outside := carve([]*VMA{v}, done, func(*VMA) {})
		c.replace(as, []*VMA{v}, outside)
		if err == nil {
			err = zapErr
		}
	}
	return res, err
}

func nonEmpty(v *VMA) []*VMA {
	if v.empty() {
		return nil
	}
	return []*VMA{v}
}

// movePageTables moves the PTEs of a range, as many at a time as lie in one PTE
// page on both sides (Linux: move_page_tables).
func (c *CPU) movePageTables(ctx context.Context, v *VMA, old Range, to pte.EA, res *Result) error {
	for res.Next < old.End {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := to + (res.Next - old.Start)
		if _, next := c.hugeStep(v.as, res.Next, Range{res.Next, old.End}, nil); next != res.Next {
			res.Next = next
			continue
		}
		src, end := v.as.seek(res.Next)
		_, dstSpan := v.as.pgd.seek(at)
		n := min(old.End-res.Next, end-res.Next, dstSpan-at%dstSpan)
		if src != nil {
			part := Range{res.Next, res.Next + n}
			moved := c.movePTEs(v, src, part, at)
			res.Pages += moved
			if c.m.trace.Walked != nil {
				c.m.trace.Walked(c, v.as, part, moved)
			}
		}
		res.Next += n
	}
	return nil
}

// movePTEs moves PTEs of one PTE page into one other (Linux: move_ptes). The lock
// of the reverse map keeps out who would look for the pages where they are not
// any more, or not yet; the PTE page locks of both sides are held until the old
// entries are gone.
func (c *CPU) movePTEs(v *VMA, src *ptePage, r Range, to pte.EA) int {
	l := c.m.kernel.Layout
	defer c.lockRmaps(v, r.Start)()
	n := 0
	dst := v.as.populate(to).table
	c.lock(src.ptl, r.Start)
	if dst.ptl != src.ptl {
		c.lockNested(dst.ptl, to)
	}
	c.batch.EnterLazy()
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := src.at(v.as, ea)
		if l.None(p.load()) {
			continue
		}
		old := c.getAndClear(p)
		if c.m.kernel.MoveFlushes {
			c.batch.RangeFlush()
		}
		old |= l.SoftDirty // moved counts as stored to
		at := to + (ea - r.Start)
		c.set(dst.at(v.as, at), old)
		n++
	}
	c.batch.LeaveLazy()
	c.batch.RangeFlush()
	if dst.ptl != src.ptl {
		c.unlockPTEs(dst, to)
	}
	c.unlockPTEs(src, r.Start)
	return n
}
