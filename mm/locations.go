package mm

import (
	"fmt"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// Location is a place where operations of different CPUs meet, with what an
// explorer has to know of it.
type Location struct {
	Loc   Loc
	Name  string
	Lock  bool          // a lock; it has no value
	Value func() uint64 // what CPUs can tell apart about it
}

// Locations lists every location that operations on the given pages can touch.
func (m *Machine) Locations(pages ...PageOf) []Location {
	var out []Location
	seen := make(map[Loc]bool)
	add := func(l Location) {
		if !seen[l.Loc] {
			seen[l.Loc] = true
			out = append(out, l)
		}
	}
	for _, t := range pages {
		add(Location{Loc: t.Space.mmapSem.loc(), Name: fmt.Sprintf("mmap_sem %d", t.Space.context), Lock: true})
		add(Location{Loc: t.Space.anon.iMmapLock.loc(), Name: fmt.Sprintf("anon_vma lock %d", t.Space.context), Lock: true})
		for _, p := range t.Space.ptes(t.EA) {
			p.locations(add)
		}
		for _, k := range t.Space.keys(t.EA) {
			if m.queued != nil {
				add(Location{Loc: queuedLoc(t.Space, k), Name: fmt.Sprintf("queued %v", t.EA), Value: func() uint64 { return b2u(m.queued.has(k)) }})
			}
			for _, l := range m.backend.Locations(k) {
				add(l)
			}
		}
	}
	for i, f := range m.files {
		add(Location{Loc: f.iMmapLock.loc(), Name: fmt.Sprintf("i_mmap_lock %d", i), Lock: true})
		add(Location{Loc: f.loc(), Name: fmt.Sprintf("page cache %d", i), Value: f.digest})
		add(Location{Loc: f.countLoc(), Name: fmt.Sprintf("truncate count %d", i), Value: f.truncateCount.Load})
	}
	for i, c := range m.cpus {
		add(Location{Loc: Loc{LocTLB, uint64(i)}, Name: fmt.Sprintf("TLB of CPU %d", i), Value: c.digestTLB})
	}
	for i := range m.frames.frames {
		f := &m.frames.frames[i]
		value := f.digest
		if uint32(i) == m.frames.index(m.zero) {
			value = f.stamp.Load // nobody counts who maps the zero page
		}
		add(Location{Loc: Loc{LocFrame, uint64(i)}, Name: fmt.Sprintf("frame %d", i), Value: value})
		add(Location{Loc: Loc{LocDirty, uint64(i)}, Name: fmt.Sprintf("dirty bit of frame %d", i), Value: func() uint64 { return b2u(f.dirty.Load()) }})
	}
	for _, k := range m.kernelSpaces {
		add(Location{Loc: k.areasLoc(), Name: "vmap areas", Value: k.digest})
	}
	add(Location{Loc: SwapLoc, Name: "swap", Value: m.swap.digest})
	add(Location{Loc: FramesLoc, Name: "frames", Value: m.frames.digest})
	return out
}

// ptes are the entries of the page tables that can map ea: its PTE, made if there is
// none, and that of a huge page.
func (as *AddressSpace) ptes(ea pte.EA) []page {
	t := as.hugeTable(ea)
	switch {
	case t == nil:
		return []page{as.make(ea)}
	case !t.transparent():
		return []page{as.hugePage(t, ea)}
	}
	return []page{as.make(ea), as.hugePage(t, ea)}
}

// locations adds the locations of a PTE.
func (p page) locations(add func(Location)) {
	m := p.as.m
	flags := uint64(m.kernel.Layout.HPTEFlags())
	add(Location{Loc: p.table.ptl.loc(), Name: fmt.Sprintf("PTL of %v", p), Lock: true})
	add(Location{Loc: p.loc(), Name: fmt.Sprintf("PTE of %v", p), Value: func() uint64 { return p.entry.Load() &^ flags }})
	add(Location{Loc: p.hashBits(), Name: fmt.Sprintf("hash bits of %v", p), Value: func() uint64 { return p.entry.Load() & flags }})
	if p.second != nil {
		add(Location{Loc: p.secondHalf(), Name: fmt.Sprintf("second half of %v", p), Value: p.hidx})
	}
	if p.table.prot != nil {
		add(Location{Loc: p.subpageLoc(), Name: fmt.Sprintf("subpage protection of %v", p), Value: func() uint64 { return uint64(p.prot()) }})
		add(Location{Loc: p.as.psizeLoc(p.ea), Name: fmt.Sprintf("page size of the slice of %v", p),
			Value: func() uint64 { return uint64(p.as.basePage(p.ea)) }})
	}
	if p.table.transparent() {
		add(Location{Loc: p.slotsLoc(), Name: fmt.Sprintf("slots of %v", p), Value: p.slotDigest})
		for i, c := range m.cpus {
			add(Location{Loc: Loc{LocIRQ, uint64(i)}, Name: fmt.Sprintf("CPU %d in the page tables", i), Value: func() uint64 { return b2u(c.walking.Load()) }})
		}
	}
}

// String is the address, with the size of a huge page.
func (p page) String() string {
	if p.table.shift == hugeShift {
		return fmt.Sprintf("%v, 16M", p.ea)
	}
	return p.ea.String()
}

// Entries is where all hardware translations of the page of ea are: one location
// for each page size by which the page may be hashed.
func (as *AddressSpace) Entries(ea pte.EA) []Loc {
	var locs []Loc
	for _, k := range as.keys(ea) {
		locs = append(locs, as.m.backend.Locations(k)[0].Loc)
	}
	return locs
}

// fold adds a value to a hash over 64-bit words.
func fold(h, v uint64) uint64 {
	h = (h ^ v) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

func (f *Mapping) digest() uint64 {
	var pages uint64
	for index, ra := range f.pages {
		pages += fold(index, uint64(ra)) // a sum, since maps have no order
	}
	for index, stamp := range f.disk {
		pages += fold(index, ^stamp)
	}
	return fold(f.size, pages)
}

// Digest is a fingerprint of what the CPU keeps between operations besides its
// TLB: what is pending, the locks it holds, its time base.
func (c *CPU) Digest() uint64 {
	h := fold(c.random, b2u(c.batch.Lazy()))
	space, refs := c.batch.Pending()
	for _, r := range refs {
		h = fold(fold(fold(h, space), uint64(r.Key.VPN())), uint64(r.Hint))
	}
	for _, ra := range c.gather.frames {
		h = fold(h, uint64(ra))
	}
	for _, l := range c.held {
		h = fold(h, l.id)
	}
	if c.m.kernel.Layout.Page == pte.Page4K {
		return h // no demotions
	}
	var known uint64
	for _, as := range c.m.spaces {
		if list := as.demotions.Load(); list != nil {
			for _, d := range *list {
				known += fold(as.context, uint64(d.Start)<<1|b2u(d.known.has(c.id)))
			}
		}
	}
	return fold(h, known)
}

func (c *CPU) digestTLB() uint64 {
	var sum uint64
	c.tlb.InvalidateFunc(func(e tlb.CacheEntry) bool {
		h := fold(uint64(e.Key.VSID), uint64(e.Key.Page))
		sum += fold(fold(h, uint64(e.RA)), uint64(e.Prot)<<8|e.Tag)
		return false
	})
	return sum
}

func (f *Frames) digest() uint64 {
	var h uint64
	for _, i := range f.free {
		h = fold(h, uint64(i))
	}
	return h
}

func (fr *frame) digest() uint64 {
	h := fold(fr.stamp.Load(), b2u(fr.locked.Load()))
	if fr.anon.Load() {
		h = fold(h, uint64(fr.refs.Load())<<32|uint64(fr.ptes.Load()))
	}
	if whole := fr.folio.Load(); whole != nil {
		h = fold(h, 1+b2u(whole.locked.Load()))
	}
	return h
}
