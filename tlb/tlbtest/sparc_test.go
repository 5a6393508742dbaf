package tlbtest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// TestSparcAgainstModel: every named profile, as it is and with every policy
// that a SPARC TLB can take on.
func TestSparcAgainstModel(t *testing.T) {
	policies := []tlb.MultiHit{{}, {Lookup: tlb.Miss}, {Lookup: tlb.CheckMachine}, {Lookup: tlb.OrBits}}
	for _, p := range tlb.Profiles {
		if p.Family != tlb.UltraSPARC {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				q := p
				if i := rapid.IntRange(-1, len(policies)-1).Draw(t, "policy"); i >= 0 {
					q.MultiHit = policies[i]
				}
				q.Sparc.Entries = rapid.SampledFrom([]int{1, 4, p.Sparc.Entries}).Draw(t, "entries")
				if q.Sparc.Format == tlb.TTE4v {
					Sun4v(t, q)
				} else {
					Sun4u(t, q)
				}
			})
		})
	}
}
