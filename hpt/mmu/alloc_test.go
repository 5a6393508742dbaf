package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// busy is a CPU with 14 segments, as Linux has, and one page in each.
func busy(tb testing.TB, cfg mmu.Config) rig {
	t, ok := tb.(*testing.T)
	if !ok {
		t = &testing.T{}
	}
	r := newRig(t, cfg)
	r.SetMSR(on)
	for i := range pte.EA(14) {
		ea := i << 40
		r.slb(int(i), ea, 1<<62|uint64(0x1000+i)<<24|0x510)
		for page := range pte.EA(64) {
			r.insert(pte.MakeKey(pte.VSID(0x1000+i), ea|page<<16, pte.Seg1T, pte.Page64K), pte.RA(i<<24|page<<16), pte.Page64K, rw())
		}
	}
	return r
}

const busyEA = pte.EA(9<<40 | 0x21234)

func TestNoAllocations(t *testing.T) {
	for _, cfg := range []mmu.Config{
		{}, {TLB: 8}, {Profile: mmu.POWER9}, {DetectDuplicates: true, DetectMultihit: true},
	} {
		r := busy(t, cfg)
		buf := make([]mmu.Flush, 0, 64)
		i := uint64(0)
		for name, f := range map[string]func(){
			"hit":    func() { r.Translate(busyEA, pte.Read) },
			"store":  func() { r.Translate(busyEA, pte.Write) },
			"fetch":  func() { r.Translate(busyEA, pte.Exec) },
			"miss":   func() { r.Translate(busyEA+1<<32, pte.Read) },
			"no SLB": func() { r.Translate(1<<63, pte.Read) },
			"probe":  func() { r.Probe(busyEA, pte.Read) },
			"MSR":    func() { i ^= mmu.MSRPR; r.SetMSR(on | i) },
			"SLB": func() {
				r.SLBMTE(1<<50|0x08000000|20, 1<<62)
				r.SLBIE(1 << 50)
				r.TLBIE(mmu.TLBIE{RB: 0x5000})
				buf = r.Drain(buf[:0])
			},
		} {
			require.Zero(t, testing.AllocsPerRun(100, f), name)
		}
	}
}

func BenchmarkTranslate(b *testing.B) {
	for _, x := range []struct {
		name string
		cfg  mmu.Config
		acc  pte.Access
		ea   pte.EA
	}{
		{"walk", mmu.Config{}, pte.Read, busyEA},
		{"walk/format3", mmu.Config{Profile: mmu.POWER9}, pte.Read, busyEA},
		{"walk/duplicates", mmu.Config{DetectDuplicates: true}, pte.Read, busyEA},
		{"tlb", mmu.Config{TLB: 10}, pte.Read, busyEA},
		{"miss", mmu.Config{}, pte.Read, busyEA + 1<<32},
		{"segment", mmu.Config{}, pte.Read, 1 << 63},
	} {
		b.Run(x.name, func(b *testing.B) {
			r := busy(b, x.cfg)
			r.Translate(x.ea, x.acc)
			b.ReportAllocs()
			for b.Loop() {
				r.Translate(x.ea, x.acc)
			}
		})
	}
}
