package mmtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// The layout of a mix on huge pages: a few in each of two segments, of each of which
// the first few base pages are used. Those of transparent huge pages crowd each other
// out: piece by piece they share two hash groups.
const (
	hugePlaces = 3
	hugePieces = 4
	hugeSize   = pte.EA(1) << 24
	hugeStride = pte.EA(1) << 27
	hugeBase   = pte.EA(1) << 40
	segment    = pte.EA(1) << 40
)

// hugeMix is the layout of two address spaces: in one segment a file of hugetlb pages
// and in another, where the kernel has them, private memory in transparent huge
// pages. Beside that is a page that cannot be cached: where base pages are of 64K an
// access to it demotes the segment.
type hugeMix struct {
	spec        Spec
	m           *mm.Machine
	shadow      *Shadow
	file        *mm.Mapping
	spaces      []*mm.AddressSpace
	transparent bool
}

// HugeMix is [Mix] on huge pages: they are also split, collapsed, demoted and used in
// part. It returns an error that wraps [mm.ErrConfig] when the backend has none.
func HugeMix(s Spec, seed uint64) error {
	s.Base = hugeBase
	s.Frames, s.Swap = 256, 256
	s.HugeFrames, s.HugePieces = 256, hugePieces // a huge frame that is split never becomes one again
	return s.mix(seed, newHugeMix)
}

// vma is what maps a place.
func (x *hugeMix) vma(transparent bool, place int) mm.VMA {
	start := hugeBase + pte.EA(place)*hugeStride
	if !transparent {
		return mm.VMA{Range: mm.Range{Start: start, End: start + hugeSize}, Prot: rwx, Shared: true, File: x.file, Offset: uint64(place)}
	}
	start += segment
	return mm.VMA{Range: mm.Range{Start: start, End: start + hugeSize}, Prot: rwx, Transparent: true}
}

// uncached is the page that cannot be cached.
func (x *hugeMix) uncached() mm.Range {
	return x.m.Kernel().Pages(hugeBase+segment+hugePlaces*hugeStride, 1)
}

