package tlb_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

func ppc4xxOf(t testing.TB, name string, q tlb.Quirk) *tlb.PPC4xxMMU {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	p.Quirks = q
	m, err := tlb.NewPPC4xx(p)
	require.NoError(t, err)
	return m
}

func e500Of(t testing.TB, name string, q tlb.Quirk) *tlb.E500Core {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	p.Quirks = q
	c, err := tlb.NewE500(p)
	require.NoError(t, err)
	return c
}

func ppc603Of(t testing.TB, q tlb.Quirk) *tlb.PPC603MMU {
	p, err := tlb.ByName("ppc603")
	require.NoError(t, err)
	p.Quirks = q
	m, err := tlb.New603(p)
	require.NoError(t, err)
	m.MSR = tlb.MSRIR | tlb.MSRDR
	return m
}

// put44x writes the words of a 440 entry.
func put44x(m *tlb.PPC4xxMMU, i uint32, words ...uint32) {
	for w, v := range words {
		_ = m.TLBWE(i, w, v)
	}
}

// put405 writes TLBLO, then TLBHI.
func put405(m *tlb.PPC4xxMMU, i, hi, lo uint32) {
	_ = m.TLBWE(i, 1, lo)
	_ = m.TLBWE(i, 0, hi)
}

// putE500 writes an entry from the registers given; MAS1 has V added.
func putE500(th *tlb.E500Thread, mas0, mas1, mas2, mas3 uint64) tlb.E500Outcome {
	th.Write(tlb.MAS0, mas0)
	th.Write(tlb.MAS1, 1<<31|mas1)
	th.Write(tlb.MAS2, mas2)
	th.Write(tlb.MAS3, mas3)
	th.Write(tlb.MAS7, 0)
	_, o := th.TLBWE()
	return o
}

// put603 loads a way of the data TLB for segment 0 with VSID 0.
func put603(m *tlb.PPC603MMU, ea, way, h, rpa uint32) {
	m.DCMP, m.RPA, m.SRR1 = 1<<31|h|ea>>22&0x3f, rpa, way*tlb.SRR1Way
	m.TLBLD(ea)
}

const (
	rwx4k = 1<<4 | 0x200 // 440 word 0: 4 KiB, V
	all44 = 0x3f         // 440 word 2
	all50 = 0x3f         // MAS3
	tlb1  = 1 << 28      // MAS0
	ts4k  = 2 << 7       // MAS1
)

// observe says what one operation showed on the part and on the recorded machine.
type observe func(t *testing.T, q tlb.Quirk) any

