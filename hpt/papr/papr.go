package papr

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// ErrConfig is wrapped by every ConfigError.
var ErrConfig = errors.New("papr: bad configuration")

// ConfigError names the field of a Config that cannot be used.
type ConfigError struct {
	Field string
	Value int64
	Why   string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("%v: %s = %d: %s", ErrConfig, e.Field, e.Value, e.Why)
}

// Unwrap makes errors.Is(err, ErrConfig) true.
func (e *ConfigError) Unwrap() error { return ErrConfig }

// Storage is what lies at a real address.
type Storage uint8

// The kinds of storage.
const (
	None Storage = iota // outside the partition
	RAM                 // ordinary memory: WIMG must be 0010
	IO                  // devices: W clear, I set
)

// Memory says what lies at real addresses of the partition. It must be safe for
// use by all vCPUs at once.
type Memory interface {
	// Storage is the kind of all of [ra, ra+size), None if it is mixed.
	Storage(ra pte.RA, size uint64) Storage
}

// A Zeroer is a Memory that H_ENTER can ask to clear a page of RAM; without it,
// the ZeroPage flag is refused.
type Zeroer interface {
	Zero(ra pte.RA, size uint64)
}

// An ICache is a Memory that wants to know that code in a page of RAM changed:
// H_ENTER with ICacheInvalidate or ICacheSync. Without it those flags do nothing.
type ICache interface {
	InvalidateICache(ra pte.RA, size uint64)
}

// RAMBelow is a Memory with RAM from address 0 up to its value in bytes and
// devices above.
type RAMBelow uint64

// Storage implements Memory.
func (m RAMBelow) Storage(ra pte.RA, size uint64) Storage {
	switch {
	case uint64(ra) >= uint64(m):
		return IO
	case size <= uint64(m)-uint64(ra):
		return RAM
	}
	return None
}

// Config is how a partition's table is served. Table and Memory are required.
type Config struct {
	Table    *hpt.Table // the table in force at the start
	Memory   Memory
	Sizes    *pte.Sizes // page sizes of the partition; nil: those of Table
	Sink     Sink       // takes what to invalidate; nil: nobody caches translations
	SAO      bool       // strong access order exists: WIMG 1110 is good for RAM
	NoResize bool       // H_RESIZE_HPT_* answer H_AUTHORITY
	// MaxOrder is the largest table a guest may ask for, log2 of bytes; 0 means 46,
	// all that the architecture has. The host's memory is what a guest fills it with.
	MaxOrder int
	// Ready says whether the pending table of that order is prepared; nil: at
	// once. Until then PREPARE answers H_LONG_BUSY and COMMIT H_BUSY. It must not
	// make a hypercall.
	Ready   func(order int) bool
	Rehash  bool // a resize carries entries over that are not bolted, too
	AnySlot bool // a resize may move a bolted entry to another slot; see Resize
	Quirks  Quirks
	_       struct{}
}

// HPT answers the hash-table hypercalls of one partition. It is safe for use by
// all its vCPUs at once; see the package documentation for the one exception.
type HPT struct {
	table  atomic.Pointer[hpt.Table]
	sizes  *pte.Sizes
	memory Memory
	zeroer Zeroer
	icache ICache
	sink   Sink
	cfg    Config

	resize  sync.Mutex // guards pending
	pending *hpt.Table
}

// New returns the hypercalls over a table. A Config that cannot be used is a
// [*ConfigError].
func New(c Config) (*HPT, error) {
	switch {
	case c.Table == nil:
		return nil, &ConfigError{"Table", 0, "nil"}
	case c.Memory == nil:
		return nil, &ConfigError{"Memory", 0, "nil"}
	case c.MaxOrder != 0 && (c.MaxOrder < hpt.MinOrder || c.MaxOrder > hpt.MaxOrder):
		return nil, &ConfigError{"MaxOrder", int64(c.MaxOrder), "not 18 to 46"}
	}
	if c.MaxOrder == 0 {
		c.MaxOrder = hpt.MaxOrder
	}
	if c.Sizes == nil {
		c.Sizes = c.Table.Sizes()
	}
	h := &HPT{memory: c.Memory, sink: c.Sink, sizes: c.Sizes, cfg: c}
	if c.Quirks.No64KIn4K {
		h.sizes = without64KIn4K(c.Sizes)
	}
	h.zeroer, _ = c.Memory.(Zeroer)
	h.icache, _ = c.Memory.(ICache)
	h.table.Store(c.Table)
	return h, nil
}

// Table returns the table in force. It changes when a resize commits.
func (h *HPT) Table() *hpt.Table { return h.table.Load() }

// Sizes returns the page sizes of the partition.
func (h *HPT) Sizes() *pte.Sizes { return h.sizes }

// slot returns the table in force and the slot that ptex names; ok is false when
// there is none.
func (h *HPT) slot(ptex uint64) (t *hpt.Table, s pte.Slot, ok bool) {
	t = h.table.Load()
	return t, pte.Slot(ptex), ptex < t.Slots()
}

// Args are the registers R4 to R12: arguments on the way in, results on the way
// out. A hypercall leaves those alone that it does not define.
type Args [9]uint64

// Call makes the hypercall op. It answers H_FUNCTION for an op that is not one of
// this package, and nothing has happened. It does not allocate, except in a
// resize.
func (h *HPT) Call(op Op, a *Args) (code Code) {
	flags, ptex := Flags(a[0]), a[1]
	switch op {
	case OpEnter:
		var s pte.Slot
		if s, code = h.Enter(flags, ptex, pte.HPTE{V: a[2], R: a[3]}); code == Success {
			a[0] = uint64(s)
		}
	case OpRemove:
		var e pte.HPTE
		if e, code = h.Remove(flags, ptex, a[2]); code == Success {
			a[0], a[1] = e.V, e.R
		}
	case OpProtect:
		code = h.Protect(flags, ptex, a[2])
	case OpRead:
		var e [4]pte.HPTE
		var n int
		n, code = h.Read(flags, ptex, &e)
		for i := range n {
			a[2*i], a[2*i+1] = e[i].V, e[i].R
		}
	case OpClearRef:
		var r uint64
		if r, code = h.ClearRef(flags, ptex); code == Success {
			a[0] = r
		}
	case OpClearMod:
		var r uint64
		if r, code = h.ClearMod(flags, ptex); code == Success {
			a[0] = r
		}
	case OpBulkRemove:
		code = h.BulkRemove((*[8]uint64)(a[:8]))
	case OpBlockRemove:
		ts := [8]uint64(a[1:9])
		code = h.BlockRemove(a[0], &ts)
		copy(a[:8], ts[:])
	case OpClearHPT:
		code = h.ClearHPT()
	case OpResizePrepare:
		code, _ = h.ResizePrepare(flags, int32(a[1]))
	case OpResizeCommit:
		code, _ = h.ResizeCommit(flags, int32(a[1]))
	default:
		code = Function
	}
	return code
}
