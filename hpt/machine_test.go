package hpt_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/hpttest"
)

// FuzzMachine runs the sequential part of the contract suite on what the input
// draws.
func FuzzMachine(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(hpttest.Machine(func() hpttest.Store {
		t, err := hpt.New(hpt.Config{})
		if err != nil {
			panic(err)
		}
		return t
	})))
}
