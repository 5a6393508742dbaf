package mm_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
)

const huge = 1 << 24

// validEntries is how many entries the table has for a page.
func validEntries(m *mm.Machine) int { return int(m.Table().Stats().Valid) }

// TestHugetlb: a file of huge pages on every kernel: one entry of 16M each, truncated,
// protected and unmapped.
func TestHugetlb(t *testing.T) {
	for _, k := range mm.AllKernels() {
		for _, p := range []batch.Policy{k.Policy, batch.Immediate()} {
			m := newMachine(t, mm.Config{Kernel: k, Policy: p, HugeFrames: 4})
			as, c, other := m.NewAddressSpace(7), m.CPU(0), m.CPU(1)
			f := m.NewHugeMapping(4)
			r := mm.Range{Start: base, End: base + 3*huge}
			require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f, Offset: 1}))
			for i := range pte.EA(3) {
				require.NoError(t, c.Store(as, base+i*huge+0x12000, uint64(70+i)))
				v, err := other.Load(as, base+i*huge+0x12345)
				require.NoError(t, err)
				require.EqualValues(t, 70+i, v)
				require.Equal(t, pte.Page16M, as.Key(base+i*huge).Base)
			}
			require.NoError(t, other.Store(as, base+0xff0000, 5), "the last piece of the first page")
			v, err := c.Load(as, base+0x12000)
			require.NoError(t, err)
			require.EqualValues(t, 70, v)
			require.Equal(t, 3, validEntries(m), "one each")
			require.NoError(t, m.Check())

			_, err = c.Protect(ctx, as, mm.Range{Start: base, End: base + huge}, pte.Read)
			require.NoError(t, err)
			require.ErrorIs(t, other.Store(as, base, 1), mm.ErrProtected)
			_, err = c.Protect(ctx, as, mm.Range{Start: base, End: base + huge}, rw)
			require.NoError(t, err)
			require.NoError(t, other.Store(as, base, 1))
			require.NoError(t, m.Check())

			_, err = c.Truncate(ctx, f, 3)
			require.NoError(t, err)
			_, err = other.Load(as, base+2*huge)
			require.ErrorIs(t, err, mm.ErrBus)
			_, err = other.Load(as, base+huge)
			require.NoError(t, err)
			require.NoError(t, m.Check())

			_, err = c.Unmap(ctx, as, mm.Range{Start: base, End: base + 0x10000})
			require.ErrorIs(t, err, mm.ErrHuge, "cut in two")
			_, err = c.Protect(ctx, as, mm.Range{Start: base, End: base + 0x10000}, pte.Read)
			require.ErrorIs(t, err, mm.ErrHuge)
			_, err = c.Unmap(ctx, as, r)
			require.NoError(t, err)
			require.Zero(t, validEntries(m))
			require.NoError(t, m.Check())
		}
	}
}

func TestHugetlbMappings(t *testing.T) {
	m := newMachine(t, mm.Config{HugeFrames: 1})
	as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(2)
	r := mm.Range{Start: base, End: base + 2*huge}
	require.ErrorIs(t, c.Map(as, mm.VMA{Range: r, Prot: rw, File: f}), mm.ErrHuge, "private")
	require.ErrorIs(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 5), Prot: rw, Shared: true, File: f}), mm.ErrHuge, "not aligned")
	require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
	require.NoError(t, c.Store(as, base, 1))
	require.ErrorIs(t, c.Store(as, base+huge, 1), mm.ErrNoMemory)
	_, err := c.Remap(ctx, as, r, base+1<<30)
	require.ErrorIs(t, err, mm.ErrHuge)
	child := m.NewAddressSpace(8)
	_, err = c.Fork(ctx, as, child)
	require.NoError(t, err)
	v, err := c.Load(child, base)
	require.NoError(t, err)
	require.EqualValues(t, 1, v, "shared")
	require.NoError(t, m.Check())

	m = newMachine(t, mm.Config{})
	require.ErrorIs(t, m.CPU(0).Map(m.NewAddressSpace(7), mm.VMA{Range: r, Prot: rw, Shared: true, File: m.NewHugeMapping(2)}), mm.ErrHuge, "no huge frames")
	_, err = mm.New(mm.Config{Table: m.Table(), HugePieces: 5000})
	require.ErrorIs(t, err, mm.ErrConfig)
	_, err = mm.New(mm.Config{Table: m.Table(), HugeFrames: -1})
	require.ErrorIs(t, err, mm.ErrConfig)
}

