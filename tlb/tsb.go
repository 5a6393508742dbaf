package tlb

import (
	"runtime"
	"sync/atomic"
)

// Bits of a TSB tag besides the address (Linux: arch/sparc/include/asm/tsb.h).
const (
	TSBLock    uint64 = 1 << 47 // being written; matches nothing
	TSBInvalid uint64 = 1 << 46 // flushed, or never used
)

// tsbTagShift: a tag is the address in units of 4M. The lower bits are implied
// by the slot, the context by which mm the table belongs to.
const tsbTagShift = 22

func tsbSize(n int) bool { return n >= 512 && n <= 65536 && n&(n-1) == 0 }

// TSBConfig is the geometry of a TSB. The zero value is 512 entries for 8K pages.
type TSBConfig struct {
	Entries   int   // a power of two, 512 (8 KiB of memory) to 65536 (1 MiB)
	PageShift uint8 // log2 of the page size in bytes: 13 to 22

	_ struct{}
}

// TSB is the translation storage buffer of one address space on sparc64: a
// direct-mapped table in memory that the miss handlers of all CPUs read.
//
// An address determines its slot, and inserting overwrites whatever the slot
// holds. So two entries that match one address cannot exist, whoever inserts
// when (T1). A stale entry can: until the flush reaches the slot, and on a CPU
// that has loaded it into its TLB even longer.
//
// All methods are safe for concurrent use. A slot is written under the lock
// bit of its tag. Lookup never waits; a slot being written is a miss, which is
// always a legal answer. Insert and Flush wait for the holder of the slot's
// lock, who is between Lock and Write. Hardware reads tag and TTE as one
// 16-byte load; here a generation next to each slot keeps Lookup from pairing
// the tag of one write with the TTE of another.
//
// Source: Linux arch/sparc/mm/tsb.c, arch/sparc/kernel/tsb.S.
type TSB struct {
	slots []tsbSlot
	shift uint8
}

type tsbSlot struct {
	gen, tag, tte atomic.Uint64
}

// NewTSB returns a table in which every slot is invalid.
func NewTSB(cfg TSBConfig) (*TSB, error) {
	if cfg.Entries == 0 {
		cfg.Entries = 512
	}
	if cfg.PageShift == 0 {
		cfg.PageShift = 13
	}
	if !tsbSize(cfg.Entries) {
		return nil, &ProfileError{Profile: "tsb", Field: "Entries", Value: cfg.Entries, Reason: "not a power of two in 512..65536"}
	}
	if cfg.PageShift < 13 || cfg.PageShift > tsbTagShift {
		return nil, &ProfileError{Profile: "tsb", Field: "PageShift", Value: cfg.PageShift, Reason: "not in 13..22"}
	}
	t := &TSB{slots: make([]tsbSlot, cfg.Entries), shift: cfg.PageShift}
	for i := range t.slots {
		t.slots[i].tag.Store(TSBInvalid)
	}
	return t, nil
}

// Len is the number of slots.
func (t *TSB) Len() int { return len(t.slots) }

// Slot is the number of the slot that va determines.
func (t *TSB) Slot(va uint64) int { return int(va >> t.shift & uint64(len(t.slots)-1)) }

// TSBTag is the tag of va's entry.
func TSBTag(va uint64) uint64 { return va >> tsbTagShift }

// Entry returns what a slot holds, lock and invalid bits included. Under
// concurrent change tag and TTE may be of different writes.
func (t *TSB) Entry(slot int) (tag, tte uint64) {
	s := &t.slots[slot]
	return s.tag.Load(), s.tte.Load()
}

// Lookup returns the TTE of va's page.
func (t *TSB) Lookup(va uint64) (tte uint64, ok bool) {
	s := &t.slots[t.Slot(va)]
	gen := s.gen.Load()
	tag := s.tag.Load()
	tte = s.tte.Load()
	if tag != TSBTag(va) || s.gen.Load() != gen || gen&1 != 0 {
		return 0, false
	}
	return tte, true
}

// Lock takes the lock of va's slot and reports whether it was free. Only Write
// and Abandon release it.
func (t *TSB) Lock(va uint64) bool {
	s := &t.slots[t.Slot(va)]
	tag := s.tag.Load()
	return tag&TSBLock == 0 && s.tag.CompareAndSwap(tag, tag|TSBLock)
}

// Write fills va's slot, whose lock the caller holds: the TTE first, then the
// tag, which releases the lock.
func (t *TSB) Write(va, tte uint64) {
	s := &t.slots[t.Slot(va)]
	s.gen.Add(1)
	s.tte.Store(tte)
	s.tag.Store(TSBTag(va))
	s.gen.Add(1)
}

// Abandon releases the lock of va's slot, which the caller holds, and leaves the
// slot invalid.
func (t *TSB) Abandon(va uint64) { t.slots[t.Slot(va)].tag.Store(TSBInvalid) }

// Insert puts va's translation into its slot, whatever the slot holds.
func (t *TSB) Insert(va, tte uint64) {
	for !t.Lock(va) {
		runtime.Gosched()
	}
	t.Write(va, tte)
}

// Flush invalidates va's entry if the slot holds it and reports whether it did.
// It waits for a writer of the slot, and compares the whole tag, so a
// translation that another CPU has inserted for va in the meantime goes too:
// one more miss, no harm.
func (t *TSB) Flush(va uint64) bool {
	for {
		done, flushed := t.TryFlush(va)
		if done {
			return flushed
		}
		runtime.Gosched()
	}
}

// TryFlush is one attempt of Flush. It is not done if the slot is locked or
// changed under it.
func (t *TSB) TryFlush(va uint64) (done, flushed bool) {
	s := &t.slots[t.Slot(va)]
	tag := s.tag.Load()
	switch {
	case tag&TSBLock != 0:
		return false, false
	case tag != TSBTag(va):
		return true, false
	}
	flushed = s.tag.CompareAndSwap(tag, TSBInvalid)
	return flushed, flushed
}
