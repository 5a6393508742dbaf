package mmtest

import (
	"maps"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// Model is what programs see of memory, page by page: no page tables, no
// hardware, no batches, one operation at a time. A page of a file that nobody
// has seen since it was thrown away may hold anything new.
type Model struct {
	kernel *mm.Kernel
	spaces map[*mm.AddressSpace]map[pte.EA]modelPage
	copies map[*mm.AddressSpace]map[pte.EA]uint64 // private contents
	files  map[*mm.Mapping]*modelFile
	seen   map[uint64]bool // contents that were ever stored or seen
}

type modelPage struct {
	prot   pte.Access
	shared bool
	file   *mm.Mapping
	index  uint64
}

type modelFile struct {
	size  uint64
	pages map[uint64]uint64 // contents that are known
}

// NewModel returns a model without mappings. Of the kernel it asks what programs
// can tell.
func NewModel(k *mm.Kernel) *Model {
	return &Model{
		kernel: k,
		spaces: make(map[*mm.AddressSpace]map[pte.EA]modelPage),
		copies: make(map[*mm.AddressSpace]map[pte.EA]uint64),
		files:  make(map[*mm.Mapping]*modelFile),
		seen:   map[uint64]bool{0: true},
	}
}

func (m *Model) space(as *mm.AddressSpace) map[pte.EA]modelPage {
	if m.spaces[as] == nil {
		m.spaces[as] = make(map[pte.EA]modelPage)
		m.copies[as] = make(map[pte.EA]uint64)
	}
	return m.spaces[as]
}

func (m *Model) file(f *mm.Mapping) *modelFile {
	if m.files[f] == nil {
		m.files[f] = &modelFile{f.Size(), make(map[uint64]uint64)}
	}
	return m.files[f]
}

// Map maps the pages of v at the addresses given, of those in its range.
func (m *Model) Map(as *mm.AddressSpace, v mm.VMA, pages []pte.EA) error {
	s := m.space(as)
	for ea := range s {
		if v.Contains(ea) {
			return mm.ErrOverlap
		}
	}
	if v.File != nil {
		m.file(v.File)
	}
	for _, ea := range pages {
		if v.Contains(ea) {
			s[ea] = modelPage{v.Prot, v.Shared, v.File, v.Offset + uint64(ea-v.Start)>>as.PageSize().Shift()}
		}
	}
	return nil
}

// Unmap takes the mappings of a range away.
func (m *Model) Unmap(as *mm.AddressSpace, r mm.Range) {
	m.Zap(as, r)
	for ea := range m.space(as) {
		if r.Contains(ea) {
			delete(m.spaces[as], ea)
		}
	}
}

// Zap takes private contents of a range away.
func (m *Model) Zap(as *mm.AddressSpace, r mm.Range) {
	m.space(as)
	for ea := range m.copies[as] {
		if r.Contains(ea) {
			delete(m.copies[as], ea)
		}
	}
}

// Protect changes the access to a range.
func (m *Model) Protect(as *mm.AddressSpace, r mm.Range, a pte.Access) {
	for ea, p := range m.space(as) {
		if r.Contains(ea) {
			p.prot = a
			m.spaces[as][ea] = p
		}
	}
}

// UnmapMappingRange takes private copies of pages first..last of a file away.
func (m *Model) UnmapMappingRange(f *mm.Mapping, first, last uint64, evenCOWs bool) {
	if !evenCOWs {
		return
	}
	for as, pages := range m.spaces {
		for ea, p := range pages {
			if p.file == f && p.index >= first && p.index <= last {
				delete(m.copies[as], ea)
			}
		}
	}
}

// PunchHole throws pages first..last of a file away.
func (m *Model) PunchHole(f *mm.Mapping, first, last uint64) {
	m.UnmapMappingRange(f, first, last, m.kernel.PunchesCopies)
	m.Invalidate(f, first, last)
}

// Invalidate throws pages first..last of a file away, but for private copies.
func (m *Model) Invalidate(f *mm.Mapping, first, last uint64) {
	for index := range m.file(f).pages {
		if index >= first && index <= last {
			delete(m.file(f).pages, index)
		}
	}
}

// MadviseRemove throws away what the shared mappings of a range map, up to the first
// of the given pages, which are sorted, where that is not allowed.
func (m *Model) MadviseRemove(as *mm.AddressSpace, r mm.Range, pages []pte.EA) error {
	for _, ea := range pages {
		if !r.Contains(ea) {
			continue
		}
		p, ok := m.space(as)[ea]
		switch {
		case !ok:
			return mm.ErrNoVMA
		case !p.shared || !p.prot.Has(pte.Write):
			return mm.ErrProtected
		}
		m.PunchHole(p.file, p.index, p.index)
	}
	return nil
}

// Truncate sets the length of a file.
func (m *Model) Truncate(f *mm.Mapping, pages uint64) {
	m.UnmapMappingRange(f, pages, ^uint64(0), true)
	m.Invalidate(f, pages, ^uint64(0))
	m.file(f).size = pages
}

// Fork makes child a copy of parent.
func (m *Model) Fork(parent, child *mm.AddressSpace) {
	m.space(parent)
	m.spaces[child], m.copies[child] = maps.Clone(m.spaces[parent]), maps.Clone(m.copies[parent])
}

// Remap moves the pages of a range so that they begin at to.
func (m *Model) Remap(as *mm.AddressSpace, old mm.Range, to pte.EA) {
	pages, copies := make(map[pte.EA]modelPage), make(map[pte.EA]uint64)
	for ea, p := range m.space(as) {
		if old.Contains(ea) {
			ea = to + (ea - old.Start)
		}
		pages[ea] = p
	}
	for ea, stamp := range m.copies[as] {
		if old.Contains(ea) {
			ea = to + (ea - old.Start)
		}
		copies[ea] = stamp
	}
	m.spaces[as], m.copies[as] = pages, copies
}

// lookup returns the page of ea if the access is allowed.
func (m *Model) lookup(as *mm.AddressSpace, ea pte.EA, a pte.Access) (modelPage, error) {
	p, ok := m.space(as)[ea]
	switch {
	case !ok:
		return p, mm.ErrNoVMA
	case !p.prot.Has(a):
		return p, mm.ErrProtected
	case p.file != nil && p.index >= m.file(p.file).size:
		return p, mm.ErrBus
	}
	return p, nil
}

// Read returns what an access sees. known is false for a file page whose
// contents nobody has seen: what the access sees is then told by Saw.
func (m *Model) Read(as *mm.AddressSpace, ea pte.EA, a pte.Access) (stamp uint64, known bool, err error) {
	p, err := m.lookup(as, ea, a)
	if err != nil {
		return 0, true, err
	}
	if stamp, known = m.copies[as][ea]; known || p.file == nil {
		return stamp, true, nil
	}
	stamp, known = m.file(p.file).pages[p.index]
	return stamp, known, nil
}

// Saw tells what a file page that was not known holds. It reports whether that
// can be: nobody may have seen those contents anywhere before.
func (m *Model) Saw(as *mm.AddressSpace, ea pte.EA, stamp uint64) bool {
	p := m.space(as)[ea]
	fresh := !m.seen[stamp]
	m.seen[stamp] = true
	m.file(p.file).pages[p.index] = stamp
	return fresh
}

// Store replaces the contents of a page.
func (m *Model) Store(as *mm.AddressSpace, ea pte.EA, stamp uint64) error {
	m.seen[stamp] = true
	p, err := m.lookup(as, ea, pte.Write)
	switch {
	case err != nil:
	case p.file != nil && p.shared:
		m.file(p.file).pages[p.index] = stamp
	default:
		m.copies[as][ea] = stamp
	}
	return err
}

// Covered reports whether the pages of a range are all mapped, of those given.
func (m *Model) Covered(as *mm.AddressSpace, r mm.Range, pages []pte.EA) bool {
	for _, ea := range pages {
		if _, ok := m.space(as)[ea]; r.Contains(ea) && !ok {
			return false
		}
	}
	return true
}

// Any reports whether a page of a range is mapped.
func (m *Model) Any(as *mm.AddressSpace, r mm.Range) bool {
	for ea := range m.space(as) {
		if r.Contains(ea) {
			return true
		}
	}
	return false
}

// Files reports whether a page of a range is mapped from a file.
func (m *Model) Files(as *mm.AddressSpace, r mm.Range) bool {
	for ea, p := range m.space(as) {
		if r.Contains(ea) && p.file != nil {
			return true
		}
	}
	return false
}
