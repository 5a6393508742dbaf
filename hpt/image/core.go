package image

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// Segment is a piece of memory that a core holds: Bytes bytes from real address
// Base on.
type Segment struct {
	Base, Bytes uint64
	file        int64 // where the piece begins in the file
}

// end is the first real address beyond the segment.
func (s Segment) end() uint64 { return s.Base + s.Bytes }

// Core is the real memory of a ppc64 machine in an ELF core: what QEMU's
// dump-guest-memory writes, or /proc/vmcore. Its methods are safe for concurrent
// use.
type Core struct {
	r        io.ReaderAt
	segments []Segment // by Base, apart
}

// The fields of ELF64 that are looked at, and where in its headers they are.
const (
	elfMagic = "\x7fELF"
	elf64    = 2
	elfLSB   = 1
	elfMSB   = 2
	elfCore  = 4  // ET_CORE
	elfPPC64 = 21 // EM_PPC64
	elfLoad  = 1  // PT_LOAD

	elfHeaderBytes  = 64
	elfProgramBytes = 56
)

// ReadCore reads the headers of an ELF core. Another kind of ELF file, a core of
// another machine and segments that overlap are ErrFormat; sections are not looked
// at, so what a core says of itself costs no more memory than its list of segments.
//
// A core holds memory, not the register that says where the table is: see
// [LocateSDR1] and [LocatePTCR]. The table of a pseries guest belongs to the
// hypervisor and is in no core of the guest.
func ReadCore(r io.ReaderAt) (*Core, error) {
	s := newSource(io.NewSectionReader(r, 0, math.MaxInt64), binary.BigEndian)
	programs, count := s.elfHeader()
	if s.err != nil {
		return nil, s.err
	}
	c := &Core{r: r}
	s = newSource(io.NewSectionReader(r, programs, math.MaxInt64-programs), s.order)
	s.offset = programs
	for range count {
		at := s.offset
		kind := s.u32("program header")
		s.u32("program header")
		file := int64(s.u64("program header"))
		s.u64("program header")
		one := Segment{s.u64("program header"), s.u64("program header"), file}
		s.skip(16, "program header")
		switch {
		case s.err != nil:
			return nil, s.err
		case kind != elfLoad || one.Bytes == 0:
			continue
		case file < 0 || file > math.MaxInt64-int64(one.Bytes&math.MaxInt64) || int64(one.Bytes) < 0 || one.end() < one.Base:
			return nil, &FormatError{at, "segment beyond any file", ErrFormat, nil}
		}
		c.segments = append(c.segments, one)
	}
	if err := c.sort(); err != nil {
		return nil, err
	}
	return c, nil
}

// elfHeader reads the file header: where the program headers are, and how many.
func (s *source) elfHeader() (programs int64, count int) {
	var h [elfHeaderBytes]byte
	s.bytes(h[:], "ELF header")
	if s.err == nil && (string(h[:4]) != elfMagic || h[4] != elf64 || h[5] != elfLSB && h[5] != elfMSB) {
		s.fail(0, ErrFormat, "no ELF64 file")
	}
	if h[5] == elfLSB {
		s.order = binary.LittleEndian
	}
	if kind, machine := s.order.Uint16(h[16:]), s.order.Uint16(h[18:]); kind != elfCore || machine != elfPPC64 {
		s.fail(16, ErrFormat, fmt.Sprintf("ELF type %d for machine %d, not a core of ppc64", kind, machine))
	}
	programs, count = int64(s.order.Uint64(h[32:])), int(s.order.Uint16(h[56:]))
	switch {
	case s.order.Uint16(h[54:]) != elfProgramBytes || programs < 0:
		s.fail(54, ErrFormat, "no program headers")
	case count == 0xffff:
		s.fail(56, ErrUnsupported, "more than 65534 segments")
	}
	return programs, count
}

// sort puts the segments in order of address. Two that overlap are ErrFormat.
func (c *Core) sort() error {
	slices.SortFunc(c.segments, func(a, b Segment) int { return cmp.Compare(a.Base, b.Base) })
	for i, s := range c.segments[min(1, len(c.segments)):] {
		if c.segments[i].end() > s.Base {
			return &FormatError{s.file, fmt.Sprintf("segment at %#x overlaps another", s.Base), ErrFormat, nil}
		}
	}
	return nil
}

// Segments returns the pieces of memory that the core holds, in order of address.
func (c *Core) Segments() []Segment { return slices.Clone(c.segments) }

// ReadAt reads memory from real address ra on, across segments that touch. An
// address in no segment is io.ErrUnexpectedEOF.
func (c *Core) ReadAt(b []byte, ra int64) (n int, err error) {
	for n < len(b) {
		at := uint64(ra) + uint64(n)
		i, found := slices.BinarySearchFunc(c.segments, at, func(s Segment, at uint64) int {
			switch {
			case s.end() <= at:
				return -1
			case s.Base > at:
				return 1
			}
			return 0
		})
		if !found {
			return n, io.ErrUnexpectedEOF
		}
		s := c.segments[i]
		part := b[n:]
		if left := s.end() - at; uint64(len(part)) > left {
			part = part[:left]
		}
		m, err := c.r.ReadAt(part, s.file+int64(at-s.Base))
		n += m
		if m < len(part) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}
	}
	return n, nil
}
