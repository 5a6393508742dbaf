package mmtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// What a Shadow reports.
var (
	// ErrStaleRead: an access saw contents that had been removed, or replaced by a
	// store, before it began (M3).
	ErrStaleRead = errors.New("mmtest: stale read")
	// ErrLostStore: an access saw fresh memory although a store had been done and
	// nothing had removed it.
	ErrLostStore = errors.New("mmtest: lost store")
	// ErrForeign: an access saw contents that were never on that page.
	ErrForeign = errors.New("mmtest: contents of another page")
	// ErrLostDirty: a file page was stored to and nothing says that it is dirty (M4).
	ErrLostDirty = errors.New("mmtest: lost dirty bit")
)

// Shadow mirrors a machine and judges every access by what happened to the page,
// with the tolerance that concurrent operations need and no more: contents W may
// be seen unless W was written, then replaced or removed, and then the access
// began, each strictly after the other (a regular register). Its clock is the
// machine's source of stamps, so a page read in carries its time with it.
//
// While a removal from a file is under way there can be two pages: a fresh one,
// and the old one, out of the page cache but still mapped (Linux calls it
// disconnected; shmem hole punching since 16a100190d39 drops such pages first and
// unmaps them afterwards). Which of the two a store went to is not known. So a
// store that begins during the removal replaces only what was there before both,
// and until the removal has ended, other mappings than the one it was made
// through may show what it replaced. One mapping goes from the old page to the
// fresh one and never back.
//
// Operations that store, map or remove must go through the Shadow; all may run
// at the same time. Only one CPU at a time may truncate a file.
type Shadow struct {
	m *mm.Machine

	mu     sync.Mutex
	spaces map[*mm.AddressSpace][]mm.VMA // protected by mu; all that was ever mapped
	pages  map[object]*history           // protected by mu
	writes map[uint64]*write             // protected by mu; by stamp
	under  map[*removal]bool             // protected by mu; removals under way
	errs   []error                       // protected by mu; the first few
}

// object is one base page of memory: of a file, or private to an address space.
type object struct {
	owner any    // *mm.Mapping or *mm.AddressSpace
	index uint64 // in base pages
}

// history is what happened to an object. Times are ticks of the clock.
type history struct {
	// stored is the latest time from before which a store that is done has replaced
	// all: for a private object one made through it, of whatever it shows.
	stored  uint64
	removed uint64 // latest begin of a removal that is done
	dropped uint64 // latest begin of an invalidation that is done; copies may hold what was before
	gone    uint64 // latest end of a removal, done or cancelled
}

// removal is an operation that removes the contents of the objects in.
type removal struct {
	in     func(object) bool
	begin  uint64
	stored map[object]uint64 // history.stored at the begin
}

// write is where a stamp came from.
type write struct {
	home object
	end  uint64 // when it was there for all to see; never, if the store failed
}

const never = math.MaxUint64

// NewShadow returns the mirror of a machine on which nothing is mapped yet.
func NewShadow(m *mm.Machine) *Shadow {
	return &Shadow{
		m:      m,
		spaces: make(map[*mm.AddressSpace][]mm.VMA),
		pages:  make(map[object]*history),
		writes: make(map[uint64]*write),
		under:  make(map[*removal]bool),
	}
}

// Map is [mm.CPU.Map]. What overlaps something mapped before must map the same.
func (s *Shadow) Map(c *mm.CPU, as *mm.AddressSpace, v mm.VMA) error {
	s.mu.Lock()
	known := false
	for _, o := range s.spaces[as] {
		if v.Start < o.End && o.Start < v.End && !s.sameLayout(o, v) {
			s.mu.Unlock()
			return fmt.Errorf("mmtest: %v was mapped otherwise before", v.Range)
		}
		known = known || o.Start <= v.Start && v.End <= o.End
	}
	if !known {
		s.spaces[as] = append(s.spaces[as], v)
	}
	s.mu.Unlock()
	return c.Map(as, v)
}

// pageShift is log2 of the bytes of a page.
func (s *Shadow) pageShift() uint { return s.m.Kernel().PageSize().Shift() }

// pieces is how many base pages a page of a file has.
func (s *Shadow) pieces(f *mm.Mapping) uint64 { return f.PageSize().Bytes() >> s.pageShift() }

// sameLayout reports whether two VMAs map the same objects where both map.
func (s *Shadow) sameLayout(a, b mm.VMA) bool {
	at := func(v mm.VMA) uint64 { return v.Offset*s.pieces(v.File) - uint64(v.Start)>>s.pageShift() }
	return a.File == b.File && a.Shared == b.Shared && (a.File == nil || at(a) == at(b))
}

