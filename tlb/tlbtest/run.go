package tlbtest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// Run checks the part that p describes against the model of its family: a
// property test over random operations. Use it for a profile of your own.
func Run(t *testing.T, p tlb.Profile) {
	t.Helper()
	m := machine(p)
	if m == nil {
		t.Fatalf("no model of family %v", p.Family)
	}
	rapid.Check(t, func(t *rapid.T) { m(t, p) })
}

// machine returns the state machine for a part, nil when its family has none.
func machine(p tlb.Profile) func(*rapid.T, tlb.Profile) {
	if p.Family == tlb.UltraSPARC && p.Sparc.Format == tlb.TTE4v {
		return Sun4v
	}
	return machines[p.Family]
}

// machines are the state machines by family.
var machines = map[tlb.Family]func(*rapid.T, tlb.Profile){
	tlb.MIPS:       MIPS,
	tlb.UltraSPARC: Sun4u,
	tlb.PPC405:     PPC4xx,
	tlb.PPC44x:     PPC4xx,
	tlb.PPC47x:     PPC4xx,
	tlb.E500:       E500,
	tlb.PPC603:     PPC603,
}
