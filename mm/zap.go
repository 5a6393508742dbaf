package mm

import (
	"context"

	"github.com/hashmmu/ppc64/pte"
)

// Result says how far a range operation came.
type Result struct {
	// Next is where to go on: below it everything is done, from it on nothing
	// (M5). At the end of the range when the operation was not cancelled.
	Next  pte.EA
	Pages int // PTEs cleared or changed
}

// gather holds the pages whose PTEs a CPU cleared until no translation of them
// is left (Linux: struct mmu_gather).
type gather struct{ frames []pte.RA }

// gatherMax is how many pages are held before they are flushed and freed
// (Linux 2.6.20: FREE_PTE_NR).
const gatherMax = 506

// remove hands a page over (Linux: tlb_remove_page).
func (c *CPU) remove(ra pte.RA) {
	c.gather.frames = append(c.gather.frames, ra)
	if len(c.gather.frames) == gatherMax {
		c.finish()
	}
}

// finish flushes what is pending and then frees the pages, in this order (M2;
// Linux: tlb_finish_mmu).
func (c *CPU) finish() {
	c.batch.Finish()
	if c.stepper == nil {
		c.m.frames.putAll(c.gather.frames)
	} else {
		for _, ra := range c.gather.frames {
			c.put(ra)
		}
	}
	c.gather.frames = c.gather.frames[:0]
}

// put drops a reference to a frame. References to a page of a file commute but
// for the last one, so only that one is a step.
func (c *CPU) put(ra pte.RA) {
	if c.stepper != nil && (c.counted(ra) || c.m.frames.Refs(ra) == 1) {
		c.await(StepFree, 0, nil, Touch{FramesLoc, TouchWrite}, Touch{c.frameLoc(ra), TouchWrite})
	}
	whole := c.m.frames.isHuge(ra)
	if c.m.frames.Put(ra) && whole {
		c.touchPieces(ra)
	}
}

// get takes a reference to a page that has one.
func (c *CPU) get(p page, ra pte.RA) {
	if c.counted(ra) {
		c.step(StepGetPage, p.ea, c.frameLoc(ra), TouchWrite)
	}
	c.m.frames.Get(ra)
}

// mapped and unmapped say that a PTE maps a page now, or does so no more (Linux:
// page_add_anon_rmap, page_add_file_rmap; page_remove_rmap). The PTE page lock is
// held.
func (c *CPU) mapped(ra pte.RA)   { c.addMapCount(ra, 1) }
func (c *CPU) unmapped(ra pte.RA) { c.addMapCount(ra, -1) }

// addMapCount is part of the step that changed the PTE. How often a page of a file
// is mapped is no location to an explorer: who asks has it mapped and must have it
// mapped once at most in what is explored.
func (c *CPU) addMapCount(ra pte.RA, n int32) {
	c.m.frames.head(ra).ptes.Add(n)
	if c.stepper != nil && c.counted(ra) {
		c.touchFrame(ra, TouchWrite)
	}
}

// counted reports whether somebody looks at the number of references: those of
// private pages decide whether a store may do without a copy.
func (c *CPU) counted(ra pte.RA) bool { return ra != c.m.zero && c.m.frames.Anon(ra) }

func (c *CPU) frameLoc(ra pte.RA) Loc { return Loc{LocFrame, uint64(c.m.frames.index(ra))} }

// dirtyLoc is whether a page is dirty.
func (c *CPU) dirtyLoc(ra pte.RA) Loc { return Loc{LocDirty, uint64(c.m.frames.index(ra))} }

// ZapPageRange takes away the pages of a range, whatever maps there; the VMAs
// stay, so the pages can be faulted in again (Linux: zap_page_range). The caller
// holds no lock, so other CPUs may fault at the same time. When it returns, no
// CPU reaches the old pages (M3). Linux does this without mmap_sem to mappings of files
// only: private memory that a CollapseHugePage is copying at the time comes back with its
// old contents. Cancelled by ctx it stops between PTE pages. Errors: ErrRange, ErrExited,
// ErrHuge when the range cuts a hugetlb page in two, that of ctx.
func (c *CPU) ZapPageRange(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	if err := as.check(r); err != nil {
		return Result{Next: r.Start}, err
	}
	return c.zap(ctx, as, r, true)
}

