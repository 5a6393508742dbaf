package tlb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// newOf makes the MMU of a profile, whatever its family.
func newOf(p tlb.Profile) error {
	var err error
	switch {
	case p.Family == tlb.MIPS:
		_, err = tlb.NewMIPS(p)
	case p.Family == tlb.UltraSPARC && p.Sparc.Format == tlb.TTE4v:
		_, err = tlb.NewSun4v(p)
	case p.Family == tlb.UltraSPARC:
		_, err = tlb.NewSun4u(p)
	case p.Family == tlb.E500:
		_, err = tlb.NewE500(p)
	case p.Family == tlb.PPC603:
		_, err = tlb.New603(p)
	default:
		_, err = tlb.NewPPC4xx(p)
	}
	return err
}

// TestProfileLimits: the smallest and the largest part of each family can be made,
// one beyond either cannot, and the error names the field.
func TestProfileLimits(t *testing.T) {
	for _, c := range []struct {
		name, field string
		set         func(p *tlb.Profile, n int)
		good, bad   []int
	}{
		{"e500mc", "E500.TLB0", func(p *tlb.Profile, n int) { p.E500.TLB0 = tlb.E500Array{Entries: n, Ways: 4} }, []int{4, 4096}, []int{0, 2, 6, 12, 8192}},
		{"e500mc", "E500.TLB0", func(p *tlb.Profile, n int) { p.E500.TLB0 = tlb.E500Array{Entries: 2 * n, Ways: n} }, []int{1, 32}, []int{-1, 0, 64}},
		{"e500mc", "E500.TLB0", func(p *tlb.Profile, n int) { p.E500.TLB0 = tlb.E500Array{Entries: n, Ways: 3} }, []int{3, 12}, []int{9, 10}},
		{"e500mc", "E500.TLB1", func(p *tlb.Profile, n int) { p.E500.TLB1 = tlb.E500Array{Entries: n, Ways: n} }, []int{1, 4096}, []int{-1, 0, 4097}},
		{"e500mc", "E500.PIDBits", func(p *tlb.Profile, n int) { p.E500.PIDBits = n }, []int{1, 14}, []int{0, 15}},
		{"e500mc", "E500.RABits", func(p *tlb.Profile, n int) { p.E500.RABits = n }, []int{32, 64}, []int{31, 65}},
		{"e500mc", "E500.Threads", func(p *tlb.Profile, n int) { p.E500.Threads = n }, []int{1, 8}, []int{0, 9}},
		{"mips32r2", "MIPS.Entries", func(p *tlb.Profile, n int) { p.MIPS.Entries = n }, []int{1, 1024}, []int{0, 1025}},
		{"mips64r2", "MIPS.SegBits", func(p *tlb.Profile, n int) { p.MIPS.SegBits = uint8(n) }, []int{32, 40, 62}, []int{31, 33, 39, 63}},
		{"mips64r2", "MIPS.PABits", func(p *tlb.Profile, n int) { p.MIPS.PABits = uint8(n) }, []int{32, 59}, []int{31, 60}},
		{"mips64r6", "MIPS.Reset", func(p *tlb.Profile, n int) { p.MIPS.Reset = tlb.MIPSReset(n) }, []int{0, int(tlb.ResetRandom)}, []int{int(tlb.ResetRandom) + 1}},
		{"ultrasparc", "Sparc.Entries", func(p *tlb.Profile, n int) { p.Sparc.Entries = n }, []int{1, 1024}, []int{0, 1025}},
		{"sun4v", "Sparc.TSB", func(p *tlb.Profile, n int) { p.Sparc.TSB = n }, []int{0, 512, 65536}, []int{256, 768, 131072}},
		{"ppc440", "PPC4xx.Entries", func(p *tlb.Profile, n int) { p.PPC4xx.Entries, p.PPC4xx.Ways = n, n }, []int{1, 4096}, []int{0, 4097}},
		{"ppc476", "PPC4xx.Ways", func(p *tlb.Profile, n int) { p.PPC4xx.Ways = n }, []int{1, 4, 1024}, []int{-1, 0, 3}},
		{"ppc476", "PPC4xx.Ways", func(p *tlb.Profile, n int) { p.PPC4xx.Entries, p.PPC4xx.Ways = n, 3 }, []int{3, 12}, []int{9, 10}},
		{"ppc476", "PPC4xx.Bolts", func(p *tlb.Profile, n int) { p.PPC4xx.Bolts = n }, []int{0, 6}, []int{-1, 7}},
		{"ppc440", "PPC4xx.Bolts", func(p *tlb.Profile, n int) { p.PPC4xx.Bolts = n }, []int{0}, []int{1}},
		{"ppc603", "PPC603.Entries", func(p *tlb.Profile, n int) { p.PPC603.Entries = n }, []int{2, 4096}, []int{0, 3, 6, 8192}},
		{"ppc603", "PPC603.Ways", func(p *tlb.Profile, n int) { p.PPC603.Ways = n }, []int{1, 2}, []int{0, 3}},
	} {
		p, err := tlb.ByName(c.name)
		require.NoError(t, err)
		for _, n := range c.good {
			c.set(&p, n)
			require.NoError(t, newOf(p), "%s %s: %d", c.name, c.field, n)
		}
		for _, n := range c.bad {
			c.set(&p, n)
			var typed *tlb.ProfileError
			require.ErrorAs(t, newOf(p), &typed, "%s %s: %d", c.name, c.field, n)
			require.Equal(t, c.field, typed.Field)
		}
	}
}

// TestNamesBeyondTheLast: what has no name says so.
func TestNamesBeyondTheLast(t *testing.T) {
	require.Equal(t, "ppc603", tlb.PPC603.String())
	require.Equal(t, "unknown", (tlb.PPC603 + 1).String())
}