// TestHugePagesOfFewPieces: only the first pieces of a huge page have contents, and
// what held them is not seen once the page is freed.
func TestHugePagesOfFewPieces(t *testing.T) {
	for _, k := range mm.AllKernels() {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1, HugePieces: 3})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(1)
		size := pte.EA(k.PageSize().Bytes())
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Range{Start: base, End: base + huge}, Prot: rw, Shared: true, File: f}))
		for i := range pte.EA(3) {
			require.NoError(t, c.Store(as, base+i*size, uint64(70+i)))
			require.NoError(t, c.Store(as, base+i*size+size-1, uint64(80+i)), "its last byte")
		}
		for i := range pte.EA(3) {
			require.EqualValues(t, 80+i, load(t, c, as, base+i*size))
		}
		for _, ea := range []pte.EA{base + 3*size, base + huge - 1} {
			_, err := c.Load(as, ea)
			require.ErrorIs(t, err, mm.ErrBus)
		}
		ra, ok := f.Cached(0)
		require.True(t, ok)
		require.NoError(t, m.Check())
		_, err := c.Truncate(ctx, f, 0)
		require.NoError(t, err)
		for i := range pte.RA(3) {
			require.NotEqualValues(t, 80+i, m.Frames().Load(ra+i*pte.RA(size)))
		}
		require.ErrorIs(t, m.Frames().Err(), mm.ErrUseAfterFree)
	}
}

// thpMachine is a machine with private memory in one transparent huge page and base
// pages on both sides, all stored to. Without TLBs every piece is entered: a TLB has
// the whole huge page from one entry.
func thpMachine(t *testing.T, frames int) (*mm.Machine, *mm.AddressSpace) {
	t.Helper()
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k, HugeFrames: frames, Frames: 2048, NoTLB: true})
	as, c := m.NewAddressSpace(7), m.CPU(0)
	r := mm.Range{Start: base - 0x20000, End: base + huge + 0x20000}
	require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Transparent: true}))
	for ea := r.Start; ea < r.End; ea += 0x10000 {
		require.NoError(t, c.Store(as, ea, uint64(ea)))
	}
	require.NoError(t, m.Check())
	return m, as
}

// TestTransparentPagesFit: a fault takes a huge page where the mapping still covers all
// of it, were it by exactly that much, and base pages elsewhere.
func TestTransparentPagesFit(t *testing.T) {
	for name, cut := range map[string]mm.Range{
		"whole":      {},
		"first page": {Start: base, End: base + 0x10000},
		"last page":  {Start: base + huge - 0x10000, End: base + huge},
		"middle":     {Start: base + 0x400000, End: base + 0x500000},
	} {
		m := newMachine(t, mm.Config{Kernel: mm.Linux61With64K, HugeFrames: 1})
		as, c, l := m.NewAddressSpace(7), m.CPU(0), m.Kernel().Layout
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Range{Start: base, End: base + huge}, Prot: rw, Transparent: true}))
		if cut.Len() > 0 {
			_, err := c.Unmap(ctx, as, cut)
			require.NoError(t, err)
		}
		require.NoError(t, c.Store(as, base+0x100000, 5))
		require.NoError(t, c.Store(as, base+0xf00000, 6))
		one := l.RA(as.PTE(base+0x100000)) == l.RA(as.PTE(base+0xf00000))
		require.Equal(t, name == "whole", one, "%s: one PTE for both", name)
		if cut.Len() > 0 {
			_, err := c.Load(as, cut.Start)
			require.ErrorIs(t, err, mm.ErrNoVMA)
		}
		require.NoError(t, m.Check())

		_, err := c.Unmap(ctx, as, mm.Range{Start: base, End: base + huge})
		require.NoError(t, err)
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Range{Start: base, End: base + huge}, Prot: rw}))
		require.NoError(t, c.Store(as, base+0x100000, 5))
		require.NoError(t, c.Store(as, base+0xf00000, 6))
		require.NotEqual(t, l.RA(as.PTE(base+0x100000)), l.RA(as.PTE(base+0xf00000)), "a mapping that asks for none")
		require.NoError(t, m.Check())
	}
}

