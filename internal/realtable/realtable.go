// Package realtable carries hash tables that Linux filled, so that examples and
// tests start from a real one in a plain checkout.
package realtable

import (
	"bytes"
	"compress/gzip"
	_ "embed"

	"github.com/hashmmu/ppc64/hpt"
)

// POWER8 is the gzip'ed image of the table of a bare-metal POWER8 with 1 GiB:
// order 20, format 2, 83 % full.
//
//go:embed powernv8.hpt.gz
var POWER8 []byte

// POWER9 is the gzip'ed image of the table of a bare-metal POWER9 with 1 GiB:
// order 20, format 3, 52 % full.
//
//go:embed powernv9.hpt.gz
var POWER9 []byte

// LoadPOWER8 returns a table with the content of POWER8. Order and Format of c
// are not looked at.
func LoadPOWER8(c hpt.Config) (*hpt.Table, error) { return load(POWER8, hpt.Format2, c) }

// LoadPOWER9 returns a table with the content of POWER9. Order and Format of c
// are not looked at.
func LoadPOWER9(c hpt.Config) (*hpt.Table, error) { return load(POWER9, hpt.Format3, c) }

func load(image []byte, f hpt.Format, c hpt.Config) (*hpt.Table, error) {
	r, err := gzip.NewReader(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	c.Format = f
	return hpt.ReadImage(r, c)
}
