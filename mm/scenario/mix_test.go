package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

func TestMixes(t *testing.T) {
	for _, sc := range []*Scenario{Mix(2, 3, 1), Mix(3, 1, 1), Mix(2, 4, 2), Mix(3, 1, 2)} {
		t.Run(sc.Name, func(t *testing.T) {
			res, err := Run(context.Background(), sc, Config{Kernel: mm.Linux61, Policy: batch.LazyMMU()}, explore.Config{})
			require.NoError(t, err)
			require.Equal(t, Proved, res.Verdict, "%v", res.Report)
			t.Log(res.Report)
		})
	}
}