// MadviseDontNeed is madvise(MADV_DONTNEED): ZapPageRange under mmap_sem, with its
// errors.
func (c *CPU) MadviseDontNeed(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	if err := as.check(r); err != nil {
		return Result{Next: r.Start}, err
	}
	if c.m.kernel.DontNeedShared {
		c.rlock(&as.mmapSem, r.Start)
		defer c.runlock(&as.mmapSem, r.Start)
	} else {
		c.lock(&as.mmapSem, r.Start)
		defer c.unlock(&as.mmapSem, r.Start)
	}
	return c.zap(ctx, as, r, true)
}

// UnmapMappingRange takes n pages of a file, from page first on, away from
// everybody who maps them; evenCOWs takes private copies of them too (Linux:
// unmap_mapping_range). It holds the lock of the reverse map but mmap_sem of no
// address space: a fault of any of them can come in as soon as a PTE page lock
// is free. n = 0 means to the end of the file.
func (c *CPU) UnmapMappingRange(ctx context.Context, f *Mapping, first, n uint64, evenCOWs bool) (Result, error) {
	var count []Touch
	if c.m.kernel.TruncateCount {
		count = []Touch{{f.countLoc(), TouchWrite}}
	}
	if c.m.kernel.IMmapShared {
		c.rlock(&f.iMmapLock, 0, count...)
		defer c.runlock(&f.iMmapLock, 0)
	} else {
		c.lock(&f.iMmapLock, 0, count...)
		defer c.unlock(&f.iMmapLock, 0)
	}
	if c.m.kernel.TruncateCount {
		f.truncateCount.Add(1) // in the step that took the lock
	}

	last := lastPage(first, n)
	var total Result
	var err error
	f.vmas.overlapping(first, last, func(v *VMA) bool {
		var one Result
		one, err = c.zap(ctx, v.as, v.span(first, last), evenCOWs)
		total.Next, total.Pages = one.Next, total.Pages+one.Pages
		return err == nil
	})
	return total, err
}

// lastPage is the last of n pages of a file from page first on; n = 0 means to
// the end of the file, as does an n beyond any file.
func lastPage(first, n uint64) uint64 {
	if last := first + n - 1; n > 0 && last >= first {
		return last
	}
	return ^uint64(0)
}

// span is the part of the VMA that maps the file pages first..last.
func (v *VMA) span(first, last uint64) Range {
	r := v.Range
	if first > v.Offset {
		r.Start += pte.EA((first - v.Offset) << v.pageShift())
	}
	if end := v.Offset + v.pages() - 1; last < end {
		r.End -= pte.EA((end - last) << v.pageShift())
	}
	return r
}

// PunchHole throws n pages of a file away, from page first on: a later access
// finds fresh ones (Linux 2.6.20: vmtruncate_range; 6.1: fallocate with
// FALLOC_FL_PUNCH_HOLE, truncate_pagecache_range). Private copies go too where the
// kernel has them go, see [Kernel].PunchesCopies. n = 0 is ErrRange.
//
// The pages have left the file before they are unmapped, even when ctx cancels
// that: mappings that Result says were not reached still have the old pages. A
// fault that looked a page up before it left notices before it maps it, where
// Linux has the page lock. While it is under way some CPUs may see an old page and
// others the fresh one; the invalidate_lock of Linux 6.1 keeps page faults from
// reading the fresh one in so early.
func (c *CPU) PunchHole(ctx context.Context, f *Mapping, first, n uint64) (Result, error) {
	if n == 0 {
		return Result{}, ErrRange
	}
	c.dropPages(f, first, lastPage(first, n))
	return c.UnmapMappingRange(ctx, f, first, n, c.m.kernel.PunchesCopies)
}

// Truncate sets the length of a file in pages. The size is lowered first, so a
// fault beyond it gets ErrBus (Linux: vmtruncate, truncate_pagecache). Cancelled
// by ctx, it leaves the pages beyond the new length in the page cache, as some
// may still be mapped: truncate again. Two CPUs must not truncate one file at the
// same time (Linux: i_mutex).
func (c *CPU) Truncate(ctx context.Context, f *Mapping, pages uint64) (Result, error) {
	c.setSize(f, pages)
	res, err := c.UnmapMappingRange(ctx, f, pages, 0, true)
	if err == nil {
		c.dropPages(f, pages, ^uint64(0))
	}
	return res, err
}

