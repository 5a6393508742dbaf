package mm

import "github.com/hashmmu/ppc64/pte"

// Writeback writes a page of a file to disk if it is dirty, and reports whether it
// was (Linux: clear_page_dirty_for_io, writepage). Its PTEs are made clean first:
// a store after that makes the page dirty again.
func (c *CPU) Writeback(f *Mapping, index uint64) (written bool) {
	c.withPage(f, index, func(ra pte.RA) {
		c.mkclean(ra)
		c.step(StepWritepage, 0, f.loc(), TouchWrite)
		c.touchFrame(ra, TouchRead)
		c.touch(c.dirtyLoc(ra), TouchWrite)
		written = f.write(index, ra)
		c.saw(b2u(written))
	})
	return written
}

// write gives the disk what a dirty page holds, unless the page has left the file.
func (f *Mapping) write(index uint64, ra pte.RA) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pages[index] != ra || !f.m.frames.clearDirty(ra) {
		return false
	}
	f.disk[index] = f.m.frames.Load(ra)
	return true
}

// Reclaim takes a page of a file away from everybody who maps it and, if it is clean
// and nobody else has it, out of the page cache; a later access reads it in again
// (Linux: shrink_page_list, or shrink_folio_list). freed is false when it stays.
//
// Explored, it must not meet CPUs that fault the page in: how many references a
// page of a file has is no location.
func (c *CPU) Reclaim(f *Mapping, index uint64) (freed bool) {
	c.withPage(f, index, func(ra pte.RA) {
		c.unmapPage(ra, nil)
		if c.stepper != nil {
			c.await(StepFreeze, 0, nil, Touch{f.loc(), TouchWrite}, Touch{c.frameLoc(ra), TouchWrite})
		}
		c.touch(c.dirtyLoc(ra), TouchRead)
		freed = f.removeClean(index, ra)
		c.saw(b2u(freed))
	})
	return freed
}

// removeClean drops a page that is clean and that only the caller has besides the
// page cache (Linux: remove_mapping).
func (f *Mapping) removeClean(index uint64, ra pte.RA) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	frames := f.m.frames
	if f.pages[index] != ra || frames.Refs(ra) != 2 || frames.Dirty(ra) {
		return false
	}
	delete(f.pages, index)
	frames.Put(ra)
	return true
}
