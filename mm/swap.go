package mm

import (
	"fmt"
	"sync"

	"github.com/hashmmu/ppc64/pte"
)

// swapDevice keeps private pages that were taken out of memory. A page is in the
// swap cache, with a reference, from when it gets its slot until it is written or
// nothing names the slot any more.
type swapDevice struct {
	mu    sync.Mutex
	slots []swapSlot // protected by mu; slot 0 is not used
}

type swapSlot struct {
	users int    // PTEs that name it (swap_map)
	page  pte.RA // in the swap cache; 0: the device has it
	stamp uint64 // contents, on the device
}

func (s *swapSlot) free() bool { return s.users == 0 && s.page == 0 }

// add gives a page a slot, 0 when there is none, and takes a reference to it
// (Linux: add_to_swap).
func (d *swapDevice) add(f *Frames, ra pte.RA) (slot uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.slots {
		if d.slots[i].page == ra {
			return uint64(i)
		}
		if i > 0 && slot == 0 && d.slots[i].free() {
			slot = uint64(i)
		}
	}
	if slot != 0 {
		f.Get(ra)
		d.slots[slot].page = ra
	}
	return slot
}

// use says that one PTE more, or less, names a slot (Linux: swap_duplicate,
// swap_free). A page in the swap cache that no PTE names leaves it: it is returned
// for its reference to be dropped.
func (d *swapDevice) use(slot uint64, n int) (drop pte.RA) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.slots[slot]
	if s.users += n; s.users == 0 {
		drop, s.page = s.page, 0
	}
	return drop
}

// read gives the contents of a slot to fresh, or returns the page in the swap cache
// with a reference (Linux: lookup_swap_cache, swap_readpage).
func (d *swapDevice) read(f *Frames, slot uint64, fresh pte.RA) pte.RA {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ra := d.slots[slot].page; ra != 0 {
		f.Get(ra)
		return ra
	}
	f.Store(fresh, d.slots[slot].stamp)
	return fresh
}

// write moves a page from the swap cache to the device when nobody has it besides
// the cache and the caller (Linux: pageout, remove_mapping). drop says that the
// cache has let go of it, so that its reference is to be dropped; freed that it is
// nobody's but the caller's then.
func (d *swapDevice) write(f *Frames, slot uint64, ra pte.RA) (drop, freed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.slots[slot]
	if s.page != ra {
		return false, false // faulted in by all who had it
	}
	freed = f.Refs(ra) == 2
	drop = freed || s.users == 0
	if drop {
		s.page, s.stamp = 0, f.Load(ra)
	}
	return drop, freed
}

func (d *swapDevice) digest() uint64 {
	var h uint64
	for i, s := range d.slots {
		if !s.free() {
			h = fold(fold(fold(fold(h, uint64(i)), uint64(s.users)), uint64(s.page)), s.stamp)
		}
	}
	return h
}

// check compares the users of the slots with the PTEs that name them and counts the
// references of the swap cache.
func (d *swapDevice) check(users map[uint64]int, m *Machine, refs []int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	named := 0
	for i, s := range d.slots {
		named += s.users
		if s.users != users[uint64(i)] {
			return fmt.Errorf("%w: swap slot %d has %d, wants %d", ErrRefs, i, s.users, users[uint64(i)])
		}
		if s.page != 0 {
			refs[m.frames.index(s.page)]++
		}
	}
	for _, n := range users {
		named -= n
	}
	if named != 0 {
		return fmt.Errorf("%w: %d PTEs wait for a page that does not come", ErrRefs, -named)
	}
	return nil
}

// SwapLoc is the swap device.
var SwapLoc = Loc{LocSwap, 0}

// SwapOut takes the private page that ea maps out of memory, away from everybody
// who shares it since a fork (Linux: shrink_page_list, or shrink_folio_list). freed
// is false when there is no such page, another CPU works on it, the swap device is
// full, or somebody has used the page again before it was written.
func (c *CPU) SwapOut(as *AddressSpace, ea pte.EA) (freed bool) {
	c.withMapped(as, ea, func(ra pte.RA) {
		if c.counted(ra) {
			freed = c.swapOut(ra)
		}
	})
	return freed
}

