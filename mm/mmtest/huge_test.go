package mmtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// TestShadowOfHugePages: the Shadow knows the base pages of a huge page apart, in a file
// and in private memory.
func TestShadowOfHugePages(t *testing.T) {
	k := mm.Linux61With64K
	last := pte.EA(hugePieces-1) << k.PageSize().Shift()
	for name, c := range map[string]struct {
		want   error
		behind func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, at pte.EA, first uint64)
	}{
		"stale": {ErrStaleRead, func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, at pte.EA, first uint64) {
			require.NoError(t, c.Store(as, at+last, first))
		}},
		"foreign": {ErrForeign, func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, at pte.EA, _ uint64) {
			beside, err := c.Load(as, at)
			require.NoError(t, err)
			require.NoError(t, c.Store(as, at+last, beside))
		}},
		"nothing": {nil, func(*testing.T, *mm.CPU, *mm.AddressSpace, pte.EA, uint64) {}},
	} {
		for _, transparent := range []bool{false, true} {
			s := Spec{Config: mm.Config{Kernel: k, Policy: batch.LazyMMU(), HugeFrames: 8, HugePieces: hugePieces}}
			m, spaces, free, err := s.New(1)
			require.NoError(t, err)
			x := &hugeMix{spec: s, m: m, file: m.NewHugeMapping(hugePlaces)}
			sh, as, cpu, v := NewShadow(m), spaces[0], m.CPU(0), x.vma(transparent, 1)
			require.NoError(t, sh.Map(cpu, as, v))
			_, err = sh.Store(cpu, as, v.Start)
			require.NoError(t, err)
			first, err := sh.Store(cpu, as, v.Start+last)
			require.NoError(t, err)
			_, err = sh.Store(cpu, as, v.Start+last)
			require.NoError(t, err)
			c.behind(t, cpu, as, v.Start, first)
			_, err = sh.Load(m.CPU(1), as, v.Start+last)
			require.NoError(t, err)
			require.ErrorIs(t, sh.Check(), c.want, "%s, transparent %t", name, transparent)
			if c.want == nil && !transparent {
				_, err = sh.PunchHole(t.Context(), cpu, x.file, 1, 1)
				require.NoError(t, err)
				got, err := sh.Load(cpu, as, v.Start+last)
				require.NoError(t, err)
				require.Greater(t, got, first)
				require.NoError(t, sh.Check())
			}
			require.NoError(t, free())
		}
	}
}

// TestHugeMixes: more of them than the contract suite runs, on every kernel.
func TestHugeMixes(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 4
	}
	const apart = 1 << 20 // from the seeds of the suite
	for _, k := range mm.AllKernels() {
		for _, p := range SafePolicies() {
			for seed := range seeds {
				require.NoError(t, HugeMix(Spec{Config: mm.Config{Kernel: k, Policy: p}}, apart+seed), "seed %d", apart+seed)
			}
		}
	}
}
