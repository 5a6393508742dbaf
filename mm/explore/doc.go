// Package explore runs a small concurrent program through every interleaving of its steps, and comes back with the
// shortest schedule that breaks a rule or with a proof that there is none within a stated bound.
//
// # Terms
//
// A scenario builds a world: shared memory, simulated CPUs and invariants. A CPU runs a body of ordinary Go code,
// which stops before every operation on shared memory. The operation and what the CPU does up to its next stop is a
// step. A schedule says which CPU takes each step; an execution is what happens under one schedule. A CPU is enabled
// when nothing holds its next step back. A location is a word, a lock, a monitor or a history, registered under a
// stable number. Two steps conflict when they touch one location and their order matters; executions that differ only
// in the order of steps that do not conflict are equivalent. A final state is one in which no CPU is enabled: all
// have finished, or it is a deadlock. A proof states its bound, the number of CPUs, operations and pages.
//
// # Model
//
// Memory is sequentially consistent, as sync/atomic is: an execution is an interleaving of steps, and nothing else
// can happen. A step is atomic. Locks and waits are modelled by enabledness and never spun on: a step that takes a
// lock, and a step behind [CPU.Await], is not scheduled until it can happen. So a deadlock, a lost wake-up included,
// is a state like any other, and is reported with who waits for what.
//
// Bodies run as coroutines (iter.Pull) on the goroutine that called [Run], one at a time. They are kept from
// execution to execution; an execution that is given up unwinds its bodies with a panic, so a body must not swallow
// panics that it does not know, and must not call runtime.Goexit (t.FailNow). Deferred calls do run, and are unwound
// further at their next step.
//
// # Algorithms
//
//   - Naive depth-first search tries every enabled CPU in every state.
//   - Sleep sets (Godefroid) do not begin an execution that is equivalent to one tried before.
//   - Source-DPOR with sleep sets (Abdulla, Aronis, Jonsson and Sagonas, POPL 2014) tries, besides the first
//     execution, only what reverses a race seen in another. It stores no states. Happens-before is kept as vector
//     clocks of uint16.
//   - State caching does not go on from a state met before, known by a 64-bit fingerprint; and the same with sleep
//     sets.
//   - Preemption bounding tries 0, 1, 2 ... switches away from a CPU that could go on.
//   - PCT and the uniform random walk sample, from a seed.
//
// [Prove], the default, runs source-DPOR and then state caching with sleep sets. Sleep sets apart, they leave things
// out for different reasons: one because no race was seen, the other because the state was. The sets of final states
// they reach are compared; a difference is [ErrDisagree], for then the scenario's account of itself is wrong. Only
// both together are called a proof. Two different states may have equal
// fingerprints, with a probability of about n*n/2^65 for n states (3e-8 at a million); source-DPOR does not depend on
// that.
//
// A failing schedule is made as simple as can be: all schedules with no context switch are tried, then with one, and
// so on, as far as Config.MinimizeBudget goes. It replays with Config.Replay or, under [Check], with an environment
// variable.
//
// # What a scenario owes
//
// The result is exact if these hold. The explorer checks what it can and says so; the rest is between you and your code.
//
//  1. Build, Reset and bodies are deterministic: no time, no randomness, no map order, no addresses in values.
//     Checked by comparing replayed prefixes, in the
//     first 64 executions, in every 64th after that and with Config.Strict, [ErrNondeterministic].
//  2. All access to memory that CPUs share happens in steps, each right after its Step or Await returns, and before
//     the next. Code before the first step is CPU-local.
//  3. The accesses of a step, given to Step or added by [CPU.Touch], are all it touched: it depends on nothing but
//     its CPU's local state and what it reads, and changes nothing but what it writes. Undeclared writes to
//     locations that the explorer reads are found ([ErrUndeclared]; in every execution with Config.Strict).
//     Undeclared reads are not, except where they make the two algorithms disagree: run the smallest bound with
//     [Naive] too, which relies on no declaration, and compare Pass.Digest.
//  4. Whether an [Update] writes its location depends on the value there, and not on another location that the step
//     reads, unless whoever touches the first touches the second as well. Otherwise it is a [Write]. Naive search
//     checks this ([ErrDependent]), the others as far as they come by; what it costs source-DPOR is otherwise an
//     ErrDisagree.
//  5. The predicate of an Await depends on the one location it names, and is pure.
//  6. An invariant of [World.Always] depends on the locations it lists. State that several words make up together is
//     a location too: a [World.Monitor]. Source-DPOR alone would report as clean what a forgotten location breaks
//     (trap 6 below); state caching, which goes second, notices it where a step that does write a listed location
//     leads to the bad state.
//  7. For state caching, the value of every word is known: read by the explorer ([World.Var], [World.Array]),
//     reported ([World.Set]) or part of a [World.Fingerprint] with [CPU.Observed] or [CPU.Local]. A word that is
//     neither is [ErrUnreported]. The local state of a CPU is taken to be the list of values its steps read, which
//     is always enough; Local lets states merge that differ only in forgotten values.
//  8. An invariant of [World.Finally] that judges the order of operations (linearizability) uses a [History].
//
// # Cost
//
// An execution costs a coroutine switch and some hashing per step, 0.2 to 0.3 microseconds. For that, memory should
// be brought back by [World.Reset], from a log of touched words, rather than built anew. Without a Reset, Build runs
// for every execution and most of the time goes to the garbage collector; GOGC=400 then helps.
//
// # Traps
//
// Eight mistakes that are easy to make in such an engine, each kept as a regression test under its number: (1) the
// order from an unlock to the next lock hides the race between the two locks, and with readers, one reader hides
// another; (2) comparing pointers between executions; (3) whether an Await races with an earlier step is decided by
// the awaited value before that step, for steps that only read as well; (4) a CPU that is disabled when an execution
// ends races with the step that disabled it; (5) sleep sets wake by what a step did, not by what it might have done:
// a failed compare-and-swap is a read; (6) an invariant over several words needs a monitor under DPOR; (7) call and
// return are events, or DPOR merges histories that a linearizability checker tells apart; (8) a step that writes one
// word only if it finds something in another conflicts with readers of the first even when it wrote nothing: a third
// step, independent of those, can change what it does.
//
// # Machines beyond this one
//
// Config.Workers shares the work out among goroutines, Config.Shard among processes: both deal out the prefixes of
// Config.SplitDepth steps. [ShardFromEnv] reads the shard from Bazel's and Kubernetes' environment, reports are JSON,
// and [Merge] makes one of them. A Kubernetes Indexed Job is in testdata/job.yaml, a Bazel target in
// testdata/BUILD.bazel.txt. Each shard caches only its own states, so the sum of states is larger than their number.
//
// # Limits
//
// Sequential consistency only: no weak memory, no torn access (model a torn access as two steps). At most [MaxCPUs]
// CPUs, which exist from the start; no spawning, no channels. No fairness: a waiting writer does not hold back
// readers, so a lock that relies on that can deadlock in reality and not here. Executions must end: a loop that waits
// must be an Await, and a retry must be bounded or wait for a change of what made it fail. The number of executions
// grows exponentially with the bound, with reduction too; there is no symmetry reduction, and source sets are not
// optimal: some executions end blocked by sleep sets. Choice other than by scheduling (a random victim) has to be
// made part of the scenario.
//
// A World belongs to one goroutine; different Runs may go on at the same time if their scenarios share nothing.
package explore
