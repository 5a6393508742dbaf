package mm_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

var kernels64K = []*mm.Kernel{mm.Linux2620With64K, mm.Linux61With64K}

// TestPagesOf64K: memory, files and protection with 64K base pages.
func TestPagesOf64K(t *testing.T) {
	for _, k := range kernels64K {
		for _, p := range []batch.Policy{batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()} {
			t.Run(k.Name+"/"+p.String(), func(t *testing.T) {
				m := newMachine(t, mm.Config{Kernel: k, Policy: p})
				as, c := m.NewAddressSpace(7), m.CPU(0)
				f := m.NewMapping(8, true)
				require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 8), Prot: rw, Shared: true, File: f}))
				require.ErrorIs(t, c.Map(as, mm.VMA{Range: mm.Range{Start: base + 1<<20 + 0x1000, End: base + 1<<21}, Prot: rw}), mm.ErrRange)
				for i := range pte.EA(8) {
					require.NoError(t, c.Store(as, base+i<<16+i<<12, uint64(100+i)))
				}
				for i := range pte.EA(8) {
					v, err := m.CPU(1).Load(as, base+i<<16+0xfff8)
					require.NoError(t, err)
					require.EqualValues(t, 100+i, v, "one page, whatever the offset")
					e, hint, ok := m.Table().Lookup(as.Key(base + i<<16))
					require.True(t, ok)
					actual, ok := m.Table().Sizes().Actual(pte.Page64K, e)
					require.True(t, ok)
					require.Equal(t, pte.Page64K, actual)
					require.Equal(t, hint, as.Hint(base+i<<16))
				}
				_, err := c.Protect(ctx, as, k.Pages(base, 4), pte.Read)
				require.NoError(t, err)
				require.ErrorIs(t, m.CPU(1).Store(as, base+0x1234, 1), mm.ErrProtected)
				require.NoError(t, m.Check())
				_, err = c.UnmapMappingRange(ctx, f, 0, 0, true)
				require.NoError(t, err)
				require.Zero(t, m.Table().Stats().Valid)
				require.NoError(t, m.Check())
			})
		}
	}
}

// demoted is a machine with a shared file in a segment that is hashed by 4K.
func demoted(t *testing.T, k *mm.Kernel) (*mm.Machine, *mm.AddressSpace, *mm.Mapping) {
	m := newMachine(t, mm.Config{Kernel: k, Patience: 8})
	as, c, f := m.NewAddressSpace(7), m.CPU(0), m.NewMapping(2, false)
	require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 2), Prot: rw, Shared: true, File: f}))
	require.NoError(t, c.SubpageProt(as, base, []uint32{mm.SubpageNone << (2 * (15 - 5))}))
	_, err := c.Load(as, base+0x1000)
	require.NoError(t, err)
	require.Equal(t, pte.Page4K, as.Key(base+0x1000).Base)
	return m, as, f
}

// TestPiecesMakePagesDirty: a store through a piece is noted in the PTE of its page,
// and in the page when the PTE goes.
func TestPiecesMakePagesDirty(t *testing.T) {
	k := mm.Linux61With64K
	m, as, f := demoted(t, k)
	c := m.CPU(0)
	require.Zero(t, as.PTE(base)&k.Layout.Dirty)
	require.NotZero(t, as.PTE(base)&k.Layout.Accessed)
	require.NoError(t, c.Store(as, base+0x1000, 5))
	require.NotZero(t, as.PTE(base)&k.Layout.Dirty)
	_, err := c.Unmap(ctx, as, k.Pages(base, 2))
	require.NoError(t, err)
	ra, ok := f.Cached(0)
	require.True(t, ok)
	require.True(t, m.Frames().Dirty(ra))
	require.NoError(t, m.Check())
}

// TestLostPiecesComeBack: a piece whose entry was evicted is entered again where there
// is room, whatever the PTE still says.
func TestLostPiecesComeBack(t *testing.T) {
	m, as, _ := demoted(t, mm.Linux61With64K)
	c := m.CPU(0)
	for range 3 {
		key := as.Key(base + 0x1000)
		_, hint, ok := m.Table().Lookup(key)
		require.True(t, ok)
		require.Equal(t, hint, as.Hint(base+0x1000))
		_, ok = m.Table().Invalidate(pte.Ref{Key: key, Actual: pte.Page4K, Hint: hint})
		require.True(t, ok)
		c.TLB().InvalidateAll()
		require.NoError(t, c.Store(as, base+0x1000, 5))
		_, _, ok = m.Table().Lookup(key)
		require.True(t, ok)
	}
	require.NoError(t, m.Check())
}

