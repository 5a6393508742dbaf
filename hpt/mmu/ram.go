package mmu

import (
	"encoding/binary"
	"sync"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// RAM is [Storage] over a slice: real address 0 is its first byte. Hashed page
// tables are made in place, one for each address, size and format, and are the
// same for every CPU that has the RAM as its Storage. The slice must be aligned
// to 128 bytes, as memory from the host's page allocator is; otherwise there are
// no tables. Methods are safe for concurrent use; what the guest stores into the
// slice meanwhile is the guest's affair.
type RAM struct {
	bytes []byte

	mu     sync.Mutex
	tables map[place]*hpt.Table
}

type place struct {
	ra     pte.RA
	order  int
	format hpt.Format
}

// NewRAM makes Storage of a slice.
func NewRAM(b []byte) *RAM { return &RAM{bytes: b, tables: map[place]*hpt.Table{}} }

// Load64 reads a big-endian doubleword.
func (m *RAM) Load64(ra pte.RA) (v uint64, ok bool) {
	if !m.has(ra, 8) {
		return 0, false
	}
	return binary.BigEndian.Uint64(m.bytes[ra:]), true
}

// Table returns the table at an address, nil where the RAM does not hold it all.
func (m *RAM) Table(ra pte.RA, order int, f hpt.Format) *hpt.Table {
	if !m.has(ra, 1<<order) {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := place{ra, order, f}
	if t := m.tables[p]; t != nil {
		return t
	}
	t, err := hpt.New(hpt.Config{Order: order, Format: f, Memory: m.bytes[ra : ra+1<<order]})
	if err != nil {
		return nil
	}
	m.tables[p] = t
	return t
}

// has reports whether n bytes from ra on are there.
func (m *RAM) has(ra pte.RA, n uint64) bool {
	size := uint64(len(m.bytes))
	return n <= size && uint64(ra) <= size-n
}
