package hashvec

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/internal/oracle"
)

// TestRecorded runs every recorded line of the kinds of this file.
func TestRecorded(t *testing.T) {
	if testing.Short() {
		t.Skip("full recordings")
	}
	for _, pattern := range []string{"xlate_*", "slb_*", "psize_*"} {
		for _, name := range oracle.Glob(filepath.Join("vectors", pattern)) {
			t.Run(filepath.Base(name), func(t *testing.T) {
				rep, err := RunFile(name)
				require.NoError(t, err)
				t.Logf("%+v", rep)
				require.Zero(t, rep.Failed, rep.First)
				require.Equal(t, rep.Cases, rep.Passed)
				require.Positive(t, rep.Cases)
			})
		}
	}
}
