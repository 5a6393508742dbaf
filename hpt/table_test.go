package hpt_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

// TestVictims: the choice is seeded, and every slot is chosen sooner or later.
func TestVictims(t *testing.T) {
	victims := func(seed uint64) (slots []pte.Slot) {
		table, err := hpt.New(hpt.Config{Seed: seed})
		require.NoError(t, err)
		for range 100 {
			for i := range 8 {
				k := inPair(i)
				_, _ = table.InsertGroup(21, encode(t, table, k, pte.Attr{}))
			}
			s, h, err := table.Evict(21)
			require.NoError(t, err)
			require.True(t, h.Valid())
			require.False(t, table.Load(s).Valid())
			slots = append(slots, s)
		}
		return slots
	}
	a := victims(1)
	require.Equal(t, a, victims(1))
	require.NotEqual(t, a, victims(2))
	for i := range pte.Slot(8) {
		require.Contains(t, a, 21*8+i)
	}
}

// TestEvictGoesUp: from the slot where it starts it looks upwards and around, so of two
// entries the one with more slots in front of it goes more often.
func TestEvictGoesUp(t *testing.T) {
	table, err := hpt.New(hpt.Config{Seed: 1})
	require.NoError(t, err)
	gone := map[pte.Slot]int{}
	for i := range pte.Slot(400) {
		group := uint64(i)
		for _, index := range []pte.Slot{3, 5} {
			table.StoreRaw(8*i+index, pte.HPTE{V: pte.VValid})
		}
		s, _, err := table.Evict(group)
		require.NoError(t, err)
		gone[s%8]++
	}
	require.Greater(t, gone[3], 250, "from 6, 7, 0, 1, 2 and 3")
	require.Greater(t, gone[5], 50, "from 4 and 5")
}

func TestEvictSkipsBolted(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	_, _, err = table.Evict(21)
	require.ErrorIs(t, err, hpt.ErrBolted, "an empty group")
	for i := range 8 {
		k := inPair(i)
		_, err := table.InsertGroup(21, encode(t, table, k, pte.Attr{Bolted: i != 5}))
		require.NoError(t, err)
	}
	s, _, err := table.Evict(21)
	require.NoError(t, err)
	require.EqualValues(t, 21*8+5, s)
	_, _, err = table.Evict(21)
	require.ErrorIs(t, err, hpt.ErrBolted)
	_, ok := table.Invalidate(pte.Ref{Key: inPair(0), Hint: pte.MakeSlotHint(false, 0)})
	require.True(t, ok, "explicit removal takes bolted entries (H4)")
}

// TestFreeIsVClear: what an invalid slot holds besides does not matter, and is
// not kept.
func TestFreeIsVClear(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	for i := range pte.Slot(8) {
		table.StoreRaw(21*8+i, pte.HPTE{V: ^uint64(pte.VValid), R: ^uint64(0)})
	}
	for i := range 8 {
		h := encode(t, table, inPair(i), pte.Attr{})
		hint, err := table.Insert(inPair(i), h)
		require.NoError(t, err)
		require.Equal(t, pte.MakeSlotHint(false, i), hint)
		require.Equal(t, h, table.LoadRaw(pte.Slot(21*8+i)))
	}
}

// TestFormat3Leftovers: bits that format 3 ignores in V do not hide an entry and
// do not stop a change.
func TestFormat3Leftovers(t *testing.T) {
	table, err := hpt.New(hpt.Config{Format: hpt.Format3})
	require.NoError(t, err)
	k := inPair(0)
	h := encode(t, table, k, pte.Attr{PP: 2})
	raw := h.To3()
	raw.V |= 0xfff << 52
	table.StoreRaw(21*8, raw)

	got, hint, ok := table.Lookup(k)
	require.True(t, ok)
	require.Equal(t, h, got)
	require.EqualValues(t, 1, table.Candidates(21, h.V))

	marked := h
	marked.R |= pte.RRef | pte.RChg
	require.False(t, table.CompareAndSwap(21*8, marked, h))
	require.True(t, table.CompareAndSwap(21*8, h, marked))
	table.StoreRaw(21*8, raw)
	r := pte.Ref{Key: k, Hint: hint}
	require.NoError(t, table.MarkAccess(r, pte.Write))
	table.StoreRaw(21*8, raw)
	old, ok := table.Invalidate(r)
	require.True(t, ok)
	require.Equal(t, h, old)
}