// contents checks that every page holds what thpMachine stored.
func contents(t *testing.T, m *mm.Machine, as *mm.AddressSpace) {
	t.Helper()
	for ea := base - 0x20000; ea < base+huge+0x20000; ea += 0x10000 {
		v, err := m.CPU(1).Load(as, ea)
		require.NoError(t, err)
		require.EqualValues(t, ea, v, "%v", ea)
	}
	require.NoError(t, m.Check())
}

// sizesAt counts the entries of the huge page at base by actual size.
func sizesAt(m *mm.Machine, as *mm.AddressSpace) map[pte.PageSize]int {
	n := make(map[pte.PageSize]int)
	for ea := base; ea < base+huge; ea += 0x1000 {
		k := as.Key(ea)
		if k.Offset() != ea-base&^(1<<28-1) && k.Base == pte.Page64K && ea&0xffff != 0 {
			continue // another piece of the same 64K
		}
		if e, _, ok := m.Table().Lookup(k); ok {
			actual, _ := m.Table().Sizes().Actual(k.Base, e)
			n[actual]++
		}
	}
	return n
}

// TestTransparentHugePage: one page, an entry of 16M for each 64K used; split it has
// the same contents in base pages, collapsed again too.
func TestTransparentHugePage(t *testing.T) {
	m, as := thpMachine(t, 2)
	c := m.CPU(0)
	require.Equal(t, map[pte.PageSize]int{pte.Page16M: 256}, sizesAt(m, as))
	contents(t, m, as)

	require.NoError(t, c.SplitHugePage(as, base+0x5000))
	require.Empty(t, sizesAt(m, as), "all slots are invalidated")
	require.NoError(t, m.Check())
	contents(t, m, as)
	require.Equal(t, map[pte.PageSize]int{pte.Page64K: 256}, sizesAt(m, as))
	require.ErrorIs(t, c.SplitHugePage(as, base), mm.ErrHuge)

	require.NoError(t, c.CollapseHugePage(as, base))
	require.Empty(t, sizesAt(m, as))
	contents(t, m, as)
	require.Equal(t, map[pte.PageSize]int{pte.Page16M: 256}, sizesAt(m, as))
	require.ErrorIs(t, c.CollapseHugePage(as, base), mm.ErrHuge, "there is one")
	require.ErrorIs(t, c.CollapseHugePage(as, base+huge), mm.ErrHuge, "the mapping covers no huge page there")

	_, err := c.Unmap(ctx, as, mm.Range{Start: base - 0x20000, End: base + huge + 0x20000})
	require.NoError(t, err)
	require.Zero(t, validEntries(m))
	require.NoError(t, m.Check())
}

