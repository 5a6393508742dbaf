package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// Without a table there is nothing to fetch, and every access faults.
func TestTranslateBatchNoTable(t *testing.T) {
	c, err := mmu.New(mmu.Config{})
	require.NoError(t, err)
	c.SetMSR(on)
	require.True(t, c.SLBMTE(uint64(plainEA)&^0xfffffff|0x08000000, plainWord))
	results := make([]mmu.Result, 1)
	require.Zero(t, c.TranslateBatch([]pte.EA{plainEA}, pte.Read, results))
	require.EqualValues(t, mmu.StatusNoPTE, results[0].Status)
}

// TestTranslateBatch: a batch answers, and changes the table, as its elements
// one after the other do: hits, misses, no segment, faults, with and without a
// software TLB, translation on and off.
func TestTranslateBatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := mmu.Config{
			TLB:              rapid.SampledFrom([]int{0, 6}).Draw(rt, "tlb"),
			DetectDuplicates: rapid.Bool().Draw(rt, "duplicates"),
			Profile:          rapid.SampledFrom([]mmu.Profile{mmu.POWER8, mmu.POWER9}).Draw(rt, "profile"),
		}
		one, many := busy(t, cfg), busy(t, cfg)
		if rapid.IntRange(0, 9).Draw(rt, "real") == 0 {
			one.SetMSR(0)
			many.SetMSR(0)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "batches") {
			eas := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) pte.EA {
				segment := rapid.Uint64Range(0, 15).Draw(rt, "segment") // 14 and 15 are not there
				page := rapid.Uint64Range(0, 70).Draw(rt, "page")       // from 64 on neither
				return pte.EA(segment<<40 | page<<16 | rapid.Uint64Range(0, 0xffff).Draw(rt, "offset"))
			}), 0, 100).Draw(rt, "eas")
			acc := rapid.SampledFrom([]pte.Access{pte.Read, pte.Write, pte.Exec}).Draw(rt, "access")
			results := make([]mmu.Result, len(eas))
			ok := many.TranslateBatch(eas, acc, results)
			for i, ea := range eas {
				r := one.Translate(ea, acc)
				require.Equal(rt, r, results[i])
				if r.OK() {
					ok--
				}
			}
			require.Zero(rt, ok)
			require.Equal(rt, one.Table().Digest(), many.Table().Digest())
			require.Equal(rt, one.Live(), many.Live())
		}
	})
	c := busy(t, mmu.Config{})
	require.Panics(t, func() { c.TranslateBatch(make([]pte.EA, 2), pte.Read, make([]mmu.Result, 1)) })
	require.Zero(t, c.TranslateBatch(nil, pte.Read, nil))
}

func TestTranslateBatchAllocatesNothing(t *testing.T) {
	eas, results := make([]pte.EA, 100), make([]mmu.Result, 100)
	for i := range eas {
		eas[i] = busyEA + pte.EA(i)<<16
	}
	for _, cfg := range []mmu.Config{{}, {TLB: 6}, {Profile: mmu.POWER9}, {DetectDuplicates: true}} {
		c := busy(t, cfg)
		require.Zero(t, testing.AllocsPerRun(100, func() { c.TranslateBatch(eas, pte.Read, results) }))
	}
}
