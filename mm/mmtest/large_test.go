package mmtest

import (
	"testing"

	"github.com/hashmmu/ppc64/mm"
)

// TestBasePagesOf64K runs the contract suite on the kernels with 64K base pages.
func TestBasePagesOf64K(t *testing.T) {
	for _, k := range []*mm.Kernel{mm.Linux2620With64K, mm.Linux61With64K} {
		if testing.Short() && k != mm.Linux61With64K {
			continue
		}
		t.Run(k.Name, func(t *testing.T) { Run(t, Config{Kernel: k}) })
	}
}
