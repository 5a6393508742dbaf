package hpt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/pte"
)

// Each way to put an entry into its secondary group must set the bit, or the
// entry cannot be found.
func TestOverflowBit(t *testing.T) {
	k := pte.Key{VSID: 0x5000015, Base: pte.Page4K}
	primary, secondary := k.Hash().Primary(1<<(MinOrder-7)-1), k.Hash().Secondary(1<<(MinOrder-7)-1)
	h := pte.HPTE{V: k.AVPN() | pte.VValid | pte.VSecondary, R: 0x5000}
	s := pte.Slot(secondary * 8)
	fill := func(table *Table) {
		for i := range 8 {
			table.StoreRaw(pte.Slot(primary*8)+pte.Slot(i), pte.HPTE{V: 1<<40 | uint64(i)<<20 | pte.VValid})
		}
	}
	for name, put := range map[string]func(*Table){
		"Insert":         func(t *Table) { fill(t); _, _ = t.Insert(k, h) },
		"InsertUnique":   func(t *Table) { fill(t); _, _ = t.InsertUnique(k, h) },
		"InsertBatch":    func(t *Table) { fill(t); t.InsertBatch([]pte.Key{k}, []pte.HPTE{h}, make([]pte.SlotHint, 1)) },
		"InsertGroup":    func(t *Table) { _, _ = t.InsertGroup(secondary, h) },
		"CompareAndSwap": func(t *Table) { t.CompareAndSwap(s, pte.HPTE{}, h) },
		"StoreRaw":       func(t *Table) { t.StoreRaw(s, h) },
		"made valid": func(t *Table) {
			t.StoreRaw(s, pte.HPTE{V: h.V &^ pte.VValid, R: h.R})
			t.CompareAndSwap(s, pte.HPTE{V: h.V &^ pte.VValid, R: h.R}, h)
		},
	} {
		for proto, native := range Protocols() {
			for _, locked := range []bool{false, true} {
				t.Run(name+"/"+proto, func(t *testing.T) {
					table, err := newTable(Config{LockUnique: locked}, native)
					require.NoError(t, err)
					require.False(t, table.overflowed(primary))
					put(table)
					require.True(t, table.overflowed(primary))
					require.False(t, table.overflowed(secondary))
					_, hint, ok := table.Lookup(k)
					require.True(t, ok && hint.Secondary())
					_, ok = table.Invalidate(pte.Ref{Key: k, Hint: hint})
					require.True(t, ok)
					_, _, ok = table.Lookup(k)
					require.False(t, ok)
				})
			}
		}
	}
}

// TestOverflowMissesAreTrue fills tables to the brim, and every entry that went
// in is found, singly and in batches.
func TestOverflowMissesAreTrue(t *testing.T) {
	for _, code := range Codes() {
		table, err := New(Config{Code: code})
		require.NoError(t, err)
		var keys []pte.Key
		secondary := 0
		for i := range table.Slots() {
			k := pte.Key{VSID: pte.VSID(i * 0x9e3779b97f4a7c15 >> 30), Base: pte.Page4K}
			if hint, err := table.Insert(k, pte.HPTE{V: k.AVPN() | pte.VValid}); err == nil {
				keys = append(keys, k)
				if hint.Secondary() {
					secondary++
				}
			}
		}
		require.NotZero(t, secondary)
		found := make([]Found, len(keys))
		require.Equal(t, len(keys), table.LookupBatch(keys, found))
		for _, k := range keys {
			_, _, ok := table.Lookup(k)
			require.True(t, ok)
		}
	}
}

// TestOverflowIsNotForGuests: a guest's own store of an entry is found.
func TestOverflowIsNotForGuests(t *testing.T) {
	memory := alignedBytes(1 << MinOrder)
	table, err := New(Config{Memory: memory})
	require.NoError(t, err)
	k := pte.Key{VSID: 0x15, Base: pte.Page4K}
	h := pte.HPTE{V: k.AVPN() | pte.VValid | pte.VSecondary}
	_, _ = h.AppendBinary(memory[k.Hash().Secondary(table.mask)*groupBytes:][:0])
	_, _, ok := table.Lookup(k)
	require.True(t, ok)
}