// TestFormat3ComparesB: there B is in R, and still decides.
func TestFormat3ComparesB(t *testing.T) {
	for _, f := range []hpt.Format{hpt.Format2, hpt.Format3} {
		table, err := hpt.New(hpt.Config{Format: f})
		require.NoError(t, err)
		small := pte.Key{VSID: 1 << 12, Base: pte.Page4K, Seg: pte.Seg256M}
		large := pte.Key{VSID: 1, Base: pte.Page4K, Seg: pte.Seg1T}
		require.Equal(t, small.AVPN()<<2, large.AVPN()<<2)
		_, err = table.InsertGroup(large.Hash().Primary(table.Mask()), encode(t, table, small, pte.Attr{}))
		require.NoError(t, err)
		_, _, ok := table.Lookup(large)
		require.False(t, ok)
		_, err = table.InsertUnique(large, encode(t, table, large, pte.Attr{}))
		require.NoError(t, err)
		h, hint, ok := table.Lookup(large)
		require.True(t, ok)
		require.Equal(t, pte.Seg1T, h.Seg())
		require.Equal(t, pte.MakeSlotHint(false, 1), hint)
	}
}

func TestCandidates(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	h := encode(t, table, inPair(0), pte.Attr{})
	for i := range 8 {
		e := h
		if i%3 != 0 {
			e = encode(t, table, inPair(i), pte.Attr{})
		}
		e.V |= pte.VBolted // not compared
		_, err := table.InsertGroup(21, e)
		require.NoError(t, err)
	}
	require.EqualValues(t, 1<<0|1<<3|1<<6, table.Candidates(21, h.V))
	require.Zero(t, table.Candidates(22, h.V))
	require.Zero(t, table.Candidates(21, h.V|pte.VSecondary))
}

func TestIteration(t *testing.T) {
	table, err := realtable.LoadPOWER8(hpt.Config{})
	require.NoError(t, err)
	all := maps.Collect(table.All())
	require.Len(t, all, 54574)
	n := 0
	for g := range table.Groups() {
		for s, h := range table.Group(g) {
			require.Equal(t, g, s.Group())
			require.Equal(t, all[s], h)
			n++
		}
	}
	require.Equal(t, len(all), n)
	for s := range table.All() {
		require.Equal(t, slices.Min(slices.Collect(maps.Keys(all))), s)
		break
	}
}

// TestNoAllocs: operations on entries allocate nothing, failing ones neither.
func TestNoAllocs(t *testing.T) {
	for name, native := range hpt.Protocols() {
		for _, f := range []hpt.Format{hpt.Format2, hpt.Format3} {
			t.Run(name+"/format"+f.String(), func(t *testing.T) {
				table := newTable(t, hpt.Config{Format: f}, native)
				k, refs := inPair(0), make([]pte.Ref, 0, 20)
				h := encode(t, table, k, pte.Attr{PP: 2})
				for i := range cap(refs) {
					refs = append(refs, pte.Ref{Key: inPair(i + 1), Hint: pte.MakeSlotHint(false, i&7)})
				}
				require.Zero(t, testing.AllocsPerRun(100, func() {
					hint, _ := table.Insert(k, h)
					r := pte.Ref{Key: k, Hint: hint}
					table.Lookup(k)
					_, _ = table.InsertUnique(k, h)
					_ = table.MarkAccess(r, pte.Write)
					_ = table.Protect(r, pte.Attr{PP: 3})
					table.Invalidate(r)
					table.Invalidate(r)
					_ = table.Protect(r, pte.Attr{PP: 3})
					_, _ = table.InsertUnique(k, h)
					table.InvalidateKey(k)
					_, _ = table.InsertGroup(21, h)
					_, _, _ = table.Evict(21)
					_, _, _ = table.Evict(21)
					table.InvalidateBatch(refs)
					table.Candidates(21, h.V)
					table.CompareAndSwap(3, table.Load(3), table.Load(4))
				}))
			})
		}
	}
}

// TestCompareAndSwapComparesBoth: half of the old entry is not enough.
func TestCompareAndSwapComparesBoth(t *testing.T) {
	is, new := pte.HPTE{V: pte.VValid, R: 0x1196}, pte.HPTE{V: pte.VValid, R: 0x2196}
	for name, native := range hpt.Protocols() {
		table := newTable(t, hpt.Config{}, native)
		for how, cas := range map[string]func(pte.Slot, pte.HPTE, pte.HPTE) bool{
			"CompareAndSwap": table.CompareAndSwap, "CompareAndSwapRaw": table.CompareAndSwapRaw,
		} {
			table.StoreRaw(5, is)
			for _, old := range []pte.HPTE{{V: is.V, R: is.R ^ pte.RChg}, {V: is.V ^ pte.VBolted, R: is.R}} {
				require.False(t, cas(5, old, new), "%s %s", name, how)
				require.Equal(t, is, table.Load(5))
			}
			require.True(t, cas(5, is, new), "%s %s", name, how)
			require.Equal(t, new, table.Load(5))
		}
	}
}