// Unmap removes the mappings of a range and their pages (Linux: munmap). Its errors are
// those of ZapPageRange.
func (c *CPU) Unmap(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	if err := as.check(r); err != nil {
		return Result{Next: r.Start}, err
	}
	c.lock(&as.mmapSem, r.Start)
	defer c.unlock(&as.mmapSem, r.Start)
	res, err := c.zap(ctx, as, r, true)
	done := Range{r.Start, res.Next}
	if !done.empty() {
		old := as.overlapping(done)
		_, outside := carve(old, done, func(*VMA) {})
		c.replace(as, old, outside)
	}
	return res, err
}

// zap walks the PTE pages of a range and ends the operation: all is flushed and
// the pages are freed when it returns. A range that cuts a hugetlb page in two ends
// it with ErrHuge before anything is done.
func (c *CPU) zap(ctx context.Context, as *AddressSpace, r Range, evenCOWs bool) (Result, error) {
	if err := as.checkCut(r); err != nil {
		return Result{Next: r.Start}, err
	}
	return c.walkHuge(ctx, as, r, c.finish, c.zapHuge(evenCOWs), func(t *ptePage, part Range) int {
		return c.zapPTEs(as, t, part, evenCOWs)
	})
}

// walk calls do for each PTE page that exists in the range, in order, and end
// at the end. It stops early when ctx is done.
func (c *CPU) walk(ctx context.Context, as *AddressSpace, r Range, end func(), do func(*ptePage, Range) int) (Result, error) {
	return c.walkHuge(ctx, as, r, end, nil, do)
}

// walkHuge is walk with what to do with huge pages; see hugeStep.
func (c *CPU) walkHuge(ctx context.Context, as *AddressSpace, r Range, end func(), huge func(page) int, do func(*ptePage, Range) int) (Result, error) {
	defer end()
	res := Result{Next: r.Start}
	for ea := r.Start; ea < r.End; ea = res.Next {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		if n, next := c.hugeStep(as, ea, r, huge); next != ea {
			res.Pages, res.Next = res.Pages+n, next
			continue
		}
		t, end := as.seek(ea)
		part := Range{ea, min(r.End, end)}
		if t != nil {
			n := do(t, part)
			res.Pages += n
			if c.m.trace.Walked != nil {
				c.m.trace.Walked(c, as, part, n)
			}
		}
		res.Next = part.End
	}
	return res, nil
}

// zapPTEs clears the PTEs of one PTE page (Linux: zap_pte_range). Pages private
// to the address space are left alone unless evenCOWs.
func (c *CPU) zapPTEs(as *AddressSpace, t *ptePage, r Range, evenCOWs bool) int {
	l := c.m.kernel.Layout
	n := 0
	c.enter(t, r.Start)
	for ea := r.Start; ea < r.End; ea += as.m.pageSize {
		p := t.at(as, ea)
		cur := p.load() // becomes none or present under the lock only
		if l.None(cur) || l.IsPresent(cur) && !evenCOWs && c.m.frames.Anon(l.RA(cur)) {
			continue
		}
		if !l.IsPresent(cur) {
			if c.zapEntry(p, cur&^l.HPTEFlags(), evenCOWs) {
				n++
			}
			continue
		}
		old := c.getAndClear(p)
		ra := l.RA(old)
		c.unmapped(ra)
		if old&l.Dirty != 0 && !c.m.frames.Anon(ra) {
			c.setDirty(ra)
		}
		c.remove(ra)
		n++
	}
	c.leave(t, r.Start)
	return n
}

// enter takes the PTE page lock and enters lazy MMU mode.
func (c *CPU) enter(t *ptePage, ea pte.EA) {
	c.lock(t.ptl, ea)
	c.batch.EnterLazy()
}

// leave ends lazy MMU mode and drops the PTE page lock, in this order: that is
// where the batch is flushed under the policies that are safe.
func (c *CPU) leave(t *ptePage, ea pte.EA) {
	c.batch.LeaveLazy()
	c.unlockPTEs(t, ea)
}

// unlockPTEs drops a PTE page lock (Linux: pte_unmap_unlock).
func (c *CPU) unlockPTEs(t *ptePage, ea pte.EA) {
	c.batch.BeforeUnlock()
	c.unlock(t.ptl, ea)
}
