package tlbtest

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

var someAccess = rapid.SampledFrom([]tlb.Access{tlb.Load, tlb.Store, tlb.Fetch})

// answerOf is a Result as the models give it.
func answerOf(r tlb.Result) answer {
	return answer{Fault: r.Fault, PA: r.PA, Prot: r.Prot, Matches: int(r.Hit.N)}
}

// PPC4xx drives a PPC4xxMMU of profile p and the model with the same operations
// and requires the same answers, registers and entries. The profile has to have
// no quirks.
func PPC4xx(t *rapid.T, p tlb.Profile) {
	mmu, err := tlb.NewPPC4xx(p)
	require.NoError(t, err)
	model := newModel4xx(p)
	ea := rapid.Custom(func(t *rapid.T) uint32 {
		base := rapid.SampledFrom([]uint32{0, 0x10000000, 0x10040000, 0xfffff000}).Draw(t, "base")
		return base + rapid.Uint32Range(0, 0x8fff).Draw(t, "offset")
	})
	pid := rapid.SampledFrom([]uint32{0, 1, 2, 0x101})
	operand := func(t *rapid.T) uint32 {
		if p.Family != tlb.PPC47x {
			return rapid.Uint32Range(0, uint32(p.PPC4xx.Entries)-1).Draw(t, "entry")
		}
		way := rapid.Uint32Range(0, 3).Draw(t, "way") << 29
		set := rapid.Uint32Range(0, uint32(p.PPC4xx.Entries/p.PPC4xx.Ways)-1).Draw(t, "set") << 16
		how := rapid.SampledFrom([]uint32{0, 0, 0x80000000, 0x88000000, 0x8a000000, 0x8f000000}).Draw(t, "how")
		return way | set | how
	}
	// word 0: valid, of an existing size and in one of few pages, most of the time
	sizes := map[tlb.Family][]uint32{
		tlb.PPC405: {0, 1 << 7, 2 << 7, 5 << 7},
		tlb.PPC44x: {0, 1 << 4, 2 << 4, 6 << 4, 9 << 4},
		tlb.PPC47x: {0, 0, 1 << 4, 2 << 4, 3 << 4, 0x1f << 4},
	}[p.Family]
	valid := map[tlb.Family]uint32{tlb.PPC405: 0x40, tlb.PPC44x: 0x200, tlb.PPC47x: 0x800}[p.Family]
	word0 := func(t *rapid.T) uint32 {
		return ea.Draw(t, "ea")&0xfffffc00 | rapid.SampledFrom(sizes).Draw(t, "size") |
			rapid.SampledFrom([]uint32{0, valid, valid, valid, valid | 0x100, valid | 0x400}).Draw(t, "flags")
	}
	write := func(ra uint32, word int, v uint32) {
		require.NoError(t, mmu.TLBWE(ra, word, v))
		model.TLBWE(ra, word, v)
	}
	t.Repeat(map[string]func(*rapid.T){
		"fill": func(t *rapid.T) { // as misses would: sets run full
			for range rapid.IntRange(1, 12).Draw(t, "entries") {
				ra := uint32(0)
				if p.Family != tlb.PPC47x {
					ra = operand(t)
				}
				write(ra, 0, word0(t))
			}
		},
		"entry": func(t *rapid.T) {
			ra := operand(t)
			mmu.MMUCR = pid.Draw(t, "stid")
			model.MMUCR = mmu.MMUCR
			write(ra, 0, word0(t))
			write(ra, 1, rapid.Uint32().Draw(t, "word 1"))
			if p.Family != tlb.PPC405 {
				write(ra, 2, rapid.Uint32().Draw(t, "word 2"))
			}
		},
		"word": func(t *rapid.T) {
			words := 3
			if p.Family == tlb.PPC405 {
				words = 2
			}
			write(operand(t), rapid.IntRange(0, words-1).Draw(t, "word"), rapid.Uint32().Draw(t, "value"))
		},
		"tlbre": func(t *rapid.T) {
			ra, word := operand(t), rapid.IntRange(0, 1).Draw(t, "word")
			require.Equal(t, model.TLBRE(ra, word), mmu.TLBRE(ra, word))
		},
		"tlbsx": func(t *rapid.T) {
			addr := ea.Draw(t, "ea")
			id, space := model.MMUCR&0xff, model.MMUCR&0x10000 != 0
			switch p.Family {
			case tlb.PPC405:
				id, space = model.PID&0xff, false
			case tlb.PPC47x:
				id = model.MMUCR & 0xffff
			}
			list := model.Matches(addr, id, space)
			ra, hits, f := mmu.TLBSX(addr)
			several := len(list) > 1
			require.EqualValues(t, len(list), hits.N)
			require.Equal(t, several && p.MultiHit.Probe == tlb.CheckMachine, f == tlb.MachineCheck)
			found := len(list) == 1 || several && (p.MultiHit.Probe == tlb.FirstMatch || p.MultiHit.Probe == tlb.OrBits)
			require.Equal(t, found, ra != ^uint32(0))
			if len(list) > 0 {
				require.EqualValues(t, list[0], hits.First)
			}
		},
		"registers": func(t *rapid.T) {
			mmu.PID = pid.Draw(t, "pid")
			mmu.MSR = rapid.Uint32().Draw(t, "msr") & (tlb.MSRIS | tlb.MSRDS | tlb.MSRPR)
			mmu.ZPR = rapid.Uint32().Draw(t, "zpr")
			mmu.MMUCR = pid.Draw(t, "stid") | rapid.SampledFrom([]uint32{0, 0x10000}).Draw(t, "sts")
			model.PID, model.MSR, model.ZPR, model.MMUCR = mmu.PID, mmu.MSR, mmu.ZPR, mmu.MMUCR
		},
		"tlbia": func(t *rapid.T) {
			if p.Family != tlb.PPC405 || rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
				return
			}
			mmu.TLBIA()
			model.TLBIA()
		},
		"access": func(t *rapid.T) {
			acc, addr := someAccess.Draw(t, "access"), ea.Draw(t, "ea")
			want := model.Translate(acc, addr)
			require.Equal(t, want, answerOf(mmu.Translate(acc, uint64(addr))))
		},
		"": func(t *rapid.T) {
			require.Equal(t, [...]uint32{model.PID, model.MMUCR, model.DEAR, model.ESR},
				[...]uint32{mmu.PID, mmu.MMUCR, mmu.DEAR, mmu.ESR})
			for i, e := range model.Entries {
				got := mmu.Entry(i)
				require.Equal(t, e, model4xxEntry{Word: got.Word, TID: uint32(got.TID)}, "entry %d", i)
				require.Equal(t, model.Bolted(i), got.Bolted, "entry %d", i)
			}
		},
	})
}
