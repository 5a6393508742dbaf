//go:build (!amd64 || race || purego) && !explore

package hpt

func nativeUsable() bool     { return false }
func (*Table) steps16() bool { return false }

// The native primitives are never reached in this build.
func load16(*slot) (v, r uint64)                       { panic("hpt: no 16-byte load") }
func cas16(*slot, uint64, uint64, uint64, uint64) bool { panic("hpt: no 16-byte compare-and-swap") }