// ppcQuirkTests has one observation per quirk: what the part answers, and what
// the recorded machine does.
var ppcQuirkTests = map[tlb.Quirk]struct {
	see            observe
	part, recorded any
}{
	tlb.QuirkFetchMissDEAR: {func(t *testing.T, q tlb.Quirk) any {
		a, b, c := ppc4xxOf(t, "ppc440", q), ppc4xxOf(t, "ppc405", q), e500Of(t, "e500mc", q).Thread(0)
		b.MSR = tlb.MSRIR
		a.Translate(tlb.Fetch, 0x1000)
		b.Translate(tlb.Fetch, 0x1000)
		c.Translate(tlb.Fetch, 0x1000)
		return []uint64{uint64(a.DEAR), uint64(b.DEAR), c.DEAR}
	}, []uint64{0, 0, 0}, []uint64{0x1000, 0x1000, 0x1000}},
	tlb.Quirk4xxNoEndian: {func(t *testing.T, q tlb.Quirk) any {
		a, b := ppc4xxOf(t, "ppc440", q), ppc4xxOf(t, "ppc405", q)
		put44x(a, 0, rwx4k, 0, 0x80)
		put405(b, 0, 0x80|0x40|0x30, 0)
		return []uint32{a.TLBRE(0, 2), b.TLBRE(0, 0)}
	}, []uint32{0x80, 0xf0}, []uint32{0, 0xc0}},
	tlb.Quirk405PermittingEntry: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc405", q|tlb.QuirkSearchOrder)
		m.MSR = tlb.MSRDR
		put405(m, 1, 0x1000|0xc0, 0x5000)
		put405(m, 2, 0x1000|0xc0, 0x6000|0x100)
		return []any{m.Translate(tlb.Store, 0x1000).PA, m.Translate(tlb.Load, 0x1000).PA}
	}, []any{uint64(0), uint64(0x5000)}, []any{uint64(0x6000), uint64(0x5000)}},
	tlb.Quirk405LowClearsValid: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc405", q)
		_ = m.TLBWE(3, 0, 0x1000|0xc0)
		_ = m.TLBWE(3, 1, 0x5000)
		return m.Entry(3).Valid
	}, true, false},
	tlb.Quirk405ReadLow: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc405", q)
		put405(m, 0, 0, 0x53ff)
		return m.TLBRE(0, 1)
	}, uint32(0x53ff), uint32(0x5300)},
	tlb.Quirk405GuardedFetch: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc405", q)
		m.MSR = tlb.MSRIR
		put405(m, 0, 0x1000|0xc0, 0x5000|0x200|1)
		return m.Translate(tlb.Fetch, 0x1000).Fault
	}, tlb.Protection, tlb.NoFault},
	tlb.Quirk405Pages: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc405", q)
		return []error{m.TLBWE(0, 0, 0x40), m.TLBWE(0, 0, 0xe0), m.TLBWE(0, 0, 0xc0)}
	}, []error{nil, nil, nil}, []error{tlb.ErrUnmodelled, tlb.ErrUnmodelled, nil}},
	tlb.Quirk440ProbeIgnoresTS: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc440", q)
		put44x(m, 7, 0x1000|rwx4k|0x100)
		ra, _, _ := m.TLBSX(0x1000)
		return ra
	}, ^uint32(0), uint32(7)},
	tlb.Quirk440UnalignedEPN: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc440", q)
		put44x(m, 0, 0x1400|rwx4k, 0x5000, all44)
		return m.Translate(tlb.Load, 0x1000).Fault
	}, tlb.NoFault, tlb.TLBMiss},
	tlb.Quirk440ReservedSizes: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc440", q)
		put44x(m, 0, 0x400000|6<<4|0x200, 0x800000, all44)
		return m.Translate(tlb.Load, 0x412345).PA
	}, uint64(0), uint64(0x812345)},
	tlb.Quirk440StalePages: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc4xxOf(t, "ppc440", q)
		var seen []tlb.Fault
		for _, rewrite := range []func(){
			func() { _ = m.TLBWE(0, 2, 0) },                               // no permission left
			func() { _ = m.TLBWE(0, 0, 0x10000|1<<4|0x200) },              // 64 KiB becomes 4 KiB
			func() { m.MMUCR = 9; _ = m.TLBWE(0, 0, 0x10000|3<<4|0x200) }, // another TID
			func() { _ = m.TLBWE(0, 0, 0x10000|3<<4) },                    // not valid: seen by both
			func() { _ = m.TLBWE(0, 0, 0x20000|3<<4|0x200) },              // another page: seen by both
		} {
			m.MMUCR = 0
			put44x(m, 0, 0x10000|3<<4|0x200, 0x50000, all44)
			require.True(t, m.Translate(tlb.Load, 0x12000).OK())
			rewrite()
			seen = append(seen, m.Translate(tlb.Load, 0x12000).Fault)
		}
		return seen
	}, []tlb.Fault{tlb.Protection, tlb.TLBMiss, tlb.TLBMiss, tlb.TLBMiss, tlb.TLBMiss},
		[]tlb.Fault{tlb.NoFault, tlb.NoFault, tlb.NoFault, tlb.TLBMiss, tlb.TLBMiss}},
	tlb.Quirk440EmptySize: {func(t *testing.T, q tlb.Quirk) any {
		return ppc4xxOf(t, "ppc440", q).TLBRE(5, 0)
	}, uint32(0), uint32(0x10)},
	tlb.QuirkE500OneVictim: {func(t *testing.T, q tlb.Quirk) any {
		th := e500Of(t, "e500mc", q).Thread(0)
		var mas0 []uint64
		see := func() { mas0 = append(mas0, th.Read(tlb.MAS0)) }
		th.Translate(tlb.Load, 0x1000)
		see() // the first victim of set 1
		th.Translate(tlb.Load, 0x2000)
		see() // of set 2
		putE500(th, 1, ts4k, 0x2000, all50)
		th.Translate(tlb.Load, 0x81002000)
		see() // of set 2 again, after tlbwe with NV 1
		return mas0
	}, []uint64{0x00001, 0x00001, 0x10002}, []uint64{0x00001, 0x10002, 0x20003}},
	tlb.QuirkE500WideMAS: {func(t *testing.T, q tlb.Quirk) any {
		c := e500Of(t, "e500v2", q)
		th := c.Thread(0)
		putE500(th, 0xffff|tlb1, 0x3fffe07f|ts4k, 0x1fff, all50)
		return []uint64{th.Read(tlb.MAS0), th.Read(tlb.MAS1), uint64(c.Entry(512).MAS1)}
	}, []uint64{tlb1 | 0xfff, 0x80ff0100, 0x80ff0100}, []uint64{tlb1 | 0xffff, 0xbfffe17f, 0xbfffe17f}},
	tlb.QuirkE500EPID8: {func(t *testing.T, q tlb.Quirk) any {
		th := e500Of(t, "e500mc", q).Thread(0)
		putE500(th, tlb1, 0x181<<16|ts4k, 0x1000, all50|0x5000)
		th.Write(tlb.EPLC, 0x181)
		return th.TranslateExternal(tlb.Load, 0x1000).PA
	}, uint64(0x5000), uint64(0)},
	tlb.QuirkE500Page16G: {func(t *testing.T, q tlb.Quirk) any {
		return putE500(e500Of(t, "e5500", q).Thread(0), tlb1, 24<<7, 0, all50)
	}, tlb.NotWritten, tlb.Written},
	tlb.QuirkE500IllegalWrite: {func(t *testing.T, q tlb.Quirk) any {
		th := e500Of(t, "e5500", q).Thread(0)
		return []tlb.E500Outcome{putE500(th, tlb1, 0, 0, all50), putE500(th, 2<<28, 2<<7, 0, all50)}
	}, []tlb.E500Outcome{tlb.NotWritten, tlb.NotWritten}, []tlb.E500Outcome{tlb.IllegalWrite, tlb.IllegalWrite}},
	tlb.QuirkE500PlainIndirect: {func(t *testing.T, q tlb.Quirk) any {
		th := e500Of(t, "e6500", q).Thread(0)
		putE500(th, tlb1, 11<<7|0x2000, 0x200000, 0x5000|all50)
		return th.Translate(tlb.Load, 0x201000).Fault
	}, tlb.TLBMiss, tlb.NoFault},
	tlb.QuirkE500NoGuest: {func(t *testing.T, q tlb.Quirk) any {
		c := e500Of(t, "e5500", q)
		th := c.Thread(0)
		th.Write(tlb.MAS8, 5)
		putE500(th, tlb1, ts4k, 0x1000, 0x5000|all50)
		other := th.Translate(tlb.Load, 0x1000).Fault // LPID 0
		th.TLBILX(0, 0)                               // of LPID 0
		kept := c.Entry(512).MAS1>>31 == 1
		th.MSR = tlb.MSRGS
		return []any{other, kept, putE500(th, tlb1, ts4k, 0x1000, 0)}
	}, []any{tlb.TLBMiss, true, tlb.GuestPrivilege}, []any{tlb.NoFault, false, tlb.Written}},
	tlb.QuirkE500ProbeMissEPN: {func(t *testing.T, q tlb.Quirk) any {
		th := e500Of(t, "e500mc", q).Thread(0)
		_, _ = th.TLBSX(0x12345678)
		return th.Read(tlb.MAS2)
	}, uint64(0x12345000), uint64(0)},
	tlb.QuirkE500NoReservation: {func(t *testing.T, q tlb.Quirk) any {
		th := e500Of(t, "e6500", q).Thread(0)
		bare := putE500(th, tlb1|0x1000, ts4k, 0x1000, all50)
		th.TLBSRX(0x1000)
		held := putE500(th, tlb1|0x1000, ts4k, 0x1000, all50)
		old := e500Of(t, "e500mc", q|tlb.QuirkE500WideMAS).Thread(0)
		return []tlb.E500Outcome{bare, held, putE500(old, tlb1|0x2000, ts4k, 0x1000, all50)}
	}, []tlb.E500Outcome{tlb.NotWritten, tlb.Written, tlb.Written}, []tlb.E500Outcome{tlb.Written, tlb.Written, tlb.NotWritten}},
	tlb.QuirkE500AnySize: {func(t *testing.T, q tlb.Quirk) any {
		return putE500(e500Of(t, "e6500", q).Thread(0), tlb1, 0, 0, all50) // 1 KiB
	}, tlb.NotWritten, tlb.Written},
	tlb.Quirk603LoadEvicts: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc603Of(t, q)
		put603(m, 0x1000, 0, 0, 0x5182)
		put603(m, 0x1000, 1, 0, 0x5182)
		return int(m.Translate(tlb.Load, 0x1000).Hit.N)
	}, 2, 1},
	tlb.Quirk603PrimaryOnly: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc603Of(t, q)
		put603(m, 0x1000, 0, 0x40, 0x5182)
		return m.Translate(tlb.Load, 0x1000).Fault
	}, tlb.NoFault, tlb.TLBMiss},
	tlb.Quirk603LastWay: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc603Of(t, q)
		put603(m, 0x1000, 0, 0, 0x5182)
		m.Translate(tlb.Load, 0x3000) // another set, never used
		return m.SRR1 & tlb.SRR1Way
	}, uint32(0), uint32(tlb.SRR1Way)},
	tlb.Quirk603SetsRC: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc603Of(t, q)
		put603(m, 0x1000, 1, 0, 0x5002) // R and C are 0
		f := m.Translate(tlb.Store, 0x1000).Fault
		return []any{f, m.Entry(tlb.Data603, 3).RPA, m.SRR1 & tlb.SRR1Way}
	}, []any{tlb.TLBMiss, uint32(0x5002), uint32(tlb.SRR1Way)}, []any{tlb.NoFault, uint32(0x5182), uint32(tlb.SRR1Way)}},
	tlb.Quirk603FetchAny: {func(t *testing.T, q tlb.Quirk) any {
		m := ppc603Of(t, q)
		m.SR[0] = 0x40000000 // Ks: supervisor has key 1
		m.ICMP, m.RPA = 1<<31, 0x5180
		m.TLBLI(0x1000)
		return m.Translate(tlb.Fetch, 0x1000).Fault
	}, tlb.Protection, tlb.NoFault},
}