// TestHugePageOperations: what changes a whole huge page keeps it, what changes a
// part splits it.
func TestHugePageOperations(t *testing.T) {
	k := mm.Linux61With64K
	whole := mm.Range{Start: base, End: base + huge}
	part := k.Pages(base+0x30000, 2)

	m, as := thpMachine(t, 1)
	_, err := m.CPU(0).Protect(ctx, as, whole, pte.Read)
	require.NoError(t, err)
	require.Empty(t, sizesAt(m, as))
	contents(t, m, as)
	require.Equal(t, 256, sizesAt(m, as)[pte.Page16M])
	require.ErrorIs(t, m.CPU(1).Store(as, base, 1), mm.ErrProtected)
	_, err = m.CPU(0).Protect(ctx, as, part, rw)
	require.NoError(t, err)
	require.NoError(t, m.CPU(1).Store(as, part.Start, uint64(part.Start)))
	contents(t, m, as)
	require.Zero(t, sizesAt(m, as)[pte.Page16M])

	m, as = thpMachine(t, 1)
	_, err = m.CPU(0).MadviseFree(ctx, as, whole)
	require.NoError(t, err)
	require.Zero(t, as.PTE(base)&k.Layout.Dirty)
	contents(t, m, as)
	require.Equal(t, 256, sizesAt(m, as)[pte.Page16M])
	_, err = m.CPU(0).MadviseFree(ctx, as, part)
	require.NoError(t, err)
	contents(t, m, as)
	require.Zero(t, sizesAt(m, as)[pte.Page16M])

	m, as = thpMachine(t, 1)
	_, err = m.CPU(0).ZapPageRange(ctx, as, part)
	require.NoError(t, err)
	v, err := m.CPU(1).Load(as, part.Start)
	require.NoError(t, err)
	require.Zero(t, v)
	_, err = m.CPU(0).ZapPageRange(ctx, as, whole)
	require.NoError(t, err)
	require.NoError(t, m.Check())
	require.NoError(t, m.CPU(1).Store(as, base, uint64(base)))

	m, as = thpMachine(t, 1)
	child := m.NewAddressSpace(8)
	_, err = m.CPU(0).Fork(ctx, as, child)
	require.NoError(t, err)
	require.NoError(t, m.CPU(0).Store(as, base, 1))
	contents(t, m, child)
	require.NoError(t, m.Check())

	m, as = thpMachine(t, 1)
	require.NoError(t, m.CPU(0).SubpageProt(as, base, []uint32{mm.SubpageNone << 30}))
	_, err = m.CPU(1).Load(as, base)
	require.ErrorIs(t, err, mm.ErrProtected)
	v, err = m.CPU(1).Load(as, base+0x1000)
	require.NoError(t, err)
	require.EqualValues(t, base, v)
	require.NoError(t, m.Check())
}

// TestDemotedHugePage: when its segment is demoted, a huge page is entered anew by 4K.
func TestDemotedHugePage(t *testing.T) {
	k := mm.Linux61With64K
	m, as := thpMachine(t, 1)
	far := base + 0x4000000 // the same slice
	require.NoError(t, m.CPU(0).SubpageProt(as, far, []uint32{0}))
	c := m.CPU(0)
	for i := range pte.EA(3) {
		require.NoError(t, c.Store(as, base+i<<12, uint64(base)))
	}
	require.NotZero(t, as.PTE(base)&k.Layout.Combo)
	require.Equal(t, map[pte.PageSize]int{pte.Page16M: 3}, sizesAt(m, as))
	contents(t, m, as)
	_, err := c.ZapPageRange(ctx, as, mm.Range{Start: base - 0x20000, End: base + huge + 0x20000})
	require.NoError(t, err)
	require.Zero(t, validEntries(m))
	require.NoError(t, m.Check())
}

// TestHugetlbRefuses: what cuts a hugetlb page in two, and advice that such pages do
// not take, is refused and changes nothing.
func TestHugetlbRefuses(t *testing.T) {
	for _, k := range mm.AllKernels() {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 2})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(2)
		r := mm.Range{Start: base, End: base + 2*huge}
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
		require.NoError(t, c.Store(as, base, 5))
		require.NoError(t, c.Store(as, base+huge, 6))
		part := mm.Range{Start: base + huge/2, End: base + 2*huge}
		for name, op := range map[string]func() (mm.Result, error){
			"ZapPageRange":    func() (mm.Result, error) { return c.ZapPageRange(ctx, as, part) },
			"MadviseDontNeed": func() (mm.Result, error) { return c.MadviseDontNeed(ctx, as, part) },
			"MadviseRemove":   func() (mm.Result, error) { return c.MadviseRemove(ctx, as, part) },
		} {
			res, err := op()
			require.ErrorIs(t, err, mm.ErrHuge, "%s %s", k.Name, name)
			require.Equal(t, mm.Result{Next: part.Start}, res, name)
		}
		if k.Has(mm.MadvCold) {
			_, err := c.MadviseCold(ctx, as, r)
			require.ErrorIs(t, err, mm.ErrAdvice, k.Name)
			_, err = c.MadvisePageout(ctx, as, r)
			require.ErrorIs(t, err, mm.ErrAdvice, k.Name)
		}
		if k.Has(mm.SubpageProt) {
			require.ErrorIs(t, c.SubpageProt(as, base, make([]uint32, 1)), mm.ErrHuge)
		}
		holds(t, c, as, base, 5)
		holds(t, c, as, base+huge, 6)
		require.NoError(t, m.Check())
	}
}

