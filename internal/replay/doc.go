// Package replay runs recorded traces through the library and compares every
// answer: hypercalls, translations with their R and C updates, SLB instructions,
// and the tables that resizes make.
//
// A record mismatches when the library, set to the recorded machine's quirks,
// answers otherwise. It has departed when the library at its default, the
// architecture, answers otherwise on the same state.
package replay
