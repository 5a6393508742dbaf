package tlbtest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// policies are the behaviours every part must be able to take on.
var policies = []tlb.MultiHit{
	{},
	{Lookup: tlb.OrBits, Probe: tlb.OrBits},
	{Lookup: tlb.Miss, Probe: tlb.Miss},
	{Lookup: tlb.CheckMachine, Probe: tlb.CheckMachine},
	{Lookup: tlb.ShutDown, Probe: tlb.ShutDown},
	{Write: tlb.CheckMachine},
	{Write: tlb.Displace},
}

// TestMIPSAgainstModel: every named profile, as it is and with every policy.
func TestMIPSAgainstModel(t *testing.T) {
	for _, p := range tlb.Profiles {
		if p.Family != tlb.MIPS {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				q := p
				if i := rapid.IntRange(-1, len(policies)-1).Draw(t, "policy"); i >= 0 {
					q.MultiHit = policies[i]
				}
				q.MIPS.Entries = rapid.SampledFrom([]int{1, 3, p.MIPS.Entries}).Draw(t, "entries")
				MIPS(t, q)
			})
		})
	}
}
