// Package measure compares ways of doing the same work on one machine, whatever
// else that machine does: the contenders take turns in short slices, in random
// order in every round, and only ratios within a round are judged. Time is the
// processor time of the thread where the system has it, so that being
// descheduled does not count; what other programs do to caches does.
package measure