// TestPPCQuirks runs every named departure of the PowerPC machines both ways.
func TestPPCQuirks(t *testing.T) {
	for _, info := range tlb.Quirks {
		if info.Families[0] < tlb.PPC405 {
			continue
		}
		t.Run(info.Name, func(t *testing.T) {
			test, ok := ppcQuirkTests[info.Quirk]
			require.True(t, ok, "a departure without a test")
			require.Equal(t, test.part, test.see(t, 0), info.Part)
			require.Equal(t, test.recorded, test.see(t, info.Quirk), info.Recorded)
			require.NotEmpty(t, info.Part)
			require.NotEmpty(t, info.Recorded)
		})
	}
}

// TestQuirkSearchOrderPPC: the recorded machines never notice several matches.
func TestQuirkSearchOrderPPC(t *testing.T) {
	for _, info := range tlb.Quirks {
		if info.Quirk == tlb.QuirkSearchOrder {
			for _, f := range []tlb.Family{tlb.PPC405, tlb.PPC44x, tlb.E500} {
				require.True(t, slices.Contains(info.Families, f))
			}
		}
	}
	for _, q := range []tlb.Quirk{0, tlb.QuirkSearchOrder} {
		m := ppc4xxOf(t, "ppc440", q)
		put44x(m, 4, 0x1000|rwx4k, 0x5000, all44)
		put44x(m, 2, 0x1000|rwx4k, 0x6000, all44)
		e := e500Of(t, "e500mc", q).Thread(0)
		putE500(e, tlb1, ts4k, 0x1000, 0x5000|all50)
		putE500(e, 0, ts4k, 0x1000, 0x6000|all50)
		a, b := m.Translate(tlb.Load, 0x1000), e.Translate(tlb.Load, 0x1000)
		require.EqualValues(t, 2, a.Hit.N)
		require.EqualValues(t, 2, b.Hit.N)
		if q == 0 {
			require.Equal(t, uint64(0x7000), a.PA, "both entries at once")
			require.Equal(t, tlb.MachineCheck, b.Fault)
			require.Equal(t, uint32(tlb.MCSRMultiHit), e.MCSR)
			continue
		}
		require.Equal(t, uint64(0x6000), a.PA, "the lowest index")
		require.Equal(t, uint64(0x6000), b.PA, "TLB0 before TLB1")
		require.Zero(t, e.MCSR)
	}
}

