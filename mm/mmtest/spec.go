package mmtest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// Places is the number of pages that tests use in an address space. They lie in
// pairs of neighbours 8 MiB apart: every pair has PTE pages of its own, yet all
// first pages hash to one pair of groups and all second ones to another.
const Places = 24

const placeStride = 8 << 20

// Spec describes a machine for tests.
type Spec struct {
	mm.Config // without Table, which New makes
	// Base is where the places begin: a multiple of 256M.
	Base pte.EA
	// Room is how many slots of each group in use are free, 1 to 8: the others are
	// taken by bolted entries of nobody's. 0 means 8.
	Room int
}

// String leaves out what is a function or equal in every test.
func (s Spec) String() string {
	return fmt.Sprintf("Linux %s, %v, %d CPUs, PTL %v, nesting %d, no preload %t, TLB %d*%d, base %v, room %d",
		s.Kernel.Name, s.Policy, s.CPUs, s.Locks, s.Nest, s.NoPreload, s.TLB.Sets, s.TLB.Ways, s.Base, s.Room)
}

// EA is the address of a place.
func (s Spec) EA(place int) pte.EA {
	return s.Base + pte.EA(place/2)*placeStride + pte.EA(place%2)<<s.pageShift()
}

// page is the range of the page at a place.
func (s Spec) page(place int) mm.Range {
	return mm.Range{Start: s.EA(place), End: s.EA(place) + 1<<s.pageShift()}
}

// pageShift is log2 of the bytes of a page.
func (s Spec) pageShift() uint {
	if s.Kernel == nil {
		return pte.VPNShift
	}
	return s.Kernel.PageSize().Shift()
}

// Range is the range from one place to another, both included, and on to the
// next one: what is mapped place by place has no holes.
func (s Spec) Range(first, last int) mm.Range {
	return mm.Range{Start: s.EA(first), End: s.EA(last + 1)}
}

// FileIndex is the page of a file at a place when the file is mapped over all
// places.
func (s Spec) FileIndex(place int) uint64 { return uint64(s.EA(place)-s.Base) >> s.pageShift() }

// FilePages is how long a file must be to be mapped over all places, in pages of the
// smallest size.
const FilePages = Places / 2 * placeStride >> pte.VPNShift

// patience is how often an access may fail: far more often than other CPUs get in its
// way, but a fault that never ends is found.
const patience = 1 << 16

// New builds the machine with address spaces of contexts 7, 8 and so on, and
// crowds the groups of their places. free gives the table back.
func (s Spec) New(spaces int) (m *mm.Machine, as []*mm.AddressSpace, free func() error, err error) {
	if s.Room == 0 {
		s.Room = pte.SlotsPerGroup
	}
	if s.Patience == 0 && s.Stepper == nil {
		s.Patience = patience
	}
	if s.Table, err = hpt.New(hpt.Config{}); err != nil {
		return nil, nil, nil, err
	}
	free = s.Table.Close
	if m, err = mm.New(s.Config); err != nil {
		return nil, nil, free, err
	}
	for i := range uint64(spaces) {
		as = append(as, m.NewAddressSpace(7+i))
	}
	var places []pte.EA
	for place := range Places {
		places = append(places, s.EA(place))
	}
	for _, space := range as {
		if err := s.crowd(s.Table, space, places); err != nil {
			return m, as, free, err
		}
	}
	return m, as, free, nil
}

// crowd fills the groups of some pages with bolted entries but for s.Room slots.
func (s Spec) crowd(t *hpt.Table, as *mm.AddressSpace, pages []pte.EA) error {
	for _, ea := range pages {
		h := as.Key(ea).Hash()
		for _, group := range [2]uint64{h.Primary(t.Mask()), h.Secondary(t.Mask())} {
			if err := fill(t, group, pte.SlotsPerGroup-s.Room); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill puts bolted entries into a group until it has n entries.
func fill(t *hpt.Table, group uint64, n int) error {
	used := 0
	for range t.Group(group) {
		used++
	}
	for ; used < n; used++ {
		if _, err := bolt(t, group, used); err != nil {
			return err
		}
	}
	return nil
}

// bolt puts bolted entry number n into a group and returns where: page 0 of a
// segment that no space has.
func bolt(t *hpt.Table, group uint64, n int) (index int, err error) {
	k := pte.Key{VSID: pte.VSID(uint64(0x400000+n)*t.Groups() | group), Base: pte.Page4K}
	e, err := t.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{Bolted: true, Ref: true, Chg: true, WIMG: pte.Memory})
	if err != nil {
		return 0, err
	}
	return t.InsertGroup(group, e)
}

// SafePolicies lists the policies under which nothing may go wrong on the paths
// that take pages away.
func SafePolicies() []batch.Policy {
	return []batch.Policy{batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate(), batch.Capacity(1),
		batch.AnyOf(batch.Capacity(2), batch.LazyMMU())}
}

// Specs draws machines: kernel, a safe policy, lock granularity and everything
// else that must make no difference to what programs see.
func Specs() *rapid.Generator[Spec] {
	return rapid.Custom(func(t *rapid.T) Spec {
		s := Spec{
			Base: rapid.SampledFrom([]pte.EA{0x10000000, 1 << 40}).Draw(t, "base"),
			Room: rapid.SampledFrom([]int{1, 2, 8}).Draw(t, "room"),
		}
		s.Kernel = rapid.SampledFrom(mm.Kernels()).Draw(t, "kernel")
		s.Policy = rapid.SampledFrom(SafePolicies()).Draw(t, "policy")
		s.CPUs = rapid.IntRange(1, 3).Draw(t, "CPUs")
		s.Frames = 512
		s.Locks = rapid.SampledFrom([]mm.LockGranularity{mm.LockPerPage, mm.LockPerSpace, mm.LockStriped}).Draw(t, "locks")
		s.Nest = rapid.SampledFrom([]batch.Nesting{batch.Flat, batch.Counted}).Draw(t, "nesting")
		s.NoPreload = rapid.Bool().Draw(t, "no preload")
		s.TLB.Sets = rapid.SampledFrom([]int{1, 16}).Draw(t, "TLB sets")
		s.TLB.Ways = rapid.SampledFrom([]int{1, 4}).Draw(t, "TLB ways")
		return s
	})
}

// Prots draws what a VMA may permit. Hardware has no page that can be stored to
// or executed but not read.
func Prots() *rapid.Generator[pte.Access] {
	return rapid.SampledFrom([]pte.Access{0, pte.Read, pte.Read | pte.Write, pte.Read | pte.Exec, pte.Read | pte.Write | pte.Exec})
}

// Spans draws a run of places, both ends included.
func Spans() *rapid.Generator[[2]int] {
	return rapid.Custom(func(t *rapid.T) [2]int {
		first := rapid.IntRange(0, Places-1).Draw(t, "first")
		n := rapid.SampledFrom([]int{1, 1, 2, 3, 6, Places}).Draw(t, "n")
		return [2]int{first, min(first+n, Places) - 1}
	})
}
