//go:build !amd64 || race || purego || explore

package hpt

import "github.com/hashmmu/ppc64/pte"

// Without assembly every operation is plain Go, and these are never reached.

const haveVectors = false

func bestCode() Code { return CodeGo }

func (t *Table) scanVector(*slot, uint64, uint64) (hits, free uint32) { panic(noVectors) }

func (t *Table) searchVector(pte.Hash, uint64) (raw pte.HPTE, place uint64) { panic(noVectors) }

const noVectors = "hpt: no assembly in this build"
