package pte_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

func TestShippedSizes(t *testing.T) {
	for _, bases := range [][]pte.SegPageSizes{pte.SizesPOWER5, pte.SizesPOWER6, pte.SizesPOWER7} {
		s, err := pte.NewSizes(bases)
		require.NoError(t, err)
		require.Equal(t, bases, s.Bases())
		for _, b := range bases {
			require.True(t, s.HasBase(b.Base))
			enc, ok := s.SLB(b.Base)
			require.True(t, ok)
			require.Equal(t, b.SLB, enc)
			base, ok := s.Base(enc | 0xfff0000000000ecf) // other bits of an SLB entry
			require.True(t, ok)
			require.Equal(t, b.Base, base)
		}
		require.False(t, s.HasBase(pte.Page1M))
		_, ok := s.SLB(pte.Page1M)
		require.False(t, ok)
		_, ok = s.Base(0x130)
		require.False(t, ok)
		require.False(t, s.HasBase(200))
		_, ok = s.Actual(200, pte.HPTE{})
		require.False(t, ok)
	}
}

// TestAmbiguousSizesAreRefused (P6), and everything else that is nonsense.
func TestAmbiguousSizesAreRefused(t *testing.T) {
	type rows = []pte.SegPageSizes
	type sizes = []pte.ActualSize
	k4 := pte.SegPageSizes{Base: pte.Page4K, Actual: sizes{{Size: pte.Page4K}}}
	for name, c := range map[string]struct {
		bases rows
		field string
		value uint64
	}{
		"empty":            {nil, "bases", 0},
		"unknown base":     {rows{{Base: 13, Actual: sizes{{Size: 13}}}}, "base[0].Base", 13},
		"base twice":       {rows{k4, {Base: pte.Page4K, SLB: 0x110, Actual: sizes{{Size: pte.Page4K}}}}, "base[1].Base", 12},
		"SLB bits":         {rows{{Base: pte.Page4K, SLB: 0x80, Actual: sizes{{Size: pte.Page4K}}}}, "base[0].SLB", 0x80},
		"SLB twice":        {rows{k4, {Base: pte.Page64K, Actual: sizes{{Size: pte.Page64K, LP: 1}}}}, "base[1].SLB", 0},
		"no actual":        {rows{{Base: pte.Page4K}}, "base[0].Actual", 0},
		"actual unknown":   {rows{{Base: pte.Page4K, Actual: sizes{{Size: 14}}}}, "base[0].Actual[0].Size", 14},
		"actual too small": {rows{{Base: pte.Page64K, Actual: sizes{{Size: pte.Page4K}}}}, "base[0].Actual[0].Size", 12},
		"LP too wide":      {rows{{Base: pte.Page64K, Actual: sizes{{Size: pte.Page64K, LP: 16}}}}, "base[0].Actual[0].LP", 16},
		"LP of 4K":         {rows{{Base: pte.Page4K, Actual: sizes{{Size: pte.Page4K, LP: 1}}}}, "base[0].Actual[0].LP", 1},
		"same LP": {rows{{Base: pte.Page4K, Actual: sizes{{Size: pte.Page4K}, {Size: pte.Page64K, LP: 1}}},
			{Base: pte.Page64K, SLB: 0x110, Actual: sizes{{Size: pte.Page64K, LP: 1}}}}, "base[1].Actual[0].LP", 1},
		"LP within another": {rows{{Base: pte.Page64K, SLB: 0x110, Actual: sizes{{Size: pte.Page64K, LP: 1}, {Size: pte.Page16M, LP: 0x21}}}},
			"base[0].Actual[1].LP", 0x21},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pte.NewSizes(c.bases)
			require.ErrorIs(t, err, pte.ErrSizes)
			var e *pte.SizesError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.field, e.Field)
			require.Equal(t, c.value, e.Value)
			require.Panics(t, func() { pte.MustSizes(c.bases) })
		})
	}
}