// bolt fills slots of a group of the table with bolted entries of nobody's, until
// free ones are left.
func bolt(t *testing.T, table *hpt.Table, group uint64, free int) {
	t.Helper()
	used := 0
	for range table.Group(group) {
		used++
	}
	for ; used < pte.SlotsPerGroup-free; used++ {
		k := pte.Key{VSID: pte.VSID((0x500000+uint64(used))*table.Groups() | group), Base: pte.Page4K}
		e, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{Bolted: true})
		require.NoError(t, err)
		_, err = table.InsertGroup(group, e)
		require.NoError(t, err)
	}
}

// TestSubpageProt: pieces of a page are restricted one by one, whatever the VMA
// permits; other pages of the slice are hashed in pieces too, and only those.
func TestSubpageProt(t *testing.T) {
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k})
	as, c, other := m.NewAddressSpace(7), m.CPU(0), m.CPU(1)
	far := base + 1<<28 // the next slice
	for _, start := range []pte.EA{base, far} {
		require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(start, 4), Prot: rw}))
		for i := range pte.EA(4) {
			require.NoError(t, other.Store(as, start+i<<16, uint64(start+i)))
		}
	}
	const readOnly, none = mm.SubpageRead << (2 * (15 - 3)), mm.SubpageNone << (2 * (15 - 5))
	require.NoError(t, c.SubpageProt(as, base, []uint32{readOnly | none}))
	require.Equal(t, pte.Page4K, as.Key(base+3<<16).Base)
	require.Equal(t, pte.Page64K, as.Key(far).Base)

	for _, cpu := range []*mm.CPU{c, other} {
		v, err := cpu.Load(as, base+3<<12)
		require.NoError(t, err)
		require.EqualValues(t, base, v, "one page behind all pieces")
		require.ErrorIs(t, cpu.Store(as, base+3<<12, 1), mm.ErrProtected)
		_, err = cpu.Load(as, base+5<<12)
		require.ErrorIs(t, err, mm.ErrProtected)
		require.NoError(t, cpu.Store(as, base+4<<12, uint64(base)))
		require.NoError(t, cpu.Store(as, base+1<<16, 9), "a page without restriction")
		require.NoError(t, m.Check())
	}
	require.NotZero(t, as.PTE(base)&k.Layout.Combo)
	require.Zero(t, as.PTE(far)&k.Layout.Combo)
	require.True(t, as.Hint(base+3<<12).Hashed())
	require.False(t, as.Hint(base+5<<12).Hashed(), "nothing may use it")

	require.NoError(t, c.SubpageProt(as, base, []uint32{0}))
	require.NoError(t, other.Store(as, base+5<<12, 3))
	_, err := c.ZapPageRange(ctx, as, k.Pages(base, 4))
	require.NoError(t, err)
	_, err = c.ZapPageRange(ctx, as, k.Pages(far, 4))
	require.NoError(t, err)
	require.Zero(t, m.Table().Stats().Valid, "every piece is flushed")
	require.NoError(t, m.Check())

	require.ErrorIs(t, c.SubpageProt(as, base+0x1000, []uint32{0}), mm.ErrRange)
	require.ErrorIs(t, c.SubpageProt(as, base, nil), mm.ErrRange)
	m = newMachine(t, mm.Config{Kernel: mm.Linux2620With64K})
	require.ErrorIs(t, m.CPU(0).SubpageProt(m.NewAddressSpace(7), base, []uint32{0}), mm.ErrUnsupported)
}

// TestSubpageProtOfSeveralPages: each page has the restrictions of its word.
func TestSubpageProtOfSeveralPages(t *testing.T) {
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k})
	as, c := m.NewAddressSpace(7), m.CPU(0)
	require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 4), Prot: rw}))
	words := []uint32{mm.SubpageRead << (2 * 15), mm.SubpageNone << (2 * 15), mm.SubpageRead << (2 * 14)}
	require.NoError(t, c.SubpageProt(as, base, words))
	for i := range pte.EA(4) {
		_, err := c.Load(as, base+i<<16)
		require.Equal(t, i == 1, errors.Is(err, mm.ErrProtected), "load from page %d: %v", i, err)
		err = c.Store(as, base+i<<16, 1)
		require.Equal(t, i <= 1, errors.Is(err, mm.ErrProtected), "store to page %d: %v", i, err)
		err = c.Store(as, base+i<<16+1<<12, 1)
		require.Equal(t, i == 2, errors.Is(err, mm.ErrProtected), "store to piece 1 of page %d: %v", i, err)
	}
	require.NoError(t, m.Check())
}

