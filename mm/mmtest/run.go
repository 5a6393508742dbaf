package mmtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// Config says what the suite tests. A nil field is not under test: the suite
// varies it.
type Config struct {
	Kernel  *mm.Kernel
	Policy  batch.Policy
	Backend func(*mm.Machine) mm.Backend // nil: the hash table
	// Base is where pages are, for hardware that does not reach everywhere; 0 is
	// under test.
	Base pte.EA
	// FetchIsLoad is for hardware that cannot refuse to execute what may be read.
	FetchIsLoad bool

	_ struct{}
}

// Run runs the contract suite: what must hold whatever the kernel, the policy
// and the hardware are. With -short the random parts are shorter.
func Run(t *testing.T, c Config) {
	t.Run("Sequential", rapid.MakeCheck(func(t *rapid.T) { Sequential(t, c) }))
	mixes := 12
	if testing.Short() {
		mixes = 3
	}
	for _, s := range c.specs() {
		t.Run(fmt.Sprintf("%s/%v", s.Kernel.Name, s.Policy), func(t *testing.T) {
			t.Run("OneTranslation", func(t *testing.T) { require.NoError(t, OneTranslation(s)) })
			t.Run("M3_OldPageOutOfReach", func(t *testing.T) { require.NoError(t, OldPageOutOfReach(s)) })
			t.Run("M5_CancelledIsPrefix", func(t *testing.T) { require.NoError(t, CancelledIsPrefix(s)) })
			t.Run("Forks", func(t *testing.T) {
				for seed := range uint64(mixes) / 3 {
					require.NoError(t, Forks(s, seed), "seed %d", seed)
				}
			})
			t.Run("HugeMixes", func(t *testing.T) {
				for seed := range uint64(mixes) / 3 {
					err := HugeMix(s, seed)
					if c.Backend != nil && errors.Is(err, mm.ErrConfig) {
						t.Skip(err) // the backend has no huge pages
					}
					require.NoError(t, err, "seed %d", seed)
				}
			})
			t.Run("Mixes", func(t *testing.T) {
				for seed := range uint64(mixes) {
					require.NoError(t, Mix(s, seed), "seed %d", seed)
				}
			})
		})
	}
}

// specs lists a machine for each kernel and policy that c leaves open.
func (c Config) specs() []Spec {
	kernels, policies := mm.Kernels(), SafePolicies()
	if c.Kernel != nil {
		kernels = []*mm.Kernel{c.Kernel}
	}
	if c.Policy != nil {
		policies = []batch.Policy{c.Policy}
	}
	var out []Spec
	for _, k := range kernels {
		for _, p := range policies {
			out = append(out, Spec{Base: lowBase, Config: mm.Config{Kernel: k, Policy: p, Backend: c.Backend}})
		}
	}
	return out
}

// lowBase is where places begin in the tests that do not vary it.
const lowBase pte.EA = 0x10000000

// apply fixes what the Config names in a machine.
func (c Config) apply(s Spec) Spec {
	s.Backend = c.Backend
	if c.Kernel != nil {
		s.Kernel = c.Kernel
	}
	if c.Policy != nil {
		s.Policy = c.Policy
	}
	if c.Base != 0 {
		s.Base = c.Base
	}
	return s
}
