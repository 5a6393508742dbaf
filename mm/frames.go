package mm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// ErrNoMemory reports that no frame is free.
var ErrNoMemory = errors.New("mm: out of frames")

// ErrUseAfterFree reports an access to a frame that nobody owns any more: a
// translation outlived its page (M2).
var ErrUseAfterFree = errors.New("mm: use of a freed frame")

// Frames allocates page frames, counts references to them and carries
// their contents: one 64-bit stamp instead of the bytes, enough to tell which
// store a load saw. It is safe for concurrent use.
type Frames struct {
	base   pte.RA
	shift  uint // log2 of the bytes of a frame
	frames []frame

	// Behind the frames of one base page come huge ones of 16 MiB, pieces frames each.
	// A huge frame is compound until it is split: its first piece counts for all.
	small    int // frames of one base page
	pieces   int
	hugeBase pte.RA

	mu       sync.Mutex
	free     []uint32 // protected by mu; the last one is next
	freeHuge []uint32 // protected by mu; the first piece of each
	errs     []error  // protected by mu; the first few violations
}

type frame struct {
	refs  atomic.Int32
	ptes  atomic.Int32 // present PTEs that map it
	dirty atomic.Bool  // a dirty PTE of the page was cleared
	anon  atomic.Bool  // belongs to one private mapping, not to a file
	stamp atomic.Uint64
	folio atomic.Pointer[folio] // the large folio that it is part of, if any

	pins     atomic.Int32               // of its references: those of devices
	locked   atomic.Bool                // a CPU works on the page as a whole (PG_locked)
	home     atomic.Pointer[reverseMap] // where to look for its PTEs (page->mapping); nil: nowhere
	index    atomic.Uint64              // what it is known by there (page->index)
	compound atomic.Bool                // the first piece of a huge frame
}

// freedStamp marks the contents of a free frame.
const freedStamp = 0xdead_dead_dead_dead

// NewFrames returns n free frames of the given size from real address base on.
func NewFrames(base pte.RA, n int, size pte.PageSize) *Frames {
	return newFrames(base, n, size, 0, 0)
}

// newFrames adds huge frames, of which the first pieces base pages have contents.
func newFrames(base pte.RA, n int, size pte.PageSize, huge, pieces int) *Frames {
	f := &Frames{base: base, shift: size.Shift(), frames: make([]frame, n+huge*pieces), free: make([]uint32, n), small: n, pieces: pieces}
	f.hugeBase = (base + pte.RA(n)<<f.shift + hugeSize - 1) &^ (hugeSize - 1)
	for i := range f.free {
		f.free[i] = uint32(n - 1 - i)
	}
	for i := range f.frames {
		f.frames[i].stamp.Store(freedStamp)
	}
	for i := huge - 1; i >= 0; i-- {
		f.freeHuge = append(f.freeHuge, uint32(n+i*pieces))
	}
	return f
}

// Alloc takes a free frame, with one reference and the given contents.
func (f *Frames) Alloc(stamp uint64) (pte.RA, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.free)
	if n == 0 {
		return 0, ErrNoMemory
	}
	i := f.free[n-1]
	f.free = f.free[:n-1]
	f.frames[i].take(stamp)
	return f.address(int(i)), nil
}

// AllocHuge takes a free huge frame, with one reference. fill gives the contents of
// one piece after the other.
func (f *Frames) AllocHuge(fill func() uint64) (pte.RA, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.freeHuge)
	if n == 0 {
		return 0, ErrNoMemory
	}
	i := f.freeHuge[n-1]
	f.freeHuge = f.freeHuge[:n-1]
	for piece := range f.pieces {
		f.frames[int(i)+piece].take(fill())
	}
	f.frames[i].compound.Store(true)
	return f.address(int(i)), nil
}

// splitHuge makes frames of their own of the pieces of a huge frame that one PTE
// maps. They are freed one by one and never become a huge frame again.
func (f *Frames) splitHuge(ra pte.RA) {
	head := f.at(ra)
	for i := range f.pieces {
		fr := f.at(ra + pte.RA(i)<<f.shift)
		fr.refs.Store(1)
		fr.ptes.Store(1)
		fr.anon.Store(head.anon.Load())
		fr.dirty.Store(head.dirty.Load())
	}
	head.compound.Store(false)
}

// take makes a free frame one in use.
func (fr *frame) take(stamp uint64) {
	fr.refs.Store(1)
	fr.ptes.Store(0)
	fr.folio.Store(nil)
	fr.dirty.Store(false)
	fr.anon.Store(false)
	fr.home.Store(nil)
	fr.stamp.Store(stamp)
}

// Get adds a reference to a frame that has one.
func (f *Frames) Get(ra pte.RA) {
	if f.head(ra).refs.Add(1) <= 1 {
		f.violation(fmt.Errorf("%w: reference taken to %v", ErrUseAfterFree, ra))
	}
}

// tryGet adds a reference unless the frame is free (Linux: get_page_unless_zero).
func (f *Frames) tryGet(ra pte.RA) bool {
	refs := &f.at(ra).refs
	for n := refs.Load(); n > 0; n = refs.Load() {
		if refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// Put drops a reference and reports whether it was the last one, which frees
// the frame.
func (f *Frames) Put(ra pte.RA) (freed bool) {
	fr := f.head(ra)
	n := fr.refs.Add(-1)
	if n <= 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.unused(fr, ra, n)
	}
	return n == 0
}

// putAll drops a reference to each of the frames, with mu taken once.
func (f *Frames) putAll(frames []pte.RA) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ra := range frames {
		fr := f.head(ra)
		if n := fr.refs.Add(-1); n <= 0 {
			f.unused(fr, ra, n)
		}
	}
}

