package papr_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// tlbies is the Sink of an emulator: every flush becomes the tlbie that it stands
// for, sent by the calling CPU to all.
type tlbies struct {
	cpu *mmu.CPU
	p   *papr.HPT
}

func (s *tlbies) Flush(f papr.Flush) {
	rb, ok := uint64(0), false
	if f.Kind == papr.FlushPage {
		rb, ok = mmu.EncodeTLBIE(s.p.Sizes(), f.Key, f.Actual)
	}
	if !ok || !s.cpu.TLBIE(mmu.TLBIE{RB: rb}) {
		s.cpu.TLBIA()
	}
}

// A CPU with a software TLB that hears of hypercalls through the Sink answers as one
// that looks everything up: no flush is missing, and R and C come back right.
func TestFlushesSuffice(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		tab.Clear()
		config := mmu.Config{Table: tab, Paravirtual: true, TLB: 6}
		cached, err := mmu.New(config)
		require.NoError(t, err)
		config.TLB = 0
		plain, err := mmu.New(config)
		require.NoError(t, err)
		sink := &tlbies{cpu: cached}
		p, err := papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(1 << 40), Sink: sink})
		require.NoError(t, err)
		sink.p = p
		bases := sizes.Bases()[:3]
		for i, b := range bases {
			for _, c := range []*mmu.CPU{cached, plain} {
				r := c.Registers()
				r.MSR = mmu.MSRIR | mmu.MSRDR
				c.SetRegisters(r)
				require.True(t, c.SLBMTE(uint64(i)<<28|0x08000000|uint64(i), uint64(i+1)<<12|b.SLB))
			}
		}
		// address draws one of few pages of a segment.
		address := func() pte.EA {
			i := rapid.Uint64Range(0, 2).Draw(t, "segment")
			return pte.EA(i<<28 | rapid.Uint64Range(0, 2).Draw(t, "page")<<bases[i].Base.Shift() |
				rapid.Uint64Range(0, 3).Draw(t, "4K")<<12)
		}
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				ea := address()
				b := bases[ea>>28]
				k := pte.MakeKey(pte.VSID(ea>>28+1), ea, pte.Seg256M, b.Base)
				if _, _, ok := tab.Lookup(k); ok {
					return // a second entry is the guest's fault
				}
				actual := b.Actual[rapid.IntRange(0, len(b.Actual)-1).Draw(t, "actual")].Size
				e, err := sizes.Encode(k, pte.RA(rapid.Uint64Range(0, 3).Draw(t, "ra"))<<actual.Shift(), actual,
					pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory})
				require.NoError(t, err)
				p.Enter(0, k.Hash().Primary(tab.Mask())*8, e)
			},
			"change": func(t *rapid.T) {
				for s := range tab.All() {
					if rapid.IntRange(0, 3).Draw(t, "this") != 0 {
						continue
					}
					op := rapid.SampledFrom([]papr.Op{papr.OpRemove, papr.OpProtect, papr.OpClearRef, papr.OpClearMod}).Draw(t, "op")
					a := papr.Args{rapid.Uint64Range(0, 7).Draw(t, "flags"), uint64(s)}
					require.Equal(t, papr.Success, p.Call(op, &a))
					return
				}
			},
			"bulk": func(t *rapid.T) {
				a := papr.Args{0: 0xc0 << 56}
				for s := range tab.All() {
					a = papr.Args{0x40<<56 | uint64(s), 0, 0xc0 << 56}
				}
				p.Call(papr.OpBulkRemove, &a)
			},
			"access": func(t *rapid.T) {
				ea := address()
				acc := rapid.SampledFrom([]pte.Access{pte.Read, pte.Write, pte.Exec}).Draw(t, "access")
				want := plain.Probe(ea, acc)
				got := cached.Translate(ea, acc)
				require.Equal(t, want.Fault, got.Fault)
				require.Equal(t, want.Status, got.Status)
				require.Equal(t, want.RA, got.RA)
				if got.OK() {
					e := tab.Load(want.Slot)
					require.NotZero(t, e.R&pte.RRef, "R")
					require.True(t, !acc.Has(pte.Write) || e.R&pte.RChg != 0, "C")
				}
			},
		})
	})
}
