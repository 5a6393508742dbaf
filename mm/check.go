package mm

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// What Check and Duplicate report.
var (
	// ErrDuplicate: two valid translations of one page (the founding rule).
	ErrDuplicate = errors.New("mm: two translations of one page")
	// ErrOrphan: a translation that the Linux PTE does not know of (M1).
	ErrOrphan = errors.New("mm: a translation that no PTE stands for")
	// ErrStale: a TLB entry that the Linux PTE does not allow (M3).
	ErrStale = errors.New("mm: a cached translation that no PTE stands for")
	// ErrRefs: a frame with the wrong number of references, or of PTEs (M2).
	ErrRefs = errors.New("mm: wrong number of references to a frame")
)

// Duplicate tells whether more than one translation of the page of ea is valid,
// and whether they disagree. It may be called at any time.
func (as *AddressSpace) Duplicate(ea pte.EA) (dup, conflict bool) {
	for _, k := range as.keys(ea) {
		if n, differ := as.m.backend.Valid(k); n > 1 {
			dup, conflict = true, conflict || differ
		}
	}
	return dup, conflict
}

// Check verifies the machine at rest, with no operation under way and nothing
// pending: no page has two translations; no translation is left that its PTE
// does not know of (M1); every TLB entry agrees with a present PTE; every frame
// has as many references as it has users (M2); no freed frame was ever used. It
// returns all it finds, joined.
func (m *Machine) Check() error {
	var errs []error
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	add(m.frames.Err())
	refs := make([]int, len(m.frames.frames))
	refs[m.frames.index(m.zero)]++
	ptes := make([]int, len(refs))
	slots := make(map[uint64]int) // of the swap device, with the PTEs that name them
	for _, as := range m.spaces {
		as.pages(func(ea pte.EA, p pte.LinuxPTE) {
			if at, _ := as.leaf(ea); at.size() == pte.Page16M && m.kernel.Layout.None(p) {
				return // the translations are those of a huge page
			}
			add(m.backend.Check(as, ea, p))
			if m.kernel.Layout.IsPresent(p) {
				refs[m.frames.index(m.kernel.Layout.RA(p))]++
				ptes[m.frames.index(m.kernel.Layout.RA(p))]++
			} else if e, ok := m.kernel.Layout.SwapEntry(p); ok {
				slots[e.Offset]++
			}
		})
	}
	for _, as := range m.spaces {
		as.hugePages(func(p page) {
			add(m.backend.(hugeBackend).checkHuge(p))
			if cur := p.load(); m.kernel.Layout.IsPresent(cur) {
				refs[m.frames.index(m.kernel.Layout.RA(cur))]++
				ptes[m.frames.index(m.kernel.Layout.RA(cur))]++
			}
		})
	}
	m.countPieces(refs)
	for _, f := range m.files {
		f.count(refs)
	}
	for i := range refs {
		refs[i] += int(m.frames.frames[i].pins.Load())
	}
	add(m.swap.check(slots, m, refs))
	for _, c := range m.cpus {
		add(c.checkTLB())
	}
	add(m.checkRefs(refs))
	add(m.checkMapCounts(ptes))
	return errors.Join(errs...)
}

// pages calls f for every PTE that ever mapped a page, those that are none now
// too: that is where an orphan would be.
func (as *AddressSpace) pages(f func(pte.EA, pte.LinuxPTE)) {
	as.pgd.each(func(base pte.EA, t *ptePage) {
		t.each(func(n int) { f(base|pte.EA(n)<<as.m.pageShift, pte.LinuxPTE(t.entries[n].Load())) })
	})
}

// hugePages calls f for every place of a huge page that was ever used.
func (as *AddressSpace) hugePages(f func(page)) {
	if as.huge != nil {
		as.huge.each(func(base pte.EA, t *ptePage) {
			t.each(func(int) { f(t.at(as, base)) })
		})
	}
}

// countPieces adds what every piece of a huge frame but the first has as long as that
// is in use.
func (m *Machine) countPieces(refs []int) {
	f := m.frames
	for i := f.small; f.pieces > 0 && i < len(f.frames); i += f.pieces {
		for piece := 1; piece < f.pieces && f.frames[i].compound.Load(); piece++ {
			refs[i+piece]++
		}
	}
}

// checkTLB compares the cached translations of a CPU with the PTEs.
func (c *CPU) checkTLB() error {
	l := c.m.kernel.Layout
	var errs []error
	c.tlb.InvalidateFunc(func(e tlb.CacheEntry) bool {
		as, ea := c.m.home(e.Key)
		var p pte.LinuxPTE
		if as != nil {
			p = as.PTE(ea)
		}
		ra := l.RA(p)
		if l.Page != pte.Page4K && e.Size == pte.Page4K {
			ra = l.PieceRA(p, int(ea>>pte.VPNShift%pte.Pieces))
		}
		if !l.IsPresent(p) || ra != e.RA || !l.Granted(p).Has(e.Prot) {
			errs = append(errs, fmt.Errorf("%w: CPU %d, %v", ErrStale, c.id, e.Key))
		}
		return false
	})
	return errors.Join(errs...)
}

// count adds the references that the page cache holds.
func (f *Mapping) count(refs []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ra := range f.pages {
		refs[f.m.frames.index(ra)]++
	}
}

// checkRefs compares reference counts with the users found.
func (m *Machine) checkRefs(want []int) error {
	var errs []error
	for i := range m.frames.frames {
		if have := int(m.frames.frames[i].refs.Load()); have != want[i] {
			errs = append(errs, fmt.Errorf("%w: %v has %d, wants %d", ErrRefs, m.frames.address(i), have, want[i]))
		}
	}
	return errors.Join(errs...)
}

// checkMapCounts compares map counts with the PTEs found.
func (m *Machine) checkMapCounts(want []int) error {
	var errs []error
	for i := range m.frames.frames {
		if have := int(m.frames.frames[i].ptes.Load()); have != want[i] {
			errs = append(errs, fmt.Errorf("%w: frame %d is said to be mapped by %d PTEs, is by %d", ErrRefs, i, have, want[i]))
		}
	}
	return errors.Join(errs...)
}
