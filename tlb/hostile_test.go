package tlb_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/hashmmu/ppc64/internal/hostile"
	"github.com/hashmmu/ppc64/tlb"
)

// TestHostile: cut, flipped and random snapshots, under a wrong seal and under a right
// one, are refused with an offset or make an MMU that works.
func TestHostile(t *testing.T) {
	for _, p := range ownProfiles() {
		m := newMMU(t, p)
		good, _ := m.MarshalBinary()
		heap := func(n int) uint64 { return uint64(3*len(good) + 3*n + 1<<20) }
		located := func(err error) bool {
			var s *tlb.SnapshotError
			return errors.As(err, &s) && s.Offset >= 0 && s.Offset <= len(good)
		}
		t.Run(p.Name, func(t *testing.T) { hostile.Feed(t, good, heap, m.UnmarshalBinary, located) })
		t.Run(p.Name+"/sealed", func(t *testing.T) {
			hostile.Feed(t, good[:len(good)-8], heap, func(b []byte) error {
				b = b[:len(b):len(b)]
				err := m.UnmarshalBinary(binary.BigEndian.AppendUint64(b, xxhash.Sum64(b)))
				if err == nil {
					use(m)
				}
				return err
			}, located)
		})
	}
}
