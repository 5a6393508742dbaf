//go:build amd64 && !race && !purego && !explore

package hpt

import (
	"golang.org/x/sys/cpu"

	"github.com/hashmmu/ppc64/pte"
)

// The assembly of scans and whole operations, in two versions each. Which one a
// table uses is decided when it is made.

const haveVectors = true

// bestCode is the fastest version that the processor has. x/sys/cpu reports
// vector extensions only when the operating system keeps their registers.
func bestCode() Code {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasBMI1 || !x.HasBMI2:
		return CodeGo
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL:
		return CodeAVX512
	}
	return CodeAVX2
}

//go:noescape
func scanAVX2(p *slot, want, mask uint64) (hits, free uint32)

//go:noescape
func scanAVX512(p *slot, want, mask uint64) (hits, free uint32)

// scanVector is scanFree; want and mask are as memory has them.
func (t *Table) scanVector(p *slot, want, mask uint64) (hits, free uint32) {
	if t.config.Code == CodeAVX512 {
		return scanAVX512(p, want, mask)
	}
	return scanAVX2(p, want, mask)
}

//go:noescape
func lookupAVX2(t *Table, hash, want uint64) (v, r, place uint64)

//go:noescape
func lookupAVX512(t *Table, hash, want uint64) (v, r, place uint64)

// searchVector is search.
func (t *Table) searchVector(hash pte.Hash, v uint64) (raw pte.HPTE, place uint64) {
	if t.config.Code == CodeAVX512 {
		raw.V, raw.R, place = lookupAVX512(t, uint64(hash), v)
	} else {
		raw.V, raw.R, place = lookupAVX2(t, uint64(hash), v)
	}
	return raw, place
}
