package mm

import (
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// hugetlb pages: a file of 16M pages, in a segment that is hashed by 16M. They are
// changed as PTEs are but for two things: there is no lazy MMU mode around them, and
// Linux 2.6.20 asks for the flush of what it took away after it has dropped the
// lock.

// NewHugeMapping returns a file of the given number of 16M pages, none of them cached
// (Linux: hugetlbfs). VMAs that map it are shared and aligned to 16M; their Offset
// counts huge pages. The machine must have huge frames.
func (m *Machine) NewHugeMapping(pages uint64) *Mapping {
	f := m.NewMapping(pages, false)
	f.huge = true
	return f
}

// readInHuge puts a huge page into the page cache, with contents never seen before:
// no disk is behind hugetlbfs. The caller holds mu.
func (f *Mapping) readInHuge(index uint64) (pte.RA, error) {
	ra, err := f.m.frames.AllocHuge(f.m.NewStamp)
	if err == nil {
		f.pages[index] = ra
	}
	return ra, err
}

// checkHugetlb reports a mapping of a file of huge pages that cannot be.
func (v *VMA) checkHugetlb() error {
	switch {
	case !v.hugetlb():
		return nil
	case v.as.huge == nil:
		return fmt.Errorf("%w: no huge frames", ErrHuge)
	case !v.Shared || (v.Start|v.End)&(hugeSize-1) != 0:
		return fmt.Errorf("%w: %v not shared, or not aligned to 16M", ErrHuge, v.Range)
	}
	return nil
}

// checkCut reports a range that begins or ends inside of the place of a hugetlb page.
func (as *AddressSpace) checkCut(r Range) error {
	for _, ea := range [2]pte.EA{r.Start, r.End} {
		if t := as.hugeTable(ea); t != nil && !t.transparent() && ea&(hugeSize-1) != 0 {
			return fmt.Errorf("%w: %v cuts one in two", ErrHuge, r)
		}
	}
	return nil
}

// zapHugetlb takes a hugetlb page away. The lock is dropped before the caller
// flushes what is in the batch (Linux: __unmap_hugepage_range, where 6.1 flushes at
// once because lazy MMU mode is off).
func (c *CPU) zapHugetlb(p page) int {
	l := c.m.kernel.Layout
	cur := c.lockPTE(p)
	if !l.IsPresent(cur) {
		c.unlockPTEs(p.table, p.ea)
		return 0
	}
	old := c.getAndClear(p)
	ra := l.RA(old)
	c.unmapped(ra)
	if old&l.Dirty != 0 {
		c.setDirty(ra)
	}
	c.remove(ra)
	c.unlockPTEs(p.table, p.ea)
	return 1
}

// protectHugetlb changes what a hugetlb page may be used for (Linux:
// hugetlb_change_protection).
func (c *CPU) protectHugetlb(v *VMA, p page) int {
	l := c.m.kernel.Layout
	n := 0
	if cur := c.lockPTE(p); l.IsPresent(cur) {
		c.modifyProt(p, func(old pte.LinuxPTE) pte.LinuxPTE {
			return l.WithAccess(old&^l.Invalid|l.Present, c.pteAccess(v, p, old))
		})
		n = 1
	}
	c.unlockPTEs(p.table, p.ea)
	return n
}
