package mmtest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/scenario"
	"github.com/hashmmu/ppc64/tlb"
)

// TestSoftTLBs: the suite on processors whose TLBs the kernel fills, at their
// full size.
func TestSoftTLBs(t *testing.T) {
	for _, name := range scenario.SoftProfiles {
		if testing.Short() && !slices.Contains([]string{"mips32r2", "sparc64-tsb"}, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p, err := tlb.ByName(name)
			require.NoError(t, err)
			b, err := mm.NewSoftTLB(mm.SoftConfig{Profile: p})
			require.NoError(t, err)
			Run(t, Config{Backend: b, Base: lowBase, FetchIsLoad: p.Family == tlb.MIPS})
		})
	}
}
