package mm

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// ErrAdvice reports advice that the mapping cannot take (EINVAL).
var ErrAdvice = errors.New("mm: advice not for this mapping")

// MadviseFree is madvise(MADV_FREE): the contents of private memory are not needed
// any more unless they are stored to (Linux: madvise_free_pte_range). The pages stay
// with their contents, clean and not accessed, so that reclaim may drop them. A
// mapping of a file ends it with ErrAdvice.
//
// A new PTE is present, without hash bits, while the old entry waits in the batch:
// Linux 6.1 is exposed as it is with Protect.
func (c *CPU) MadviseFree(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	l := c.m.kernel.Layout
	agePMD := func(p page) int { return c.agePMD(p, l.Accessed|l.Dirty) }
	return c.madvise(ctx, as, r, MadvFree, agePMD, func(v *VMA, t *ptePage, part Range) int {
		return c.agePTEs(v, t, part, l.Accessed|l.Dirty, c.freeable)
	})
}

// MadviseCold is madvise(MADV_COLD): pages that nobody else maps are made not
// accessed, so that reclaim takes them first (Linux:
// madvise_cold_or_pageout_pte_range). It is exposed as MadviseFree is.
func (c *CPU) MadviseCold(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	l := c.m.kernel.Layout
	agePMD := func(p page) int { return c.agePMD(p, l.Accessed) }
	return c.madvise(ctx, as, r, MadvCold, agePMD, func(v *VMA, t *ptePage, part Range) int {
		return c.agePTEs(v, t, part, l.Accessed, c.sole)
	})
}

// MadvisePageout is madvise(MADV_PAGEOUT) without swap and with files in memory: it
// ages pages as MadviseCold does and finds nothing that could be written out.
func (c *CPU) MadvisePageout(ctx context.Context, as *AddressSpace, r Range) (Result, error) {
	return c.MadviseCold(ctx, as, r)
}

// madvise calls age for every PTE page of the mappings in a range, and agePMD for
// every transparent huge page (Linux: madvise_walk_vmas). Holes are passed over and reported in the end by ErrNoVMA.
func (c *CPU) madvise(ctx context.Context, as *AddressSpace, r Range, f Feature, agePMD func(page) int, age func(*VMA, *ptePage, Range) int) (Result, error) {
	res := Result{Next: r.Start}
	if err := c.m.kernel.need(f); err != nil {
		return res, err
	}
	if err := as.check(r); err != nil {
		return res, err
	}
	c.rlock(&as.mmapSem, r.Start)
	defer c.runlock(&as.mmapSem, r.Start)
	vmas := as.overlapping(r)
	for _, v := range vmas {
		if f == MadvFree && v.File != nil {
			return res, fmt.Errorf("%w: %v of a file at %v", ErrAdvice, f, v.Start)
		}
		one, err := c.walkHuge(ctx, as, v.intersect(r), c.finish, agePMD, func(t *ptePage, part Range) int { return age(v, t, part) })
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

// agePTEs clears bits of the PTEs of one PTE page that map pages which may allows
// it for (Linux 6.1: ptep_get_and_clear_full and set_pte_at, in lazy MMU mode). A
// large folio is taken apart first; if that fails the walk of the PTE page ends.
func (c *CPU) agePTEs(v *VMA, t *ptePage, r Range, clr pte.LinuxPTE, may func(page, pte.RA) bool) int {
	l := c.m.kernel.Layout
	n := 0
	c.enter(t, r.Start)
	for ea := r.Start; ea < r.End; ea += c.m.pageSize {
		p := t.at(v.as, ea)
		if cur := p.load(); !l.IsPresent(cur) || l.RA(cur) == c.m.zero {
			continue
		}
		cur := c.read(p)
		ra := l.RA(cur)
		if f := c.folio(ra); f != nil {
			if !c.splitUnlocked(p, ra, f) {
				break
			}
			ea -= c.m.pageSize // look again at what is mapped there now
			continue
		}
		if may(p, ra) && cur&clr != 0 {
			old := c.getAndClear(p)
			c.commit(p, old, old&^clr)
			n++
		}
	}
	c.leave(t, r.Start)
	return n
}

// freeable tells whether MADV_FREE may make a page clean: one that was cleaned out
// of a dirty PTE before only if nobody else has it.
func (c *CPU) freeable(p page, ra pte.RA) bool {
	if !c.m.frames.Dirty(ra) {
		return true
	}
	sole := c.sole(p, ra)
	if sole {
		c.m.frames.at(ra).dirty.Store(false)
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