func newHugeMix(s Spec, shadow *Shadow, spaces []*mm.AddressSpace) (program, error) {
	m := shadow.m
	x := &hugeMix{spec: s, m: m, shadow: shadow, file: m.NewHugeMapping(hugePlaces), spaces: spaces,
		transparent: m.Kernel().Has(mm.TransparentHuge)}
	for _, as := range spaces {
		var used []pte.EA
		for place := range hugePlaces {
			vmas := []mm.VMA{x.vma(false, place)}
			if x.transparent {
				vmas = append(vmas, x.vma(true, place))
			}
			for _, v := range vmas {
				if err := shadow.Map(m.CPU(0), as, v); err != nil {
					return nil, err
				}
				for piece := range pte.EA(hugePieces) {
					used = append(used, v.Start+piece<<s.pageShift())
				}
			}
		}
		if err := shadow.Map(m.CPU(0), as, mm.VMA{Range: x.uncached(), Prot: rwx, NoCache: true}); err != nil {
			return nil, err
		}
		if err := s.crowd(m.Table(), as, used); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *hugeMix) run(c *mm.CPU, r *rand.Rand) error {
	for range mixOperations {
		if err := x.one(c, r); !refused(err) && !errors.Is(err, mm.ErrHuge) {
			return fmt.Errorf("CPU %d: %w", c.ID(), err)
		}
	}
	return nil
}

// one does one operation. More than half are accesses.
func (x *hugeMix) one(c *mm.CPU, r *rand.Rand) (err error) {
	as := x.spaces[r.IntN(len(x.spaces))]
	transparent := x.transparent && r.IntN(3) > 0
	place := r.IntN(hugePlaces)
	v := x.vma(transparent, place)
	ea := v.Start + pte.EA(r.IntN(hugePieces))<<x.spec.pageShift()
	span := mm.Range{Start: v.Start, End: v.End + pte.EA(r.IntN(hugePlaces-place))*hugeStride}
	if transparent && r.IntN(4) == 0 {
		span = x.m.Kernel().Pages(ea, 1) // which splits it
	}
	switch op := r.IntN(32); {
	case op < 7:
		_, err = x.shadow.Store(c, as, ea)
	case op < 9:
		_, err = x.shadow.Fetch(c, as, ea)
	case op < 14:
		err = x.onRange(c, r, as, span, transparent)
	case op < 16:
		err = x.shadow.Map(c, as, v)
	case op < 18:
		err = x.onFile(c, r, as, place)
	case op < 20:
		err = x.unseen(c, r, as, span)
	case op == 20:
		err = c.SplitHugePage(as, ea)
	case op < 23:
		err = c.CollapseHugePage(as, ea)
	case op == 23 && r.IntN(8) == 0:
		_, err = x.shadow.Load(c, as, x.uncached().Start)
	default:
		_, err = x.shadow.Load(c, as, ea)
	}
	return err
}

// onRange takes pages of a range away or changes what they are for. Private ones are
// thrown away by one CPU only: of two that do it to one transparent huge page the
// second returns before the first is done, in Linux too (path thp-zap-twice of package
// scenario).
func (x *hugeMix) onRange(c *mm.CPU, r *rand.Rand, as *mm.AddressSpace, span mm.Range, private bool) (err error) {
	ctx := context.Background()
	switch op := r.IntN(5); {
	case op < 2 && private && c.ID() > 0:
	case op == 0 && !private: // without mmap_sem, as Linux does to files only
		_, err = x.shadow.ZapPageRange(ctx, c, as, span)
	case op < 2:
		_, err = x.shadow.MadviseDontNeed(ctx, c, as, span)
	case op == 2:
		_, err = x.shadow.Unmap(ctx, c, as, span)
	case op == 3:
		_, err = x.shadow.MadviseFree(ctx, c, as, span)
	default:
		_, err = c.Protect(ctx, as, span, []pte.Access{pte.Read, pte.Read | pte.Write, rwx}[r.IntN(3)])
	}
	return err
}

// onFile takes pages of the file away.
func (x *hugeMix) onFile(c *mm.CPU, r *rand.Rand, as *mm.AddressSpace, place int) (err error) {
	ctx := context.Background()
	first, n := uint64(place), 1+uint64(r.IntN(2))
	switch r.IntN(5) {
	case 0:
		_, err = x.shadow.UnmapMappingRange(ctx, c, x.file, first, n, r.IntN(2) == 0)
	case 1:
		_, err = x.shadow.PunchHole(ctx, c, x.file, first, n)
	case 2:
		_, err = x.shadow.Invalidate(ctx, c, x.file, first, n)
	case 3:
		_, err = x.shadow.MadviseRemove(ctx, c, as, x.vma(false, place).Range)
	case 4:
		if c.ID() == 0 {
			_, err = x.shadow.Truncate(ctx, c, x.file, first+n)
		}
	}
	return err
}

// unseen does to pages what programs must not notice.
func (x *hugeMix) unseen(c *mm.CPU, r *rand.Rand, as *mm.AddressSpace, span mm.Range) (err error) {
	ctx := context.Background()
	switch r.IntN(7) {
	case 0:
		_, err = c.MadviseCold(ctx, as, span)
	case 1:
		_, err = c.MadvisePageout(ctx, as, span)
	case 2:
		_, err = c.HintNUMA(ctx, as, span)
	case 3:
		_, err = c.ClearYoung(ctx, as)
	case 4:
		_, err = c.ClearSoftDirty(ctx, as)
	case 5:
		c.SwapOut(as, span.Start)
	case 6:
		c.Migrate(as, span.Start)
	}
	return err
}

// leave gives everything back: all frames are free but the zero page and the huge
// ones that were not split (M2).
func (x *hugeMix) leave() error {
	ctx := context.Background()
	c := x.m.CPU(0)
	for _, as := range x.spaces {
		if _, err := c.Unmap(ctx, as, mm.Range{Start: hugeBase, End: hugeBase + 2*segment}); err != nil {
			return err
		}
	}
	if _, err := c.Truncate(ctx, x.file, 0); err != nil {
		return err
	}
	if more := x.m.Frames().Free() - (x.spec.Frames - 1); more < 0 || more%hugePieces != 0 {
		return fmt.Errorf("%w: %d frames free, of %d and huge ones of %d that were split", mm.ErrRefs, x.m.Frames().Free(), x.spec.Frames, hugePieces)
	}
	return x.m.Check()
}
