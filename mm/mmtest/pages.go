package mmtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// pageOperations work on one page, of a file or of what an address maps, and
// programs must not notice.
var pageOperations = []func(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, f *mm.Mapping, index uint64){
	func(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, _ *mm.Mapping, _ uint64) { c.SwapOut(as, ea) },
	func(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, _ *mm.Mapping, _ uint64) { c.Migrate(as, ea) },
	func(c *mm.CPU, _ *mm.AddressSpace, _ pte.EA, f *mm.Mapping, index uint64) { c.TryToUnmap(f, index) },
	func(c *mm.CPU, _ *mm.AddressSpace, _ pte.EA, f *mm.Mapping, index uint64) { c.PageMkclean(f, index) },
	func(c *mm.CPU, _ *mm.AddressSpace, _ pte.EA, f *mm.Mapping, index uint64) { c.PageReferenced(f, index) },
	func(c *mm.CPU, _ *mm.AddressSpace, _ pte.EA, f *mm.Mapping, index uint64) { c.Writeback(f, index) },
	func(c *mm.CPU, _ *mm.AddressSpace, _ pte.EA, f *mm.Mapping, index uint64) { c.Reclaim(f, index) },
}

func (x *mix) page(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, index uint64, which int) {
	pageOperations[which](c, as, ea, x.file, index)
}

// vmalloc allocates kernel memory, stores to it, must find that there, and frees it.
func (x *mix) vmalloc(c *mm.CPU, pages uint64) error {
	start, err := c.Vmalloc(x.kernel, pages)
	if errors.Is(err, mm.ErrNoMemory) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range pages {
		ea := start + pte.EA(i<<x.m.Kernel().PageSize().Shift())
		stamp := x.m.NewStamp()
		if err := c.Store(x.kernel.AddressSpace, ea, stamp); err != nil {
			return err
		}
		if got, err := c.Load(x.kernel.AddressSpace, ea); err != nil || got != stamp {
			return fmt.Errorf("%w: kernel memory at %v: %#x, stored %#x: %v", ErrStaleRead, ea, got, stamp, err)
		}
	}
	return c.Vfree(x.kernel, start)
}

// Page does to a page what programs must not notice.
func (s *sequence) Page(t *rapid.T) {
	as, ea := s.address(t)
	index := s.spec.FileIndex(rapid.IntRange(0, Places-1).Draw(t, "file place"))
	rapid.SampledFrom(pageOperations).Draw(t, "page operation")(s.cpu(t), as, ea, s.file(t), index)
}

// SwapOut takes a page out of memory that an address surely maps.
func (s *sequence) SwapOut(t *rapid.T) {
	as, ea := s.address(t)
	if s.storeTo(t, as, ea); s.cpu(t).SwapOut(as, ea) {
		require.False(t, s.m.Kernel().Layout.IsPresent(as.PTE(ea)))
	}
}

func (s *sequence) MigrateVMA(t *rapid.T) {
	as, r := s.span(t)
	res, err := s.cpu(t).MigrateVMA(context.Background(), as, r)
	if s.supported(t, mm.DeviceMemory, err) {
		require.NoError(t, err)
		require.Equal(t, r.End, res.Next)
	}
}

func (s *sequence) Invalidate(t *rapid.T) {
	f := s.file(t)
	first, last := s.filePages(t)
	_, err := s.cpu(t).Invalidate(context.Background(), f, first, last-first+1)
	require.NoError(t, err)
	s.model.Invalidate(f, first, last)
}

func (s *sequence) MadviseRemove(t *rapid.T) {
	as, r := s.span(t)
	_, err := s.cpu(t).MadviseRemove(context.Background(), as, r)
	require.ErrorIs(t, err, s.model.MadviseRemove(as, r, s.places))
}
