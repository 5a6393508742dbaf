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
		if !carry(dst, key, s.Index(), e) && !(anySlot && carryAnywhere(dst, key, e)) {
			return m, collision(dst, src, sizes, s, e, key)
		}
		m.Bolted++
	}
	if rehash {
		for s, e := range src.All() {
			key, _, err := sizes.Key(e, s.Group(), src.Mask())
			if err == nil && !e.Bolted() && carry(dst, key, s.Index(), e) {
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

// carry puts e into its group of dst at index, if that slot is free.
func carry(dst *hpt.Table, key pte.Key, index int, e pte.HPTE) bool {
	s := target(dst, key, e.Secondary(), index)
	old := dst.Load(s)
	return !old.Valid() && dst.CompareAndSwap(s, old, e)
}

// carryAnywhere puts e into the first free slot of its group, then of its other
// group, with H to match.
func carryAnywhere(dst *hpt.Table, key pte.Key, e pte.HPTE) bool {
	for range 2 {
		for i := range pte.SlotsPerGroup {
			if carry(dst, key, i, e) {
				return true
			}
		}
		e.V ^= pte.VSecondary
	}
	return false
}

// collision finds whose slot the entry e of slot s needs.
func collision(dst, src *hpt.Table, sizes *pte.Sizes, s pte.Slot, e pte.HPTE, key pte.Key) error {
	c := &CollisionError{
		Order:   dst.Order(),
		Slot:    target(dst, key, e.Secondary(), s.Index()),
		Old:     [2]pte.Slot{0, s},
		Entries: [2]pte.HPTE{{}, e},
	}
	c.Entries[0] = dst.Load(c.Slot)
	for o, oe := range src.All() {
		if o == s || oe.R != c.Entries[0].R || (oe.V^c.Entries[0].V)&^pte.VSecondary != 0 {
			continue // not it; H counts for nothing, since it may have changed sides
		}
		k, _, err := sizes.Key(oe, o.Group(), src.Mask())
		if err == nil && k.Hash().Group(c.Entries[0].Secondary(), dst.Mask()) == c.Slot.Group() {
			c.Old[0] = o
			if o.Index() == c.Slot.Index() {
				break // and not an equal one beside it
			}
		}
	}
	return c
}