// TestQuirk440StalePagesDetails: what the page cache answers, and what empties it.
func TestQuirk440StalePagesDetails(t *testing.T) {
	m := ppc4xxOf(t, "ppc440", tlb.Quirk440StalePages)
	load := func() tlb.Result { return m.Translate(tlb.Load, 0x1000) }
	const reserved = 6<<4 | 0x200
	put44x(m, 1, 0x4000|reserved, 0, 0)
	put44x(m, 0, 0x1000|rwx4k, 0x5000, uint32(tlb.Load))
	require.True(t, load().OK())
	require.Equal(t, tlb.Protection, m.Translate(tlb.Store, 0x1000).Fault, "cached for loads alone")
	_ = m.TLBWE(0, 2, 0)
	require.True(t, load().OK(), "pages of 4 KiB too")
	_ = m.TLBWE(0, 1, 0x5000)
	require.True(t, load().OK(), "the same real page is no change")
	_ = m.TLBWE(0, 1, 0x6000)
	require.Equal(t, tlb.Protection, load().Fault, "another real page is one")

	_ = m.TLBWE(0, 2, uint32(tlb.Load))
	require.True(t, load().OK())
	_ = m.TLBWE(0, 2, 0)
	require.True(t, load().OK())
	_ = m.TLBWE(1, 0, 0x8000|reserved)
	require.Equal(t, tlb.Protection, load().Fault, "so is a change of an entry that never answers")
}

