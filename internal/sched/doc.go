// Package sched is where the lock-free code of this module touches shared
// memory: every atomic step goes through one of its functions.
//
// In the default build they are the functions of sync/atomic, inlined, and the
// machine code is what it would be without this package. Under the build tag
// explore each of them first calls the hook, so that an explorer can decide
// which goroutine takes the next step; there the 16-byte load and
// compare-and-swap, machine instructions in the default build, are single
// steps too.
//
// Hook and Names are global, so one exploration at a time can run in a process.
// That the wrappers cost the default build nothing is a test of package hpt, which
// compares its machine code with and without them.
//
// One step is one access. The hook makes the interleaving of steps sequentially
// consistent, as sync/atomic promises for the default build.
package sched
