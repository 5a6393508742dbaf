package tlb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// filledMIPS has every entry mapping another user page.
func filledMIPS(t testing.TB) *tlb.MIPSMMU {
	c := mipsOf(t, "mips64r2", 0)
	for i := range c.Len() {
		require.Equal(t, tlb.NoFault, put(c, uint64(i), 0x10000+uint64(i)<<13, 0, lo(0x100000+uint64(i)<<13, true, true), lo(0x101000+uint64(i)<<13, true, true)))
	}
	return c
}

// filledSun4u has every data entry mapping another page.
func filledSun4u(t testing.TB) *tlb.Sun4u {
	p, err := tlb.ByName("ultrasparc")
	require.NoError(t, err)
	u, err := tlb.NewSun4u(p)
	require.NoError(t, err)
	for i := range u.Len() {
		u.Write(tlb.DMMU, tlb.TagAccess, 0x40000000+uint64(i)<<13)
		u.DataIn(tlb.DMMU, tteV|uint64(i)<<13|tteW)
	}
	return u
}

// TestHotPathAllocatesNothing: hits, misses, fills and flushes.
func TestHotPathAllocatesNothing(t *testing.T) {
	c, u := filledMIPS(t), filledSun4u(t)
	p, err := tlb.ByName("sun4v")
	require.NoError(t, err)
	v, err := tlb.NewSun4v(p)
	require.NoError(t, err)
	i := uint64(0)
	require.Zero(t, testing.AllocsPerRun(200, func() {
		i++
		c.Translate(tlb.MIPSUser, tlb.Load, 0x10000+i%64<<13)
		c.Translate(tlb.MIPSUser, tlb.Load, 0x7000000)
		c.TLBP()
		c.TLBWR()
		c.TLBINVF()
		u.Translate(tlb.UserPrimary, tlb.Store, false, 0x40000000+i%64<<13)
		u.Translate(tlb.UserPrimary, tlb.Store, false, 0x50000000)
		u.DataIn(tlb.DMMU, tteV|i<<13)
		u.Demap(tlb.DMMU, 0x50000000)
		v.MapAddr(tlb.DMMU, i<<13, 1, 1<<63)
		v.Translate(tlb.UserPrimary, tlb.Load, false, i<<13)
	}))
}

var (
	sink      tlb.Result
	sinkMIPS  tlb.MIPSResult
	sinkSparc tlb.Sun4uResult
)

func BenchmarkMIPSHit(b *testing.B) {
	c := filledMIPS(b)
	b.ReportAllocs()
	for i := range b.N {
		sinkMIPS = c.Translate(tlb.MIPSUser, tlb.Load, 0x10000+uint64(i)%64<<13)
	}
}

func BenchmarkMIPSHitOnePage(b *testing.B) {
	c := filledMIPS(b)
	for range b.N {
		sinkMIPS = c.Translate(tlb.MIPSUser, tlb.Load, 0x10000)
	}
}

func BenchmarkMIPSRefill(b *testing.B) {
	c := filledMIPS(b)
	h := tlb.MIPSHandlers{CPU: c, Walk: func(va uint64) (uint64, uint64, bool) { return lo(va, true, true), lo(va+0x1000, true, true), true }}
	b.ReportAllocs()
	for i := range b.N {
		va := uint64(i) % 4096 << 13
		if r := c.Translate(tlb.MIPSUser, tlb.Load, va); r.Fault == tlb.TLBMiss {
			h.Refill(va)
		}
	}
}

func BenchmarkSun4uHit(b *testing.B) {
	u := filledSun4u(b)
	b.ReportAllocs()
	for i := range b.N {
		sinkSparc = u.Translate(tlb.UserPrimary, tlb.Load, false, 0x40000000+uint64(i)%64<<13)
	}
}

func BenchmarkTSBLookup(b *testing.B) {
	tsb := newTSB(b, tlb.TSBConfig{})
	tsb.Insert(0x2000, 1)
	for range b.N {
		tsb.Lookup(0x2000)
	}
}

func BenchmarkCacheLookup(b *testing.B) {
	c := newCache(b, 0, 0)
	k := page(3, 0x5000)
	c.Insert(tlb.CacheEntry{Key: k, Size: 12})
	for range b.N {
		c.Lookup(k)
	}
}
