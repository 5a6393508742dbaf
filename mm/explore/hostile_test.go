package explore

import (
	"errors"
	"strings"
	"testing"

	feed "github.com/hashmmu/ppc64/internal/hostile"
)

// TestHostile: cut, flipped and random schedules are refused by turn.
func TestHostile(t *testing.T) {
	good := strings.Repeat("0*3 1*7 15*65535 ", 20)
	feed.Feed(t, []byte(good), func(n int) uint64 { return uint64(100*n + 1<<20) },
		func(b []byte) error { _, err := ParseSchedule(string(b)); return err },
		func(err error) bool { return errors.Is(err, ErrSchedule) && strings.Contains(err.Error(), "turn ") })
}
