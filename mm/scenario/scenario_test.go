package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

func TestFounding(t *testing.T) {
	for _, k := range mm.Kernels() {
		for p, want := range map[batch.Policy]Verdict{
			batch.AtFinish(): Duplicate, batch.BeforeUnlock(): Proved, batch.LazyMMU(): Proved, batch.Immediate(): Proved,
		} {
			t.Run(k.Name+"/"+p.String(), func(t *testing.T) {
				res, err := Run(context.Background(), Founding, Config{Kernel: k, Policy: p}, explore.Config{})
				require.NoError(t, err)
				t.Log(res.Report)
				require.Equal(t, want, res.Verdict)
			})
		}
	}
}
