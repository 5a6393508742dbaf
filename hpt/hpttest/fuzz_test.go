package hpttest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
)

// The fuzz targets of package hpt: here they need nothing that only its own tests see.

// FuzzMachine runs the sequential part of the suite on what the input draws.
func FuzzMachine(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(Machine(func() Store {
		t, err := hpt.New(hpt.Config{})
		if err != nil {
			panic(err)
		}
		return t
	})))
}

// FuzzReadImage: no input of whatever content panics anything that reads a table.
func FuzzReadImage(f *testing.F) {
	f.Add([]byte("\x40\x05\x54\xfa\x54\xff\x12\x05\x00\x00\x00\x00\x12\x34\x10\x12"), uint16(5), false)
	f.Add(bytes.Repeat([]byte{0xff}, 128), uint16(2047), true)
	f.Fuzz(func(t *testing.T, group []byte, at uint16, three bool) {
		b := make([]byte, 1<<hpt.MinOrder)
		copy(b[int(at)%2048*128:], group)
		c := hpt.Config{}
		if three {
			c.Format = hpt.Format3
		}
		table, err := hpt.ReadImage(bytes.NewReader(b), c)
		require.NoError(t, err)
		s := table.Stats()
		errs := table.Check()
		require.Equal(t, s.Duplicates+s.Misplaced == 0, errs == nil)
		for slot, h := range table.All() {
			k, _, err := table.Sizes().Key(h, slot.Group(), table.Mask())
			if err != nil {
				continue
			}
			_, _, ok := table.Lookup(k)
			require.True(t, ok, "%v in slot %d is placed but not found", k, slot)
		}
		for _, _, err := table.Evict(uint64(at) % 2048); err == nil; _, _, err = table.Evict(uint64(at) % 2048) {
		}
	})
}
