package hpt_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

// recordedStats is what the recorder counted, by other code than ours.
type recordedStats struct {
	Valid      uint64            `json:"valid"`
	Entries    uint64            `json:"entries"`
	Load       float64           `json:"load_factor"`
	BadGroups  uint64            `json:"group_check_bad"`
	Duplicates uint64            `json:"duplicates"`
	Sizes      map[string]uint64 `json:"sizes_base_actual"`
	Secondary  uint64            `json:"secondary"`
	Bolted     uint64            `json:"bolted"`
	MaxGroup   int               `json:"max_group"`
	FullGroups uint64            `json:"full_groups"`
	Format     int               `json:"hpte_format"`
	Shift      int               `json:"hpt_shift"`
}

// TestRecordedTables: every recorded table is sound and counts as recorded.
func TestRecordedTables(t *testing.T) {
	dumps := oracle.Glob("dumps/*/hpt.bin.gz")
	if len(dumps) == 0 || testing.Short() {
		t.Skip("no recorded data, or no time for it")
	}
	for _, name := range dumps {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(name), "stats.json"))
			require.NoError(t, err)
			var want recordedStats
			require.NoError(t, json.Unmarshal(b, &want))

			f, err := oracle.Open(name)
			require.NoError(t, err)
			defer f.Close()
			table, err := hpt.ReadImage(f, hpt.Config{Format: hpt.Format(want.Format - 2)})
			require.NoError(t, err)
			require.NoError(t, table.Check())

			s := table.Stats()
			sizes := map[string]uint64{}
			for p, n := range s.Sizes {
				sizes[p.String()] = n
			}
			got := recordedStats{
				Valid: s.Valid, Entries: s.Entries, BadGroups: s.Misplaced, Duplicates: s.Duplicates, Sizes: sizes,
				Secondary: s.Secondary, Bolted: s.Bolted, MaxGroup: s.MaxGroup, FullGroups: s.FullGroups,
				Format: want.Format, Shift: s.Order, Load: want.Load,
			}
			require.Equal(t, want, got)
			require.InDelta(t, want.Load, s.Load(), 5e-6)
			require.Zero(t, s.Conflicts)
			require.Zero(t, s.Undecodable)
		})
	}
}

// TestEveryEntryIsFound: what Check calls placed, Lookup finds where it sits.
func TestEveryEntryIsFound(t *testing.T) {
	for name, load := range map[string]func(hpt.Config) (*hpt.Table, error){
		"POWER8": realtable.LoadPOWER8, "POWER9": realtable.LoadPOWER9,
	} {
		t.Run(name, func(t *testing.T) {
			table, err := load(hpt.Config{})
			require.NoError(t, err)
			for s, h := range table.All() {
				k, _, err := table.Sizes().Key(h, s.Group(), table.Mask())
				require.NoError(t, err)
				got, hint, ok := table.Lookup(k)
				require.True(t, ok)
				require.Equal(t, h, got)
				require.Equal(t, s, hint.Slot(k.Hash(), table.Mask()))
			}
		})
	}
}

// planted is a table with room, and a page to plant more entries of.
type planted struct {
	*hpt.Table
	key pte.Key
}

func plant(t *testing.T, f hpt.Format) planted {
	table, err := hpt.New(hpt.Config{Order: 20, Format: f})
	require.NoError(t, err)
	return planted{table, pte.MakeKey(0x554fa54, 0x7fff12340000, pte.Seg1T, pte.Page64K)}
}

func (p planted) entry(t *testing.T, ra pte.RA, actual pte.PageSize, a pte.Attr) pte.HPTE {
	h, err := p.Sizes().Encode(p.key, ra, actual, a)
	require.NoError(t, err)
	return h
}

func (p planted) put(t *testing.T, secondary bool, h pte.HPTE) pte.Slot {
	if secondary {
		h.V |= pte.VSecondary
	}
	g := p.key.Hash().Group(secondary, p.Mask())
	i, err := p.InsertGroup(g, h)
	require.NoError(t, err)
	return pte.Slot(g*8 + uint64(i))
}