// TestHugetlbMadviseRemove: the length of a hole is counted in the pages of the file.
func TestHugetlbMadviseRemove(t *testing.T) {
	for _, k := range mm.AllKernels() {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 3})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(2)
		r := mm.Range{Start: base, End: base + 2*huge}
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
		require.NoError(t, c.Store(as, base, 5))
		require.NoError(t, c.Store(as, base+huge, 6))
		res, err := c.MadviseRemove(ctx, as, mm.Range{Start: base, End: base + huge})
		require.NoError(t, err)
		require.Equal(t, mm.Result{Next: base + huge, Pages: 1}, res)
		holds(t, c, as, base+huge, 6)
		v, err := c.Load(as, base)
		require.NoError(t, err)
		require.NotEqualValues(t, 5, v)
		require.NoError(t, m.Check())
	}
}

// TestHugePlaces: where pages of one kind, hugetlb or transparent, were once mapped,
// no mapping that needs another finds room, however it comes there.
func TestHugePlaces(t *testing.T) {
	m := newMachine(t, mm.Config{Kernel: mm.Linux61With64K, HugeFrames: 4})
	as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(1)
	one := mm.Range{Start: base, End: base + huge}
	require.NoError(t, c.Map(as, mm.VMA{Range: one, Prot: rw, Shared: true, File: f, Transparent: true}), "Transparent says nothing here")
	require.NoError(t, c.Store(as, base+0x30000, 5))
	require.Equal(t, pte.Page16M, as.Key(base).Base)
	require.NoError(t, m.Check())
	_, err := c.Unmap(ctx, as, one)
	require.NoError(t, err)

	small := m.Kernel().Pages(base+0x50000, 2)
	for _, transparent := range []bool{false, true} {
		require.ErrorIs(t, c.Map(as, mm.VMA{Range: small, Prot: rw, Transparent: transparent}), mm.ErrHuge)
	}
	from := m.Kernel().Pages(base+1<<30, 2)
	require.NoError(t, c.Map(as, mm.VMA{Range: from, Prot: rw}))
	require.NoError(t, c.Store(as, from.Start, 9))
	_, err = c.Remap(ctx, as, from, small.Start)
	require.ErrorIs(t, err, mm.ErrHuge)
	holds(t, c, as, from.Start, 9)
	require.NoError(t, c.Map(as, mm.VMA{Range: one, Prot: rw, Shared: true, File: f}), "hugetlb pages again")
	require.NoError(t, c.Store(as, base, 5))

	parent := m.NewAddressSpace(8)
	require.NoError(t, c.Map(parent, mm.VMA{Range: small, Prot: rw}))
	require.NoError(t, c.Store(parent, small.Start, 4))
	_, err = c.Exit(as)
	require.NoError(t, err)
	_, err = c.Fork(ctx, parent, as)
	require.ErrorIs(t, err, mm.ErrHuge)
	require.NoError(t, m.Check())

	two := mm.Range{Start: base + 1<<28, End: base + 1<<28 + huge}
	require.NoError(t, c.Map(parent, mm.VMA{Range: two, Prot: rw, Transparent: true}))
	require.NoError(t, c.Store(parent, two.Start, 1))
	_, err = c.Unmap(ctx, parent, two)
	require.NoError(t, err)
	require.ErrorIs(t, c.Map(parent, mm.VMA{Range: two, Prot: rw, Shared: true, File: f}), mm.ErrHuge)
	require.NoError(t, c.Map(parent, mm.VMA{Range: two, Prot: rw}), "base pages fit where transparent ones were")
	require.NoError(t, c.Store(parent, two.Start, 1))
	require.NoError(t, m.Check())
}

