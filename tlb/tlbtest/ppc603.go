package tlbtest

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// PPC603 drives a PPC603MMU of profile p, of 32 sets of two ways, and the model
// with the same operations and requires the same answers, registers and
// entries. The profile has to have no quirks.
func PPC603(t *rapid.T, p tlb.Profile) {
	mmu, err := tlb.New603(p)
	require.NoError(t, err)
	mmu.MSR = tlb.MSRDR | tlb.MSRIR
	model := &model603{Policy: p.MultiHit.Lookup, MSR: mmu.MSR}
	ea := rapid.Custom(func(t *rapid.T) uint32 {
		return rapid.SampledFrom([]uint32{0, 0x20000, 0x40000, 0xf0400000}).Draw(t, "base") + rapid.Uint32Range(0, 0x1fff).Draw(t, "offset")
	})
	vsid := rapid.SampledFrom([]uint32{1, 2, 0xffffff})
	load := func(t *rapid.T, side int, addr uint32) {
		mmu.RPA = rapid.Uint32().Draw(t, "rpa")&0xfffff1ff | rapid.SampledFrom([]uint32{0, 0x82, 0x82}).Draw(t, "dirty")
		model.RPA = mmu.RPA
		if side == tlb.Data603 {
			mmu.TLBLD(addr)
		} else {
			mmu.TLBLI(addr)
		}
		model.Load(side, addr)
	}
	access := func(t *rapid.T) {
		acc, addr := someAccess.Draw(t, "access"), ea.Draw(t, "ea")
		a := answerOf(mmu.Translate(acc, uint64(addr)))
		require.Equal(t, model.Translate(acc, addr), a)
		if a.Fault == tlb.TLBMiss && rapid.IntRange(0, 3).Draw(t, "fill") > 0 {
			side := tlb.Data603
			if acc == tlb.Fetch {
				side = tlb.Instr603
			}
			load(t, side, addr)
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"accesses": func(t *rapid.T) { // with a kernel that fills, mostly
			for range rapid.IntRange(1, 12).Draw(t, "accesses") {
				access(t)
			}
		},
		"load": func(t *rapid.T) {
			side, addr := rapid.IntRange(0, 1).Draw(t, "side"), ea.Draw(t, "ea")
			cmp := rapid.SampledFrom([]uint32{0, 1 << 31}).Draw(t, "v") | vsid.Draw(t, "vsid")<<7 | addr>>22&0x3f |
				rapid.SampledFrom([]uint32{0, 0x40}).Draw(t, "h")
			mmu.SRR1 = rapid.SampledFrom([]uint32{0, tlb.SRR1Way}).Draw(t, "way")
			model.SRR1 = mmu.SRR1
			mmu.DCMP, mmu.ICMP = cmp, cmp
			model.Miss[1], model.Miss[3] = cmp, cmp
			load(t, side, addr)
		},
		"tlbie": func(t *rapid.T) {
			addr := ea.Draw(t, "ea")
			mmu.TLBIE(addr)
			model.TLBIE(addr)
		},
		"registers": func(t *rapid.T) {
			mmu.MSR = rapid.Uint32().Draw(t, "msr")&tlb.MSRPR | tlb.MSRDR | rapid.SampledFrom([]uint32{tlb.MSRIR, 0}).Draw(t, "ir")
			mmu.SDR1 = rapid.Uint32().Draw(t, "origin")&0xfe000000 | rapid.SampledFrom([]uint32{0, 1, 7, 0x1ff}).Draw(t, "mask")
			n := rapid.SampledFrom([]int{0, 15}).Draw(t, "sr")
			mmu.SR[n] = vsid.Draw(t, "vsid") | rapid.Uint32().Draw(t, "keys")&0x60000000 |
				rapid.SampledFrom([]uint32{0, 0, 0, 0x10000000}).Draw(t, "n")
			model.MSR, model.SDR1, model.SR = mmu.MSR, mmu.SDR1, mmu.SR
		},
		"": func(t *rapid.T) {
			require.Equal(t, model.Miss, [...]uint32{mmu.DMISS, mmu.DCMP, mmu.IMISS, mmu.ICMP, mmu.HASH1, mmu.HASH2})
			require.Equal(t, [...]uint32{model.SRR1, model.DAR, model.DSISR}, [...]uint32{mmu.SRR1, mmu.DAR, mmu.DSISR})
			for side := range model.TLB {
				for set, ways := range model.TLB[side] {
					for way, e := range ways {
						require.Equal(t, e, mmu.Entry(side, set*2+way))
					}
				}
			}
		},
	})
}
