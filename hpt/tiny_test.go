package hpt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/pte"
)

// TestTiny: two groups of two slots are a table like any other, and copying its
// state back undoes whatever happened.
func TestTiny(t *testing.T) {
	for name, native := range hpt.Protocols() {
		t.Run(name, func(t *testing.T) {
			made := tiny.New(tiny.Config{Groups: 2, Slots: 2, Native: native})
			table := made.Store.(*hpt.Table)
			require.EqualValues(t, 2, table.Groups())
			require.EqualValues(t, 4, table.Slots())
			empty := slices.Clone(made.State)

			key := func(i int) pte.Key { return pte.Key{VSID: pte.VSID(i+1) << 8, Base: pte.Page4K} }
			var hints []pte.SlotHint
			for i := range 4 {
				hint, err := table.InsertUnique(key(i), encode(t, table, key(i), pte.Attr{}))
				require.NoError(t, err)
				hints = append(hints, hint)
			}
			require.Equal(t, []pte.SlotHint{
				pte.MakeSlotHint(false, 0), pte.MakeSlotHint(false, 1), pte.MakeSlotHint(true, 0), pte.MakeSlotHint(true, 1),
			}, hints)
			_, err := table.Insert(key(4), encode(t, table, key(4), pte.Attr{}))
			require.ErrorIs(t, err, hpt.ErrGroupFull)
			_, ok := table.Invalidate(pte.Ref{Key: key(0), Hint: pte.MakeSlotHint(false, 7)})
			require.False(t, ok, "no such index")
			require.NoError(t, table.Check())

			full := slices.Clone(made.State)
			_, _, err = table.Evict(0)
			require.NoError(t, err)
			_, err = table.Insert(key(2), encode(t, table, key(2), pte.Attr{Chg: true}))
			require.NoError(t, err)
			var d *hpt.DuplicateError
			require.ErrorAs(t, table.Check(), &d)
			require.True(t, d.AcrossGroups)
			require.False(t, d.Conflict)

			copy(made.State, full)
			require.NoError(t, table.Check())
			require.EqualValues(t, 4, table.Stats().Valid)
			copy(made.State, empty)
			require.Zero(t, table.Stats().Valid)
		})
	}
}

// TestTinyIndexPastGroup: a hint does not reach into the next group, where a page that
// follows has the same AVPN.
func TestTinyIndexPastGroup(t *testing.T) {
	for name, native := range hpt.Protocols() {
		table := tiny.New(tiny.Config{Groups: 2, Slots: 2, Native: native}).Store.(*hpt.Table)
		first := pte.Key{VSID: 1 << 8, Base: pte.Page4K}
		second := first
		second.Page = 1
		_, err := table.Insert(second, encode(t, table, second, pte.Attr{}))
		require.NoError(t, err)
		require.True(t, table.Load(2).Valid(), name)
		_, ok := table.Invalidate(pte.Ref{Key: first, Hint: pte.MakeSlotHint(false, 2)})
		require.False(t, ok, name)
		require.True(t, table.Load(2).Valid(), name)
	}
}

func TestTinyRefuses(t *testing.T) {
	for _, c := range []tiny.Config{{}, {Groups: 1, Slots: 2}, {Groups: 3, Slots: 2}, {Groups: 2, Slots: 9}, {Groups: 2048, Slots: 8}} {
		require.Panics(t, func() { tiny.New(c) }, "%+v", c)
	}
}