// TestHugetlbNeighbours: the place of a hugetlb page ends where it ends; what begins
// before it and reaches into it does not fit.
func TestHugetlbNeighbours(t *testing.T) {
	m := newMachine(t, mm.Config{HugeFrames: 1})
	as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(1)
	one := mm.Range{Start: base + huge, End: base + 2*huge}
	require.NoError(t, c.Map(as, mm.VMA{Range: one, Prot: rw, Shared: true, File: f}))
	for _, ea := range []pte.EA{one.Start - 0x1000, one.Start - huge, one.End} {
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(ea, 1), Prot: rw}), "%v", ea)
		require.NoError(t, c.Store(as, ea, 1))
	}
	_, err := c.Unmap(ctx, as, mm.Range{Start: base, End: base + 3*huge})
	require.NoError(t, err)
	for _, ea := range []pte.EA{one.Start - 0x1000, one.Start - huge + 0x1000, one.Start, one.End - 0x1000} {
		reaching := mm.Range{Start: ea, End: max(ea, one.Start) + 0x1000}
		require.ErrorIs(t, c.Map(as, mm.VMA{Range: reaching, Prot: rw}), mm.ErrHuge, "%v", reaching)
	}
	require.NoError(t, m.Check())
}

// TestHugetlbDirty: a hugetlb page that goes is dirty if it was stored to.
func TestHugetlbDirty(t *testing.T) {
	for _, k := range mm.AllKernels() {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 2})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(2)
		r := mm.Range{Start: base, End: base + 2*huge}
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
		require.NoError(t, c.Store(as, base, 5))
		_, err := c.Load(as, base+huge)
		require.NoError(t, err)
		_, err = c.ZapPageRange(ctx, as, r)
		require.NoError(t, err)
		for i := range uint64(2) {
			ra, ok := f.Cached(i)
			require.True(t, ok)
			require.Equal(t, i == 0, m.Frames().Dirty(ra), "%s: page %d", k.Name, i)
		}
		require.NoError(t, m.Check())
	}
}

// TestHugetlbPassedOver: a walk that is not about huge pages leaves them alone.
func TestHugetlbPassedOver(t *testing.T) {
	m := newMachine(t, mm.Config{HugeFrames: 1})
	as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(1)
	r := mm.Range{Start: base, End: base + huge}
	require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
	require.NoError(t, c.Store(as, base, 5))
	before := as.PTE(base)
	res, err := c.HintNUMA(ctx, as, r)
	require.NoError(t, err)
	require.Equal(t, mm.Result{Next: r.End}, res)
	require.Equal(t, before, as.PTE(base))
	require.NoError(t, m.Check())
}

// TestHugetlbUpdateFlushes: when the first store lets an entry permit more, no TLB keeps
// what it had of it.
func TestHugetlbUpdateFlushes(t *testing.T) {
	for _, k := range mm.AllKernels() {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1, Patience: 8})
		as, f := m.NewAddressSpace(7), m.NewHugeMapping(1)
		require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Range{Start: base, End: base + huge}, Prot: rw, Shared: true, File: f}))
		for i := range 2 {
			_, err := m.CPU(i).Load(as, base)
			require.NoError(t, err)
		}
		_, cached := m.CPU(1).TLB().Lookup(as.Key(base))
		require.True(t, cached)
		require.NoError(t, m.CPU(0).Store(as, base, 5))
		_, cached = m.CPU(1).TLB().Lookup(as.Key(base))
		require.False(t, cached, k.Name)
		require.NoError(t, m.Check())
	}
}

