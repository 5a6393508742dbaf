package mm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hashmmu/ppc64/pte"
)

// KernelSpace hands out kernel address space, page by page mapped to frames from
// anywhere (Linux: vmalloc). Its addresses are those of an address space of its own,
// init_mm, which has no VMAs: who touches an address that is not given out gets
// ErrNoVMA where a kernel would oops. It is safe for concurrent use.
//
// An address is given out again only when the entries of its last use are gone.
// That alone keeps a second entry out: nobody faults here, and no lock is held
// against one.
type KernelSpace struct {
	*AddressSpace
	within Range

	mu    sync.Mutex
	areas []area // protected by mu; sorted
}

// area is a run of addresses that is not free.
type area struct {
	Range
	going bool // Vfree is at work
}

// ErrNoSpace reports that no run of addresses is long enough.
var ErrNoSpace = errors.New("mm: kernel address space used up")

// ErrNoArea reports an address at which no area begins.
var ErrNoArea = errors.New("mm: no area there")

// areasLoc is what is given out.
func (k *KernelSpace) areasLoc() Loc { return Loc{LocAreas, k.context} }

func (k *KernelSpace) digest() uint64 {
	var h uint64
	for _, a := range k.areas {
		h = fold(fold(h, uint64(a.Start)), uint64(a.End)|b2u(a.going))
	}
	return h
}

// NewKernelSpace returns a kernel address space with a context number of its own and
// the range from which it hands out addresses. The error is ErrContext, as
// [Machine.NewAddressSpace] has it, or ErrRange; there is no space then.
func (m *Machine) NewKernelSpace(context uint64, within Range) (*KernelSpace, error) {
	if err := m.checkContext(context); err != nil {
		return nil, err
	}
	if err := m.checkRange(within); err != nil {
		return nil, err
	}
	k := &KernelSpace{AddressSpace: m.NewAddressSpace(context), within: within}
	m.kernelSpaces = append(m.kernelSpaces, k)
	return k, nil
}

// take finds the lowest free run of n pages. A page between two areas stays free
// (Linux: the guard page).
func (k *KernelSpace) take(n uint64) (Range, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.within.Start
	size := pte.EA(n << k.m.pageShift)
	i := 0
	for ; i < len(k.areas) && at+size > k.areas[i].Start-k.m.pageSize; i++ {
		at = k.areas[i].End + k.m.pageSize
	}
	r := Range{at, at + size}
	if n == 0 || n > k.within.Len()>>k.m.pageShift || r.End > k.within.End {
		return Range{}, fmt.Errorf("%w: %d pages", ErrNoSpace, n)
	}
	k.areas = slices.Insert(k.areas, i, area{Range: r})
	return r, nil
}

// findArea returns the index of the area that begins at ea. The caller holds mu.
func (k *KernelSpace) findArea(ea pte.EA) (i int, ok bool) {
	return slices.BinarySearchFunc(k.areas, ea, func(a area, ea pte.EA) int { return cmp.Compare(a.Start, ea) })
}

// claim returns the area that begins at ea, to the first who asks.
func (k *KernelSpace) claim(ea pte.EA) (Range, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i, ok := k.findArea(ea)
	if !ok || k.areas[i].going {
		return Range{}, fmt.Errorf("%w: %v", ErrNoArea, ea)
	}
	k.areas[i].going = true
	return k.areas[i].Range, nil
}

// give takes an area back.
func (k *KernelSpace) give(r Range) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i, _ := k.findArea(r.Start)
	k.areas = slices.Delete(k.areas, i, i+1)
}

// Vmalloc maps n fresh pages and returns where (Linux: vmalloc, map_vm_area). Errors:
// ErrNoSpace, ErrNoMemory.
func (c *CPU) Vmalloc(k *KernelSpace, n uint64) (pte.EA, error) {
	c.step(StepTakeArea, 0, k.areasLoc(), TouchWrite)
	r, err := k.take(n)
	c.saw(uint64(r.Start))
	if err != nil {
		return 0, err
	}
	for ea := r.Start; ea < r.End && err == nil; ea += k.m.pageSize {
		err = c.mapKernelPage(k, ea)
	}
	if err != nil {
		c.unmapArea(k, r)
		return 0, err
	}
	return r.Start, nil
}

func (c *CPU) mapKernelPage(k *KernelSpace, ea pte.EA) error {
	l := c.m.kernel.Layout
	c.step(StepAlloc, ea, FramesLoc, TouchWrite)
	ra, err := c.m.frames.Alloc(0)
	c.saw(uint64(ra))
	if err != nil {
		return err
	}
	c.touchFresh(ra)
	p := k.make(ea)
	c.lockPTE(p)
	c.set(p, l.Make(ra, pte.Read|pte.Write)|l.Accessed|l.Dirty)
	c.mapped(ra)
	c.unlockPTEs(p.table, ea)
	return nil
}

// Vfree takes the area at ea away; ErrNoArea if none begins there. Nobody may use it
// any more (Linux: vfree; 2.6.20: unmap_vm_area, flush_tlb_kernel_range at the end;
// 6.1: vunmap_range, which is not lazy, so that each page is flushed at once).
func (c *CPU) Vfree(k *KernelSpace, ea pte.EA) error {
	c.step(StepFreeArea, ea, k.areasLoc(), TouchWrite)
	r, err := k.claim(ea)
	c.saw(b2u(err == nil))
	if err != nil {
		return err
	}
	c.unmapArea(k, r)
	return nil
}

// unmapArea takes the pages of an area away, flushes, and only then gives addresses
// and frames back.
func (c *CPU) unmapArea(k *KernelSpace, r Range) {
	l := c.m.kernel.Layout
	for ea := r.Start; ea < r.End; ea += k.m.pageSize {
		p, ok := k.find(ea)
		if !ok || !l.IsPresent(p.load()) {
			continue
		}
		c.lockPTE(p)
		old := c.getAndClear(p)
		c.unmapped(l.RA(old))
		c.unlock(p.table.ptl, ea) // Linux holds none; the address is ours
		c.gather.frames = append(c.gather.frames, l.RA(old))
	}
	c.batch.RangeFlush()
	c.finish()
	c.step(StepFreeArea, r.Start, k.areasLoc(), TouchWrite)
	k.give(r)
}
