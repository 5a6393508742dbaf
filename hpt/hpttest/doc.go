// Package hpttest tests hash table stores, those of package hpt and others':
//
//	func TestStore(t *testing.T) {
//		hpttest.Run(t, func() hpttest.Store { return newStore() })
//	}
//
// # Terminology
//
//   - Store: whatever holds entries under the contract of [hpt.Table]; see [Store].
//   - Place: one of the 16 slots that a key's entry may be in, in the order of
//     search: primary group, then secondary, each by ascending slot.
//   - Hint: the number of a place, as package pte encodes it.
//
// # Parts
//
//	Run                        the contract suite, for a test of your own
//	Machine                    its sequential part alone, for rapid.MakeFuzz
//	Model                      the specification: a plain array that one goroutine uses
//	Keys, Entry, Attrs, Hints  rapid generators; keys crowd into four groups, so that
//	                           full groups, secondary groups and evictions are common
//
// # What Run checks
//
// By the numbers of the invariants of packages hpt (H) and pte (P), which failures
// name:
//
//	Sequential       random operations give the model's answers, and leave the model's
//	                 table after every one: H1, H3 to H7, P4, P5. Insert takes the first
//	                 free place; Evict may choose
//	H2_NoTornPairs   two pages take turns in a slot while readers look both up
//	H3_UniqueInserts four goroutines insert the same keys: each goes in once
//	H4_BoltedStay    evictions beside inserts and removals leave bolted entries
//	H6_RemovedIsGone four goroutines insert, find and remove in the same groups
//	H7_NoLostChange  stores are recorded while the entry is being removed
//
// The suite is bounded: rounds are counted, a tenth of them under -short. A store
// that passes is not proved.
//
// # Concurrency
//
// Run uses a store from up to four goroutines, each new store for one check; one
// that is an [io.Closer] is closed after it. A Model belongs to one goroutine.
//
// # Not modelled
//
// Progress: nothing is timed, and hpt.ErrBusy is tried again for ever. Entries in
// format 3 (a store shows them in format 2), resizing, duplicate detection, and the
// batch forms but for InvalidateBatch.
package hpttest
