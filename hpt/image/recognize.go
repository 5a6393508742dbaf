package image

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/hashmmu/ppc64/hpt"
)

// FileKind is what a file holds, as far as its content says.
type FileKind string

// The kinds of file that hold a table, or memory with one.
const (
	FileRaw     FileKind = "raw image"             // read with ReadRaw
	FileHTAB    FileKind = "KVM HTAB stream"       // read with ReadStream
	FileQEMU    FileKind = "QEMU migration stream" // read with ReadQEMU
	FileCore    FileKind = "ELF core"              // read with ReadCore
	FileUnknown FileKind = "unknown"
)

// Recognize looks at the content and the size of a file, decompressed. An HTAB
// stream has no mark of its own: it is taken for one when its first header begins
// at slot 0 and announces something. Memory of a whole machine may look like a raw
// image.
func Recognize(r io.ReaderAt, size int64) FileKind {
	var head [8]byte
	n, _ := r.ReadAt(head[:], 0)
	switch {
	case bytes.HasPrefix(head[:n], []byte(elfMagic)):
		return FileCore
	case n >= 4 && binary.BigEndian.Uint32(head[:]) == qemuMagic:
		return FileQEMU
	case size >= 1<<hpt.MinOrder && size&(size-1) == 0:
		return FileRaw
	case n == len(head) && [4]byte(head[:]) == [4]byte{} && head != [8]byte{}:
		return FileHTAB
	}
	return FileUnknown
}

// ReadStream makes the table that an HTAB stream describes: the order is that of
// the slots that its headers name, the first pass of which names all. Unless
// o.ByteOrder says otherwise headers are taken as little-endian, and as big-endian
// if they make no table that way. Errors are those of [ReadHTAB], and ErrLimit for a
// table beyond o.MaxOrder.
func ReadStream(r io.ReaderAt, size int64, o Options) (*hpt.Table, error) {
	if o.ByteOrder == nil {
		o.ByteOrder = binary.LittleEndian
		if _, err := streamOrder(r, size, o); err != nil {
			o.ByteOrder = binary.BigEndian
		}
	}
	order, err := streamOrder(r, size, o)
	if err != nil {
		return nil, err
	}
	t, err := o.table(order, 0)
	if err != nil {
		return nil, err
	}
	_, err = ReadHTAB(io.NewSectionReader(r, 0, size), t, o)
	return t, err
}

// streamOrder follows the headers of a stream and returns the order of a table
// whose last slot is the last one named.
func streamOrder(r io.ReaderAt, size int64, o Options) (int, error) {
	s := newSource(io.NewSectionReader(r, 0, size), o.byteOrder())
	slots := uint64(0)
	for s.err == nil && !s.atEnd() {
		h := s.header()
		slots = max(slots, uint64(h.index)+uint64(h.valid)+uint64(h.invalid))
		s.skip(int64(h.valid)*entryBytes, "entries")
	}
	if s.err != nil {
		return 0, s.err
	}
	order := bits.Len64(slots*entryBytes) - 1
	if slots == 0 || slots*entryBytes != 1<<order {
		return 0, &FormatError{0, "the slots named are not those of a table", ErrFormat, nil}
	}
	return order, nil
}
