package tlb_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// filled440 has every entry mapping another page.
func filled440(t testing.TB) *tlb.PPC4xxMMU {
	m := ppc4xxOf(t, "ppc440", 0)
	for i := range uint32(m.Len()) {
		put44x(m, i, i<<12|rwx4k, i<<12, all44)
	}
	return m
}

// filledE500 has every entry of both TLBs mapping another page.
func filledE500(t testing.TB, name string) *tlb.E500Core {
	c := e500Of(t, name, 0)
	g := c.Profile().E500
	for i := range g.TLB0.Entries {
		set, way := uint64(i/g.TLB0.Ways), uint64(i%g.TLB0.Ways)
		page := (way*uint64(g.TLB0.Entries/g.TLB0.Ways) + set) << 12
		require.Equal(t, tlb.Written, putE500(c.Thread(0), way<<16, ts4k, page, page|all50))
	}
	for i := range uint64(g.TLB1.Entries) {
		page := 0x80000000 + i<<16
		require.Equal(t, tlb.Written, putE500(c.Thread(0), tlb1|i<<16, 6<<7, page, page|all50))
	}
	return c
}

// filled603 has both ways of every set of the data TLB loaded.
func filled603(t testing.TB) *tlb.PPC603MMU {
	m := ppc603Of(t, 0)
	for i := range uint32(m.Len()) {
		put603(m, i<<12, i>>5, 0, i<<12|0x182)
	}
	return m
}

// TestPPCHotPathAllocatesNothing: hits, misses, faults, fills and flushes.
func TestPPCHotPathAllocatesNothing(t *testing.T) {
	m, c, s := filled440(t), filledE500(t, "e6500"), filled603(t)
	b := ppc4xxOf(t, "ppc476", 0)
	th := c.Thread(0)
	i := uint64(0)
	require.Zero(t, testing.AllocsPerRun(300, func() {
		i++
		m.Translate(tlb.Store, i%64<<12)
		m.Translate(tlb.Fetch, 0x7000000)
		m.TLBSX(uint32(i % 64 << 12))
		put44x(m, uint32(i%64), uint32(i%64)<<12|rwx4k, 0, all44)
		_ = b.TLBWE(0, 0, uint32(i)<<12|0x800)
		b.Translate(tlb.Load, i<<12)
		b.TLBIVAX(uint32(i)<<12, 0, false)
		th.Translate(tlb.Load, i%1024<<12)
		th.Translate(tlb.Load, 0x80000000+i%64<<16)
		th.Translate(tlb.Load, 0x7000000)
		th.TranslateExternal(tlb.Store, 0x1000)
		th.TLBSX(i % 1024 << 12)
		th.TLBWE()
		th.TLBILX(3, i%1024<<12)
		th.TLBIVAX(i % 1024 << 12)
		th.TLBILX(1, 0)
		s.Translate(tlb.Load, i%64<<12)
		s.Translate(tlb.Store, 0x7000000)
		s.TLBLD(uint32(i%64) << 12)
		s.TLBIE(uint32(i) << 12)
	}))
}

func Benchmark440Hit(b *testing.B) {
	m := filled440(b)
	b.ReportAllocs()
	for i := range b.N {
		sink = m.Translate(tlb.Load, uint64(i)%64<<12)
	}
}

func BenchmarkE500HitTLB0(b *testing.B) {
	th := filledE500(b, "e500mc").Thread(0)
	b.ReportAllocs()
	for i := range b.N {
		sink = th.Translate(tlb.Load, uint64(i)%512<<12)
	}
}

func BenchmarkE500HitTLB1(b *testing.B) {
	th := filledE500(b, "e500mc").Thread(0)
	for i := range b.N {
		sink = th.Translate(tlb.Load, 0x80000000+uint64(i)%64<<16)
	}
}

func Benchmark603Hit(b *testing.B) {
	m := filled603(b)
	for i := range b.N {
		sink = m.Translate(tlb.Load, uint64(i)%64<<12)
	}
}

// BenchmarkE500Flush: what tlbilx 0 costs by live entries.
func BenchmarkE500Flush(b *testing.B) {
	for _, live := range []int{0, 16, 256, 1024} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			th := e500Of(b, "e6500", 0).Thread(0)
			for range b.N {
				b.StopTimer()
				for i := range uint64(live) {
					putE500(th, i>>7<<16, ts4k, i<<12, 0)
				}
				b.StartTimer()
				th.TLBILX(0, 0)
			}
		})
	}
}
