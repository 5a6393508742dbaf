package mm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// TestFrames compares the allocator with a map of reference counts.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 4
		f := mm.NewFrames(0x4000, n, pte.Page4K)
		refs, stamps := make(map[pte.RA]int), make(map[pte.RA]uint64)
		any := func(t *rapid.T) pte.RA {
			if len(refs) == 0 {
				t.Skip("none in use")
			}
			ra := rapid.SampledFrom([]pte.RA{0x4000, 0x5000, 0x6000, 0x7000}).Draw(t, "frame")
			if refs[ra] == 0 {
				t.Skip("free")
			}
			return ra
		}
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				stamp := rapid.Uint64().Draw(t, "stamp")
				ra, err := f.Alloc(stamp)
				if len(refs) == n {
					require.ErrorIs(t, err, mm.ErrNoMemory)
					return
				}
				require.NoError(t, err)
				require.Zero(t, refs[ra])
				require.False(t, f.Dirty(ra) || f.Anon(ra))
				refs[ra], stamps[ra] = 1, stamp
			},
			"get":   func(t *rapid.T) { ra := any(t); f.Get(ra); refs[ra]++ },
			"store": func(t *rapid.T) { ra := any(t); f.Store(ra, 9); f.SetDirty(ra); stamps[ra] = 9 },
			"put": func(t *rapid.T) {
				ra := any(t)
				require.Equal(t, refs[ra] == 1, f.Put(ra))
				if refs[ra]--; refs[ra] == 0 {
					delete(refs, ra)
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, n-len(refs), f.Free())
				for ra, want := range refs {
					require.Equal(t, want, f.Refs(ra))
					require.Equal(t, stamps[ra], f.Load(ra))
				}
				require.NoError(t, f.Err())
			},
		})
	})
}

// TestUseAfterFree: each use of a frame that nobody owns is recorded.
func TestUseAfterFree(t *testing.T) {
	for name, use := range map[string]func(f *mm.Frames, ra pte.RA){
		"load from":       func(f *mm.Frames, ra pte.RA) { f.Load(ra) },
		"store to":        func(f *mm.Frames, ra pte.RA) { f.Store(ra, 1) },
		"reference taken": func(f *mm.Frames, ra pte.RA) { f.Get(ra) },
		"dropped twice":   func(f *mm.Frames, ra pte.RA) { f.Put(ra) },
	} {
		f := mm.NewFrames(0x4000, 2, pte.Page4K)
		ra, err := f.Alloc(7)
		require.NoError(t, err)
		f.Put(ra)
		require.NoError(t, f.Err())
		use(f, ra)
		require.ErrorIs(t, f.Err(), mm.ErrUseAfterFree)
		require.ErrorContains(t, f.Err(), name)
	}
}

// TestViolationsAreFew: of many violations the first eight are kept.
func TestViolationsAreFew(t *testing.T) {
	f := mm.NewFrames(0x4000, 1, pte.Page4K)
	ra, err := f.Alloc(7)
	require.NoError(t, err)
	f.Put(ra)
	for range 20 {
		f.Load(ra)
	}
	require.Equal(t, 8, strings.Count(f.Err().Error(), "load from"))
}

// TestOutOfFrames: every kind of page fault without a frame ends with
// ErrNoMemory and leaves nothing half done.
func TestOutOfFrames(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		cfg.Frames = 4
		m := newMachine(t, cfg)
		as, c := m.NewAddressSpace(7), m.CPU(0)
		file, private := m.NewMapping(8, false), base+1<<23
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(base, 8), Prot: rw}))
		require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(private, 8), Prot: rw, File: file}))
		_, err := c.Load(as, base) // the zero page: no frame
		require.NoError(t, err)
		_, err = c.Load(as, private)
		require.NoError(t, err)
		require.NoError(t, c.Store(as, base+1<<12, 1))
		require.NoError(t, c.Store(as, base+2<<12, 2))
		require.Zero(t, m.Frames().Free())

		require.ErrorIs(t, c.Store(as, base+3<<12, 1), mm.ErrNoMemory, "anonymous")
		require.ErrorIs(t, c.Store(as, base, 1), mm.ErrNoMemory, "copy of the zero page")
		require.ErrorIs(t, c.Store(as, private, 1), mm.ErrNoMemory, "copy of a file page")
		_, err = c.Load(as, private+1<<12)
		require.ErrorIs(t, err, mm.ErrNoMemory, "page cache")
		require.NoError(t, m.Check())

		_, err = c.ZapPageRange(ctx, as, mm.Pages(base+2<<12, 1))
		require.NoError(t, err)
		require.NoError(t, c.Store(as, private, 5))
		v, err := c.Load(as, base+1<<12)
		require.NoError(t, err)
		require.EqualValues(t, 1, v)
		require.NoError(t, m.Check())
	})
}

