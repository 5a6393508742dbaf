//go:build explore

package hpt

import "github.com/hashmmu/ppc64/internal/sched"

// In the explore build both protocols run on the shim, which makes each 16-byte
// access one step. Tables made by New take the portable one, which is correct
// without a hook too.

func nativeUsable() bool { return true }

func (t *Table) steps16() bool { return t.native }

func load16(p *slot) (v, r uint64) {
	v, r = sched.Load16((*[2]uint64)(p))
	return bigEndian(v), bigEndian(r)
}

func cas16(p *slot, oldV, oldR, newV, newR uint64) bool {
	return sched.CompareAndSwap16((*[2]uint64)(p),
		[2]uint64{bigEndian(oldV), bigEndian(oldR)}, [2]uint64{bigEndian(newV), bigEndian(newR)})
}
