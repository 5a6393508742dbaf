// Package scenario holds the races between Linux paths as small concurrent
// programs on a real [mm.Machine], for the explorer to run in every order.
//
// # Terminology
//
//   - Scenario: what each CPU does, on how many pages.
//   - Variant: how the pages start out: read-only, writable but clean, which
//     lock covers them.
//   - Stage: one machine with the mappings that a scenario plays on.
//   - Verdict: duplicate, stale, proved or exhausted-bound.
//
// # Model
//
// A stage is built once and brought back to its checkpoint for every execution.
// The hash table is a tiny one unless the caller brings his own, a real image
// for instance. Every shared access of package mm is a step; the steps and their
// names come from mm, so a trace reads like the kernel.
//
// # What is checked
//
// After every step: no page has two valid translations (the founding rule). At
// the end of every execution: [mm.Machine.Check]. Where an operation throws page
// contents away: no access that begins after it returned sees them.
//
// # Limits
//
// A proof holds for its bound: so many CPUs, operations, pages, one table
// geometry. An access that fails three times in the same way, its PTE unchanged,
// is given up; hardware would go on until another CPU changes something.
package scenario