// resolve names the objects that an address can show: the private page, the
// file page, or both. shared says that stores go to the file.
func (s *Shadow) resolve(as *mm.AddressSpace, ea pte.EA) (private, file object, shared, ok bool) {
	for _, v := range s.spaces[as] {
		if !v.Contains(ea) {
			continue
		}
		private = object{as, uint64(ea) >> s.pageShift()}
		if v.File != nil {
			file = object{v.File, v.Offset*s.pieces(v.File) + uint64(ea-v.Start)>>s.pageShift()}
		}
		return private, file, v.Shared, true
	}
	return object{}, object{}, false, false
}

func (s *Shadow) history(o object) *history {
	h := s.pages[o]
	if h == nil {
		h = new(history)
		s.pages[o] = h
	}
	return h
}

// Load is [mm.CPU.Load], judged.
func (s *Shadow) Load(c *mm.CPU, as *mm.AddressSpace, ea pte.EA) (uint64, error) {
	return s.read(c, as, ea, pte.Read)
}

// Fetch is [mm.CPU.Fetch], judged.
func (s *Shadow) Fetch(c *mm.CPU, as *mm.AddressSpace, ea pte.EA) (uint64, error) {
	return s.read(c, as, ea, pte.Exec)
}

func (s *Shadow) read(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, a pte.Access) (uint64, error) {
	s.mu.Lock()
	private, file, shared, ok := s.resolve(as, ea)
	var before, fileBefore history
	if ok {
		before, fileBefore = *s.history(private), *s.history(file)
		fileBefore.stored = s.replaced(file)
	}
	s.mu.Unlock()
	got, err := c.Access(as, ea, a, 0)
	if err != nil {
		return got, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !ok:
		err = fmt.Errorf("%w: nothing was ever mapped", ErrForeign)
	case shared:
		err = s.judge(got, file, max(before.stored, fileBefore.stored, fileBefore.removed, fileBefore.dropped))
	default:
		err = s.judgePrivate(got, private, file, before, fileBefore)
	}
	if err != nil {
		s.report(fmt.Errorf("%w: CPU %d, %v of space %d: %#x", err, c.ID(), ea, as.Context(), got))
	}
	return got, nil
}

// replaced is history.stored as far as it holds for every mapping of o: stores
// that were done when the removals under way began.
func (s *Shadow) replaced(o object) uint64 {
	t := s.history(o).stored
	for r := range s.under {
		if r.in(o) {
			t = min(t, r.stored[o])
		}
	}
	return t
}

// judgePrivate judges what a private mapping shows: its own page, or what is
// beneath as long as it has none.
func (s *Shadow) judgePrivate(got uint64, private, file object, before, fileBefore history) error {
	if w := s.writes[got]; w != nil && w.home != file {
		return s.judge(got, private, max(before.stored, before.removed))
	}
	if before.stored > 0 && s.history(private).gone < before.stored && !s.beingRemoved(private) {
		return ErrLostStore
	}
	if file.owner == nil {
		if got != 0 {
			return ErrForeign
		}
		return nil
	}
	return s.judge(got, file, fileBefore.removed)
}

// judge judges contents that must be those of o. floor is the latest begin of
// what had replaced the contents of o when the access began.
func (s *Shadow) judge(got uint64, o object, floor uint64) error {
	w := s.writes[got]
	if w == nil {
		if got == 0 || got > s.m.NewestStamp() {
			return ErrForeign
		}
		w = &write{home: o, end: got} // read in at that time
		s.writes[got] = w
	}
	switch {
	case w.home != o:
		return ErrForeign
	case w.end < floor:
		return ErrStaleRead
	}
	return nil
}

// Store is [mm.CPU.Store] of a stamp that nobody else stores, which it returns.
func (s *Shadow) Store(c *mm.CPU, as *mm.AddressSpace, ea pte.EA) (uint64, error) {
	stamp := s.m.NewStamp()
	s.mu.Lock()
	private, file, shared, _ := s.resolve(as, ea)
	home := private
	if shared {
		home = file
	}
	w := &write{home: home, end: never}
	s.writes[stamp] = w
	through, at := s.history(private), s.history(home)
	replaced := stamp
	for r := range s.under {
		if shared && r.in(file) {
			replaced = min(replaced, r.begin)
		}
	}
	s.mu.Unlock()
	err := c.Store(as, ea, stamp)
	end := s.m.NewStamp()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		w.home = object{} // nobody may see it
		return stamp, err
	}
	w.end = end
	through.stored = max(through.stored, replaced)
	at.stored = max(at.stored, replaced)
	return stamp, nil
}

