package hpt

import (
	"fmt"
	"unsafe"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// Format is the layout of entries in memory.
type Format uint8

// The formats. Callers see format 2 whatever the memory holds, except in the
// operations that have Raw in their names.
const (
	Format2 Format = iota // before ISA 3.0, and every guest of a PAPR hypervisor
	Format3               // ISA 3.0: B in the R doubleword
)

// String gives "2" or "3".
func (f Format) String() string {
	switch f {
	case Format2:
		return "2"
	case Format3:
		return "3"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// The architected range of a table's size, as log2 of bytes.
const (
	MinOrder = 18
	MaxOrder = 46
)

// Config describes a table. The zero value is the smallest one: 256 KiB,
// format 2, memory of its own.
type Config struct {
	// Order is log2 of the table's size in bytes, 18 to 46; 0 means 18.
	Order int
	// Format is how entries lie in memory. In format 3 virtual addresses of
	// 2^75 and more have no room: bits above are ignored in every comparison.
	Format Format
	// Memory, when not nil, is where the table lives: 1<<Order bytes of the
	// caller's, such as guest RAM, aligned to 128 bytes. What it holds is the
	// table's content. It must stay mapped until the last call has returned, but for
	// Close, which does not touch it. When nil the table has memory of its own,
	// resident only as touched.
	Memory []byte
	// Sizes is the page-size table by which Check and Stats read entries; nil
	// means that of POWER7 to POWER10.
	Sizes *pte.Sizes
	// Seed starts the choice of victims in Evict.
	Seed uint64
	// Code is how operations are carried out. The zero value takes the fastest
	// version; others are for comparison.
	Code Code
	// LockUnique makes InsertUnique take a lock, one for many pairs of groups,
	// instead of holding a slot tentatively. That is one change of the table less,
	// and it never fails with ErrBusy; but a call that is descheduled inside delays
	// other unique inserts under the same lock. Two tables over one Memory have
	// locks of their own, so there H3 needs the other form.
	LockUnique bool
	// Detect, when not nil, reports duplicates as inserts make them; Code is then
	// CodeGo.
	Detect *Detector
	// Trace is functions to call at events; Code is then CodeGo.
	Trace Trace

	_ struct{}
}

const groupBytes = 128

var defaultSizes = pte.MustSizes(pte.SizesPOWER7)

// New makes a table. A Config that cannot be used, and an order for which the
// host has no memory, is a [*ConfigError].
func New(c Config) (*Table, error) { return newTable(c, nativeUsable() && !sched.Exploring) }

// newTable is New with a choice of protocol.
func newTable(c Config, native bool) (*Table, error) {
	if c.Order == 0 {
		c.Order = MinOrder
	}
	if c.Sizes == nil {
		c.Sizes = defaultSizes
	}
	if c.Order < MinOrder || c.Order > MaxOrder {
		return nil, &ConfigError{Field: "Order", Value: int64(c.Order), Why: "not 18 to 46"}
	}
	if c.Format > Format3 {
		return nil, &ConfigError{Field: "Format", Value: int64(c.Format), Why: "neither Format2 nor Format3"}
	}
	if err := c.checkDetect(); err != nil {
		return nil, err
	}
	code, err := c.choose(native)
	if err != nil {
		return nil, err
	}
	c.Code = code
	t := &Table{config: c, mask: 1<<(c.Order-7) - 1, perGroup: pte.SlotsPerGroup, native: native}
	t.setCode()
	if c.Memory != nil {
		if err := c.checkMemory(); err != nil {
			return nil, err
		}
		t.setMemory(c.Memory)
	} else if err := t.allocate(); err != nil {
		return nil, err
	}
	t.setCounters(make([]uint64, t.counterWords()))
	t.watch()
	return t, nil
}

func (c *Config) checkMemory() error {
	if uint64(len(c.Memory)) != 1<<c.Order {
		return &ConfigError{Field: "Memory", Value: int64(len(c.Memory)), Why: fmt.Sprintf("length is not 1<<%d", c.Order)}
	}
	if off := uintptr(unsafe.Pointer(unsafe.SliceData(c.Memory))) % groupBytes; off != 0 {
		return &ConfigError{Field: "Memory", Value: int64(off), Why: "bytes past an address aligned to 128"}
	}
	return nil
}

// allocate gives the table memory of its own.
func (t *Table) allocate() error {
	if 1<<t.config.Order <= 0 { // no int
		return &ConfigError{Field: "Order", Value: int64(t.config.Order), Why: "more than this host can address"}
	}
	m, err := newMemory(t.config.Order)
	if err != nil {
		return &ConfigError{Field: "Order", Value: int64(t.config.Order), Why: "no memory for it", Err: err}
	}
	t.setMemory(m.table)
	t.overflow = m.overflow
	t.own(m)
	return nil
}
