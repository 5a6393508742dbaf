package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm/explore"
)

// TestSoftRaces: with every guard in place no part ever has two entries for an
// address, proved by both algorithms; without one it has, and what its manual
// says happens.
func TestSoftRaces(t *testing.T) {
	for _, profile := range SoftProfiles {
		races, err := SoftRaces(profile)
		require.NoError(t, err)
		for _, r := range races {
			t.Run(profile+"/"+r.Kernel.Name+"/"+r.Path+"/"+r.Guard, func(t *testing.T) {
				res, err := RunSoft(context.Background(), r, explore.Config{})
				require.NoError(t, err)
				t.Log(res.Verdict, res.Executions, res.States, res.Elapsed)
				if f := res.Report.Failure; f != nil {
					t.Log(f)
				}
				require.Equal(t, r.Expect, res.Verdict)
				if res.Collision != nil {
					t.Logf("%+v", *res.Collision)
				}
			})
		}
	}
}
