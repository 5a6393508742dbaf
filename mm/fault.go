package mm

import "github.com/hashmmu/ppc64/pte"

// Fault is the page fault handler for an access that the Linux page table does
// not permit (Linux: do_page_fault, handle_mm_fault). It returns nil when the
// access is worth another try, and ErrNoVMA, ErrProtected, ErrBus or
// ErrNoMemory when it is not.
func (c *CPU) Fault(as *AddressSpace, ea pte.EA, a pte.Access) error {
	c.rlock(&as.mmapSem, ea)
	defer c.runlock(&as.mmapSem, ea)
	v := as.vma(ea)
	if v == nil {
		return ErrNoVMA
	}
	if !v.Prot.Has(a) {
		return ErrProtected
	}
	if t := as.hugeTable(ea); t != nil {
		if small, err := c.hugeFault(v, t, ea, a); err != nil || !small {
			return err
		}
	}
	p := as.populate(ea)
	old := c.read(p)
	switch l := c.m.kernel.Layout; {
	case l.None(old) && v.File == nil:
		return c.anonymousFault(v, p, a)
	case l.None(old):
		return c.fileFault(v, p, a)
	case !l.IsPresent(old):
		return c.notPresentFault(v, p, a, old)
	}
	return c.presentFault(v, p, a, old)
}

// anonymousFault maps the zero page for a read and a fresh page for a store
// (Linux: do_anonymous_page).
func (c *CPU) anonymousFault(v *VMA, p page, a pte.Access) error {
	l := c.m.kernel.Layout
	ra := c.m.zero
	grant := v.pageProt()
	var flags pte.LinuxPTE
	if a.Has(pte.Write) {
		var err error
		if ra, err = c.newAnon(v, p, 0); err != nil {
			return err
		}
		grant, flags = v.Prot, l.Stored()
	} else {
		c.get(p, ra)
	}
	c.install(p, v.entry(ra, grant)|l.Accessed|flags, a, ra, nil)
	return nil
}

// newAnon takes a frame for a private page.
func (c *CPU) newAnon(v *VMA, p page, stamp uint64) (pte.RA, error) {
	c.step(StepAlloc, p.ea, FramesLoc, TouchWrite)
	ra, err := c.m.frames.Alloc(stamp)
	if err == nil {
		c.touchFresh(ra)
		c.m.frames.setAnon(ra)
		c.m.frames.setHome(ra, v.anon, v.index(p.ea))
	}
	c.saw(uint64(ra))
	return ra, err
}

// fileFault maps a page of a file, or for a store to a private mapping a copy
// of it (Linux: do_no_page, do_read_fault, do_cow_fault, do_shared_fault).
func (c *CPU) fileFault(v *VMA, p page, a pte.Access) error {
	l := c.m.kernel.Layout
	found, err := c.filePage(v.File, v.index(p.ea), p.ea)
	if err != nil {
		return err
	}
	ra := found.ra
	store := a.Has(pte.Write)
	grant := v.Prot
	if store && !v.Shared {
		// The page itself is held until its copy is in place: with its frame given
		// to a new page of the file, install would take that for the one copied.
		if ra, err = c.newAnon(v, p, c.copyOut(p, found.ra)); err != nil {
			c.put(found.ra)
			return err
		}
	} else if !store {
		grant = v.pageProt()
	}
	entry := v.entry(ra, grant) | l.Accessed
	if store {
		entry |= l.Stored()
	}
	c.install(p, entry, a, ra, &found)
	if ra != found.ra {
		c.put(found.ra)
	}
	return nil
}

// copyOut reads a page in order to copy it.
func (c *CPU) copyOut(p page, ra pte.RA) uint64 {
	c.step(StepCopy, p.ea, c.frameLoc(ra), TouchRead)
	stamp := c.m.frames.Load(ra)
	c.saw(stamp)
	return stamp
}

// install sets a PTE that is still none and enters it into the hash table. If
// the PTE has been set since, or the page of the file that found is has gone
// since, it gives the frame back and lets the access try again. found is nil for
// an anonymous page.
func (c *CPU) install(p page, entry pte.LinuxPTE, a pte.Access, ra pte.RA, found *cachedPage) {
	var buf [1]Touch
	more := buf[:0]
	switch {
	case c.stepper == nil || found == nil:
	case c.m.kernel.TruncateCount:
		more = append(more, Touch{found.file.countLoc(), TouchRead})
	default:
		more = append(more, Touch{found.file.loc(), TouchRead})
	}
	none := c.m.kernel.Layout.None(c.lockPTE(p, more...))
	if !none || found != nil && found.gone(c.m.kernel) {
		c.unlockPTEs(p.table, p.ea)
		c.put(ra)
		return
	}
	c.set(p, entry)
	c.mapped(ra)
	c.m.backend.Preload(c, p.as, p.ea, a)
	c.unlockPTEs(p.table, p.ea)
}

// presentFault deals with a PTE that is there but does not permit the access, or
// did not when the access was made (Linux: handle_pte_fault).
func (c *CPU) presentFault(v *VMA, p page, a pte.Access, old pte.LinuxPTE) error {
	l := c.m.kernel.Layout
	cur := c.lockPTE(p)
	switch {
	case cur != old: // pte_same
		c.unlockPTEs(p.table, p.ea)
		return nil
	case l.ProtNone(cur):
		c.numaFault(v, p, a, cur)
		return nil
	case a.Has(pte.Write) && cur&l.Write == 0:
		return c.writeProtectFault(v, p, a, cur)
	}
	c.note(NoteSpurious, p.ea)
	c.grant(p, a, l.Accessed|l.WithAccess(0, a))
	return nil
}

// grant adds access to a present PTE and drops the PTE page lock.
func (c *CPU) grant(p page, a pte.Access, set pte.LinuxPTE) {
	if a.Has(pte.Write) {
		set |= c.m.kernel.Layout.Stored()
	}
	c.setAccessFlags(p, set)
	c.m.backend.Preload(c, p.as, p.ea, a)
	c.unlockPTEs(p.table, p.ea)
}

// writeProtectFault makes a page writable in place, when nobody else has it or
// stores are meant to be shared, or replaces it by a copy (Linux: do_wp_page).
// The PTE page lock is held on entry and not on return.
func (c *CPU) writeProtectFault(v *VMA, p page, a pte.Access, cur pte.LinuxPTE) error {
	l := c.m.kernel.Layout
	old := l.RA(cur)
	if v.Shared || c.exclusive(p, old) {
		c.grant(p, a, l.Accessed|l.Write)
		return nil
	}
	c.get(p, old)
	c.unlockPTEs(p.table, p.ea)
	fresh, err := c.newAnon(v, p, c.copyOut(p, old))
	if err != nil {
		c.put(old)
		return err
	}
	if c.lockPTE(p) != cur {
		c.unlockPTEs(p.table, p.ea)
		c.put(fresh)
		c.put(old)
		return nil
	}
	c.clearFlush(p)
	c.unmapped(old)
	c.set(p, v.entry(fresh, v.Prot)|l.Accessed|l.Stored())
	c.mapped(fresh)
	c.m.backend.Preload(c, p.as, p.ea, a)
	c.unlockPTEs(p.table, p.ea)
	c.put(old) // ours
	c.put(old) // the PTE's
	return nil
}
