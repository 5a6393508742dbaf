package mm

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// ErrAdvice reports advice that the mapping cannot take (EINVAL).
var ErrAdvice = errors.New("mm: advice not for this mapping")

// ageing is what a walk of madvise does to pages.
type ageing struct {
	feature Feature
	clear   pte.LinuxPTE            // bits of a PTE that go
	may     func(page, pte.RA) bool // tells whether they may
	swapped bool                    // what is on the swap device goes too
	after   func()                  // called without locks, after each PTE page; nil: nothing
}

// MadviseFree is madvise(MADV_FREE): the contents of private memory are not needed
// any more unless they are stored to (Linux: madvise_free_pte_range). Pages stay with
// their contents, clean and not accessed; what is on the swap device is lost at
// once. A mapping of a file ends it with ErrAdvice, a hole with ErrNoVMA when the rest
// is done.
//
// A new PTE is present, without hash bits, while the old entry waits in the batch:
// Linux 6.1 is exposed as it is with Protect.
func (c *CPU) MadviseFree(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	l := c.m.kernel.Layout
	return c.madvise(ctx, as, r, ageing{feature: MadvFree, clear: l.Accessed | l.Dirty, may: c.freeable, swapped: true})
}

// MadviseCold is madvise(MADV_COLD): pages that nobody else maps are made not
// accessed, so that reclaim takes them first (Linux:
// madvise_cold_or_pageout_pte_range). It is exposed as MadviseFree is. hugetlb pages
// end it with ErrAdvice.
func (c *CPU) MadviseCold(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	return c.madvise(ctx, as, r, ageing{feature: MadvCold, clear: c.m.kernel.Layout.Accessed, may: c.sole})
}

// MadvisePageout is madvise(MADV_PAGEOUT): it ages pages as MadviseCold does, in the
// same function of Linux, and then takes the private ones among them out of memory,
// as SwapOut does (Linux: reclaim_pages). Pages of files stay, as those of a file in
// memory do without swap.
func (c *CPU) MadvisePageout(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	var isolated []pte.RA // with a reference each
	return c.madvise(ctx, as, r, ageing{
		feature: MadvCold, clear: c.m.kernel.Layout.Accessed,
		may: func(p page, ra pte.RA) bool {
			sole := c.sole(p, ra)
			if sole && c.counted(ra) {
				c.get(p, ra)
				isolated = append(isolated, ra)
			}
			return sole
		},
		after: func() {
			for _, ra := range isolated {
				c.withLock(ra, func(ra pte.RA) { c.swapOut(ra) })
				c.put(ra)
			}
			isolated = isolated[:0]
		},
	})
}

// madvise ages the pages of the mappings in a range (Linux: madvise_walk_vmas). Holes
// are passed over and reported in the end by ErrNoVMA.
func (c *CPU) madvise(ctx context.Context, as *AddressSpace, r Range, a ageing) (Result, error) {
	res := Result{Next: r.Start}
	if err := c.m.kernel.need(a.feature); err != nil {
		return res, err
	}
	if err := as.check(r); err != nil {
		return res, err
	}
	c.rlock(&as.mmapSem, r.Start)
	defer c.runlock(&as.mmapSem, r.Start)
	vmas := as.overlapping(r)
	for _, v := range vmas {
		if v.hugetlb() || a.feature == MadvFree && v.File != nil {
			return res, fmt.Errorf("%w: %v of a file at %v", ErrAdvice, a.feature, v.Start)
		}
		agePMD := func(p page) int { return c.agePMD(p, a.clear) }
		one, err := c.walkHuge(ctx, as, v.intersect(r), c.finish, agePMD, func(t *ptePage, part Range) int {
			n := c.agePTEs(v, t, part, a)
			if a.after != nil {
				a.after()
			}
			return n
		})
		res.Next, res.Pages = one.Next, res.Pages+one.Pages
		if err != nil {
			return res, err
		}
	}
	res.Next = r.End
	if !covered(vmas, r) {
		return res, fmt.Errorf("%w: part of %v", ErrNoVMA, r)
	}
	return res, nil
}

// agePTEs ages the pages of one PTE page (Linux 6.1: ptep_get_and_clear_full and
// set_pte_at, in lazy MMU mode). A large folio is taken apart first; if that fails
// the walk of the PTE page ends.
func (c *CPU) agePTEs(v *VMA, t *ptePage, r Range, a ageing) int {
	l := c.m.kernel.Layout
	n := 0
	c.enter(t, r.Start)
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(v.as, ea)
		cur := p.load() &^ l.HPTEFlags()
		if a.swapped && l.OnDevice(cur) && c.zapEntry(p, cur, true) {
			n++
		}
		if !l.IsPresent(cur) || l.RA(cur) == c.m.zero {
			continue
		}
		cur = c.read(p)
		ra := l.RA(cur)
		if f := c.folio(ra); f != nil {
			if !c.splitUnlocked(p, ra, f) {
				break
			}
			ea -= c.m.pageSize // look again at what is mapped there now
			continue
		}
		if a.may(p, ra) && cur&a.clear != 0 {
			old := c.getAndClear(p)
			c.commit(p, old, old&^a.clear)
			n++
		}
	}
	c.leave(t, r.Start)
	return n
}

// freeable tells whether MADV_FREE may make a page clean: one that was cleaned out
// of a dirty PTE before only if nobody else has it.
func (c *CPU) freeable(p page, ra pte.RA) bool {
	c.touch(c.dirtyLoc(ra), TouchRead)
	dirty := c.m.frames.Dirty(ra)
	c.saw(b2u(dirty))
	if !dirty {
		return true
	}
	sole := c.sole(p, ra)
	if sole {
		c.m.frames.clearDirty(ra)
		c.touch(c.dirtyLoc(ra), TouchWrite)
	}
	return sole
}

// sole reports whether no other PTE maps the page that the PTE of p maps.
func (c *CPU) sole(p page, ra pte.RA) bool {
	if c.counted(ra) {
		c.step(StepPageCount, p.ea, c.frameLoc(ra), TouchRead)
	}
	sole := c.m.frames.MapCount(ra) == 1
	c.saw(b2u(sole))
	return sole
}
