// Package softtlbvec reads recorded operations of software-loaded TLBs and runs
// them through package tlb.
//
// # Terminology
//
//   - Sequence: one line of a recording, self-contained: a CPU in its initial
//     state, operations with recorded answers, final contents.
//   - Case: one operation of a sequence, or one event of a Linux trace.
//   - Departed: a case that agrees with the recording only under a named quirk
//     of the recorded machine; the part as documented answers differently.
//
// # Model
//
// Run tells the kind of a recording from its content. Each case runs twice
// from the same state: on the recorded machine, that is under the quirks of
// its family, where every answer must agree; and on the part with its
// documented behaviour, to count departures. The part takes over the recorded
// machine's state before every case, so one departure does not cause the next.
//
// A family is an entry of the list in families.go: how to recognise its
// headers, and a Machine made from nothing but a header.
//
// # Not modelled
//
// Random replacement of MIPS: a recording says which entry tlbwr wrote.
package softtlbvec
