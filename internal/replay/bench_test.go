package replay

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkShipped replays the shipped trace, the recorded machine and the default
// side by side, unpacking included.
func BenchmarkShipped(b *testing.B) {
	records := int64(0)
	for b.Loop() {
		r, err := Run(bytes.NewReader(Shipped))
		require.NoError(b, err)
		records += r.Records
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
