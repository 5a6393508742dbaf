package mm

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// ErrBus reports an access beyond the end of a mapped file (SIGBUS).
var ErrBus = errors.New("mm: access beyond the end of the file")

// Mapping is a file as memory sees it: its page cache and, in the reverse map,
// every VMA that maps a part of it (Linux: struct address_space). It is safe for
// concurrent use.
type Mapping struct {
	m  *Machine // immutable
	id uint64   // immutable; the Loc of the page cache

	// TrackDirty makes the first store to each page of a shared writable mapping
	// fault, so that the file system sees it: pages are mapped read-only until
	// then (Linux: vma_wants_writenotify). Otherwise they are mapped writable and
	// clean, which the hash table has read-only all the same. Immutable.
	TrackDirty bool

	huge bool // immutable; its pages are 16M

	reverseMap

	// truncateCount goes up before pages are unmapped, by kernels that count
	// (Linux: truncate_count).
	truncateCount atomic.Uint64

	mu    sync.Mutex
	pages map[uint64]pte.RA // protected by mu; the page cache, a reference each
	disk  map[uint64]uint64 // protected by mu; contents, but for what is dirty in the page cache
	size  uint64            // protected by mu; i_size in pages
}

// PageSize is the size of a page of the file: that of base pages, or 16M.
func (f *Mapping) PageSize() pte.PageSize {
	if f.huge {
		return pte.Page16M
	}
	return f.m.kernel.PageSize()
}

// NewMapping returns a file of the given number of pages, none of them cached.
func (m *Machine) NewMapping(pages uint64, trackDirty bool) *Mapping {
	f := &Mapping{m: m, TrackDirty: trackDirty, pages: make(map[uint64]pte.RA), disk: make(map[uint64]uint64), size: pages}
	f.iMmapLock.init(m, rankIMmap)
	f.id = f.iMmapLock.id
	m.files = append(m.files, f)
	return f
}

func (f *Mapping) loc() Loc { return Loc{LocFile, f.id} }

// countLoc is the truncate count.
func (f *Mapping) countLoc() Loc { return Loc{LocTruncate, f.id} }

// Size is the length of the file in pages.
func (f *Mapping) Size() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Cached returns the frame that the page cache has for a page of the file.
func (f *Mapping) Cached(index uint64) (pte.RA, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ra, ok := f.pages[index]
	return ra, ok
}

// cachedPage is a page of a file as a fault found it in the page cache.
type cachedPage struct {
	file  *Mapping
	index uint64
	ra    pte.RA
	count uint64 // truncate count from before the page was looked up
}

// filePage returns a page of the file with a reference for the caller, reading it
// in when it is not cached. A page read in has a stamp never seen before. ErrBus
// beyond the end.
func (c *CPU) filePage(f *Mapping, index uint64, ea pte.EA) (cachedPage, error) {
	if c.stepper != nil {
		c.await(StepPage, ea, nil, f.touches(c.m.kernel, Touch{f.loc(), TouchRead})...)
	}
	found := cachedPage{file: f, index: index, count: f.truncateCount.Load()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if index >= f.size {
		return found, ErrBus
	}
	ra, ok := f.pages[index]
	if !ok {
		var err error
		if ra, err = f.readIn(index); err != nil {
			return found, err
		}
		c.touch(f.loc(), TouchWrite)
		c.touch(FramesLoc, TouchWrite)
		c.touchFresh(ra)
	}
	f.m.frames.Get(ra)
	found.ra = ra
	return found, nil
}

// readIn puts a page into the page cache. The caller holds mu.
func (f *Mapping) readIn(index uint64) (pte.RA, error) {
	if f.huge {
		return f.readInHuge(index)
	}
	stamp, ok := f.disk[index]
	if !ok {
		stamp = f.m.NewStamp()
		f.disk[index] = stamp
	}
	ra, err := f.m.frames.Alloc(stamp)
	if err != nil {
		return 0, err
	}
	f.m.frames.setHome(ra, &f.reverseMap, index)
	f.pages[index] = ra
	return ra, nil
}

// get takes a reference to a page that is cached (Linux: find_get_page).
func (f *Mapping) get(index uint64) (pte.RA, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ra, ok := f.pages[index]
	if ok {
		f.m.frames.Get(ra)
	}
	return ra, ok
}

// OnDisk returns the contents that a page was read with or written back with last.
func (f *Mapping) OnDisk(index uint64) (stamp uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stamp, ok = f.disk[index]
	return stamp, ok
}

// touches adds the truncate count to t for kernels that have one.
func (f *Mapping) touches(k *Kernel, t Touch) []Touch {
	if k.TruncateCount {
		return []Touch{t, {f.countLoc(), TouchRead}}
	}
	return []Touch{t}
}

// gone reports whether a page must not be mapped any more. The PTE page lock is
// held, so whoever takes the page away unmaps it either before, and then it is
// gone here, or after it has been mapped. Kernels that count look at the count,
// the others at the page cache: they hold the lock of the page from the lookup
// on, which comes to the same as another look at the end.
func (p *cachedPage) gone(k *Kernel) bool {
	f := p.file
	if k.TruncateCount {
		return f.truncateCount.Load() != p.count
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ra, ok := f.pages[p.index]
	return !ok || ra != p.ra || p.index >= f.size
}

// dropPages takes the pages first..last out of the page cache. Mappings of them
// stay.
func (c *CPU) dropPages(f *Mapping, first, last uint64) {
	if c.stepper != nil {
		c.await(StepDropPage, 0, nil, Touch{f.loc(), TouchWrite}, Touch{FramesLoc, TouchWrite})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for index := range f.disk {
		if index >= first && index <= last {
			delete(f.disk, index)
		}
	}
	var drop []uint64
	for index := range f.pages {
		if index >= first && index <= last {
			drop = append(drop, index)
		}
	}
	slices.Sort(drop) // so that frames are freed in the same order every time
	for _, index := range drop {
		if f.m.frames.Put(f.pages[index]) {
			c.touchFrame(f.pages[index], TouchWrite)
		}
		delete(f.pages, index)
	}
}

// setSize changes the length of the file.
func (c *CPU) setSize(f *Mapping, pages uint64) {
	c.step(StepSetSize, 0, f.loc(), TouchWrite)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size = pages
}
