package mm

import (
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// Errors of mapping and of faults.
var (
	ErrNoVMA     = errors.New("mm: address not mapped")                      // SIGSEGV, SEGV_MAPERR
	ErrProtected = errors.New("mm: access not allowed by the VMA")           // SIGSEGV, SEGV_ACCERR
	ErrOverlap   = errors.New("mm: range overlaps another mapping")          // EEXIST
	ErrRange     = errors.New("mm: range empty, unaligned or out of bounds") // EINVAL
)

// Range is a half-open range of effective addresses.
type Range struct{ Start, End pte.EA }

// Pages returns the range of n pages of 4 KiB from start on; see [Kernel.Pages].
func Pages(start pte.EA, n uint64) Range { return Range{start, start + pte.EA(n<<pte.VPNShift)} }

// Len is the length in bytes.
func (r Range) Len() uint64 { return uint64(r.End - r.Start) }

// Contains reports whether ea lies in the range.
func (r Range) Contains(ea pte.EA) bool { return ea >= r.Start && ea < r.End }

func (r Range) intersect(o Range) Range { return Range{max(r.Start, o.Start), min(r.End, o.End)} }
func (r Range) empty() bool             { return r.Start >= r.End }

func (r Range) String() string { return fmt.Sprintf("[%v, %v)", r.Start, r.End) }

// check reports a range that no mapping could have, and a space without a process.
func (as *AddressSpace) check(r Range) error {
	if as.exited.Load() {
		return ErrExited
	}
	return as.m.checkRange(r)
}

// checkRange reports a range that no mapping could have.
func (m *Machine) checkRange(r Range) error {
	if r.empty() || (r.Start|r.End)&(m.pageSize-1) != 0 || r.End > m.kernel.TaskSize {
		return fmt.Errorf("%w: %v", ErrRange, r)
	}
	return nil
}

// VMA is a part of an address space that is mapped in one way (Linux: struct
// vm_area_struct). It is immutable: changing one replaces it.
type VMA struct {
	Range
	Prot   pte.Access
	Shared bool     // stores go to the file; meaningless without File
	File   *Mapping // nil: private anonymous memory
	Offset uint64   // page of the file that Start maps; without one, Map sets it
	// NoCache maps cache-inhibited storage, as of a device. Where base pages are 64K
	// and the processor cannot have those cache-inhibited, it is hashed as 4K.
	NoCache bool
	// Transparent has private memory without a file mapped in transparent huge pages
	// where they fit (Linux: MADV_HUGEPAGE). The kernel must have them.
	Transparent bool

	as     *AddressSpace // set when mapped
	anon   *reverseMap   // set when mapped; of its private pages, nil if it has none
	number uint64        // set when mapped; in the order of mapping, from 1
}

func (v *VMA) pages() uint64 { return v.Len() >> v.pageShift() }

// pageShift is log2 of the bytes of a page of its file.
func (v *VMA) pageShift() uint {
	if v.hugetlb() {
		return hugeShift
	}
	return v.as.m.pageShift
}

// index returns the page of the file that ea maps.
func (v *VMA) index(ea pte.EA) uint64 { return v.Offset + uint64(ea-v.Start)>>v.pageShift() }

// entry makes a PTE for a page of the VMA.
func (v *VMA) entry(ra pte.RA, a pte.Access) pte.LinuxPTE {
	l := v.as.m.kernel.Layout
	p := l.Make(ra, a)
	if v.NoCache {
		p |= l.NoCache
	}
	return p
}

// cut returns the part of v within r as a VMA of its own.
func (v *VMA) cut(r Range) *VMA {
	n := *v
	n.Range = v.Range.intersect(r)
	n.Offset = v.index(n.Start)
	return &n
}

// AddressSpace is the memory of a process (Linux: struct mm_struct). Operations
// on it are methods of [CPU]; it is safe for concurrent use by several.
type AddressSpace struct {
	m       *Machine // immutable
	context uint64   // immutable; the context number that makes its VSIDs

	mmapSem lock
	vmas    []*VMA // protected by mmapSem; sorted, disjoint
	mmaps   uint64 // protected by mmapSem; the last number of a VMA
	anon    reverseMap
	cleared uint64 // protected by mmapSem; that when soft-dirty bits were last cleared
	exited  atomic.Bool

	pgd            *pgd
	pageTableLocks [lockStripes]lock // by granularity

	users cpuSet // CPUs that ever translated in this space

	huge *pgd // of huge pages; nil where the machine has no huge frames

	demoteMu  sync.Mutex
	demotions atomic.Pointer[[]*demotion] // changed under demoteMu; grows only
}

// Context is the number from which the VSIDs of the space are made.
func (as *AddressSpace) Context() uint64 { return as.context }

// PageSize is the base page size of the kernel.
func (as *AddressSpace) PageSize() pte.PageSize { return as.m.kernel.PageSize() }

// Key returns the key under which the hash table has the page of ea; with 64K base
// pages, in a segment that was demoted, the 4K piece of ea.
func (as *AddressSpace) Key(ea pte.EA) pte.Key { return as.key(ea) }

func (as *AddressSpace) key(ea pte.EA) pte.Key { return as.keyAt(ea, as.basePage(ea)) }

// keyAt is the key of ea in a segment that is hashed by the given page size.
func (as *AddressSpace) keyAt(ea pte.EA, base pte.PageSize) pte.Key {
	seg := as.m.kernel.segment(ea)
	return pte.MakeKey(as.m.kernel.VSID.VSID(as.context, ea, seg), ea, seg, base)
}

// keys are the keys under which the hash table may have ea: more than one where it
// may still have entries from before a demotion.
func (as *AddressSpace) keys(ea pte.EA) []pte.Key {
	if as.basePage(ea) == pte.Page16M {
		return []pte.Key{as.key(ea)}
	}
	keys := []pte.Key{as.keyAt(ea, as.m.kernel.PageSize())}
	if as.m.kernel.PageSize() != pte.Page4K {
		keys = append(keys, as.keyAt(ea, pte.Page4K))
	}
	return keys
}

// address is the way back from a key of the space to its effective address.
func (as *AddressSpace) address(k pte.Key) pte.EA {
	vsid := as.m.kernel.VSID
	_, esid := vsid.Context(vsid.Unscramble(k.VSID, k.Seg), k.Seg)
	return pte.EA(esid)<<k.Seg.Shift() | k.Offset()
}

// home is the way back from a key to its space, nil if there is none, and the
// effective address there.
func (m *Machine) home(k pte.Key) (*AddressSpace, pte.EA) {
	vsid := m.kernel.VSID
	context, esid := vsid.Context(vsid.Unscramble(k.VSID, k.Seg), k.Seg)
	return m.spaces[context], pte.EA(esid)<<k.Seg.Shift() | k.Offset()
}

// PTE returns the Linux page table entry of ea, zero when there is none.
func (as *AddressSpace) PTE(ea pte.EA) pte.LinuxPTE {
	p, ok := as.leaf(ea)
	if !ok {
		return 0
	}
	return p.load()
}

// Hint returns where the Linux page tables say that the entry of ea is: that of its
// page, or of its 4K piece where the page is entered in pieces.
func (as *AddressSpace) Hint(ea pte.EA) pte.SlotHint {
	p, ok := as.find(ea)
	if !ok {
		return 0
	}
	l := as.m.kernel.Layout
	r := pte.RealPTE{PTE: p.load(), Hidx: p.hidx()}
	if r.PTE&l.Combo != 0 {
		return l.PieceHint(r, int(ea>>pte.VPNShift%pte.Pieces))
	}
	return l.RealHint(r)
}

// vma returns the VMA that contains ea. The caller holds mmapSem.
func (as *AddressSpace) vma(ea pte.EA) *VMA {
	i := sort.Search(len(as.vmas), func(i int) bool { return as.vmas[i].End > ea })
	if i < len(as.vmas) && as.vmas[i].Contains(ea) {
		return as.vmas[i]
	}
	return nil
}

// overlapping returns the VMAs that share an address with r. The caller holds
// mmapSem.
func (as *AddressSpace) overlapping(r Range) []*VMA {
	lo := sort.Search(len(as.vmas), func(i int) bool { return as.vmas[i].End > r.Start })
	hi := sort.Search(len(as.vmas), func(i int) bool { return as.vmas[i].Start >= r.End })
	return append([]*VMA(nil), as.vmas[lo:hi]...)
}

// Map adds a mapping (mmap with MAP_FIXED_NOREPLACE). It returns ErrRange or
// ErrOverlap. v.Shared needs a file. A file of huge pages can be mapped shared and
// aligned to them, else ErrHuge. Where hugetlb pages were mapped once, nothing else
// can be, and they cannot be where transparent ones were: ErrHuge too.
func (c *CPU) Map(as *AddressSpace, v VMA) error {
	if err := as.check(v.Range); err != nil {
		return err
	}
	if v.Shared && v.File == nil {
		return fmt.Errorf("%w: shared without a file", ErrRange)
	}
	v.as = as
	if err := v.checkHugetlb(); err != nil {
		return err
	}
	if v.Transparent {
		if err := c.m.kernel.need(TransparentHuge); err != nil {
			return err
		}
	}
	if v.File != nil && v.Offset+v.pages() < v.Offset {
		return fmt.Errorf("%w: file page %#x and %d more", ErrRange, v.Offset, v.pages()-1)
	}
	c.lock(&as.mmapSem, v.Start)
	defer c.unlock(&as.mmapSem, v.Start)
	if len(as.overlapping(v.Range)) > 0 {
		return fmt.Errorf("%w: %v", ErrOverlap, v.Range)
	}
	if err := as.checkPlaces(&v, v.Range); err != nil {
		return err
	}
	as.mmaps++
	v.number = as.mmaps
	if !v.Shared {
		v.anon = &as.anon
	}
	if v.File == nil {
		v.Offset = uint64(v.Start) >> as.m.pageShift // what cut and mremap keep
	}
	c.replace(as, nil, []*VMA{&v})
	return nil
}

// replace takes old, consecutive VMAs, out of the space and puts fresh ones in
// their place, in the reverse maps too. The caller holds mmapSem for writing.
// Other CPUs find either the old or the new ones in a reverse map, because
// iMmapLock is held across the change.
func (c *CPU) replace(as *AddressSpace, old, fresh []*VMA) {
	for _, v := range fresh {
		as.mapHuge(v)
	}
	for _, r := range reverseMaps(old, fresh) {
		c.lock(&r.iMmapLock, 0)
		for _, v := range old {
			if v.in(r) {
				r.detach(v)
			}
		}
		for _, v := range fresh {
			if v.in(r) {
				r.attach(v)
			}
		}
		c.unlock(&r.iMmapLock, 0)
	}
	drop := make(map[*VMA]bool, len(old))
	for _, v := range old {
		drop[v] = true
	}
	vmas := make([]*VMA, 0, len(as.vmas)+len(fresh))
	for _, v := range as.vmas {
		if !drop[v] {
			vmas = append(vmas, v)
		}
	}
	vmas = append(vmas, fresh...)
	sort.Slice(vmas, func(i, j int) bool { return vmas[i].Start < vmas[j].Start })
	as.vmas = vmas
}

// carve splits the VMAs that overlap r at its ends. It returns what lies inside
// r, after change has been applied to copies, and what stays outside.
func carve(vmas []*VMA, r Range, change func(*VMA)) (inside, outside []*VMA) {
	for _, v := range vmas {
		if v.Start < r.Start {
			outside = append(outside, v.cut(Range{v.Start, r.Start}))
		}
		in := v.cut(r)
		change(in)
		inside = append(inside, in)
		if v.End > r.End {
			outside = append(outside, v.cut(Range{r.End, v.End}))
		}
	}
	return inside, outside
}
