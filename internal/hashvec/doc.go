// Package hashvec reads and runs the recorded vectors of the hash MMU: one
// translation, SLB sequence, hypercall or resize per case, with the answer that
// a recorded machine gave. Tests and examples/conform share it.
//
// A case passes when the library, set to the recorded machine's quirks, gives
// the recorded answer. It has departed when the library at its default, the
// architecture, gives another one.
package hashvec
