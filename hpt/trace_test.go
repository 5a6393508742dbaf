package hpt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// TestTrace: the changes told, applied to an empty array, make the table.
func TestTrace(t *testing.T) {
	for _, format := range []hpt.Format{hpt.Format2, hpt.Format3} {
		seen := map[pte.Slot]pte.HPTE{}
		table, err := hpt.New(hpt.Config{Format: format, Trace: hpt.Trace{Changed: func(s pte.Slot, old, new pte.HPTE) {
			require.Equal(t, seen[s], old, "slot %d", s)
			seen[s] = new
		}}})
		require.NoError(t, err)
		defer table.Close()
		require.Equal(t, hpt.CodeGo, table.Config().Code)
		k := inPair(0)
		h := encode(t, table, k, pte.Attr{PP: pte.PPUserRW})
		hint, err := table.Insert(k, h)
		require.NoError(t, err)
		r := pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}
		require.NoError(t, table.MarkAccess(r, pte.Write))
		_, err = table.InsertUnique(inPair(1), encode(t, table, inPair(1), pte.Attr{}))
		require.NoError(t, err)
		_, ok := table.Invalidate(r)
		require.True(t, ok)
		for s := range pte.Slot(table.Slots()) {
			require.Equal(t, table.Load(s), seen[s], "slot %d", s)
		}
		require.Len(t, seen, 2)
	}
}

// BenchmarkTrace compares inserts and removals without a trace, in plain Go too, and
// with one that does nothing.
func BenchmarkTrace(b *testing.B) {
	for name, c := range map[string]hpt.Config{
		"none":    {},
		"none-go": {Code: hpt.CodeGo},
		"idle":    {Trace: hpt.Trace{Changed: func(pte.Slot, pte.HPTE, pte.HPTE) {}}},
	} {
		b.Run(name, func(b *testing.B) {
			table, err := hpt.New(c)
			require.NoError(b, err)
			defer table.Close()
			k := inPair(0)
			h := encode(b, table, k, pte.Attr{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := table.Insert(k, h); err != nil {
					b.Fatal(err)
				}
				table.InvalidateKey(k)
			}
		})
	}
}
