package tlbtest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// TestPPCAgainstModel: every named PowerPC profile, the unrecorded 476 among
// them, as it is and with every policy on several matches, and small ones,
// where entries meet more often.
func TestPPCAgainstModel(t *testing.T) {
	drivers := map[tlb.Family]func(*rapid.T, tlb.Profile){
		tlb.PPC405: PPC4xx, tlb.PPC44x: PPC4xx, tlb.PPC47x: PPC4xx, tlb.PPC603: PPC603, tlb.E500: E500,
	}
	for _, p := range tlb.Profiles {
		drive := drivers[p.Family]
		if drive == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				q := p
				if rapid.Bool().Draw(t, "small") {
					q = small(p)
				}
				if policy := rapid.SampledFrom([]tlb.Policy{tlb.FirstMatch, tlb.OrBits, tlb.Miss, tlb.CheckMachine}).Draw(t, "policy"); rapid.Bool().Draw(t, "another policy") {
					q.MultiHit = tlb.MultiHit{Lookup: policy, Probe: policy}
				}
				drive(t, q)
			})
		})
	}
}

// small is a part of the same family with few entries.
func small(p tlb.Profile) tlb.Profile {
	switch p.Family {
	case tlb.PPC405, tlb.PPC44x:
		p.PPC4xx.Entries, p.PPC4xx.Ways = 8, 8
	case tlb.PPC47x:
		p.PPC4xx.Entries = 8
	case tlb.E500:
		p.E500.TLB0 = tlb.E500Array{Entries: 4 * p.E500.TLB0.Ways, Ways: p.E500.TLB0.Ways}
		p.E500.TLB1 = tlb.E500Array{Entries: 4, Ways: 4}
	}
	return p
}
