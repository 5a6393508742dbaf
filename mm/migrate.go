package mm

import (
	"context"

	"github.com/hashmmu/ppc64/pte"
)

// Migrate moves the page that ea maps to another frame, for everybody who maps it
// (Linux: migrate_pages). Meanwhile its PTEs hold migration entries; an access that
// meets one waits. moved is false when ea maps no page that can move, another CPU
// works on it, somebody else has a reference to it, or there is no frame: then the
// page is back where it was.
func (c *CPU) Migrate(as *AddressSpace, ea pte.EA) (moved bool) {
	c.withMapped(as, ea, func(ra pte.RA) {
		fresh, ok := c.newFrame(ra)
		if !ok {
			return
		}
		c.unmapPage(ra, func(old pte.LinuxPTE) pte.LinuxPTE { return c.migrationEntry(ra, old) })
		target := ra
		if moved = c.movePage(ra, fresh); moved {
			target = fresh
		}
		c.removeMigrationEntries(ra, target)
		c.put(fresh)
	})
	return moved
}

// newFrame takes a frame for the contents of another one.
func (c *CPU) newFrame(old pte.RA) (fresh pte.RA, ok bool) {
	c.step(StepAlloc, 0, FramesLoc, TouchWrite)
	fresh, err := c.m.frames.Alloc(0)
	c.saw(uint64(fresh))
	if err != nil {
		return 0, false
	}
	c.touchFresh(fresh)
	was := c.m.frames.at(old)
	if was.anon.Load() {
		c.m.frames.setAnon(fresh)
	}
	c.m.frames.setHome(fresh, was.home.Load(), was.index.Load())
	return fresh, true
}

// migrationEntry is what a PTE says while its page moves. It remembers the access
// that the PTE granted, none for one that only asks who uses the page, and whether
// the page was stored to.
func (c *CPU) migrationEntry(ra pte.RA, old pte.LinuxPTE) pte.LinuxPTE {
	l := c.m.kernel.Layout
	return l.Migration(ra, l.Granted(old)) | old&l.SoftDirty
}

// movePage copies a page when nobody has it besides the caller and, for a page of a
// file, the page cache, which then has the copy (Linux: migrate_page_move_mapping).
func (c *CPU) movePage(ra, fresh pte.RA) bool {
	c.step(StepFreeze, 0, c.frameLoc(ra), TouchWrite)
	c.touchFrame(fresh, TouchWrite)
	f := c.m.frames
	ok := false
	if f.Anon(ra) {
		if ok = f.Refs(ra) == 1; ok {
			f.Store(fresh, f.Load(ra))
		}
	} else if file := c.m.fileOf(ra); file != nil {
		c.touch(file.loc(), TouchWrite)
		c.touch(c.dirtyLoc(ra), TouchRead)
		c.touch(c.dirtyLoc(fresh), TouchWrite)
		ok = file.swapPage(ra, fresh)
	}
	c.saw(b2u(ok))
	return ok
}

// fileOf returns the file that a page belongs to.
func (m *Machine) fileOf(ra pte.RA) *Mapping {
	home := m.frames.at(ra).home.Load()
	for _, f := range m.files {
		if home == &f.reverseMap {
			return f
		}
	}
	return nil
}

// swapPage puts fresh into the page cache in place of ra, with its contents and its
// reference, when nobody but the caller and the page cache has ra.
func (f *Mapping) swapPage(ra, fresh pte.RA) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	frames := f.m.frames
	index := frames.at(ra).index.Load()
	if f.pages[index] != ra || frames.Refs(ra) != 2 {
		return false
	}
	frames.Store(fresh, frames.Load(ra))
	if frames.Dirty(ra) {
		frames.SetDirty(fresh)
	}
	frames.Get(fresh)
	f.pages[index] = fresh
	frames.Put(ra)
	return true
}

// removeMigrationEntries maps target wherever a PTE waits for ra (Linux:
// remove_migration_ptes). There was no PTE before, so nothing is flushed.
func (c *CPU) removeMigrationEntries(ra, target pte.RA) {
	c.rmapWalk(ra, func(_ *VMA, p page) {
		cur := c.lockPTE(p)
		if from, a, ok := c.m.kernel.Layout.MigrationEntry(cur); ok && from == ra {
			c.removeMigrationEntry(p, cur, target, a)
		}
		c.unlockPTEs(p.table, p.ea)
	})
}

func (c *CPU) removeMigrationEntry(p page, cur pte.LinuxPTE, target pte.RA, a pte.Access) {
	l := c.m.kernel.Layout
	entry := l.Make(target, a)
	if a == 0 {
		entry = l.Hinting(entry)
	}
	c.set(p, entry|l.Accessed|cur&l.SoftDirty)
	c.m.frames.Get(target) // the caller has one till then
	c.mapped(target)
}

