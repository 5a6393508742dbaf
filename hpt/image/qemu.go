package image

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/hpt"
)

// Marks of a QEMU migration stream. Everything in it is big-endian.
const (
	qemuMagic   = 0x5145564d // "QEVM"
	qemuVersion = 3

	markEOF           = 0x00
	markStart         = 0x01
	markPart          = 0x02
	markEnd           = 0x03
	markFull          = 0x04
	markConfiguration = 0x07
	markFooter        = 0x7e
)

// Flags of a RAM page; they lie below the page's address.
const (
	ramFill     = 0x02
	ramSize     = 0x04
	ramPage     = 0x08
	ramEnd      = 0x10
	ramContinue = 0x20
	ramPageSize = 4096
	ramFlags    = ramPageSize - 1
)

// sectionName is the section of the pseries machine's table.
const sectionName = "spapr/htab"

const noHPT = 0xffffffff // the order of a guest that has no table

// ReadQEMU makes the table that a QEMU migration stream of a pseries machine holds
// in its spapr/htab section. It reads up to the end of that section and passes over
// plain RAM pages; the other iterative sections that a stream can have before it,
// compressed pages and a guest without a table (radix) are ErrUnsupported. o.Format
// must be that of the guest's view, format 2.
//
// Source: what QEMU's scripts/analyze-migration.py says of sections ram and
// spapr/htab.
func ReadQEMU(r io.Reader, o Options) (*hpt.Table, error) {
	d, err := Decompress(r)
	if err != nil {
		return nil, &FormatError{0, "gzip header", ErrFormat, err}
	}
	q := &qemu{source: newSource(d, binary.BigEndian), options: o, sections: map[uint32]func(*qemu){}}
	if q.u32("magic") != qemuMagic {
		q.fail(0, ErrFormat, "no QEMU migration stream")
	}
	if v := q.u32("version"); v != qemuVersion {
		q.fail(4, ErrUnsupported, fmt.Sprintf("version %d", v))
	}
	for q.err == nil && !q.done {
		q.section()
	}
	if q.err != nil {
		return nil, q.err
	}
	return q.table, nil
}

// qemu is a migration stream being read.
type qemu struct {
	*source
	options  Options
	sections map[uint32]func(*qemu) // what reads the parts of a section, by its number
	htab     uint32                 // number of the table's section
	table    *hpt.Table
	done     bool
}

// section reads one section of any kind.
func (q *qemu) section() {
	at := q.offset
	switch mark := q.u8("section mark"); mark {
	case markConfiguration:
		q.skip(int64(q.u32("configuration length")), "configuration")
	case markStart, markFull:
		id := q.u32("section number")
		name := q.name()
		q.skip(8, "instance and version")
		q.begin(at, id, name)
		q.footer(id)
	case markPart, markEnd:
		id := q.u32("section number")
		read := q.sections[id]
		if read == nil {
			q.fail(at, ErrFormat, "part of an unknown section")
			return
		}
		read(q)
		q.footer(id)
		q.done = mark == markEnd && id == q.htab && q.table != nil
	case markEOF:
		q.fail(at, ErrFormat, "the stream ends without "+sectionName)
	default:
		q.fail(at, ErrUnsupported, fmt.Sprintf("section mark %#x", mark))
	}
}

// name reads a string with its length before it.
func (q *qemu) name() string {
	b := make([]byte, q.u8("name length"))
	q.bytes(b, "name")
	return string(b)
}

// begin reads the first part of a section.
func (q *qemu) begin(at int64, id uint32, name string) {
	switch {
	case q.err != nil:
	case q.sections[id] != nil:
		q.fail(at, ErrFormat, "section number used twice")
	case name == "ram":
		q.sections[id] = (*qemu).ram
		q.ram()
	case name == sectionName:
		q.sections[id], q.htab = (*qemu).chunks, id
		q.order()
	default:
		q.fail(at, ErrUnsupported, fmt.Sprintf("section %q before the end of %s", name, sectionName))
	}
}

// footer reads the mark that ends a section.
func (q *qemu) footer(id uint32) {
	at := q.offset
	if q.u8("footer") != markFooter || q.u32("footer") != id {
		q.fail(at, ErrFormat, "no footer of the section")
	}
}

// order reads the first part of the table's section.
func (q *qemu) order() {
	at := q.offset
	order := q.u32("order")
	switch {
	case q.err != nil:
	case order == noHPT:
		q.fail(at, ErrUnsupported, "the guest has no hashed page table")
	case q.table != nil:
		q.fail(at, ErrFormat, "a second table")
	default:
		q.table, q.err = q.options.table(int(min(order, 1<<16)), at)
	}
}

// chunks reads a later part: a zero, then runs up to one of nothing.
func (q *qemu) chunks() {
	at := q.offset
	if q.u32("order") != 0 {
		q.fail(at, ErrFormat, "another order in a later part")
	}
	for q.err == nil {
		at := q.offset
		h := q.header()
		if h == (header{}) {
			return
		}
		q.entries(q.table, h, at, false)
	}
}

// ram passes over a part of the RAM section.
func (q *qemu) ram() {
	for q.err == nil {
		at := q.offset
		word := q.u64("page address")
		flags := word & ramFlags
		switch {
		case flags == ramEnd:
			return
		case flags == ramSize:
			q.blocks(word &^ ramFlags)
		case flags&^ramContinue == ramPage:
			q.page(flags, ramPageSize)
		case flags&^ramContinue == ramFill:
			q.page(flags, 1)
		default:
			q.fail(at, ErrUnsupported, fmt.Sprintf("RAM page with flags %#x", flags))
		}
	}
}

// page passes over a page's block name, unless it is that of the page before, and n
// bytes.
func (q *qemu) page(flags uint64, n int64) {
	if flags&ramContinue == 0 {
		q.name()
	}
	q.skip(n, "page")
}

// blocks passes over the list of RAM blocks: names and lengths up to the total.
func (q *qemu) blocks(total uint64) {
	for q.err == nil && total > 0 {
		at := q.offset
		q.name()
		n := q.u64("block length")
		if q.err == nil && (n == 0 || n > total) {
			q.fail(at, ErrFormat, "RAM block lengths do not add up")
		}
		total -= n
	}
}
