package softtlbvec

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"github.com/hashmmu/ppc64/internal/hostile"
)

// TestHostile: cut, flipped and random recordings are refused by line or event; what
// does not begin as a recording does is none.
func TestHostile(t *testing.T) {
	where := regexp.MustCompile(`(line|event) \d`)
	for _, good := range fuzzSeeds[:4] {
		t.Run(good[:20], func(t *testing.T) {
			hostile.Feed(t, []byte(good), func(n int) uint64 { return uint64(100*n + 8<<20) },
				func(b []byte) error { _, err := Run(bytes.NewReader(b)); return err },
				func(err error) bool { return errors.Is(err, ErrUnknown) || where.MatchString(err.Error()) })
		})
	}
}
