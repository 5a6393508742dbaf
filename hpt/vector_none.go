//go:build !amd64 || race || purego || explore

package hpt

import "github.com/hashmmu/ppc64/pte"

// Without assembly every operation is plain Go, and these are never reached.

const (
	noVectors     = "hpt: no assembly in this build"
	uniqueTwin    = 16
	uniqueBusy    = 17
	uniqueContend = 32
)

func bestCode() Code { return CodeGo }

func (*Table) setCode()        {}
func (*Table) vectors() bool   { return false }
func (*Table) assembled() bool { return false }

func scan(*Table, *slot, uint64, uint64) (hits, free uint32)                     { panic(noVectors) }
func lookup(*Table, pte.Key) (v, r, hint uint64)                                 { panic(noVectors) }
func search(*Table, uint64, uint64) (v, r, hint uint64)                          { panic(noVectors) }
func insertGroup(*Table, uint64, uint64, uint64, uint64) (hint uint64)           { panic(noVectors) }
func insert(*Table, pte.Key, uint64, uint64) (hint uint64)                       { panic(noVectors) }
func unique(*Table, pte.Key, uint64, uint64, uint64) (state uint64)              { panic(noVectors) }
func uniqueLocked(*Table, pte.Key, uint64, uint64) (state uint64)                { panic(noVectors) }
func remove(*Table, pte.Ref) (v, r uint64, ok bool)                              { panic(noVectors) }
func change(*Table, pte.Ref, uint64, uint64) (v, r uint64, ok bool)              { panic(noVectors) }
func lookupChunk(*Table, *pte.Key, *Found, uint64, uint64, uint64) (m, n uint64) { panic(noVectors) }
func insertChunk(*Table, *pte.Key, *pte.HPTE, *pte.SlotHint, uint64, uint64) (done uint64) {
	panic(noVectors)
}
func invalidateChunk(*Table, *pte.Ref, uint64, uint64) (removed uint64) { panic(noVectors) }
func prefetchRead(*Table, *pte.Key, uint64)                             { panic(noVectors) }
func prefetchHashes(*Table, *pte.Hash, uint64)                          { panic(noVectors) }
func prefetchWrite(*Table, *pte.Key, uint64)                            { panic(noVectors) }
func prefetchPairs(*Table, *pte.Key, uint64)                            { panic(noVectors) }
func prefetchSlots(*Table, *pte.Ref, uint64)                            { panic(noVectors) }
