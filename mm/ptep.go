package mm

import "github.com/hashmmu/ppc64/pte"

// The PTE primitives. Every change of a present PTE goes through them, with the
// PTE page lock held; only hash_page changes one without that lock, under its
// BUSY bit.

// read reads the PTE, without its hash bits, as others may be changing it.
func (c *CPU) read(p page) pte.LinuxPTE {
	c.step(StepPTERead, p.ea, p.loc(), TouchRead)
	return p.load() &^ c.m.kernel.Layout.HPTEFlags()
}

// lockPTE takes the PTE page lock and reads the PTE, without its hash bits (Linux:
// pte_offset_map_lock). Both are one step: what hash_page does to the PTE in between,
// without the lock, it could as well have done before. more is what the caller reads
// in the same step, for the same reason.
func (c *CPU) lockPTE(p page, more ...Touch) pte.LinuxPTE {
	if c.stepper != nil {
		var buf [3]Touch
		more = append(append(buf[:0], more...), Touch{p.loc(), TouchRead})
	}
	c.lock(p.table.ptl, p.ea, more...)
	return p.load() &^ c.m.kernel.Layout.HPTEFlags()
}

// notBusy tells whether the PTE can be changed.
func (p page) notBusy() bool { return p.load()&p.as.m.kernel.Layout.Busy == 0 }

// update clears and sets bits in one step, once the PTE is not busy, tells the
// backend when a hash entry may exist for the old value, and returns that
// (Linux: pte_update).
func (c *CPU) update(s Step, p page, clr, set pte.LinuxPTE) pte.LinuxPTE {
	old := c.change(s, p, clr, set)
	c.m.backend.Changed(c, p.as, p.ea, old)
	return old
}

// change is update without telling the backend.
func (c *CPU) change(s Step, p page, clr, set pte.LinuxPTE) pte.LinuxPTE {
	c.mustHold(p.table.ptl)
	c.awaitNotBusy(s, p)
	for {
		old := p.load()
		if old&c.m.kernel.Layout.Busy != 0 {
			c.relaxUntil(p.notBusy)
			continue
		}
		if p.cas(old, old&^clr|set) {
			return old
		}
	}
}

// getAndClear takes the PTE away (Linux: ptep_get_and_clear). Its hash entry, if
// there is one, is then known to the batch only.
func (c *CPU) getAndClear(p page) pte.LinuxPTE { return c.update(StepPTEClear, p, ^pte.LinuxPTE(0), 0) }

// clearFlush takes the PTE away and waits until nobody can use it (Linux:
// ptep_clear_flush).
func (c *CPU) clearFlush(p page) pte.LinuxPTE {
	old := c.getAndClear(p)
	c.batch.RangeFlush()
	return old
}

// setAccessFlags grants more (Linux: ptep_set_access_flags). The hash bits stay,
// so hash_page finds the old entry and updates it; nothing is batched.
func (c *CPU) setAccessFlags(p page, set pte.LinuxPTE) {
	c.change(StepPTEUpdate, p, 0, set)
	c.m.backend.Granted(c, p.as, p.ea)
}

// set stores a PTE that maps a page (Linux: set_pte_at). The hash bits of the
// new value are dropped: whoever stores it says that no hash entry exists.
func (c *CPU) set(p page, v pte.LinuxPTE) { c.store(p, v&^c.m.kernel.Layout.HPTEFlags()) }

// commit maps the page again that old was taken away from, whose hash entry waits
// in the batch (Linux: ptep_modify_prot_commit, or set_pte_at of the old value
// changed). No Linux keeps the hash bits of old.
func (c *CPU) commit(p page, old, v pte.LinuxPTE) {
	l := c.m.kernel.Layout
	v &^= l.HPTEFlags()
	if c.m.counter.CarryHashBits {
		v |= old & (l.HPTEFlags() &^ l.Busy)
	}
	c.store(p, v)
}

// store is set and commit, hash bits included.
func (c *CPU) store(p page, v pte.LinuxPTE) {
	c.mustHold(p.table.ptl)
	if c.m.kernel.SetPTEFlushes && c.m.kernel.Layout.IsPresent(p.load()) {
		c.clearFlush(p)
	}
	if c.m.counter.FlushAtCommit {
		c.flushQueued(p.as.context, p.as.key(p.ea))
	}
	if c.stepper != nil {
		c.await(StepSetPTE, p.ea, nil, Touch{p.loc(), TouchWrite}, Touch{p.hashBits(), TouchWrite})
	}
	p.table.markSet(p.ea)
	p.entry.Store(uint64(v))
}

// modifyProt changes the access that a present PTE grants, in the way of the
// kernel: both ways drop the hash bits while the old entry waits in the batch.
func (c *CPU) modifyProt(p page, change func(pte.LinuxPTE) pte.LinuxPTE) {
	l := c.m.kernel.Layout
	var old pte.LinuxPTE
	if c.m.kernel.ModifyProt { // modify_prot_start, which keeps the hash bits
		old = c.update(StepPTEUpdate, p, l.Present, l.Invalid)
	} else {
		old = c.getAndClear(p)
	}
	c.commit(p, old, change(old))
}