// Unmap is [mm.CPU.Unmap].
func (s *Shadow) Unmap(ctx context.Context, c *mm.CPU, as *mm.AddressSpace, r mm.Range) (mm.Result, error) {
	return s.remove(s.privatePages(as, r), func() (mm.Result, error) { return c.Unmap(ctx, as, r) })
}

// ZapPageRange is [mm.CPU.ZapPageRange].
func (s *Shadow) ZapPageRange(ctx context.Context, c *mm.CPU, as *mm.AddressSpace, r mm.Range) (mm.Result, error) {
	return s.remove(s.privatePages(as, r), func() (mm.Result, error) { return c.ZapPageRange(ctx, as, r) })
}

// MadviseDontNeed is [mm.CPU.MadviseDontNeed].
func (s *Shadow) MadviseDontNeed(ctx context.Context, c *mm.CPU, as *mm.AddressSpace, r mm.Range) (mm.Result, error) {
	return s.remove(s.privatePages(as, r), func() (mm.Result, error) { return c.MadviseDontNeed(ctx, as, r) })
}

// errMayStay says that an operation may have left contents where they were.
var errMayStay = errors.New("mmtest: may have removed nothing")

// MadviseFree is [mm.CPU.MadviseFree]: it may remove what it is told to.
func (s *Shadow) MadviseFree(ctx context.Context, c *mm.CPU, as *mm.AddressSpace, r mm.Range) (res mm.Result, err error) {
	_, _ = s.remove(s.privatePages(as, r), func() (mm.Result, error) {
		res, err = c.MadviseFree(ctx, as, r)
		return res, errMayStay
	})
	return res, err
}

// UnmapMappingRange is [mm.CPU.UnmapMappingRange].
func (s *Shadow) UnmapMappingRange(ctx context.Context, c *mm.CPU, f *mm.Mapping, first, n uint64, evenCOWs bool) (mm.Result, error) {
	pages := s.filePages(f, first, n)
	in := func(o object) bool {
		_, private := o.owner.(*mm.AddressSpace)
		return private && evenCOWs && pages(o)
	}
	return s.remove(in, func() (mm.Result, error) { return c.UnmapMappingRange(ctx, f, first, n, evenCOWs) })
}

// PunchHole is [mm.CPU.PunchHole].
func (s *Shadow) PunchHole(ctx context.Context, c *mm.CPU, f *mm.Mapping, first, n uint64) (mm.Result, error) {
	return s.punch(s.filePages(f, first, n), func() (mm.Result, error) { return c.PunchHole(ctx, f, first, n) })
}

// Invalidate is [mm.CPU.Invalidate].
func (s *Shadow) Invalidate(ctx context.Context, c *mm.CPU, f *mm.Mapping, first, n uint64) (mm.Result, error) {
	return s.drop(s.filePages(f, first, n), func() (mm.Result, error) { return c.Invalidate(ctx, f, first, n) })
}

// punch runs an operation that punches a hole into a file.
func (s *Shadow) punch(in func(object) bool, op func() (mm.Result, error)) (mm.Result, error) {
	if s.m.Kernel().PunchesCopies {
		return s.remove(in, op)
	}
	return s.drop(in, op)
}

