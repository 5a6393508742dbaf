// Package hpt is the hashed page table of ppc64 as a store: groups of eight
// slots of sixteen bytes, changed without locks by any number of goroutines.
package hpt
