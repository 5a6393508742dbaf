//go:build !canchor || !cgo

package main

import (
	"fmt"

	"github.com/hashmmu/ppc64/internal/measure"
)

// anchor has nothing to measure against in this build.
func (p *peers) anchor(*measure.World) error {
	fmt.Fprintln(p.log, "  G8 needs a build with -tags canchor and cgo")
	return nil
}
