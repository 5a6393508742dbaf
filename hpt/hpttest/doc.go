// Package hpttest tests hash table stores, those of package hpt and others'.
//
// [Model] is the specification: a table as a plain array that one goroutine
// uses, written to be read. [Run] compares any [Store] with it over random
// sequences of operations, and then lets goroutines loose on the store and
// checks what must hold whatever they do. The generators draw keys that crowd
// into few groups, so that full groups, secondary groups and evictions are
// common.
package hpttest
