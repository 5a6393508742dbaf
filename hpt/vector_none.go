//go:build !amd64 || race || purego || explore

package hpt

import "github.com/hashmmu/ppc64/pte"

// Without assembly every operation is plain Go, and these are never reached.

const (
	haveVectors   = false
	noVectors     = "hpt: no assembly in this build"
	uniqueTwin    = 16
	uniqueBusy    = 17
	uniqueContend = 32
)

func bestCode() Code { return CodeGo }

func (t *Table) scanVector(*slot, uint64, uint64) (hits, free uint32)           { panic(noVectors) }
func (t *Table) searchVector(pte.Hash, uint64) (raw pte.HPTE, place uint64)     { panic(noVectors) }
func (t *Table) insertVector(*slot, pte.HPTE) (index uint64)                    { panic(noVectors) }
func (t *Table) uniqueVector(pte.Hash, uint64, uint64, pte.HPTE) (state uint64) { panic(noVectors) }
func (t *Table) lookupVector(*pte.Key, *Found, uint64, uint64, uint64) (m, n uint64) {
	panic(noVectors)
}
func change(*slot, uint64, uint64, uint64, uint64) (v, r uint64, ok bool)      { panic(noVectors) }
func prefetchRead(*Table, *pte.Key, uint64)                                    { panic(noVectors) }
func prefetchWrite(*Table, *pte.Key, uint64)                                   { panic(noVectors) }
func prefetchSlots(*Table, *pte.Ref, uint64)                                   { panic(noVectors) }
func (t *Table) uniqueLockedVector(*uint64, pte.Hash, uint64, pte.HPTE) uint64 { panic(noVectors) }
