package tlbtest

import (
	"testing"

	"github.com/hashmmu/ppc64/tlb"
)

// TestEveryNamedProfile: no named part is without a model that agrees with it.
func TestEveryNamedProfile(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests by family run the same state machines")
	}
	for _, p := range tlb.Profiles {
		t.Run(p.Name, func(t *testing.T) { Run(t, p) })
	}
}
