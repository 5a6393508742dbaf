package mm

import "github.com/hashmmu/ppc64/pte"

// reverseMap finds the PTEs of a page from the page: of a file, or of the private
// memory of an address space and of those that were forked from it (Linux: the
// i_mmap tree of an address_space, an anon_vma). A page is known by an index that
// each VMA translates into an address.
type reverseMap struct {
	iMmapLock lock      // Linux: i_mmap_lock, i_mmap_rwsem; anon_vma->lock, ->rwsem
	vmas      intervals // protected by iMmapLock
}

// attach and detach add a VMA and take it out. The caller holds iMmapLock.
func (r *reverseMap) attach(v *VMA) { r.vmas.insert(v) }
func (r *reverseMap) detach(v *VMA) { r.vmas.remove(v) }

// reverseMaps returns those that the VMAs are in, each once, those of files first:
// a private mapping of a file is in two.
func reverseMaps(lists ...[]*VMA) []*reverseMap {
	var out []*reverseMap
	seen := make(map[*reverseMap]bool)
	add := func(r *reverseMap) {
		if r != nil && !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	for _, l := range lists {
		for _, v := range l {
			if v.File != nil {
				add(&v.File.reverseMap)
			}
		}
	}
	for _, l := range lists {
		for _, v := range l {
			add(v.anon)
		}
	}
	return out
}

// in reports whether the VMA belongs into the reverse map.
func (v *VMA) in(r *reverseMap) bool {
	return v.anon == r || v.File != nil && &v.File.reverseMap == r
}

// lockRmaps takes the locks of the reverse maps that the VMA is in and returns what
// gives them back: who looks for a page while its PTE moves would miss it.
func (c *CPU) lockRmaps(v *VMA, ea pte.EA) (unlock func()) {
	maps := reverseMaps([]*VMA{v})
	for _, r := range maps {
		c.lock(&r.iMmapLock, ea)
	}
	return func() {
		for i := len(maps) - 1; i >= 0; i-- {
			c.unlock(&maps[i].iMmapLock, ea)
		}
	}
}

// rmapWalk calls f for every place where a page may be mapped, with the lock of
// its reverse map held (Linux: rmap_walk, page_vma_mapped_walk). f has to look
// whether it is mapped there. The caller has a reference to the page.
func (c *CPU) rmapWalk(ra pte.RA, f func(v *VMA, p page)) {
	fr := c.m.frames.at(ra)
	r := fr.home.Load()
	if r == nil {
		return
	}
	if c.m.kernel.IMmapShared {
		c.rlock(&r.iMmapLock, 0)
		defer c.runlock(&r.iMmapLock, 0)
	} else {
		c.lock(&r.iMmapLock, 0)
		defer c.unlock(&r.iMmapLock, 0)
	}
	index := fr.index.Load()
	r.vmas.overlapping(index, index, func(v *VMA) bool {
		if p, ok := v.as.find(v.span(index, index).Start); ok {
			f(v, p)
		}
		return true
	})
}

// unmapPage takes a page away from everybody and flushes each PTE before its lock
// is dropped (Linux: try_to_unmap, try_to_migrate). instead gives what the PTE
// says afterwards; nil leaves none. The caller has a reference to the page.
func (c *CPU) unmapPage(ra pte.RA, instead func(old pte.LinuxPTE) pte.LinuxPTE) (unmapped int) {
	l := c.m.kernel.Layout
	c.rmapWalk(ra, func(_ *VMA, p page) {
		cur := c.lockPTE(p)
		if !l.IsPresent(cur) || l.RA(cur) != ra {
			c.unlockPTEs(p.table, p.ea)
			return
		}
		old := c.clearFlush(p)
		if old&l.Dirty != 0 {
			c.setDirty(ra)
		}
		c.unmapped(ra)
		if instead != nil {
			c.set(p, instead(old))
		}
		c.unlockPTEs(p.table, p.ea)
		c.put(ra)
		unmapped++
	})
	return unmapped
}

// setDirty says that a dirty PTE of the page was cleared, in the step that did so.
func (c *CPU) setDirty(ra pte.RA) {
	c.m.frames.SetDirty(ra)
	c.touch(c.dirtyLoc(ra), TouchWrite)
}

// TryToUnmap takes a page of a file away from everybody who maps it; it stays in
// the page cache (Linux: try_to_unmap). It returns how many PTEs that were. It holds
// mmap_sem of no address space, as do the other operations on a page: they find its
// PTEs from the page. A page that another CPU has locked, and one that is not
// cached, is left alone.
func (c *CPU) TryToUnmap(f *Mapping, index uint64) (unmapped int) {
	c.withPage(f, index, func(ra pte.RA) { unmapped = c.unmapPage(ra, nil) })
	return unmapped
}

// PageMkclean makes the PTEs of a page of a file clean and read-only, so that the
// next store to it faults, and reports whether any was dirty; the page itself then
// is (Linux: page_mkclean, folio_mkclean).
func (c *CPU) PageMkclean(f *Mapping, index uint64) (dirty bool) {
	c.withPage(f, index, func(ra pte.RA) { dirty = c.mkclean(ra) })
	return dirty
}

func (c *CPU) mkclean(ra pte.RA) (dirty bool) {
	l := c.m.kernel.Layout
	c.rmapWalk(ra, func(v *VMA, p page) {
		if !v.Shared {
			return
		}
		cur := c.lockPTE(p)
		if l.IsPresent(cur) && l.RA(cur) == ra && cur&(l.Dirty|l.Write) != 0 {
			old := c.clearFlush(p)
			if old&l.Dirty != 0 {
				c.setDirty(ra)
				dirty = true
			}
			c.set(p, old&^(l.Dirty|l.Write))
		}
		c.unlockPTEs(p.table, p.ea)
	})
	return dirty
}

// PageReferenced returns how many PTEs of a page of a file were used for an access,
// and has them forget it (Linux: page_referenced, folio_referenced).
func (c *CPU) PageReferenced(f *Mapping, index uint64) (referenced int) {
	l := c.m.kernel.Layout
	c.withPage(f, index, func(ra pte.RA) {
		c.rmapWalk(ra, func(_ *VMA, p page) {
			cur := c.lockPTE(p)
			if l.IsPresent(cur) && l.RA(cur) == ra && c.testAndClearYoung(p) {
				c.batch.RangeFlush()
				referenced++
			}
			c.unlockPTEs(p.table, p.ea)
		})
	})
	return referenced
}

// withPage calls do with a cached page of a file, with a reference to it and with
// its page lock held (Linux: find_get_page, trylock_page).
func (c *CPU) withPage(f *Mapping, index uint64, do func(pte.RA)) {
	c.step(StepPage, 0, f.loc(), TouchRead)
	ra, ok := f.get(index)
	c.saw(uint64(ra))
	if !ok {
		return
	}
	c.withLock(ra, do)
	c.put(ra)
}

// withLock calls do with the lock of a page held, unless another CPU has it. That
// lock is not waited for, by anybody.
func (c *CPU) withLock(ra pte.RA, do func(pte.RA)) {
	if c.tryLockPage(ra) {
		do(ra)
		c.unlockPage(ra)
	}
}

// tryLockPage takes the lock of a page. Part of a large folio, it has none of its
// own: Linux would take the folio apart first.
func (c *CPU) tryLockPage(ra pte.RA) bool {
	if c.folio(ra) != nil {
		return false
	}
	c.step(StepTrylock, 0, c.frameLoc(ra), TouchWrite)
	ours := c.m.frames.at(ra).locked.CompareAndSwap(false, true)
	c.saw(b2u(ours))
	return ours
}

func (c *CPU) unlockPage(ra pte.RA) {
	c.step(StepUnlockPage, 0, c.frameLoc(ra), TouchWrite)
	c.m.frames.at(ra).locked.Store(false)
}
