package hpt

import (
	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// The other InsertUnique, for a table with Config.LockUnique. Both groups of a
// key are always the same pair, g and ^g, and a lock makes the pair, and others
// that share the lock, exclusive for the search and the insert. Only unique inserts
// take it: the insert itself is the compare-and-swap of any other, so lookups,
// changes and removals go on without, and a plain insert of another key too.

const maxLocks = 1024

// lockCount is a power of two, at most one lock per pair of groups.
func (t *Table) lockCount() uint64 { return min((t.mask+1)/2, maxLocks) }

// lock returns the lock of a group and its complement. Neighbouring bits of the
// two differ alike, and the highest bit, which has no neighbour, is cut off.
func (t *Table) lock(group uint64) *uint64 {
	return &t.locks[(group^group>>1)&uint64(len(t.locks)-1)]
}

// acquire waits for a lock. It is the same code with and without the hook of the
// explorer, so it is not for the inliner to weigh.
//
//go:noinline
func acquire(lock *uint64) {
	for !sched.CompareAndSwapUint64(lock, 0, 1) {
		sched.AwaitChange(lock, 1)
	}
}

func release(lock *uint64) { sched.StoreUint64(lock, 0) }

// insertLocked is InsertUnique under the lock. A miss of its search is exact:
// nobody else can insert the key meanwhile. The assembly does it when it has to wait
// for nobody and the entry goes into the primary group; else it changes nothing.
func (t *Table) insertLocked(k pte.Key, h pte.HPTE) (hint pte.SlotHint, err error) {
	if t.assembled() {
		if i := uniqueLocked(t, k, h.V, h.R); i < uniqueTwin {
			return pte.MakeSlotHint(false, int(i)), nil
		}
	}
	lock := t.lock(k.Hash().Primary(t.mask))
	acquire(lock)
	if _, _, ok := t.Lookup(k); ok {
		err = ErrExists
	} else {
		hint, err = t.Insert(k, h)
	}
	release(lock)
	return hint, err
}