// TestQuirk440ReservedSizesEnd: a page of 4 GiB or more is none there either.
func TestQuirk440ReservedSizesEnd(t *testing.T) {
	m := ppc4xxOf(t, "ppc440", tlb.Quirk440ReservedSizes)
	put44x(m, 0, 11<<4|0x200, 0, all44)
	require.Zero(t, m.Entry(0).Shift)
	require.Equal(t, tlb.TLBMiss, m.Translate(tlb.Load, 0x1000).Fault)
	put44x(m, 0, 10<<4|0x200, 0, all44)
	require.EqualValues(t, 30, m.Entry(0).Shift)
	require.True(t, m.Translate(tlb.Load, 0x1000).OK())
}

// TestPPC405SeveralEntriesDeniedByTheZone: the fault says so, as with one entry.
func TestPPC405SeveralEntriesDeniedByTheZone(t *testing.T) {
	m := ppc4xxOf(t, "ppc405", tlb.QuirkSearchOrder)
	m.MSR = tlb.MSRDR | tlb.MSRPR
	put405(m, 1, 0x1000|0xc0, 0x5000)
	put405(m, 2, 0x1000|0xc0, 0x6000)
	r := m.Translate(tlb.Load, 0x1000)
	require.Equal(t, tlb.Protection, r.Fault)
	require.EqualValues(t, 2, r.Hit.N)
	require.EqualValues(t, tlb.ESRZone, m.ESR)
}
