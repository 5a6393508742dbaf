package papr

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// ErrCollision is wrapped by every CollisionError.
var ErrCollision = errors.New("papr: two bolted entries need one slot")

// CollisionError names two bolted entries that a smaller table has no room for.
type CollisionError struct {
	Order   int         // of the table they do not fit into, log2 of bytes
	Slot    pte.Slot    // there
	Old     [2]pte.Slot // where they are
	Entries [2]pte.HPTE
}

func (e *CollisionError) Error() string {
	return fmt.Sprintf("%v: slot %d of order %d: %v from slot %d and %v from slot %d",
		ErrCollision, e.Slot, e.Order, e.Entries[0], e.Old[0], e.Entries[1], e.Old[1])
}

// Unwrap makes errors.Is(err, ErrCollision) true.
func (e *CollisionError) Unwrap() error { return ErrCollision }

// Moved counts what a resize did with the valid entries of the old table.
type Moved struct {
	Bolted    uint64 // carried over
	Rehashed  uint64 // not bolted, carried over all the same
	Dropped   uint64 // not bolted
	Misplaced uint64 // bolted, but no search could find them: dropped
}

// Resize carries entries of src over to dst, an empty table of any order and the
// same page sizes. Both must be at rest.
//
// Every bolted entry goes over with its H, software bits, R and C, to the group
// that its page hashes to in dst, primary or secondary as before, and to the same
// index there; PAPR demands that, so that a guest's slot hints stay right. When
// that slot is taken the result is a [*CollisionError], and dst is of no use.
// With anySlot, such an entry takes the first free slot of that group, and of the
// page's other group after that, and only if both are full is there an error.
//
// Other entries are dropped, as PAPR allows; with rehash those go over that find
// their slot free once all bolted entries sit. They never move to another index,
// since a guest that flushes by hint would miss them.
//
// Entries of every page size, mixed sizes in one segment and secondary entries
// are handled alike.
func Resize(dst, src *hpt.Table, sizes *pte.Sizes, rehash, anySlot bool) (Moved, error) {
	var m Moved
	from := map[pte.Slot]pte.Slot{} // of bolted entries: slot of dst to slot of src
	for s, e := range src.All() {
		if !e.Bolted() {
			m.Dropped++
			continue
		}
		key, _, err := sizes.Key(e, s.Group(), src.Mask())
		if err != nil {
			m.Misplaced++
			continue
		}
		to := target(dst, key, e.Secondary(), s.Index())
		at, ok := to, carry(dst, to, e)
		if !ok && anySlot {
			at, ok = carryAnywhere(dst, key, e)
		}
		if !ok {
			return m, &CollisionError{dst.Order(), to, [2]pte.Slot{from[to], s}, [2]pte.HPTE{dst.Load(to), e}}
		}
		from[at] = s
		m.Bolted++
	}
	if rehash {
		for s, e := range src.All() {
			key, _, err := sizes.Key(e, s.Group(), src.Mask())
			if err == nil && !e.Bolted() && carry(dst, target(dst, key, e.Secondary(), s.Index()), e) {
				m.Rehashed++
			}
		}
		m.Dropped -= m.Rehashed
	}
	return m, nil
}

// target is the slot that an entry of that key takes in dst.
func target(dst *hpt.Table, key pte.Key, secondary bool, index int) pte.Slot {
	return pte.MakeSlotHint(secondary, index).Slot(key.Hash(), dst.Mask())
}

// carry puts e into the slot s of dst, if that is free.
func carry(dst *hpt.Table, s pte.Slot, e pte.HPTE) bool {
	old := dst.Load(s)
	return !old.Valid() && dst.CompareAndSwap(s, old, e)
}

// carryAnywhere puts e into the first free slot of its group, then of its other
// group, with H to match, and returns the slot.
func carryAnywhere(dst *hpt.Table, key pte.Key, e pte.HPTE) (pte.Slot, bool) {
	for range 2 {
		for i := range pte.SlotsPerGroup {
			if s := target(dst, key, e.Secondary(), i); carry(dst, s, e) {
				return s, true
			}
		}
		e.V ^= pte.VSecondary
	}
	return 0, false
}