func (c *CPU) swapOut(ra pte.RA) (freed bool) {
	d := &c.m.swap
	c.step(StepSwapAdd, 0, SwapLoc, TouchWrite)
	slot := d.add(c.m.frames, ra)
	c.touchFrame(ra, TouchWrite)
	c.saw(slot)
	if slot == 0 {
		return false
	}
	l := c.m.kernel.Layout
	c.unmapPage(ra, func(old pte.LinuxPTE) pte.LinuxPTE {
		c.useSwap(slot, 1)
		return l.Swap(pte.SwapEntry{Offset: slot}) | old&l.SoftDirty
	})
	c.step(StepFreeze, 0, SwapLoc, TouchWrite)
	c.touchFrame(ra, TouchWrite)
	drop, freed := d.write(c.m.frames, slot, ra)
	c.saw(b2u(drop)<<1 | b2u(freed))
	if drop {
		c.put(ra) // the swap cache's
	}
	return freed
}

// useSwap is part of the step that changes the PTE.
func (c *CPU) useSwap(slot uint64, n int) {
	c.touch(SwapLoc, TouchWrite)
	if drop := c.m.swap.use(slot, n); drop != 0 {
		c.put(drop)
	}
}

// withMapped calls do with the page that ea maps, with a reference to it and its
// page lock held (Linux: follow_page, trylock_page).
func (c *CPU) withMapped(as *AddressSpace, ea pte.EA, do func(pte.RA)) {
	p, ok := as.find(ea)
	if !ok {
		return
	}
	l := c.m.kernel.Layout
	cur := c.lockPTE(p)
	ra := l.RA(cur)
	if ok = l.IsPresent(cur) && ra != c.m.zero; ok {
		c.get(p, ra)
	}
	c.unlockPTEs(p.table, p.ea)
	if ok {
		c.withLock(ra, do)
		c.put(ra)
	}
}

// swapFault brings a page back (Linux: do_swap_page). It is mapped read-only: a
// store then finds out whether the page is still shared.
func (c *CPU) swapFault(v *VMA, p page, a pte.Access, old pte.LinuxPTE, slot uint64) error {
	l := c.m.kernel.Layout
	fresh, err := c.newAnon(v, p, 0)
	if err != nil {
		return err
	}
	if c.lockPTE(p) != old {
		c.unlockPTEs(p.table, p.ea)
		c.put(fresh)
		return nil
	}
	c.step(StepSwapRead, p.ea, SwapLoc, TouchWrite)
	ra := c.m.swap.read(c.m.frames, slot, fresh)
	c.touchFrame(ra, TouchWrite)
	c.saw(uint64(ra))
	c.set(p, l.Make(ra, v.Prot&^pte.Write)|l.Accessed|old&l.SoftDirty)
	c.mapped(ra)
	c.useSwap(slot, -1)
	c.m.backend.Preload(c, p.as, p.ea, a)
	c.unlockPTEs(p.table, p.ea)
	if ra != fresh {
		c.put(fresh)
	}
	return nil
}

// notPresentFault deals with a PTE that says where the page is instead of mapping
// it (Linux: do_swap_page).
func (c *CPU) notPresentFault(v *VMA, p page, a pte.Access, old pte.LinuxPTE) error {
	l := c.m.kernel.Layout
	if _, _, ok := l.MigrationEntry(old); ok {
		c.migrationWait(p, old)
		return nil
	}
	e, _ := l.SwapEntry(old)
	return c.swapFault(v, p, a, old, e.Offset)
}

// zapEntry takes away a PTE that is neither none nor present, and reports whether
// it did: what is private stays unless evenCOWs. The PTE page lock is held.
func (c *CPU) zapEntry(p page, cur pte.LinuxPTE, evenCOWs bool) bool {
	l := c.m.kernel.Layout
	ra, _, moving := l.MigrationEntry(cur)
	if !evenCOWs && (!moving || c.m.frames.Anon(ra)) {
		return false
	}
	c.change(StepPTEClear, p, ^pte.LinuxPTE(0), 0)
	if e, _ := l.SwapEntry(cur); !moving {
		c.useSwap(e.Offset, -1)
	}
	return true
}

// copyEntry gives a child the PTE of its parent when that is neither none nor
// present (Linux: copy_nonpresent_pte). A page that is being moved is shared from
// now on, so neither may store to it when it has arrived. Both locks are held.
func (c *CPU) copyEntry(parent, child page, cur pte.LinuxPTE) {
	l := c.m.kernel.Layout
	if ra, a, ok := l.MigrationEntry(cur); ok {
		cur = l.Migration(ra, a&^pte.Write) | cur&l.SoftDirty
		c.set(parent, cur)
	} else if e, ok := l.SwapEntry(cur); ok {
		c.useSwap(e.Offset, 1)
	}
	c.set(child, cur)
}
