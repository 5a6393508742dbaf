package main

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/hostile"
)

// TestHostile: cut, flipped and random logs are refused in one line that names the log,
// and the byte or the call.
func TestHostile(t *testing.T) {
	where := regexp.MustCompile(`^program: -: log \d+: .*(at byte \d+|call \d+|slot|no "events").*\n$|no log in it|gzip`)
	good := made(in5, in6, in7, prot8, out8)
	hostile.Feed(t, []byte(good), func(n int) uint64 { return uint64(100*n + 8<<20) },
		func(b []byte) error {
			code, _, errs := clitest.Run(run, string(b), "-json", "-")
			if code == 0 {
				return nil
			}
			return errors.New(errs)
		},
		func(err error) bool {
			return where.MatchString(err.Error()) && strings.Count(err.Error(), "\n") == 1
		})
}
