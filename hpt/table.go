package hpt

import (
	"sync/atomic"
	"unsafe"

	"github.com/hashmmu/ppc64/pte"
)

// Table is a hashed page table. Make one with [New]. All methods may be called
// from any goroutine at any time.
type Table struct {
	config   Config
	slots    []slot // the table itself, in whatever memory
	mask     uint64 // groups - 1
	perGroup uint64 // 8, less in tiny tables
	native   bool   // 16-byte steps; else stripes
	owned    bool   // memory of our own
	whole    bool   // whole operations in assembly
	wide     bool   // with AVX-512

	stripes    []stripe // nil when native
	stripeMask uint64
	locks      []uint64 // nil unless Config.LockUnique
	overflow   []uint64 // nil unless the memory is our own: see overflow.go
	tags       *uint64  // last tag given to a tentative entry
	victims    *uint64  // state of the victim choice

	dirty atomic.Pointer[DirtyLog] // nil when nobody logs
	// changed is called after a change of a slot, as memory has it; nil unless
	// Config.Detect or Config.Trace.
	changed func(s pte.Slot, old, new pte.HPTE)
}

// slot is one entry in memory: V, R, big-endian.
type slot [2]uint64

const slotBytes = 16

// Config returns the configuration, defaults filled in.
func (t *Table) Config() Config { return t.config }

// Order is log2 of the table's size in bytes.
func (t *Table) Order() int { return t.config.Order }

// Groups is the number of groups.
func (t *Table) Groups() uint64 { return t.mask + 1 }

// Mask is Groups()-1: what a hash is cut down with.
func (t *Table) Mask() uint64 { return t.mask }

// Slots is the number of slots.
func (t *Table) Slots() uint64 { return uint64(len(t.slots)) }

// Format is how entries lie in memory.
func (t *Table) Format() Format { return t.config.Format }

// Sizes is the page-size table by which entries are read.
func (t *Table) Sizes() *pte.Sizes { return t.config.Sizes }

// Close gives the table's own memory back; a caller's memory is left as it is.
// It needs no agreement with calls in flight: they and all later ones find an
// empty table. Closing is optional, since an unreachable table is freed, and
// closing twice is harmless.
func (t *Table) Close() error {
	if !t.owned {
		return nil
	}
	return t.release()
}

// setMemory makes m, checked or our own, the table.
func (t *Table) setMemory(m []byte) {
	t.slots = unsafe.Slice((*slot)(unsafe.Pointer(unsafe.SliceData(m))), len(m)/slotBytes)
}

// Words of the counters: two, the stripes of the portable protocol, and the
// locks of unique inserts.
func (t *Table) counterWords() int {
	n := 2
	if !t.native {
		n += int(t.stripeCount()) * stripeWords
	}
	if t.config.LockUnique {
		n += int(t.lockCount())
	}
	return n
}

// setCounters puts tag, victim choice, stripes and locks into words.
func (t *Table) setCounters(words []uint64) {
	t.tags, t.victims = &words[0], &words[1]
	*t.victims = t.config.Seed
	words = words[2:]
	if !t.native {
		n := t.stripeCount()
		t.stripes = unsafe.Slice((*stripe)(unsafe.Pointer(&words[0])), n)
		t.stripeMask = n - 1
		words = words[n*stripeWords:]
	}
	if t.config.LockUnique {
		t.locks = words[:t.lockCount()]
	}
}

// alignedBytes takes n bytes from the Go heap, aligned to 128.
func alignedBytes(n int) []byte {
	return aligned(make([]byte, n+groupBytes), groupBytes, n)
}

// aligned returns n bytes of b from the first address that is a multiple of align.
func aligned(b []byte, align uintptr, n int) []byte {
	off := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % align
	return b[off:][:n:n]
}

// ownBytes is the size of a table and its overflow bitmap.
func ownBytes(order int) int { return 1<<order + int(overflowWords(1<<(order-7)))*8 }

// divide makes table and bitmap of bytes for both.
func divide(b []byte, order int) (table []byte, overflow []uint64) {
	size := 1 << order
	words := overflowWords(1 << (order - 7))
	return b[:size:size], unsafe.Slice((*uint64)(unsafe.Pointer(&b[size])), words)
}

// memory is a table's own memory.
type memory struct {
	table    []byte
	overflow []uint64
	all      []byte // what was taken from the host, both in it
}

// Load returns the entry in slot s in the format 2 view, V and R of one
// instant. s is below Slots().
func (t *Table) Load(s pte.Slot) pte.HPTE { return t.view(t.LoadRaw(s)) }

// LoadRaw is Load without conversion: the two numbers as memory has them.
func (t *Table) LoadRaw(s pte.Slot) pte.HPTE {
	v, r := t.load16(s)
	return pte.HPTE{V: v, R: r}
}

// CompareAndSwap replaces the entry in slot s when it is old, both doublewords
// at once; both are in the format 2 view.
func (t *Table) CompareAndSwap(s pte.Slot, old, new pte.HPTE) bool {
	for {
		raw := t.LoadRaw(s)
		if t.view(raw) != old {
			return false
		}
		if t.CompareAndSwapRaw(s, raw, t.raw(new)) {
			return true
		}
	}
}

// CompareAndSwapRaw is CompareAndSwap without conversion.
func (t *Table) CompareAndSwapRaw(s pte.Slot, old, new pte.HPTE) bool {
	return t.cas16(s, old.V, old.R, new.V, new.R)
}

// StoreRaw replaces whatever slot s holds by h, unconverted.
func (t *Table) StoreRaw(s pte.Slot, h pte.HPTE) { t.swapRaw(s, h) }

// swapRaw is StoreRaw and returns what was there.
func (t *Table) swapRaw(s pte.Slot, h pte.HPTE) pte.HPTE {
	for {
		if old := t.LoadRaw(s); t.CompareAndSwapRaw(s, old, h) {
			return old
		}
	}
}

// view converts from memory to format 2.
func (t *Table) view(raw pte.HPTE) pte.HPTE {
	if t.config.Format == Format3 {
		return pte.From3(raw.V, raw.R)
	}
	return raw
}

// raw converts from format 2 to memory.
func (t *Table) raw(h pte.HPTE) pte.HPTE {
	if t.config.Format == Format3 {
		return h.To3()
	}
	return h
}
