package tlbtest

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// FuzzMachines runs the state machine of a part that the input draws against its
// model.
func FuzzMachines(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		p := rapid.SampledFrom(tlb.Profiles).Draw(t, "part")
		machine(p)(t, p)
	}))
}
