package mm

import (
	"maps"
	"slices"
	"sync"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// Checkpoint is the state of a machine at rest, for an explorer that runs one
// scenario very many times. What lies outside the pages it was made for is taken
// not to change.
type Checkpoint struct {
	m       *Machine
	stamp   uint64
	pages   []savedPage
	backend func() // brings the translations back

	frames   []savedFrame
	swap     []swapSlot
	areas    [][]area // of the kernel address spaces
	free     []uint32
	freeHuge []uint32
	files    []savedFile
	spaces   []savedSpace
	cpus     []savedCPU
}

type savedPage struct {
	page  page
	entry uint64
	hidx  uint64   // the second half
	prot  uint32   // subpage protection
	slots []uint32 // of a transparent huge page
}

type savedFrame struct {
	refs, ptes  int32
	dirty, anon bool
	pins        int32
	stamp       uint64
	home        *reverseMap
	index       uint64
	folio       *folio
	compound    bool
}

type savedFile struct {
	pages    map[uint64]pte.RA
	disk     map[uint64]uint64
	size     uint64
	truncate uint64
	vmas     []interval
}

type savedSpace struct {
	as    *AddressSpace
	vmas  []*VMA
	anon  []interval
	users uint64

	mmaps, cleared uint64
	exited         bool
	// demotions at the checkpoint, and which CPUs knew of each
	demotions []*demotion
	known     []uint64
}

type savedCPU struct {
	random uint64
	tlb    []tlb.CacheEntry
}

// Save takes a checkpoint of a machine at rest. touched are the pages whose PTEs
// and translations the CPUs will change.
func (m *Machine) Save(touched ...PageOf) *Checkpoint {
	s := &Checkpoint{m: m, stamp: m.stamp.Load(), swap: slices.Clone(m.swap.slots),
		free: slices.Clone(m.frames.free), freeHuge: slices.Clone(m.frames.freeHuge)}
	keys := make([]pte.Key, 0, len(touched))
	for _, t := range touched {
		for _, p := range t.Space.ptes(t.EA) {
			s.pages = append(s.pages, p.save())
		}
		keys = append(keys, t.Space.keys(t.EA)...)
	}
	s.backend = m.backend.Save(keys)
	for i := range m.frames.frames {
		f := &m.frames.frames[i]
		s.frames = append(s.frames, savedFrame{f.refs.Load(), f.ptes.Load(), f.dirty.Load(), f.anon.Load(),
			f.pins.Load(), f.stamp.Load(), f.home.Load(), f.index.Load(), f.folio.Load(), f.compound.Load()})
	}
	for _, f := range m.files {
		s.files = append(s.files, savedFile{maps.Clone(f.pages), maps.Clone(f.disk), f.size, f.truncateCount.Load(), slices.Clone(f.vmas.items)})
	}
	for _, k := range m.kernelSpaces {
		s.areas = append(s.areas, slices.Clone(k.areas))
	}
	for _, as := range m.spaces {
		s.spaces = append(s.spaces, as.save())
	}
	for _, c := range m.cpus {
		s.cpus = append(s.cpus, savedCPU{c.random, slices.Collect(c.tlb.All())})
	}
	return s
}

// PageOf names a page of an address space.
type PageOf struct {
	Space *AddressSpace
	EA    pte.EA
}

// Restore brings the machine back to the checkpoint, whatever its CPUs were
// doing: locks they held are free again, what was pending is forgotten. No CPU
// may be running.
func (s *Checkpoint) Restore() {
	m := s.m
	m.stamp.Store(s.stamp)
	for _, p := range s.pages {
		p.restore()
		p.page.table.ptl.mu = sync.RWMutex{}
	}
	s.backend()
	if m.queued != nil {
		clear(m.queued.pages)
	}
	m.frames.free = append(m.frames.free[:0], s.free...)
	m.frames.freeHuge = append(m.frames.freeHuge[:0], s.freeHuge...)
	m.frames.errs = nil
	for i, was := range s.frames {
		f := &m.frames.frames[i]
		f.refs.Store(was.refs)
		f.ptes.Store(was.ptes)
		f.compound.Store(was.compound)
		f.dirty.Store(was.dirty)
		f.anon.Store(was.anon)
		f.stamp.Store(was.stamp)
		if f.folio.Store(was.folio); was.folio != nil {
			was.folio.locked.Store(false)
		}
		f.pins.Store(was.pins)
		f.home.Store(was.home)
		f.index.Store(was.index)
		f.locked.Store(false)
	}
	copy(m.swap.slots, s.swap)
	for i, was := range s.areas {
		k := m.kernelSpaces[i]
		k.areas = append(k.areas[:0], was...)
	}
	for i, was := range s.files {
		was.restore(m.files[i])
	}
	for _, was := range s.spaces {
		was.as.vmas = was.vmas
		was.as.users.bits.Store(was.users)
		was.as.mmaps, was.as.cleared = was.mmaps, was.cleared
		was.as.exited.Store(was.exited)
		was.restoreDemotions()
		was.as.mmapSem.mu = sync.RWMutex{}
		was.as.anon.vmas.items = append(was.as.anon.vmas.items[:0], was.anon...)
		was.as.anon.iMmapLock.mu = sync.RWMutex{}
	}
	for i, was := range s.cpus {
		was.restore(m.cpus[i])
	}
}

func (p page) save() savedPage {
	s := savedPage{page: p, entry: p.entry.Load(), hidx: p.hidx(), prot: p.prot()}
	for i := range p.table.slots {
		s.slots = append(s.slots, p.table.slots[i].Load())
	}
	return s
}

func (was *savedPage) restore() {
	was.page.entry.Store(was.entry)
	if was.page.second != nil {
		was.page.second.Store(was.hidx)
	}
	for i, s := range was.slots {
		was.page.table.slots[i].Store(s)
	}
	if was.page.table.prot != nil {
		was.page.table.protWord(was.page.ea).Store(was.prot)
	}
}

func (as *AddressSpace) save() savedSpace {
	s := savedSpace{as: as, vmas: as.vmas, anon: slices.Clone(as.anon.vmas.items), users: as.users.bits.Load(),
		mmaps: as.mmaps, cleared: as.cleared, exited: as.exited.Load()}
	if list := as.demotions.Load(); list != nil {
		for _, d := range *list {
			s.demotions, s.known = append(s.demotions, d), append(s.known, d.known.bits.Load())
		}
	}
	return s
}

func (was *savedSpace) restoreDemotions() {
	was.as.demotions.Store(nil)
	if was.demotions != nil {
		was.as.demotions.Store(&was.demotions)
	}
	for i, d := range was.demotions {
		d.known.bits.Store(was.known[i])
	}
}

func (was *savedFile) restore(f *Mapping) {
	clear(f.pages)
	maps.Copy(f.pages, was.pages)
	clear(f.disk)
	maps.Copy(f.disk, was.disk)
	f.size = was.size
	f.truncateCount.Store(was.truncate)
	f.vmas.items = append(f.vmas.items[:0], was.vmas...)
	f.iMmapLock.mu = sync.RWMutex{}
}

func (was *savedCPU) restore(c *CPU) {
	c.random = was.random
	c.walking.Store(false)
	c.held = c.held[:0]
	c.gather.frames = c.gather.frames[:0]
	c.batch.Reset()
	c.tlb.InvalidateAll()
	for _, e := range was.tlb {
		c.tlb.Insert(e)
	}
}
