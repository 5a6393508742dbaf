package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// The output is the same whichever vCPU comes first.
func TestOutput(t *testing.T) {
	for range 5 {
		var out bytes.Buffer
		require.NoError(t, run(&out))
		require.Equal(t, `each maps 512 pages                  1024 entries,    0 pages flushed
each makes every second read-only    1024 entries,  512 pages flushed
each unmaps its upper half            512 entries, 1024 pages flushed
both remove one and the same page     511 entries, 1025 pages flushed
  1 of them did
H_RESIZE_HPT_PREPARE to 2^20: H_SUCCESS
H_RESIZE_HPT_COMMIT to 2^20: H_SUCCESS
the table of order 20 has 7 entries, all 7 bolted
1667 hypercalls: H_SUCCESS, 1: H_NOT_FOUND; 128 of the unmapped pages were dirty
`, out.String())
	}
}
