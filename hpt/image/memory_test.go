package image_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/hostile"
)

func bigEndian(o image.Options) image.Options {
	o.ByteOrder = binary.BigEndian
	return o
}

// TestReadRawMemory: an image takes no more of the heap than it is long, and one that
// unpacks to more than the caller's limit takes no more than that.
func TestReadRawMemory(t *testing.T) {
	const order = 24
	plain := make([]byte, 1<<order)
	bomb := zip(t, plain)
	require.Less(t, len(bomb), 1<<15)
	for name, c := range map[string]struct {
		in       []byte
		maxOrder int
		heap     uint64
		err      error
	}{
		"plain":           {plain, order, 1 << order, nil},
		"gzip":            {bomb, order, 1 << order, nil},
		"beyond":          {plain, order - 4, 1 << (order - 4), image.ErrLimit},
		"gzip beyond":     {bomb, order - 4, 1 << (order - 4), image.ErrLimit},
		"one byte short":  {plain[1:], order, 1 << order, image.ErrFormat},
		"far below limit": {plain[:1<<18+1], hpt.MaxOrder, 1 << 19, image.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			before := hostile.Allocated()
			tab, err := image.ReadRaw(bytes.NewReader(c.in), image.Options{MaxOrder: c.maxOrder})
			used := hostile.Allocated() - before
			require.ErrorIs(t, err, c.err)
			if tab != nil {
				require.Equal(t, order, tab.Order())
				require.NoError(t, tab.Close())
				if heapTables() {
					used -= 1 << order
				}
			}
			require.Less(t, used, c.heap+hostileSlack)
		})
	}
}

// heapTables tells whether tables lie in the Go heap in this build.
func heapTables() bool {
	before := hostile.Allocated()
	tab, err := hpt.New(hpt.Config{Order: 24})
	return err == nil && tab.Close() == nil && hostile.Allocated()-before >= 1<<24
}
