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
//   - Path: one way in which Linux changes PTEs, with its functions, what reading
//     predicts, what a guest showed, and the scenarios that decide it.
//   - Fix: a policy or countermeasure that may close a path, and costs something.
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
// # Paths
//
// [Paths] lists every path in each kernel that has it. Its scenarios are run with the
// kernel's own policy; the worst verdict counts. Most are the operation against an
// access that the old entry denies and a load by a third CPU, from a page that is in
// the hash table and from one whose entry was cast out, so that hash faults are on
// their way while the PTE changes (race). A path that was seen to race in a guest
// must come out so. One that was seen not to may yet, with a Note that says why.
//
// [Workload] counts what a fix costs: flushes, tlbie, table operations, hypercalls.
//
// # Steps
//
// Locations that no task changes are left out, and with them the steps that touch
// nothing else ([Scenario], Remaps and Drops). MergeSteps makes one step of what
// nothing can come between. What a CPU saw in earlier operations of a [Mix] is
// forgotten at the next one, so that states merge. TestMergedSteps compares.
//
// # Limits
//
// A proof holds for its bound: so many CPUs, operations, pages, one table
// geometry. Scenarios run with TLBs; mixes, which are proved for larger bounds, with
// CPUs that walk for every access. An access that fails eight times is given up,
// which no scenario here comes to; hardware would go on.
//
// Proved for BeforeUnlock, LazyMMU and Immediate on Linux 6.1, without TLBs, CPUs x
// operations of each: on one page 2x6 and 3x3, on two pages 2x8, 3x4 and 4x2, in a
// few seconds each. On one page 4x2 takes more than a minute on two cores: it is
// proved for LazyMMU by both algorithms, and explored for the other two by
// source-DPOR alone, in 420,541 executions. A short run leaves out all of these.
package scenario