// TestHugetlbSteps: only where pages are 64K does a flush look for the slot in a second
// half of the PTE.
func TestHugetlbSteps(t *testing.T) {
	for _, k := range mm.AllKernels() {
		st := new(mmtest.Stepper)
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1, HugePieces: 1, Stepper: st})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(1)
		r := mm.Range{Start: base, End: base + huge}
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
		require.NoError(t, c.Store(as, base, 5))
		trace, err := st.Run(nil, func() {
			_, err := c.ZapPageRange(ctx, as, r)
			require.NoError(t, err)
		})
		require.NoError(t, err)
		require.Equal(t, k.PageSize() == pte.Page64K, slices.Contains(stepsOf(trace), mm.StepReadHidx), k.Name)
	}
}

// TestHugePageLocks: a huge page has a lock of its own unless there is one for all.
func TestHugePageLocks(t *testing.T) {
	for g, locks := range map[mm.LockGranularity]int{mm.LockPerPage: 2, mm.LockPerSpace: 1} {
		m, as := smallTHP(t, mm.Config{Locks: g})
		n := 0
		for _, l := range m.Locations(mm.PageOf{Space: as, EA: base}) {
			if l.Loc.Kind == mm.LocPTL {
				n++
			}
		}
		require.Equal(t, locks, n, "%v: of the PTE page and of the huge page", g)
	}
}

// TestCheckFindsHugeOrphans: an entry of a huge page that its PTE does not know of.
func TestCheckFindsHugeOrphans(t *testing.T) {
	for _, k := range mm.AllKernels() {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1})
		as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewHugeMapping(1)
		r := mm.Range{Start: base, End: base + huge}
		require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
		require.NoError(t, c.Store(as, base, 5))
		e, _, ok := m.Table().Lookup(as.Key(base))
		require.True(t, ok)
		_, err := c.Protect(ctx, as, r, pte.Read)
		require.NoError(t, err)
		require.NoError(t, m.Check())
		_, err = m.Table().Insert(as.Key(base), e)
		require.NoError(t, err)
		require.ErrorIs(t, m.Check(), mm.ErrOrphan, k.Name)
	}

	m, as := smallTHP(t, mm.Config{HugeFrames: 2, NoTLB: true})
	require.NoError(t, m.CPU(0).SplitHugePage(as, base))
	require.NoError(t, m.CPU(0).CollapseHugePage(as, base))
	holds(t, m.CPU(0), as, base, 70)
	require.NoError(t, m.Check())
	k := as.Key(base + 2*piece) // a piece that is not entered
	e, err := m.Table().Sizes().Encode(k, m.Kernel().Layout.RA(as.PTE(base)), pte.Page16M, pte.Attr{PP: pte.PPUserRead})
	require.NoError(t, err)
	_, err = m.Table().Insert(k, e)
	require.NoError(t, err)
	require.ErrorIs(t, m.Check(), mm.ErrOrphan)
}

// TestDemotionSparesHugetlb: hugetlb pages are hashed as before where a demotion covers
// them, also by a CPU that has not heard of it.
func TestDemotionSparesHugetlb(t *testing.T) {
	for _, k := range []*mm.Kernel{mm.Linux2620With64K, mm.Linux61With64K} {
		m := newMachine(t, mm.Config{Kernel: k, HugeFrames: 1, HugePieces: 1, Patience: 8})
		as, c, other := m.NewAddressSpace(7), m.CPU(0), m.CPU(1)
		hugetlb := mm.Range{Start: base, End: base + huge}
		require.NoError(t, c.Map(as, mm.VMA{Range: hugetlb, Prot: rw, Shared: true, File: m.NewHugeMapping(1)}))
		device := k.Pages(hugetlb.End, 1)
		require.NoError(t, c.Map(as, mm.VMA{Range: device, Prot: rw, NoCache: true}))
		require.NoError(t, other.Store(as, hugetlb.Start, 5))
		require.NoError(t, c.Store(as, device.Start, 6))
		require.Equal(t, pte.Page4K, as.Key(device.Start).Base, "demoted")
		require.EqualValues(t, 5, load(t, other, as, hugetlb.Start))
		require.NoError(t, other.Store(as, hugetlb.Start, 7))
		require.EqualValues(t, 7, load(t, c, as, hugetlb.Start))
		require.EqualValues(t, 6, load(t, other, as, device.Start))
		require.NoError(t, m.Check())
	}
}
