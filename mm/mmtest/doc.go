// Package mmtest tests what is plugged into package mm, a flush policy, a kernel
// profile or translation hardware, and gives the parts that such tests are made
// of.
//
// # Terminology
//
//   - Oracle: something that knows what an access may see.
//   - Removal: an operation after which the contents of a page are gone: a zap
//     of private memory, munmap, hole punching, truncation.
//   - Leg: a part of a schedule in which one CPU runs.
//   - Place: one of [Places] pages that share two hash groups, so that a few of
//     them crowd each other out; see [Spec].
//   - Mix: random operations of all CPUs at once, on goroutines; of base pages, or of
//     huge ones.
//
// # Parts
//
//	Run      the contract suite, by numbered invariants of package mm
//	Shadow   an oracle for any number of CPUs: no stale read, no lost store
//	Model    a sequential model: the contents of every page, exactly
//	Stepper  replays one schedule of two or more CPUs, deterministically
//	Specs    rapid generator of machines, small and crowded ones
//
// The suite is bounded: it runs every schedule of one preemption for the founding
// race and seeded random mixes on goroutines. A policy that passes is not proved;
// package mm/explore does that for a stated bound.
//
// # Concurrency
//
// A Shadow may be used by all CPUs at the same time. The others belong to one
// goroutine.
//
// # Not modelled
//
// The Shadow takes the layout of an address space as fixed: what is unmapped may
// come back at the same place only. It does not know which of two private pages
// holds a copy of a file page, so a stale copy of file contents in private memory
// is found only when the contents were removed.
package mmtest