// TestSlices: what is demoted together: 256M below 4G, the rest of the first terabyte,
// and a terabyte above.
func TestSlices(t *testing.T) {
	const g, tb = 1 << 30, 1 << 40
	for at, c := range map[pte.EA]struct{ in, out []pte.EA }{
		base:        {[]pte.EA{base + 1<<28 - 1}, []pte.EA{base - 1, base + 1<<28}},
		4*g - 1<<16: {[]pte.EA{4*g - 1<<28}, []pte.EA{4*g - 1<<28 - 1, 4 * g}},
		8 * g:       {[]pte.EA{4 * g, tb - 1}, []pte.EA{4*g - 1, tb}},
		2*tb + g:    {[]pte.EA{2 * tb, 3*tb - 1}, []pte.EA{2*tb - 1, 3 * tb, g}},
	} {
		m := newMachine(t, mm.Config{Kernel: mm.Linux61With64K})
		as := m.NewAddressSpace(7)
		require.NoError(t, m.CPU(0).SubpageProt(as, at, []uint32{0}))
		for _, ea := range append(c.in, at) {
			require.Equal(t, pte.Page4K, as.Key(ea).Base, "%v with %v", ea, at)
		}
		for _, ea := range c.out {
			require.Equal(t, pte.Page64K, as.Key(ea).Base, "%v with %v", ea, at)
		}
	}
}

// TestOldEntryInTheWay: an entry of 64K from before a demotion looks, by its AVPN, like
// that of a piece of another page. Hardware goes by the page size as well and finds
// the right one behind it.
func TestOldEntryInTheWay(t *testing.T) {
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k, NoTLB: true})
	as, c, other := m.NewAddressSpace(7), m.CPU(0), m.CPU(1)
	require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 2), Prot: rw}))
	require.NoError(t, other.Store(as, base+1<<16, 9)) // page 1
	old := as.Key(base + 1<<16)
	require.NoError(t, c.SubpageProt(as, base, []uint32{0}))
	ea := base + 1<<12 // piece 1
	require.Equal(t, old.AVPN(), as.Key(ea).AVPN())
	require.Equal(t, old.Hash(), as.Key(ea).Hash())
	require.NoError(t, c.Store(as, ea, 5))
	require.NotEqual(t, pte.MakeSlotHint(false, 0), as.Hint(ea))
	table, group := m.Table(), old.Hash().Primary(m.Table().Mask())
	for s, e := range table.Group(group) {
		e.R &^= pte.RRef
		table.StoreRaw(s, e)
	}
	holds(t, c, as, ea, 5)
	var used []bool
	for _, e := range table.Group(group) {
		used = append(used, e.R&pte.RRef != 0)
	}
	require.Equal(t, []bool{false, true}, used)
	holds(t, other, as, base+1<<16, 9)
	require.NoError(t, m.Check())
}

// TestCheckFindsOrphansOf64K: an entry that a 64K page or a piece of one has and its
// PTE does not know of.
func TestCheckFindsOrphansOf64K(t *testing.T) {
	for _, size := range []pte.PageSize{pte.Page64K, pte.Page4K} {
		k := mm.Linux61With64K
		m := newMachine(t, mm.Config{Kernel: k})
		as, c, ea := m.NewAddressSpace(7), m.CPU(0), base+3<<12
		require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 1), Prot: rw}))
		if size == pte.Page4K {
			require.NoError(t, c.SubpageProt(as, base, []uint32{0}))
		}
		require.NoError(t, c.Store(as, ea, 5))
		e, _, ok := m.Table().Lookup(as.Key(ea))
		require.True(t, ok)
		_, err := c.Protect(ctx, as, k.Pages(base, 1), pte.Read) // the new PTE has no entry yet
		require.NoError(t, err)
		require.NoError(t, m.Check())
		require.True(t, k.Layout.IsPresent(as.PTE(base)))
		_, err = m.Table().Insert(as.Key(ea), e)
		require.NoError(t, err)
		require.ErrorIs(t, m.Check(), mm.ErrOrphan, "%v", size)
	}
}

