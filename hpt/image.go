package hpt

import (
	"io"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/hashmmu/ppc64/pte"
)

// An image is the table as it lies in memory: 1<<Order bytes, every slot V then
// R, big-endian, in the table's format. Tentative entries of calls under way
// are left out.

const imageSlots = 1 << 12 // slots written at a time

// WriteTo writes the image. Entries are untorn; the whole is no snapshot while
// others change the table.
func (t *Table) WriteTo(w io.Writer) (n int64, err error) {
	var buf []byte
	s := pte.Slot(0)
	for piece := range slices.Chunk(t.slots, imageSlots) {
		buf = buf[:0]
		for range piece {
			raw := t.LoadRaw(s)
			if tentative(raw) {
				raw = pte.HPTE{}
			}
			buf, _ = raw.AppendBinary(buf)
			s++
		}
		m, err := w.Write(buf)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Digest is the xxhash of the image. Equal tables have equal digests, whatever
// memory they live in.
func (t *Table) Digest() uint64 {
	d := xxhash.New()
	if _, err := t.WriteTo(d); err != nil {
		panic(err) // a digest takes every write
	}
	return d.Sum64()
}

// ReadFrom replaces the table's content by an image read up to its end. An image
// that is shorter or longer than the table, and a failing reader, is an
// [*ImageError], and then nothing has been loaded.
func (t *Table) ReadFrom(r io.Reader) (int64, error) {
	image, n, err := readImage(r, int64(len(t.slots))*slotBytes)
	if err != nil {
		return n, err
	}
	if uint64(n) != t.Slots()*slotBytes {
		return n, &ImageError{Field: "length", Value: n, Why: "not the size of the table"}
	}
	t.load(image)
	return n, nil
}

// ReadImage makes a table of an image, whose length gives the order; c.Order is
// not looked at. An image whose length is no power of two, or out of range, is
// an [*ImageError].
func ReadImage(r io.Reader, c Config) (*Table, error) {
	image, n, err := readImage(r, 1<<MaxOrder)
	if err != nil {
		return nil, err
	}
	if n&(n-1) != 0 || n < 1<<MinOrder {
		return nil, &ImageError{Field: "length", Value: n, Why: "no power of two from 2^18 on: cut short?"}
	}
	c.Order = bits.Len64(uint64(n)) - 1
	t, err := New(c)
	if err != nil {
		return nil, err
	}
	t.load(image)
	return t, nil
}

// readImage reads n bytes, up to the end or to one byte beyond limit, in pieces: each
// is as long as all before it together, so that an image takes no more memory than it
// is long.
func readImage(r io.Reader, limit int64) (image [][]byte, n int64, err error) {
	r = io.LimitReader(r, limit+1)
	var first [1]byte
	for err == nil {
		var m int
		if m, err = fill(r, first[:]); m == 0 {
			break
		}
		piece := append(make([]byte, 0, min(max(n, 1<<MinOrder), limit+1-n)), first[0])
		if err == nil {
			m, err = fill(r, piece[1:cap(piece)])
			piece = piece[:1+m]
		}
		image, n = append(image, piece), n+int64(len(piece))
	}
	if err != io.EOF {
		return image, n, &ImageError{Field: "length", Value: n, Why: "cannot be read on", Err: err}
	}
	return image, n, nil
}

// fill reads until b is full or there is an error, io.EOF too.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

// load stores an image of the table's size.
func (t *Table) load(image [][]byte) {
	s := pte.Slot(0)
	for _, piece := range image {
		for ; len(piece) > 0; piece = piece[slotBytes:] {
			var raw pte.HPTE
			_ = raw.UnmarshalBinary(piece[:slotBytes]) // 16 bytes never fail
			if tentative(raw) {
				raw = pte.HPTE{}
			}
			if raw != t.LoadRaw(s) {
				t.swapRaw(s, raw)
			}
			s++
		}
	}
}