// TestM4_DirtyIsKept: a store to a file page is known when its PTE has gone,
// whatever took the PTE away and however the protection changed before.
func TestM4_DirtyIsKept(t *testing.T) {
	forEachKernel(t, func(t *testing.T, cfg mm.Config) {
		for _, track := range []bool{false, true} {
			m := newMachine(t, cfg)
			as, c := m.NewAddressSpace(7), m.CPU(0)
			f := m.NewMapping(4, track)
			r := mm.Pages(base, 4)
			require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
			for i := range pte.EA(4) {
				_, err := c.Load(as, base+i<<12)
				require.NoError(t, err)
			}
			require.NoError(t, c.Store(as, base, 1))
			require.NoError(t, m.CPU(1).Store(as, base+1<<12, 1))
			_, err := c.Protect(ctx, as, r, pte.Read)
			require.NoError(t, err)
			_, err = c.Protect(ctx, as, r, rw)
			require.NoError(t, err)
			require.NoError(t, c.Store(as, base+2<<12, 1))
			_, err = c.UnmapMappingRange(ctx, f, 0, 2, true)
			require.NoError(t, err)
			_, err = c.Unmap(ctx, as, r)
			require.NoError(t, err)
			for i := range uint64(4) {
				ra, ok := f.Cached(i)
				require.True(t, ok)
				require.Equal(t, i < 3, m.Frames().Dirty(ra), "page %d", i)
			}
			require.NoError(t, m.Check())
		}
	})
}

// TestCheckFindsWhatIsWrong: each error of Check, made by hand.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		want  error
		spoil func(m *mm.Machine, as *mm.AddressSpace)
	}{
		"duplicate": {mm.ErrDuplicate, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _, _ := m.Table().Lookup(as.Key(base))
			_, _ = m.Table().Insert(as.Key(base), e)
		}},
		"orphan of a PTE that is gone": {mm.ErrOrphan, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _, _ := m.Table().Lookup(as.Key(base))
			_, _ = m.CPU(0).ZapPageRange(ctx, as, mm.Pages(base, 1))
			_, _ = m.Table().Insert(as.Key(base), e)
		}},
		"entry of a PTE that says there is none": {mm.ErrOrphan, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _, _ := m.Table().Lookup(as.Key(base))
			_, _ = m.CPU(0).Protect(ctx, as, mm.Pages(base, 1), pte.Read)
			_, _ = m.Table().Insert(as.Key(base), e)
		}},
		"TLB with another frame": {mm.ErrStale, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _ := m.CPU(0).TLB().Lookup(as.Key(base))
			e.RA += 0x1000
			m.CPU(0).TLB().Insert(e)
		}},
		"TLB with too many rights": {mm.ErrStale, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _ := m.CPU(0).TLB().Lookup(as.Key(base))
			e.Prot |= pte.Exec
			m.CPU(0).TLB().Insert(e)
		}},
		"orphan of a PTE that is new": {mm.ErrOrphan, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _, _ := m.Table().Lookup(as.Key(base))
			_, _ = m.CPU(0).Protect(ctx, as, mm.Pages(base, 1), pte.Read)
			_, _ = m.Table().Insert(as.Key(base), e)
		}},
		"stale TLB": {mm.ErrStale, func(m *mm.Machine, as *mm.AddressSpace) {
			e, _ := m.CPU(0).TLB().Lookup(as.Key(base))
			_, _ = m.CPU(1).ZapPageRange(ctx, as, mm.Pages(base, 1))
			m.CPU(0).TLB().Insert(e)
		}},
		"leak": {mm.ErrRefs, func(m *mm.Machine, as *mm.AddressSpace) {
			ra := m.Kernel().Layout.RA(as.PTE(base))
			m.Frames().Get(ra)
		}},
		"use after free": {mm.ErrUseAfterFree, func(m *mm.Machine, as *mm.AddressSpace) {
			ra := m.Kernel().Layout.RA(as.PTE(base))
			_, _ = m.CPU(0).ZapPageRange(ctx, as, mm.Pages(base, 1))
			m.Frames().Load(ra)
		}},
	} {
		m := newMachine(t, mm.Config{Policy: batch.LazyMMU()})
		as := m.NewAddressSpace(7)
		require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
		require.NoError(t, m.CPU(0).Store(as, base, 5))
		require.NoError(t, m.Check())
		c.spoil(m, as)
		require.ErrorIs(t, m.Check(), c.want, name)
	}
}
