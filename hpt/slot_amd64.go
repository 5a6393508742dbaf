//go:build amd64 && !race && !purego && !explore

package hpt

import "golang.org/x/sys/cpu"

// nativeUsable reports whether 16-byte steps are atomic here. Both makers
// promise it for aligned vector loads on processors that have AVX.
func nativeUsable() bool { return cpu.X86.HasAVX && cpu.X86.HasCX16 }

// steps16 tells whether the table takes them.
func (t *Table) steps16() bool { return t.native }

// load16 returns V and R at one instant, by one aligned 16-byte load.
//
//go:noescape
func load16(p *slot) (v, r uint64)

// cas16 replaces V and R at one instant, by LOCK CMPXCHG16B.
//
//go:noescape
func cas16(p *slot, oldV, oldR, newV, newR uint64) (ok bool)
