package mm_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// populated is a machine whose CPU 0 has one anonymous mapping of n pages, the
// PTE pages of which exist.
func populated(t testing.TB, cfg mm.Config, n uint64) (*mm.CPU, *mm.AddressSpace, mm.Range) {
	table, err := hpt.New(hpt.Config{Order: 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	cfg.Table, cfg.Frames = table, int(n)+8
	m := newMachine(t, cfg)
	as, r := m.NewAddressSpace(7), mm.Pages(base, n)
	require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: r, Prot: rw}))
	return m.CPU(0), as, r
}

// touch stores to every page.
func touch(t testing.TB, c *mm.CPU, as *mm.AddressSpace, r mm.Range) {
	for ea := r.Start; ea < r.End; ea += 1 << pte.VPNShift {
		if err := c.Store(as, ea, 1); err != nil {
			t.Fatal(err)
		}
	}
}

func allPolicies() []batch.Policy {
	return []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate(), batch.Capacity(32)}
}

// TestZapAllocatesNothing: neither faulting 1024 pages in nor zapping them, once
// the PTE pages exist.
func TestZapAllocatesNothing(t *testing.T) {
	for _, k := range mm.Kernels() {
		for _, p := range allPolicies() {
			c, as, r := populated(t, mm.Config{Kernel: k, Policy: p}, 1024)
			touch(t, c, as, r)
			n := testing.AllocsPerRun(3, func() {
				if res, err := c.ZapPageRange(ctx, as, r); err != nil || res.Pages != 1024 {
					t.Fatal(res, err)
				}
				touch(t, c, as, r)
			})
			require.Zero(t, n, "%s %v", k.Name, p)
		}
	}
}

// TestFileFaultsAllocateNothing: the same for pages of the page cache, taken away
// through the reverse map.
func TestFileFaultsAllocateNothing(t *testing.T) {
	m := newMachine(t, mm.Config{})
	c, as, f := m.CPU(0), m.NewAddressSpace(7), m.NewMapping(256, true)
	r := mm.Pages(base, 256)
	require.NoError(t, c.Map(as, mm.VMA{Range: r, Prot: rw, Shared: true, File: f}))
	touch(t, c, as, r)
	n := testing.AllocsPerRun(3, func() {
		if res, err := c.UnmapMappingRange(ctx, f, 0, 0, true); err != nil || res.Pages != 256 {
			t.Fatal(res, err)
		}
		touch(t, c, as, r)
	})
	require.LessOrEqual(t, n, 8.0, "some for the call, none for a page")
}

// TestHitsAllocateNothing: an access that the TLB or the hash table answers.
func TestHitsAllocateNothing(t *testing.T) {
	for _, k := range mm.Kernels() {
		c, as, r := populated(t, mm.Config{Kernel: k}, 16)
		touch(t, c, as, r)
		hit := func() {
			if _, err := c.Load(as, base); err != nil {
				t.Fatal(err)
			}
			if err := c.Store(as, base, 2); err != nil {
				t.Fatal(err)
			}
		}
		require.Zero(t, testing.AllocsPerRun(100, hit), "TLB")
		require.Zero(t, testing.AllocsPerRun(100, func() { c.TLB().InvalidateAll(); hit() }), "hash table")
	}
}

// BenchmarkZap is what taking away one page costs, by policy. The pages are
// faulted in between, which is not timed.
func BenchmarkZap(b *testing.B) {
	const pages = 4096
	for _, p := range allPolicies() {
		b.Run(p.String(), func(b *testing.B) {
			c, as, r := populated(b, mm.Config{Policy: p}, pages)
			b.ReportAllocs()
			for n := 0; n < b.N; n += pages {
				b.StopTimer()
				touch(b, c, as, r)
				b.StartTimer()
				if _, err := c.ZapPageRange(ctx, as, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFault is the first store to a page: hash fault, page fault, preload,
// and the access. Zapping is not timed.
func BenchmarkFault(b *testing.B) {
	const pages = 4096
	for _, preload := range []bool{true, false} {
		b.Run(fmt.Sprintf("preload=%t", preload), func(b *testing.B) {
			c, as, r := populated(b, mm.Config{NoPreload: !preload}, pages)
			b.ReportAllocs()
			for n := 0; n < b.N; n += pages {
				touch(b, c, as, r)
				b.StopTimer()
				if _, err := c.ZapPageRange(ctx, as, r); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkAccess is a load that the TLB answers, and one that the hash table
// does.
func BenchmarkAccess(b *testing.B) {
	for _, from := range []string{"TLB", "table"} {
		b.Run(from, func(b *testing.B) {
			c, as, r := populated(b, mm.Config{}, 1)
			touch(b, c, as, r)
			b.ReportAllocs()
			for range b.N {
				if from == "table" {
					c.TLB().Invalidate(as.Key(base), pte.Page4K)
				}
				if _, err := c.Load(as, base); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
