package softtlbvec

import (
	"fmt"

	"github.com/hashmmu/ppc64/tlb"
)

// families lists every runner there is; a file is run by the first that owns
// its first line.
var families = append([]family{mipsFamily, sun4uFamily}, ppcFamilies...)

// family knows how to run the recordings of some CPUs.
type family struct {
	kind   string
	quirks tlb.Quirk // of the recorded machine
	// owns tells by the header whether the sequence is one of the family's.
	owns func(*Sequence) bool
	// machine makes a CPU from nothing but the header.
	machine func(*Sequence, tlb.Quirk) (Machine, error)
}

func familyOf(s *Sequence) (*family, error) {
	for i := range families {
		if families[i].owns(s) {
			return &families[i], nil
		}
	}
	return nil, fmt.Errorf("%w: cpu %q", ErrUnknown, s.CPU)
}
