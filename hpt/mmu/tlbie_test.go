package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// refFlushes says, bit by bit, whether tlbie with IS=0 flushes the page of key
// and actual size: base and actual page size, segment size and those bits of the
// virtual address that are above the page's offset (Power ISA Book III, tlbie).
func refFlushes(rb uint64, k pte.Key, actual pte.PageSize) bool {
	var va uint64 // bits 14:77 of the virtual address
	var page refPage
	if field(rb, 63, 63) == 0 {
		va = field(rb, 0, 51) << 12
		page.base, page.actual = 12, refBase(field(rb, 56, 58))
		if !map[int]bool{12: true, 16: true, 24: true}[page.actual] {
			return false
		}
	} else {
		va = field(rb, 0, 43)<<20 | field(rb, 56, 62)<<13
		for _, p := range refPages {
			if p.l == 1 && field(rb, 44, 51)&p.lpMask == p.lp {
				page = p
			}
		}
	}
	if page.base != int(k.Base) || page.actual != int(actual) || field(rb, 54, 55) != uint64(k.Seg) {
		return false
	}
	have := uint64(k.VPN()) << 12
	return field(va, 0, 63-page.actual) == field(have, 0, 63-page.actual)
}

func drawKey(t *rapid.T) (pte.Key, pte.PageSize) {
	p := rapid.SampledFrom(refPages).Draw(t, "page")
	seg := pte.SegSize(rapid.IntRange(0, 1).Draw(t, "seg"))
	vsid := rapid.Uint64Range(0, 1<<36-1).Draw(t, "vsid") >> (seg * 12)
	return pte.MakeKey(pte.VSID(vsid), pte.EA(rapid.Uint64().Draw(t, "ea")), seg, pte.PageSize(p.base)), pte.PageSize(p.actual)
}

// TestTLBIEExact draws operands and pages near them: the event names a page if
// and only if the architecture flushes it.
func TestTLBIEExact(t *testing.T) {
	c, err := mmu.New(mmu.Config{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		k, actual := drawKey(t)
		rb, ok := mmu.EncodeTLBIE(sizes, k, actual)
		require.True(t, ok)
		rb ^= rapid.SampledFrom([]uint64{0, 1, 1 << 5, 1 << 8, 1 << 9, 1 << 12, 1 << 15, 1 << 16, 1 << 20, 1 << 24, 1 << 40}).Draw(t, "flip")
		f, ok := c.DecodeTLBIE(mmu.TLBIE{RB: rb})
		for range 8 {
			k2, a2 := k, actual
			if rapid.Bool().Draw(t, "other") {
				k2, a2 = drawKey(t)
			}
			page := k2.Page ^ rapid.SampledFrom([]uint32{0, 1, 2, 8, 16, 128, 256, 4096}).Draw(t, "page")
			k2 = pte.MakeKey(k2.VSID, pte.EA(page)<<12, k2.Seg, k2.Base)
			got := ok && f.HasPage(k2.VPN(), k2.Base, a2, k2.Seg, 0)
			require.Equal(t, refFlushes(rb, k2, a2), got, "rb %#x, event %v, page %v %v", rb, f, k2, a2)
		}
	})
}

// TestTLBIERoundTrip: what Linux encodes for a page flushes that page.
func TestTLBIERoundTrip(t *testing.T) {
	c, err := mmu.New(mmu.Config{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		k, actual := drawKey(t)
		rb, ok := mmu.EncodeTLBIE(sizes, k, actual)
		require.True(t, ok)
		f, ok := c.DecodeTLBIE(mmu.TLBIE{RB: rb})
		require.True(t, ok)
		first := k.VPN() &^ pte.VPN(actual.Bytes()>>12-1)
		require.Equal(t, mmu.Flush{
			Kind: mmu.FlushPage, Seg: k.Seg, Base: k.Base, Actual: actual, Global: true, VPN: first & (1<<52 - 1),
		}, f)
	})
	_, ok := mmu.EncodeTLBIE(sizes, pte.Key{Base: pte.Page64K}, pte.Page4K)
	require.False(t, ok)
}

