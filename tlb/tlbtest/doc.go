// Package tlbtest holds slow sequential models of the TLBs of package tlb and
// state machines that hold the two against each other.
//
// A model is written from the manuals' rules for reading, not for speed: every
// question goes through all entries from the start. Run checks a profile, a
// named one or one of your own, as a property test: the same random operations
// on the part and on the model, the same answers, registers and entries after
// every one of them. The state machines draw from few pages and few address
// spaces, so that entries meet and evict each other all the time.
//
// What is not drawn: quirks of recorded machines, which the recordings test,
// and reset contents that contain duplicates.
package tlbtest
