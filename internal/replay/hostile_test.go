package replay

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/hostile"
)

// TestHostile: cut, flipped and random traces are refused by byte or record, with no
// table beyond the caller's limit.
func TestHostile(t *testing.T) {
	where := regexp.MustCompile(`record \d|among the first \d`)
	for name, good := range map[string][]byte{"handmade": trace(handmade()), "recorded": trace(records(t, "nv9", 40))} {
		t.Run(name, func(t *testing.T) {
			hostile.Feed(t, good, func(n int) uint64 { return uint64(2*n + 4<<20) },
				func(b []byte) error { _, err := run(bytes.NewReader(b), 19); return err },
				func(err error) bool {
					var format *image.FormatError
					return errors.As(err, &format) && format.Offset >= 0 || errors.Is(err, ErrTrace) && where.MatchString(err.Error())
				})
		})
	}
}