// migrationWait waits until a page has arrived (Linux: migration_entry_wait). The
// CPU that moves it needs no lock that the caller has.
func (c *CPU) migrationWait(p page, entry pte.LinuxPTE) {
	arrived := func() bool { return p.load()&^c.m.kernel.Layout.HPTEFlags() != entry }
	if c.stepper != nil {
		c.await(StepMigration, p.ea, arrived, Touch{p.loc(), TouchRead})
	}
	c.relaxUntil(arrived)
}

// restrictEntry takes access from a page that is being moved, which the PTE that
// waits for it remembers (Linux: change_pte_range). The PTE page lock is held.
func (c *CPU) restrictEntry(p page, cur pte.LinuxPTE, to pte.Access) {
	l := c.m.kernel.Layout
	if ra, a, ok := l.MigrationEntry(cur); ok && a&^to != 0 {
		c.set(p, l.Migration(ra, a&to)|cur&l.SoftDirty)
	}
}

// Pin takes a reference to the page that ea maps, for a device that reads or writes
// it: it may not move until Unpin (Linux: pin_user_pages). ok is false when ea maps
// no page.
func (c *CPU) Pin(as *AddressSpace, ea pte.EA) (ra pte.RA, ok bool) {
	c.withMapped(as, ea, func(r pte.RA) {
		c.step(StepGetPage, ea, c.frameLoc(r), TouchWrite)
		c.m.frames.Get(r)
		c.m.frames.at(r).pins.Add(1)
		ra, ok = r, true
	})
	return ra, ok
}

// Unpin gives the reference of Pin back.
func (c *CPU) Unpin(ra pte.RA) {
	c.step(StepGetPage, 0, c.frameLoc(ra), TouchWrite)
	c.m.frames.at(ra).pins.Add(-1)
	c.put(ra)
}

// collected is a page whose PTE was taken for a device.
type collected struct {
	p  page
	ra pte.RA
}

// MigrateVMA offers the private pages of a range to a device, whose driver declines,
// so that they come back (Linux: migrate_vma_setup, migrate_vma_finalize). A page
// that is pinned is left alone: its PTE, cleared already, is set again in the middle
// of lazy MMU mode. Result.Pages are those that were offered.
func (c *CPU) MigrateVMA(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	res := Result{Next: r.Start}
	if err := c.m.kernel.need(DeviceMemory); err != nil {
		return res, err
	}
	if err := as.check(r); err != nil {
		return res, err
	}
	c.rlock(&as.mmapSem, r.Start)
	defer c.runlock(&as.mmapSem, r.Start)
	var pages []collected
	res, err := c.walk(ctx, as, r, func() {}, func(t *ptePage, part Range) int {
		before := len(pages)
		pages = c.collectPTEs(as, t, part, pages)
		return len(pages) - before
	})
	for _, m := range pages { // migrate_vma_finalize
		c.removeMigrationEntries(m.ra, m.ra)
		c.unlockPage(m.ra)
		c.put(m.ra)
	}
	return res, err
}

// collectPTEs is migrate_vma_collect_pmd: pages of one PTE page that nobody else
// has. Their page locks stay held, and the references of their PTEs.
func (c *CPU) collectPTEs(as *AddressSpace, t *ptePage, r Range, pages []collected) []collected {
	l := c.m.kernel.Layout
	c.enter(t, r.Start)
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(as, ea)
		cur := p.load()
		ra := l.RA(cur)
		if !l.IsPresent(cur) || !c.counted(ra) || !c.exclusiveOrPinned(p, ra) || !c.tryLockPage(ra) {
			continue
		}
		old := c.clearFlush(p) // which in lazy MMU mode flushes nothing
		if c.pinned(p, ra) {   // page_try_share_anon_rmap fails
			c.commit(p, old, old)
			c.unlockPage(ra)
			continue
		}
		c.unmapped(ra)
		c.set(p, c.migrationEntry(ra, old))
		pages = append(pages, collected{p, ra})
	}
	c.leave(t, r.Start)
	return pages
}

// exclusiveOrPinned reports whether a private page belongs to one PTE alone, pins
// aside.
func (c *CPU) exclusiveOrPinned(p page, ra pte.RA) bool {
	c.step(StepPageCount, p.ea, c.frameLoc(ra), TouchRead)
	only := c.m.frames.Refs(ra)-int(c.m.frames.at(ra).pins.Load()) == 1
	c.saw(b2u(only))
	return only
}

func (c *CPU) pinned(p page, ra pte.RA) bool {
	c.step(StepPageCount, p.ea, c.frameLoc(ra), TouchRead)
	pinned := c.m.frames.at(ra).pins.Load() > 0
	c.saw(b2u(pinned))
	return pinned
}
