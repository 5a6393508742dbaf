package mm

import (
	"context"
	"errors"
)

// ErrExited reports an operation on an address space whose process has ended.
var ErrExited = errors.New("mm: the process of the address space has ended")

// Exit ends the process of an address space: all mappings and their pages go
// (Linux: exit_mmap). The last thread calls it, so no other CPU runs in the space
// any more; files that it maps may be in use, and be unmapped from it, at the same
// time. Afterwards operations return ErrExited, accesses ErrNoVMA, and only Fork
// gives the space and its context number to a new process.
func (c *CPU) Exit(as *AddressSpace) (Result, error) {
	if as.exited.Load() {
		return Result{}, ErrExited
	}
	if c.m.kernel.ExitShared {
		c.rlock(&as.mmapSem, 0)
	}
	res := c.unmapAll(as)
	if c.m.kernel.ExitShared {
		c.runlock(&as.mmapSem, 0)
	}
	c.lock(&as.mmapSem, 0)
	defer c.unlock(&as.mmapSem, 0)
	c.removeVMAs(as)
	return res, nil
}

// unmapAll takes the pages of all mappings away and flushes once, at the end
// (Linux: unmap_vmas, with fullmm).
func (c *CPU) unmapAll(as *AddressSpace) Result {
	var total Result
	for _, v := range as.vmas {
		// Not to be cancelled, so there is no error.
		one, _ := c.walkHuge(context.Background(), as, v.Range, func() {}, c.zapHuge(true), func(t *ptePage, r Range) int {
			return c.zapPTEs(as, t, r, true)
		})
		total.Next, total.Pages = one.Next, total.Pages+one.Pages
	}
	c.finish()
	return total
}

// removeVMAs leaves the space without mappings and without a process. The caller
// holds mmapSem for writing.
func (c *CPU) removeVMAs(as *AddressSpace) {
	c.replace(as, as.vmas, nil)
	as.exited.Store(true)
}
