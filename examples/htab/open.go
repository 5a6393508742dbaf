package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/cli"
)

// where says how to find the table in the memory of a machine. The zero value says
// that the file is the table.
type where struct {
	register string // regSDR1, regPTCR or empty
	value    uint64
	lpid     uint32 // with PTCR
}

const (
	regSDR1 = "SDR1"
	regPTCR = "PTCR"
)

// open reads the table in a file, packed or not, "-" for standard input. found says
// what the file is and where in it the table was.
func open(o options, std cli.Std) (t *hpt.Table, found string, err error) {
	file, size, err := content(o.file, std)
	if err != nil {
		return nil, "", err
	}
	if c, ok := file.(io.Closer); ok {
		defer c.Close()
	}
	switch kind := image.Recognize(file, size); {
	case kind == image.FileCore:
		core, err := image.ReadCore(file)
		if err != nil {
			return nil, "", err
		}
		return inMemory(core, fmt.Sprintf("%s, %d segments", kind, len(core.Segments())), o.where)
	case o.where.register != "":
		return inMemory(file, "memory", o.where)
	case kind == image.FileQEMU:
		t, err = image.ReadQEMU(io.NewSectionReader(file, 0, size), image.Options{})
		return t, string(kind) + ", section spapr/htab", err
	case kind == image.FileHTAB:
		t, err = image.ReadStream(file, size, image.Options{})
		return t, string(kind), err
	case kind == image.FileRaw:
		t, err = raw(file, size, o.format)
		return t, string(kind), err
	}
	return nil, "", fmt.Errorf("%d bytes, neither a table nor a stream, migration or core that holds one", size)
}

// content gives a file as memory that can be read anywhere. Standard input and what
// is gzip'ed are held in memory.
func content(name string, std cli.Std) (io.ReaderAt, int64, error) {
	if st, err := os.Stat(name); name != "-" && err == nil && st.Mode().IsRegular() {
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, errors.Unwrap(err) // of *fs.PathError
		}
		var magic [2]byte
		if _, err := f.ReadAt(magic[:], 0); err != nil || magic != [2]byte{0x1f, 0x8b} {
			return f, st.Size(), nil
		}
		f.Close()
	}
	r, err := std.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return bytes.NewReader(b), int64(len(b)), err
}

// inMemory reads the table that SDR1, or the partition table that PTCR names, says
// is in memory.
func inMemory(memory io.ReaderAt, what string, w where) (t *hpt.Table, found string, err error) {
	var l image.Location
	by := w.register
	switch w.register {
	case regSDR1:
		l, err = image.LocateSDR1(w.value)
	case regPTCR:
		by = fmt.Sprintf("PTCR, partition %d", w.lpid)
		l, err = image.LocatePTCR(memory, w.value, w.lpid)
	default:
		err = errors.New(what + ": it does not say where the table is: give -sdr1 or -ptcr " +
			"(the table of a pseries guest is not in its own memory)")
	}
	if err != nil {
		return nil, "", err
	}
	t, err = l.Read(memory, image.Options{MaxOrder: hpt.MaxOrder})
	return t, fmt.Sprintf("%s; table at %v by %s", what, l.Base, by), err
}

// raw makes a table of an image. Nothing in an image says its format, but in the
// wrong one segment sizes come out wrong, and with them the hash: the format is the
// one under which more entries sit where a search finds them, format 2 when that is
// undecided.
func raw(file io.ReaderAt, size int64, format int) (*hpt.Table, error) {
	read := func(f hpt.Format) (*hpt.Table, error) {
		return hpt.ReadImage(io.NewSectionReader(file, 0, size), hpt.Config{Format: f})
	}
	switch format {
	case 2:
		return read(hpt.Format2)
	case 3:
		return read(hpt.Format3)
	}
	two, err := read(hpt.Format2)
	if err != nil {
		return nil, err
	}
	three, err := read(hpt.Format3)
	if err != nil || placed(three) > placed(two) {
		return three, err
	}
	return two, nil
}

func placed(t *hpt.Table) uint64 {
	s := t.Stats()
	return s.Valid - s.Misplaced - s.Undecodable
}