// TestPlantedDuplicates: each kind of pair is found and named, once.
func TestPlantedDuplicates(t *testing.T) {
	rw := pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory}
	ro := pte.Attr{PP: pte.PPRead, WIMG: pte.Memory}
	used := pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory, Ref: true, Chg: true}
	for name, c := range map[string]struct {
		second   bool // in the secondary group
		ra       pte.RA
		actual   pte.PageSize
		attr     pte.Attr
		conflict bool
	}{
		"same group, agreeing":                {false, 0x30000, pte.Page64K, rw, false},
		"same group, used and agreeing":       {false, 0x30000, pte.Page64K, used, false},
		"same group, other page":              {false, 0x40000, pte.Page64K, rw, true},
		"same group, other protection":        {false, 0x30000, pte.Page64K, ro, true},
		"across groups, agreeing":             {true, 0x30000, pte.Page64K, rw, false},
		"across groups, other page":           {true, 0x50000, pte.Page64K, rw, true},
		"across page sizes":                   {false, 0x1000000, pte.Page16M, rw, true},
		"across page sizes and across groups": {true, 0x1000000, pte.Page16M, ro, true},
	} {
		for _, f := range []hpt.Format{hpt.Format2, hpt.Format3} {
			t.Run(name+"/format"+f.String(), func(t *testing.T) {
				p := plant(t, f)
				first := p.put(t, false, p.entry(t, 0x30000, pte.Page64K, rw))
				second := p.put(t, c.second, p.entry(t, c.ra, c.actual, c.attr))

				var d *hpt.DuplicateError
				err := p.Check()
				require.ErrorIs(t, err, hpt.ErrDuplicate)
				require.NotErrorIs(t, err, hpt.ErrMisplaced)
				require.ErrorAs(t, err, &d)
				require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 1)
				require.Equal(t, p.key, d.Key)
				require.Equal(t, [2]pte.Slot{min(first, second), max(first, second)}, d.Slots)
				require.Equal(t, p.Load(d.Slots[0]), d.Entries[0])
				require.Equal(t, p.Load(d.Slots[1]), d.Entries[1])
				require.Equal(t, c.conflict, d.Conflict)
				require.Equal(t, c.second, d.AcrossGroups)
				require.Equal(t, c.actual != pte.Page64K, d.AcrossActuals)

				s := p.Stats()
				require.EqualValues(t, 1, s.Duplicates)
				require.Equal(t, c.conflict, s.Conflicts == 1)
			})
		}
	}
}

// TestStats: a full group, one entry more in its secondary group, and one in the last
// pair of groups.
func TestStats(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	insert := func(g uint64, i int, a pte.Attr) {
		k := pte.Key{VSID: pte.VSID(uint64(i+1)<<20 | g), Base: pte.Page4K}
		_, err := table.Insert(k, encode(t, table, k, a))
		require.NoError(t, err)
	}
	for i := range 9 {
		insert(5, i, pte.Attr{Bolted: i < 2})
	}
	last := table.Mask() / 2
	insert(last, 0, pte.Attr{})
	k := pte.Key{Page: 16, Base: pte.Page64K}
	h, err := table.Sizes().Encode(k, 0, pte.Page16M, pte.Attr{})
	require.NoError(t, err)
	_, err = table.Insert(k, h)
	require.NoError(t, err)
	s := table.Stats()
	require.Equal(t, hpt.Stats{
		Order: hpt.MinOrder, Entries: table.Slots(), Valid: 11, Bolted: 2, Secondary: 1, MaxGroup: 8, FullGroups: 1,
		Sizes: map[hpt.SizePair]uint64{{Base: pte.Page4K, Actual: pte.Page4K}: 10, {Base: pte.Page64K, Actual: pte.Page16M}: 1},
	}, s)
	require.InDelta(t, 11.0/float64(table.Slots()), s.Load(), 1e-9)
}

// TestPairsAreCountedOnce: three entries of one key are three pairs.
func TestPairsAreCountedOnce(t *testing.T) {
	p := plant(t, hpt.Format2)
	for i := range 3 {
		p.put(t, i == 1, p.entry(t, 0, pte.Page64K, pte.Attr{}))
	}
	require.EqualValues(t, 3, p.Stats().Duplicates)
	require.Len(t, p.Check().(interface{ Unwrap() []error }).Unwrap(), 3)
}

