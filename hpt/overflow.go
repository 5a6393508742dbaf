package hpt

import (
	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// The overflow bitmap of a table with memory of its own has one bit for each
// group: some entry whose primary group this is was put into its secondary group.
// Where the bit is clear a search that found nothing in the primary group is a
// miss, and reads no more. A guest that stores entries would not keep it, so
// tables in a caller's memory have none.
//
// A false miss cannot be. Every valid entry with H gets into the table by cas16 or by
// insertWhole, which first see the bit set or set it, and bits are never cleared. A
// reader loads the bit after it scanned the primary group; when the
// bit is clear, no entry of the key has been in the secondary group up to that
// instant. So its miss is that of a search which looked there at that instant and
// saw nothing. This takes a set bit to be visible no later than the entry, and the
// reader to load in the order of the program. Both hold: atomic operations are
// sequentially consistent in Go's memory model, and in the assembly of amd64 locked
// instructions are fences and loads are not reordered with loads.
//
// The price of never clearing is that a table which has been full for long has many
// bits set, and then reads two groups for a miss, as without the bitmap. A resized
// or newly read table begins afresh.

// overflowWords is the length of the bitmap in words of 64 bits.
func overflowWords(groups uint64) uint64 { return (groups + 63) / 64 }

// overflowed reports whether the key's entry may be in the secondary group of
// this primary group.
func (t *Table) overflowed(primary uint64) bool {
	return t.overflow == nil || sched.LoadUint64(&t.overflow[primary/64])>>(primary%64)&1 != 0
}

// becomesSecondary reports whether a change of V makes a valid entry with H.
func becomesSecondary(oldV, newV uint64) bool {
	const both = pte.VValid | pte.VSecondary
	return newV&both == both && oldV&both != both
}

// spill sets the bit for an entry that is about to become valid in slot s, in its
// secondary group. It is rare, and not to be inlined where it is not.
//
//go:noinline
func (t *Table) spill(s pte.Slot) {
	if t.overflow == nil {
		return
	}
	primary := ^(uint64(s) / t.perGroup) & t.mask
	word, bit := &t.overflow[primary/64], uint64(1)<<(primary%64)
	for {
		old := sched.LoadUint64(word)
		if old&bit != 0 || sched.CompareAndSwapUint64(word, old, old|bit) {
			return
		}
	}
}
