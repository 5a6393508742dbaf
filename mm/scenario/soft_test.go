package scenario

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// softShort are the parts that a short run explores: one of each kind.
var softShort = []string{"ppc440", "mips32r2", "sparc64-tsb"}

// TestSoftRaces: with every guard in place no part ever has two entries for an
// address, proved by both algorithms; without one it has.
func TestSoftRaces(t *testing.T) {
	for _, profile := range SoftProfiles {
		if testing.Short() && !slices.Contains(softShort, profile) {
			continue
		}
		races, err := SoftRaces(profile)
		require.NoError(t, err)
		require.Equal(t, SoftUnmap, races[0].Path, "the founding race comes first")
		require.Equal(t, GuardInPlace, races[0].Guard)
		for _, r := range races {
			t.Run(profile+"/"+r.Kernel.Name+"/"+r.Path+"/"+r.Guard, func(t *testing.T) {
				res, err := RunSoft(context.Background(), r, explore.Config{})
				require.NoError(t, err)
				require.Equal(t, r.Expect, res.Verdict, "%v", res.Report)
				require.Equal(t, r.Guard != GuardInPlace, res.Verdict == Duplicate)
				require.Equal(t, res.Verdict == Duplicate, res.Collision != nil)
				if res.Verdict == Proved {
					require.Len(t, res.Report.Passes, 2)
				}
			})
		}
	}
}

// TestSoftConsequences: what two entries come to is what the part's manual says.
func TestSoftConsequences(t *testing.T) {
	for profile, want := range map[string]string{
		"ppc440":      "both answer, for two frames: the access goes to 0x1003000",
		"ppc603":      "an access to the page ends in: miss",
		"e500v2":      "both answer, for two frames: the access goes to 0x1003000",
		"e500mc":      "machine check at the next access",
		"e6500":       "machine check at the next access",
		"r4000":       "the TLB is shut down until reset",
		"mips32r2":    "machine check at the write, which does not take place",
		"ultrasparc":  "both answer, for two frames: the access goes to 0x2006000",
		"sun4v":       "both answer for one frame, with rights r--",
		"sparc64-tsb": "both answer for one frame, with rights rw-",
	} {
		races, err := SoftRaces(profile)
		require.NoError(t, err)
		var got []string
		for _, r := range races {
			if r.Guard == GuardInPlace {
				continue
			}
			res, err := RunSoft(context.Background(), r, explore.Config{})
			require.NoError(t, err)
			got = append(got, res.Collision.String())
		}
		require.Contains(t, got, want, profile)
	}
}

// TestSoftRacesUnknown: an unknown part is an error.
func TestSoftRacesUnknown(t *testing.T) {
	_, err := SoftRaces("z80")
	require.Error(t, err)
	_, err = RunSoft(context.Background(), SoftRace{Profile: "z80", Kernel: mm.Linux61}, explore.Config{})
	require.Error(t, err)
}
