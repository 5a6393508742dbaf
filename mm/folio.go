package mm

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// ErrFolio reports pages that cannot be one large folio.
var ErrFolio = errors.New("mm: pages cannot be a large folio")

// folio is a large folio, a compound page, whose pages are mapped one by one. Its
// frames need not follow each other, as nothing looks at that here.
type folio struct {
	frames []pte.RA    // immutable; the first stands for the folio. Some may have left it.
	locked atomic.Bool // Linux: the lock of the page
}

// MakeFolio makes one large folio of the pages of a range, mapped by PTEs: what
// splitting a huge page's PMD leaves of it (Linux: __split_huge_pmd). The range must
// lie in one PTE page and each of its pages must be mapped, private, and nobody
// else's, and in no folio yet: else ErrFolio.
func (c *CPU) MakeFolio(as *AddressSpace, r Range) error {
	if err := c.m.kernel.need(LargeFolios); err != nil {
		return err
	}
	if err := as.check(r); err != nil {
		return err
	}
	c.lock(&as.mmapSem, r.Start)
	defer c.unlock(&as.mmapSem, r.Start)
	t, span := as.pgd.seek(r.Start)
	if t == nil || r.Start/span != (r.End-1)/span {
		return fmt.Errorf("%w: %v is not within one PTE page", ErrFolio, r)
	}
	c.lock(t.ptl, r.Start)
	defer c.unlockPTEs(t, r.Start)
	f := &folio{}
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(as, ea)
		l, cur := c.m.kernel.Layout, c.read(p)
		if ra := l.RA(cur); !l.IsPresent(cur) || ra == c.m.zero || !c.exclusive(p, ra) || c.m.frames.at(ra).folio.Load() != nil {
			return fmt.Errorf("%w: %v", ErrFolio, ea)
		}
		f.frames = append(f.frames, l.RA(cur))
	}
	c.m.folios.Store(true)
	for _, ra := range f.frames {
		c.m.frames.at(ra).folio.Store(f)
		c.touchFrame(ra, TouchWrite)
	}
	return nil
}

// InFolio reports whether a frame is part of a large folio (Linux:
// PageTransCompound).
func (f *Frames) InFolio(ra pte.RA) bool { return f.at(ra).folio.Load() != nil }

// folio returns the large folio that a page is part of, nil if of none.
func (c *CPU) folio(ra pte.RA) *folio {
	if !c.m.folios.Load() {
		return nil
	}
	c.touchFrame(ra, TouchRead)
	f := c.m.frames.at(ra).folio.Load()
	c.saw(b2u(f != nil))
	return f
}

// splitUnlocked takes the folio of the page that p maps apart, in the middle of a
// walk. Splitting takes locks that come before the PTE page lock, so that is
// dropped meanwhile. Lazy MMU mode stays on, and what waits in the batch goes on
// waiting, with nothing to keep page faults out: the window of 2007 is open again
// (Linux 6.1: madvise_free_pte_range, madvise_cold_or_pageout_pte_range). It
// reports whether the folio is no more; the lock is held again either way.
func (c *CPU) splitUnlocked(p page, ra pte.RA, f *folio) bool {
	if !c.sole(p, ra) {
		return false
	}
	c.get(p, ra)
	if !c.tryLockFolio(p, f) {
		c.put(ra)
		return false
	}
	if c.m.counter.LeaveLazyBeforeUnlock {
		c.batch.LeaveLazy()
	}
	c.unlockPTEs(p.table, p.ea)
	done := c.split(p, ra, f)
	c.step(StepUnlockPage, p.ea, c.frameLoc(f.frames[0]), TouchWrite)
	f.locked.Store(false)
	c.put(ra)
	c.lock(p.table.ptl, p.ea)
	if c.m.counter.LeaveLazyBeforeUnlock {
		c.batch.EnterLazy()
	}
	return done
}

// tryLockFolio takes the lock of a folio unless somebody has it (Linux:
// trylock_page).
func (c *CPU) tryLockFolio(p page, f *folio) bool {
	c.step(StepTrylock, p.ea, c.frameLoc(f.frames[0]), TouchWrite)
	ok := f.locked.CompareAndSwap(false, true)
	c.saw(b2u(ok))
	return ok
}

// split takes a folio apart unless one of its pages is in use by somebody besides
// the PTEs that map it and the caller, who has a reference to pinned (Linux:
// split_huge_page_to_list). The caller has locked the folio. Meanwhile its pages
// are out of the page tables, by migration entries. In lazy MMU mode the old
// entries of these pages wait in the batch as well, also when they are back.
func (c *CPU) split(p page, pinned pte.RA, f *folio) (done bool) {
	pages, alone := c.pinFolio(p, pinned, f)
	if alone {
		for _, ra := range pages { // unmap_folio
			c.unmapPage(ra, func(old pte.LinuxPTE) pte.LinuxPTE { return c.migrationEntry(ra, old) })
		}
		done = c.breakUp(p, pinned, f, pages)
		for _, ra := range pages { // remap_page
			c.removeMigrationEntries(ra, ra)
		}
	}
	for _, ra := range pages {
		c.put(ra)
	}
	return done
}

// pinFolio takes a reference to every page that is still in the folio, and reports
// whether nobody else has one besides PTEs and pinned's (Linux: can_split_folio).
func (c *CPU) pinFolio(p page, pinned pte.RA, f *folio) (pages []pte.RA, alone bool) {
	c.folioStep(StepGetPage, p, f)
	alone = true
	for _, ra := range f.frames {
		fr := c.m.frames.at(ra)
		if !c.m.frames.tryGet(ra) {
			continue
		}
		if fr.folio.Load() != f { // freed, and in use again
			c.put(ra)
			continue
		}
		pages = append(pages, ra)
		alone = alone && fr.refs.Load()-fr.ptes.Load() == users(ra, pinned)
	}
	c.saw(b2u(alone))
	return pages, alone
}

// breakUp ends the folio if its pages, which are not mapped any more, are the
// caller's alone (Linux: page_ref_freeze, __split_huge_page).
func (c *CPU) breakUp(p page, pinned pte.RA, f *folio, pages []pte.RA) bool {
	c.folioStep(StepSplit, p, f)
	alone := true
	for _, ra := range pages {
		alone = alone && c.m.frames.at(ra).refs.Load() == users(ra, pinned)
	}
	c.saw(b2u(alone))
	if alone {
		for _, ra := range pages {
			c.m.frames.at(ra).folio.Store(nil)
		}
	}
	return alone
}

// users is how many references whoever splits a folio has to one of its pages.
func users(ra, pinned pte.RA) int32 {
	if ra == pinned {
		return 2
	}
	return 1
}

// folioStep stops before an operation on all pages of a folio.
func (c *CPU) folioStep(s Step, p page, f *folio) {
	if c.stepper == nil {
		return
	}
	var all []Touch
	for _, ra := range f.frames {
		all = append(all, Touch{c.frameLoc(ra), TouchWrite})
	}
	c.await(s, p.ea, nil, all...)
}