// drop runs an operation that throws away the pages of files among the objects in. A
// private copy that a store is about to write to holds what the page of the file
// held, and stays.
func (s *Shadow) drop(of func(object) bool, op func() (mm.Result, error)) (res mm.Result, err error) {
	in := func(o object) bool {
		_, file := o.owner.(*mm.Mapping)
		return file && of(o)
	}
	begin := s.m.NewStamp()
	_, _ = s.remove(in, func() (mm.Result, error) {
		res, err = op()
		return res, errMayStay
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for o, h := range s.pages {
		if err == nil && in(o) {
			h.dropped = max(h.dropped, begin)
		}
	}
	return res, err
}

// MadviseRemove is [mm.CPU.MadviseRemove].
func (s *Shadow) MadviseRemove(ctx context.Context, c *mm.CPU, as *mm.AddressSpace, r mm.Range) (mm.Result, error) {
	in := func(o object) bool {
		for _, v := range s.spaces[as] {
			if start, end := max(v.Start, r.Start), min(v.End, r.End); v.Shared && start < end {
				shift := v.File.PageSize().Shift()
				if s.filePages(v.File, v.Offset+uint64(start-v.Start)>>shift, uint64(end-start)>>shift)(o) {
					return true
				}
			}
		}
		return false
	}
	return s.punch(in, func() (mm.Result, error) { return c.MadviseRemove(ctx, as, r) })
}

// Truncate is [mm.CPU.Truncate].
func (s *Shadow) Truncate(ctx context.Context, c *mm.CPU, f *mm.Mapping, pages uint64) (mm.Result, error) {
	return s.remove(s.filePages(f, pages, 0), func() (mm.Result, error) { return c.Truncate(ctx, f, pages) })
}

// privatePages selects the private pages of a range.
func (s *Shadow) privatePages(as *mm.AddressSpace, r mm.Range) func(object) bool {
	return func(o object) bool {
		return o.owner == any(as) && r.Contains(pte.EA(o.index<<s.pageShift()))
	}
}

// filePages selects pages of a file and the private copies of them; n = 0 means
// to the end.
func (s *Shadow) filePages(f *mm.Mapping, first, n uint64) func(object) bool {
	first, n = first*s.pieces(f), n*s.pieces(f)
	return func(o object) bool {
		if o.owner == any(f) {
			return o.index >= first && (n == 0 || o.index-first < n)
		}
		return s.copyOf(o, f, first, n)
	}
}

// copyOf reports whether o is the private page over one of those base pages of f.
func (s *Shadow) copyOf(o object, f *mm.Mapping, first, n uint64) bool {
	as, ok := o.owner.(*mm.AddressSpace)
	if !ok {
		return false
	}
	_, file, _, ok := s.resolve(as, pte.EA(o.index<<s.pageShift()))
	return ok && file.owner == any(f) && file.index >= first && (n == 0 || file.index-first < n)
}

// remove runs an operation that removes the contents of the objects in.
// Cancelled, it may have removed any of them and is known to have removed none.
func (s *Shadow) remove(in func(object) bool, op func() (mm.Result, error)) (mm.Result, error) {
	begin := s.m.NewStamp()
	r := &removal{in, begin, make(map[object]uint64)}
	s.mu.Lock()
	for o, h := range s.pages {
		if in(o) {
			r.stored[o] = h.stored
		}
	}
	s.under[r] = true
	s.mu.Unlock()
	res, err := op()
	end := s.m.NewStamp()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.under, r)
	for o, h := range s.pages {
		if !in(o) {
			continue
		}
		h.gone = max(h.gone, end)
		if err == nil {
			h.removed = max(h.removed, begin)
		}
	}
	return res, err
}

// beingRemoved reports whether a removal of o is under way.
func (s *Shadow) beingRemoved(o object) bool {
	for r := range s.under {
		if r.in(o) {
			return true
		}
	}
	return false
}

func (s *Shadow) report(err error) {
	if len(s.errs) < 8 {
		s.errs = append(s.errs, err)
	}
}

// Err returns the violations seen so far, joined; nil if there were none.
func (s *Shadow) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(append([]error{s.m.Frames().Err()}, s.errs...)...)
}

// Check verifies a machine at rest: [mm.Machine.Check], the violations seen, and
// that every file page that was stored to is dirty or on disk (M4).
func (s *Shadow) Check() error {
	errs := []error{s.m.Check(), s.Err()}
	s.mu.Lock()
	defer s.mu.Unlock()
	dirty := s.dirtyPages()
	for o := range s.pages {
		f, ok := o.owner.(*mm.Mapping)
		if !ok {
			continue
		}
		ra, ok := f.Cached(o.index / s.pieces(f))
		if !ok {
			continue
		}
		stamp := s.m.Frames().Load(ra + pte.RA(o.index%s.pieces(f)<<s.pageShift()))
		if disk, ok := f.OnDisk(o.index); ok && disk == stamp {
			continue
		}
		if w := s.writes[stamp]; w != nil && w.end != stamp && !dirty[ra] && !s.m.Frames().Dirty(ra) {
			errs = append(errs, fmt.Errorf("%w: page %d of a file, stamp %#x", ErrLostDirty, o.index, stamp))
		}
	}
	return errors.Join(errs...)
}

// dirtyPages returns the frames that a dirty PTE maps.
func (s *Shadow) dirtyPages() map[pte.RA]bool {
	l := s.m.Kernel().Layout
	dirty := make(map[pte.RA]bool)
	for as, vmas := range s.spaces {
		for _, v := range vmas {
			for ea := v.Start; ea < v.End; ea += 1 << s.pageShift() {
				if p := as.PTE(ea); p&l.Dirty != 0 {
					dirty[l.RA(p)] = true
				}
			}
		}
	}
	return dirty
}
