package mmu_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/internal/hostile"
	"github.com/hashmmu/ppc64/pte"
)

// TestHostile: cut, flipped and random snapshots, under a wrong seal and under a right
// one, are refused with an offset or make a CPU that works.
func TestHostile(t *testing.T) {
	r := newRig(t, mmu.Config{TLB: 4})
	r.slb(0, plainEA, plainWord)
	r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	r.TLBIE(mmu.TLBIE{RB: 0x5000})
	good, err := r.MarshalBinary()
	require.NoError(t, err)
	heap := func(n int) uint64 { return uint64(3*n + 1<<20) }
	located := func(err error) bool {
		var s *mmu.SnapshotError
		return errors.As(err, &s) && s.Offset >= 0 && s.Offset <= max(len(good), 4096+8)
	}
	t.Run("unsealed", func(t *testing.T) { hostile.Feed(t, good, heap, r.UnmarshalBinary, located) })
	t.Run("sealed", func(t *testing.T) {
		hostile.Feed(t, good[:len(good)-8], heap, func(b []byte) error {
			b = b[:len(b):len(b)]
			err := r.UnmarshalBinary(seal(b))
			if err == nil {
				r.Translate(plainEA, pte.Write)
				r.Drain(nil)
			}
			return err
		}, located)
	})
}