// TestNoDuplicates: what looks alike and is legal.
func TestNoDuplicates(t *testing.T) {
	t.Run("a large page under several of its base pages", func(t *testing.T) {
		p := plant(t, hpt.Format2)
		for i := range 8 {
			k := p.key
			k.Page += uint32(i) << (pte.Page64K - pte.VPNShift)
			h, err := p.Sizes().Encode(k, 0, pte.Page16M, pte.Attr{})
			require.NoError(t, err)
			_, err = p.Insert(k, h)
			require.NoError(t, err)
		}
		require.NoError(t, p.Check())
	})
	t.Run("one page of several segments in one group", func(t *testing.T) {
		p := plant(t, hpt.Format2)
		for i := range 4 {
			k := p.key
			k.VSID += pte.VSID(i) << 14
			require.Equal(t, p.key.Hash().Primary(p.Mask()), k.Hash().Primary(p.Mask()))
			h, err := p.Sizes().Encode(k, 0, pte.Page64K, pte.Attr{})
			require.NoError(t, err)
			_, err = p.Insert(k, h)
			require.NoError(t, err)
		}
		require.NoError(t, p.Check())
	})
	t.Run("pages that only H tells apart", func(t *testing.T) {
		table, err := hpt.New(hpt.Config{})
		require.NoError(t, err)
		a := pte.Key{VSID: 0x7ca37f5168, Page: 0x123, Base: pte.Page4K}
		b := a
		b.Page ^= 0x7ff
		for _, k := range []pte.Key{a, b} {
			h, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{})
			require.NoError(t, err)
			if k == b {
				h.V |= pte.VSecondary
			}
			_, err = table.InsertGroup(a.Hash().Primary(table.Mask()), h)
			require.NoError(t, err)
		}
		require.NoError(t, table.Check())
		_, hint, ok := table.Lookup(b)
		require.True(t, ok)
		require.True(t, hint.Secondary())
	})
	t.Run("one page by two base page sizes", func(t *testing.T) {
		p := plant(t, hpt.Format2)
		p.put(t, false, p.entry(t, 0, pte.Page64K, pte.Attr{}))
		k := p.key
		k.Base = pte.Page4K
		h, err := p.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{})
		require.NoError(t, err)
		_, err = p.Insert(k, h)
		require.NoError(t, err)
		require.NoError(t, p.Check())
	})
}

func TestMisplaced(t *testing.T) {
	for _, f := range []hpt.Format{hpt.Format2, hpt.Format3} {
		t.Run("format"+f.String(), func(t *testing.T) {
			p := plant(t, f)
			h := p.entry(t, 0x30000, pte.Page64K, pte.Attr{PP: 2})
			wrong := (p.key.Hash().Primary(p.Mask()) + 0x800) & p.Mask()
			_, err := p.InsertGroup(wrong, h)
			require.NoError(t, err)
			// H clear in the secondary group, as after htab_bolt_mapping.
			_, err = p.InsertGroup(p.key.Hash().Secondary(p.Mask()), h)
			require.NoError(t, err)

			err = p.Check()
			require.ErrorIs(t, err, hpt.ErrMisplaced)
			require.NotErrorIs(t, err, hpt.ErrDuplicate)
			var m *hpt.MisplacedError
			require.ErrorAs(t, err, &m)
			require.Equal(t, h, m.Entry)
			require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 2)
			require.EqualValues(t, 2, p.Stats().Misplaced)
		})
	}
}

func TestUndecodable(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	table.StoreRaw(3, pte.HPTE{V: pte.VValid | pte.VLarge, R: 0xf2000}) // no such LP
	table.StoreRaw(4, pte.HPTE{V: pte.VValid | 2<<62})                  // reserved B
	require.NoError(t, table.Check())
	s := table.Stats()
	require.EqualValues(t, 2, s.Undecodable)
	require.EqualValues(t, 2, s.Valid)
	require.Empty(t, s.Sizes)
	require.Equal(t, 2, s.MaxGroup)
}