// TestTLBIEForms is the table of forms other than one page.
func TestTLBIEForms(t *testing.T) {
	const is2, is3 = 2 << 10, 3 << 10
	whole := func(k mmu.FlushKind, lpid uint32, global bool) mmu.Flush {
		return mmu.Flush{Kind: k, LPID: lpid, Global: global}
	}
	tables := func(f mmu.Flush) mmu.Flush { f.Tables = true; return f }
	for _, x := range []struct {
		name    string
		profile mmu.Profile
		msr     uint64
		op      mmu.TLBIE
		want    mmu.Flush
		ok      bool
	}{
		{"lpid of RS", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: is2, RS: 9}, whole(mmu.FlushLPID, 9, true), true},
		{"a guest has its own lpid", mmu.POWER8, 0, mmu.TLBIE{RB: is2, RS: 9}, whole(mmu.FlushLPID, 5, true), true},
		{"everything", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: is3}, whole(mmu.FlushTranslated, 0, true), true},
		{"a guest's everything", mmu.POWER8, 0, mmu.TLBIE{RB: is3}, whole(mmu.FlushLPID, 5, true), true},
		{"tlbiel set", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: is3 | 17<<12, Local: true}, whole(mmu.FlushTranslated, 0, false), true},
		{"tlbiel lpid", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is2, RS: 9, Local: true}, whole(mmu.FlushLPID, 5, false), true},
		{"no IS before 2.07", mmu.POWER7, mmu.MSRHV, mmu.TLBIE{RB: is3}, mmu.Flush{Kind: mmu.FlushPage, Base: 12, Actual: 12, Global: true}, true},
		{"tlbiel has it", mmu.POWER7, mmu.MSRHV, mmu.TLBIE{RB: is3, Local: true}, whole(mmu.FlushTranslated, 0, false), true},
		{"IS=1", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: 1 << 10}, mmu.Flush{}, false},
		{"B=2", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: 2 << 8}, mmu.Flush{}, false},
		{"AP of 16G", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: 6 << 5}, mmu.Flush{}, false},
		{"LP that is none", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: 0x2<<12 | 1}, mmu.Flush{}, false},
		{"radix", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is3, R: true}, mmu.Flush{}, true},
		{"radix before 3.0", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: is3, R: true}, mmu.Flush{}, false},
		{"RIC before 3.0", mmu.POWER8, mmu.MSRHV, mmu.TLBIE{RB: is3, RIC: 2}, mmu.Flush{}, false},
		{"page walk cache", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is3, RIC: 1}, mmu.Flush{}, true},
		{"with tables", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is3, RIC: 2}, tables(whole(mmu.FlushTranslated, 0, true)), true},
		{"process tables", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is2, RIC: 2, PRS: true}, tables(whole(mmu.FlushSegments, 0, true)), true},
		{"PRS without RIC=2", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is2, PRS: true}, mmu.Flush{}, false},
		{"RIC=2 of one page", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RIC: 2}, mmu.Flush{}, false},
		{"RIC=3", mmu.POWER9, mmu.MSRHV, mmu.TLBIE{RB: is3, RIC: 3}, mmu.Flush{}, false},
	} {
		c, err := mmu.New(mmu.Config{Profile: x.profile})
		require.NoError(t, err)
		c.SetLPIDR(5)
		c.SetMSR(x.msr)
		c.Drain(nil)
		f, ok := c.DecodeTLBIE(x.op)
		require.Equal(t, x.ok, ok, x.name)
		require.Equal(t, x.want, f, x.name)
		require.Equal(t, x.ok, c.TLBIE(x.op), x.name)
		require.Equal(t, x.want.Kind != mmu.FlushNone, len(c.Drain(nil)) == 1, x.name)
	}
}

// FuzzTLBIE: no operand panics, and what is refused flushes nothing.
func FuzzTLBIE(f *testing.F) {
	f.Add(uint64(0x1234567890abcdef), uint64(7), uint8(0), byte(0))
	f.Add(uint64(0xc00), uint64(1<<32|9), uint8(2), byte(7))
	f.Fuzz(func(t *testing.T, rb, rs uint64, ric uint8, flags byte) {
		profile := mmu.POWER8
		if flags&8 != 0 {
			profile = mmu.POWER10
		}
		c, err := mmu.New(mmu.Config{Profile: profile})
		require.NoError(t, err)
		op := mmu.TLBIE{RB: rb, RS: rs, RIC: ric, PRS: flags&1 != 0, R: flags&2 != 0, Local: flags&4 != 0}
		if !c.TLBIE(op) {
			require.Empty(t, c.Drain(nil))
		}
	})
}
