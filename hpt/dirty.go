package hpt

import (
	"iter"
	"math/bits"
	"sync/atomic"
)

// DirtyLog notes in which groups of a table an entry has changed: a bit for each.
// A writer of an incremental image reads it between passes. It sees every change
// made through the table, R and C included, but not what a guest stores into its
// memory by itself.
type DirtyLog struct {
	table *Table
	words []atomic.Uint64 // group g is bit g%64 of words[g/64]
}

const groupsPerWord = 64

// LogDirty begins to log, with no group marked; ok is false when the table is
// being logged already. Changes cost a little more until Close.
func (t *Table) LogDirty() (l *DirtyLog, ok bool) {
	l = &DirtyLog{t, make([]atomic.Uint64, (t.mask+groupsPerWord)/groupsPerWord)}
	return l, t.dirty.CompareAndSwap(nil, l)
}

// Close ends the logging. What is marked stays readable.
func (l *DirtyLog) Close() { l.table.dirty.CompareAndSwap(l, nil) }

// Take yields the marked groups in ascending order and unmarks them, each before
// it is yielded: a change that the caller does not see when it looks at a group
// then marks the group again. One goroutine at a time may take.
func (l *DirtyLog) Take() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range l.words {
			w := &l.words[i]
			if w.Load() == 0 {
				continue
			}
			for marked := w.Swap(0); marked != 0; marked &= marked - 1 {
				if !yield(uint64(i)*groupsPerWord + uint64(bits.TrailingZeros64(marked))) {
					w.Or(marked & (marked - 1)) // not yielded
					return
				}
			}
		}
	}
}

// Pending reports whether a group is marked.
func (l *DirtyLog) Pending() bool {
	for i := range l.words {
		if l.words[i].Load() != 0 {
			return true
		}
	}
	return false
}

// mark notes a change of group g, after it was made.
func (l *DirtyLog) mark(g uint64) {
	w, bit := &l.words[g/groupsPerWord], uint64(1)<<(g%groupsPerWord)
	if w.Load()&bit == 0 {
		w.Or(bit)
	}
}
