package mm

import (
	"context"

	"github.com/hashmmu/ppc64/pte"
)

// Invalidate throws away what the page cache holds of n pages of a file, from page
// first on, after something has changed the file beneath it; n = 0 means to the end.
// Private copies stay (Linux: invalidate_inode_pages2_range, after direct I/O).
// Cancelled by ctx it is like a cancelled [CPU.PunchHole].
func (c *CPU) Invalidate(ctx context.Context, f *Mapping, first, n uint64) (Result, error) {
	c.dropPages(f, first, lastPage(first, n))
	return c.UnmapMappingRange(ctx, f, first, n, false)
}

// MadviseRemove is madvise(MADV_REMOVE): it punches holes into the files of the
// shared mappings of a range. Linux 2.6.20 holds mmap_sem for writing meanwhile, so
// nothing can go wrong in the caller's own address space; other address spaces
// that map the file are not kept out. ErrNoVMA when some of the range is not mapped,
// ErrProtected when it is not a shared mapping of a file that permits stores; up to
// there it is done. ErrHuge, with nothing done, when the range cuts a hugetlb page in
// two (Linux 6.1 would fill the part with zeroes).
func (c *CPU) MadviseRemove(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	res := Result{Next: r.Start}
	if err := as.check(r); err != nil {
		return res, err
	}
	if err := as.checkCut(r); err != nil {
		return res, err
	}
	for res.Next < r.End {
		n, err := c.removeVMA(ctx, as, Range{res.Next, r.End}, &res)
		if err != nil {
			return res, err
		}
		res.Pages += n
	}
	return res, nil
}

// removeVMA punches out what the first VMA of a range maps of it (Linux:
// madvise_remove).
func (c *CPU) removeVMA(ctx context.Context, as *AddressSpace, r Range, res *Result) (int, error) {
	var v *VMA
	if c.m.kernel.DontNeedShared {
		c.rlock(&as.mmapSem, r.Start)
		v = as.vma(r.Start)
		c.runlock(&as.mmapSem, r.Start) // the file is held instead
	} else {
		c.lock(&as.mmapSem, r.Start)
		defer c.unlock(&as.mmapSem, r.Start)
		v = as.vma(r.Start)
	}
	switch {
	case v == nil:
		return 0, ErrNoVMA
	case !v.Shared || !v.Prot.Has(pte.Write):
		return 0, ErrProtected
	}
	part := v.intersect(r)
	hole, err := c.PunchHole(ctx, v.File, v.index(part.Start), part.Len()>>v.pageShift())
	if err == nil {
		res.Next = part.End
	}
	return hole.Pages, err
}