// TestNoCachePages: cache-inhibited pages of 64K have their slice demoted where the
// processor cannot have them: all of the space in 2.6.20.
func TestNoCachePages(t *testing.T) {
	for _, k := range kernels64K {
		for _, large := range []bool{false, true} {
			m := newMachine(t, mm.Config{Kernel: k, LargeNoCache: large})
			as, c := m.NewAddressSpace(7), m.CPU(0)
			f := m.NewMapping(1, false)
			far := base + 1<<30
			require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 1), Prot: rw, Shared: true, File: f, NoCache: true}))
			require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(far, 1), Prot: rw}))
			require.NoError(t, c.Store(as, far, 1))
			require.NoError(t, c.Fault(as, base, pte.Write))
			require.Equal(t, pte.Page64K, as.Key(base).Base, "hash_page demotes, hash_preload does not")
			require.NoError(t, c.Store(as, base+0x2000, 1))
			require.NoError(t, c.Store(as, far, 2))
			demoted, all := !large, !large && k.DemoteSpace
			require.Equal(t, demoted, as.PTE(base)&k.Layout.Combo != 0)
			require.Equal(t, all, as.Key(far).Base == pte.Page4K)
			require.NoError(t, m.Check())
			e, _, ok := m.Table().Lookup(as.Key(base + 0x2000))
			require.True(t, ok)
			require.EqualValues(t, 4|1, e.Attr().WIMG&(4|1))
			_, err := c.Unmap(ctx, as, k.Pages(base, 1))
			require.NoError(t, err)
			_, err = c.Unmap(ctx, as, k.Pages(far, 1))
			require.NoError(t, err)
			require.Zero(t, m.Table().Stats().Valid)
			require.NoError(t, m.Check())
		}
	}
}

// TestOldSegmentSize: a CPU that has a segment in its SLB goes on with the entry of
// 64K until it takes a hash fault there; then the whole page's entry makes way.
func TestOldSegmentSize(t *testing.T) {
	k := mm.Linux61With64K
	m := newMachine(t, mm.Config{Kernel: k})
	as, c, other := m.NewAddressSpace(7), m.CPU(0), m.CPU(1)
	require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 2), Prot: rw}))
	for i := range pte.EA(2) {
		require.NoError(t, other.Store(as, base+i<<16, 1))
	}
	require.NoError(t, c.SubpageProt(as, base, []uint32{0}))
	require.NoError(t, other.Store(as, base+1<<16, 2))
	require.False(t, as.PTE(base+1<<16)&k.Layout.Combo != 0, "no fault, so nothing learned")
	require.NoError(t, other.Store(as, base, 2), "its entry was flushed")
	require.NoError(t, other.Store(as, base+1<<16, 3), "hashed by 4K from now on")
	require.NotZero(t, as.PTE(base+1<<16)&k.Layout.Combo)
	require.NoError(t, m.Check())
}

// TestSixteenthPlace: index 7 of the secondary group cannot be recorded for a
// piece of a 6.1 page; 2.6.20 can, and so can a whole page.
func TestSixteenthPlace(t *testing.T) {
	for _, k := range kernels64K {
		m := newMachine(t, mm.Config{Kernel: k, NoPreload: true})
		as, c, table := m.NewAddressSpace(7), m.CPU(0), m.Table()
		f := m.NewMapping(1, false)
		require.NoError(t, c.Map(as, mm.VMA{Range: k.Pages(base, 1), Prot: rw, Shared: true, File: f, NoCache: true}))
		_, err := c.Load(as, base) // demotes
		require.NoError(t, err)
		ea := base + 0x3000
		hash := as.Key(ea).Hash()
		bolt(t, table, hash.Secondary(table.Mask()), 1)

		// Seven bolted entries and one that may go in the primary group.
		bolt(t, table, hash.Primary(table.Mask()), 1)
		mine := pte.Key{VSID: pte.VSID(0x600000*table.Groups() | hash.Primary(table.Mask())), Base: pte.Page4K}
		e, err := table.Sizes().Encode(mine, 0, pte.Page4K, pte.Attr{})
		require.NoError(t, err)
		_, err = table.InsertGroup(hash.Primary(table.Mask()), e)
		require.NoError(t, err)

		_, err = c.Load(as, ea)
		require.NoError(t, err)
		sixteenth := pte.MakeSlotHint(true, 7)
		if k == mm.Linux2620With64K {
			require.Equal(t, sixteenth, as.Hint(ea))
		} else {
			require.Equal(t, pte.MakeSlotHint(false, 7), as.Hint(ea), "the primary group made room")
			_, _, ok := table.Lookup(mine)
			require.False(t, ok)
		}
		require.NoError(t, m.Check())
		_, err = c.ZapPageRange(ctx, as, k.Pages(base, 1))
		require.NoError(t, err)
		_, _, ok := table.Lookup(as.Key(ea))
		require.False(t, ok)

		bolt(t, table, hash.Primary(table.Mask()), 0)
		_, err = c.Load(as, ea)
		if k == mm.Linux2620With64K {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, hpt.ErrBolted, "no place that could be recorded")
		}
		require.NoError(t, m.Check())
	}
}