// TestNoEntryReadsTwoWays (P6): a table that is accepted has at most one reading
// of any entry, and every row can be written and read.
func TestNoEntryReadsTwoWays(t *testing.T) {
	known := []pte.PageSize{pte.Page4K, pte.Page64K, pte.Page1M, pte.Page16M, pte.Page16G}
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var bases []pte.SegPageSizes
		for i, base := range rapid.Permutation(known).Draw(t, "bases")[:rapid.IntRange(1, 4).Draw(t, "rows")] {
			row := pte.SegPageSizes{Base: base, SLB: []uint64{0, 0x100, 0x110, 0x120}[i]}
			for _, size := range known {
				if size >= base && rapid.Bool().Draw(t, "offered") {
					lp := rapid.Uint64Range(0, min(size.Bytes()>>12-1, 63)).Draw(t, "lp")
					row.Actual = append(row.Actual, pte.ActualSize{Size: size, LP: lp})
				}
			}
			if len(row.Actual) > 0 {
				bases = append(bases, row)
			}
		}
		s, err := pte.NewSizes(bases)
		if err != nil {
			require.ErrorIs(t, err, pte.ErrSizes)
			refused++
			return
		}
		accepted++
		h := pte.HPTE{V: rapid.Uint64().Draw(t, "v"), R: rapid.Uint64().Draw(t, "r")}
		readings := 0
		for _, b := range bases {
			if actual, ok := s.Actual(b.Base, h); ok {
				readings++
				base, decoded, ok := s.Decode(h)
				require.True(t, ok)
				require.Equal(t, b.Base, base)
				require.Equal(t, actual, decoded)
			}
			for _, a := range b.Actual {
				k := pte.Key{Base: b.Base, Seg: pte.Seg1T}
				h, err := s.Encode(k, 0, a.Size, pte.Attr{})
				require.NoError(t, err)
				actual, ok := s.Actual(b.Base, h)
				require.True(t, ok)
				require.Equal(t, a.Size, actual)
			}
		}
		require.LessOrEqual(t, readings, 1)
	})
	require.NotZero(t, accepted)
	require.NotZero(t, refused)
}

func TestEncodeRefuses(t *testing.T) {
	k := pte.MakeKey(1, 0x10000, pte.Seg256M, pte.Page64K)
	with := func(change func(*pte.Key)) pte.Key {
		n := k
		change(&n)
		return n
	}
	for name, c := range map[string]struct {
		key    pte.Key
		ra     pte.RA
		actual pte.PageSize
		field  string
		value  uint64
		err    error
	}{
		"size not offered": {k, 0, pte.Page4K, "Actual", 12, pte.ErrSize},
		"base not offered": {with(func(k *pte.Key) { k.Base = pte.Page1M }), 0, pte.Page1M, "Actual", 20, pte.ErrSize},
		"base nonsense":    {with(func(k *pte.Key) { k.Base = 99 }), 0, pte.Page64K, "Actual", 16, pte.ErrSize},
		"reserved segment": {with(func(k *pte.Key) { k.Seg = 2 }), 0, pte.Page64K, "Seg", 2, pte.ErrRange},
		"VSID 256M":        {with(func(k *pte.Key) { k.VSID = 1 << 50 }), 0, pte.Page64K, "VSID", 1 << 50, pte.ErrRange},
		"VSID 1T":          {with(func(k *pte.Key) { k.VSID, k.Seg = 1<<38, pte.Seg1T }), 0, pte.Page64K, "VSID", 1 << 38, pte.ErrRange},
		"page beyond":      {with(func(k *pte.Key) { k.Page = 1 << 16 }), 0, pte.Page64K, "Page", 1 << 16, pte.ErrRange},
		"page not aligned": {with(func(k *pte.Key) { k.Page = 1 }), 0, pte.Page64K, "Page", 1, pte.ErrAlign},
		"RA not aligned":   {k, 0x1000, pte.Page64K, "RA", 0x1000, pte.ErrAlign},
		"RA beyond":        {k, 1 << 60, pte.Page64K, "RA", 1 << 60, pte.ErrRange},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := power7.Encode(c.key, c.ra, c.actual, pte.Attr{})
			require.ErrorIs(t, err, c.err)
			var e *pte.FieldError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.field, e.Field)
			require.Equal(t, c.value, e.Value)
		})
	}
}

func TestKeyRefuses(t *testing.T) {
	mask := uint64(1<<13 - 1)
	k := pte.MakeKey(0x1234567, 0x10000, pte.Seg256M, pte.Page64K)
	h, err := power7.Encode(k, 0, pte.Page64K, pte.Attr{})
	require.NoError(t, err)
	_, _, err = power7.Key(h, k.Hash().Primary(mask)^0x1000, mask)
	require.ErrorIs(t, err, pte.ErrPlaced)
	_, _, err = power7.Key(h, k.Hash().Secondary(mask), mask)
	require.ErrorIs(t, err, pte.ErrPlaced, "H is clear")
	h.R |= 0xf000
	_, _, err = power7.Key(h, k.Hash().Primary(mask), mask)
	require.ErrorIs(t, err, pte.ErrSize)
	_, _, err = power7.Key(pte.HPTE{V: 2<<62 | pte.VValid}, 0, mask)
	require.ErrorIs(t, err, pte.ErrRange)
}
