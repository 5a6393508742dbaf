package image

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Location is where a machine keeps its table in its memory.
type Location struct {
	Base   pte.RA
	Order  int // log2 of bytes
	Format hpt.Format
}

// Fields of SDR1 and of the first doubleword of a partition table entry.
const (
	htabOrg  = 0x0ffffffffffc0000
	htabSize = 0x1f
	hostRadx = 1 << 63

	patBase  = 0x0ffffffffffff000
	patSize  = 0x1f
	pateSize = 16
)

// LocateSDR1 reads SDR1, the register of processors before ISA 3.0. A base that is
// not a multiple of the size, or a size beyond the architecture, is ErrFormat.
func LocateSDR1(sdr1 uint64) (Location, error) {
	return locate(sdr1, hpt.Format2, 0)
}

// LocatePTCR finds the table of a partition from ISA 3.0 on: PTCR says where in
// memory the partition table is, and its entry for lpid where the table is. A
// partition of radix trees is ErrUnsupported. The offset in errors is a real
// address.
func LocatePTCR(memory io.ReaderAt, ptcr uint64, lpid uint32) (Location, error) {
	base := int64(ptcr & patBase)
	if entries := uint64(1) << (12 + ptcr&patSize) / pateSize; uint64(lpid) >= entries {
		return Location{}, &FormatError{base, fmt.Sprintf("no entry for LPID %d", lpid), ErrFormat, nil}
	}
	at := base + int64(lpid)*pateSize
	var b [8]byte
	if _, err := memory.ReadAt(b[:], at); err != nil {
		return Location{}, &FormatError{at, "partition table", ErrFormat, err}
	}
	pate := binary.BigEndian.Uint64(b[:])
	if pate&hostRadx != 0 {
		return Location{}, &FormatError{at, "the partition uses radix trees", ErrUnsupported, nil}
	}
	return locate(pate, hpt.Format3, at)
}

func locate(word uint64, f hpt.Format, at int64) (Location, error) {
	l := Location{pte.RA(word & htabOrg), hpt.MinOrder + int(word&htabSize), f}
	if l.Order > hpt.MaxOrder || uint64(l.Base)&(1<<l.Order-1) != 0 {
		return Location{}, &FormatError{at, fmt.Sprintf("no table at %v of order %d", l.Base, l.Order), ErrFormat, nil}
	}
	return l, nil
}

// Table makes the table over the guest's memory itself: ram is all of it from
// address 0 on, aligned as hpt.Config.Memory has to be. Guest stores and changes
// through the table are one. sizes is the page-size table; nil means that of POWER7
// to POWER10. A table that ends beyond ram, or that hpt.New refuses, is ErrFormat.
func (l Location) Table(ram []byte, sizes *pte.Sizes) (*hpt.Table, error) {
	if uint64(l.Base) > uint64(len(ram)) || uint64(len(ram))-uint64(l.Base) < 1<<l.Order {
		return nil, &FormatError{int64(l.Base), "the table lies outside of memory", ErrFormat, nil}
	}
	m := ram[l.Base:][: 1<<l.Order : 1<<l.Order]
	t, err := hpt.New(hpt.Config{Order: l.Order, Format: l.Format, Memory: m, Sizes: sizes})
	if err != nil {
		return nil, &FormatError{int64(l.Base), "no table", ErrFormat, err}
	}
	return t, nil
}

// Read makes a table with a copy of what memory holds there. o.Format does not
// count. A table beyond o.MaxOrder is ErrLimit, one that memory does not hold all of
// is ErrFormat; offsets in errors are real addresses.
func (l Location) Read(memory io.ReaderAt, o Options) (*hpt.Table, error) {
	o.Format = l.Format
	t, err := o.table(l.Order, int64(l.Base))
	if err != nil {
		return nil, err
	}
	if n, err := t.ReadFrom(io.NewSectionReader(memory, int64(l.Base), 1<<l.Order)); err != nil {
		return nil, &FormatError{int64(l.Base) + n, "the table lies outside of memory", ErrFormat, err}
	}
	return t, nil
}