// isHuge reports whether a huge frame begins at ra.
func (f *Frames) isHuge(ra pte.RA) bool { return f.at(ra).compound.Load() }

// unused gives a frame, or a huge one, back to which n references are left: 0, or
// fewer if one was dropped that nobody had. The caller holds mu.
func (f *Frames) unused(fr *frame, ra pte.RA, n int32) {
	if n < 0 {
		f.note(fmt.Errorf("%w: reference to %v dropped twice", ErrUseAfterFree, ra))
		return
	}
	if fr.folio.Load() != nil {
		fr.folio.Store(nil)
	}
	if !fr.compound.Load() {
		fr.stamp.Store(freedStamp)
		f.free = append(f.free, f.index(ra))
		return
	}
	first := f.index(ra &^ (hugeSize - 1))
	for i := range f.pieces {
		f.frames[int(first)+i].refs.Store(0)
		f.frames[int(first)+i].stamp.Store(freedStamp)
	}
	fr.compound.Store(false)
	f.freeHuge = append(f.freeHuge, first)
}

// Refs is the number of references to a frame.
func (f *Frames) Refs(ra pte.RA) int { return int(f.head(ra).refs.Load()) }

// MapCount is the number of PTEs that map a frame (Linux: page_mapcount).
func (f *Frames) MapCount(ra pte.RA) int { return int(f.head(ra).ptes.Load()) }

// Free is the number of free frames.
func (f *Frames) Free() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.free)
}

// Load returns the contents of a frame, as a CPU sees them through a
// translation it has. A free frame is a violation.
func (f *Frames) Load(ra pte.RA) uint64 {
	fr := f.at(ra)
	stamp := fr.stamp.Load()
	f.mustLive(fr, ra, "load from")
	return stamp
}

// Store replaces the contents of a frame.
func (f *Frames) Store(ra pte.RA, stamp uint64) {
	fr := f.at(ra)
	f.mustLive(fr, ra, "store to")
	fr.stamp.Store(stamp)
}

// SetDirty records that a dirty PTE of the page was cleared (set_page_dirty).
func (f *Frames) SetDirty(ra pte.RA) { f.head(ra).dirty.Store(true) }

// clearDirty forgets that the page is dirty, and reports whether it was.
func (f *Frames) clearDirty(ra pte.RA) bool { return f.head(ra).dirty.Swap(false) }

// Dirty reports whether a dirty PTE of the page was cleared.
func (f *Frames) Dirty(ra pte.RA) bool { return f.head(ra).dirty.Load() }

// Anon reports whether the page belongs to private mappings, not to a file.
func (f *Frames) Anon(ra pte.RA) bool { return f.head(ra).anon.Load() }

// setHome says where the PTEs of a page are found, before it is mapped.
func (f *Frames) setHome(ra pte.RA, r *reverseMap, index uint64) {
	f.at(ra).index.Store(index)
	f.at(ra).home.Store(r)
}

func (f *Frames) setAnon(ra pte.RA) { f.head(ra).anon.Store(true) }

// Err returns the violations seen so far, joined; nil if there were none.
func (f *Frames) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}

func (f *Frames) mustLive(fr *frame, ra pte.RA, what string) {
	if fr.refs.Load() <= 0 { // a piece of a huge frame has one until that is freed
		f.violation(fmt.Errorf("%w: %s %v", ErrUseAfterFree, what, ra))
	}
}

func (f *Frames) violation(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(err)
}

// note keeps the first few violations. The caller holds mu.
func (f *Frames) note(err error) {
	if len(f.errs) < 8 {
		f.errs = append(f.errs, err)
	}
}

// has reports whether ra lies in a frame of a base page.
func (f *Frames) has(ra pte.RA) bool {
	return ra >= f.base && uint64(ra-f.base)>>f.shift < uint64(f.small)
}

func (f *Frames) index(ra pte.RA) uint32 {
	if ra < f.hugeBase {
		return uint32((ra - f.base) >> f.shift)
	}
	return uint32(f.small + int((ra-f.hugeBase)>>hugeShift)*f.pieces + int(ra&(hugeSize-1))>>f.shift)
}

// address is the real address of frame i.
func (f *Frames) address(i int) pte.RA {
	if i < f.small {
		return f.base + pte.RA(i)<<f.shift
	}
	i -= f.small
	return f.hugeBase + pte.RA(i/f.pieces)<<hugeShift + pte.RA(i%f.pieces)<<f.shift
}

func (f *Frames) at(ra pte.RA) *frame { return &f.frames[f.index(ra)] }

// head is the frame that counts references for ra.
func (f *Frames) head(ra pte.RA) *frame {
	if ra < f.hugeBase {
		return &f.frames[(ra-f.base)>>f.shift]
	}
	return f.hugeHead(ra)
}

// hugeHead is head of a piece of a huge frame, or of what was one.
func (f *Frames) hugeHead(ra pte.RA) *frame {
	if fr := f.at(ra &^ (hugeSize - 1)); fr.compound.Load() {
		return fr
	}
	return f.at(ra)
}
