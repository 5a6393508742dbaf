package hpt

import (
	"io"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/hashmmu/ppc64/pte"
)

// An image is the table as it lies in memory: 1<<Order bytes, every slot V then
// R, big-endian, in the table's format. Tentative entries of calls under way
// are left out.

const imageChunk = 1 << 16 // bytes written at a time

// WriteTo writes the image. Entries are untorn; the whole is no snapshot while
// others change the table.
func (t *Table) WriteTo(w io.Writer) (n int64, err error) {
	buf := make([]byte, 0, imageChunk)
	for s := range pte.Slot(len(t.slots)) {
		raw := t.LoadRaw(s)
		if tentative(raw) {
			raw = pte.HPTE{}
		}
		buf, _ = raw.AppendBinary(buf)
		if len(buf) == cap(buf) || s == pte.Slot(len(t.slots))-1 {
			m, err := w.Write(buf)
			n += int64(m)
			if err != nil {
				return n, err
			}
			buf = buf[:0]
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
	image, err := readImage(r, int64(len(t.slots))*slotBytes)
	if err != nil {
		return int64(len(image)), err
	}
	if uint64(len(image)) != t.Slots()*slotBytes {
		return int64(len(image)), &ImageError{Field: "length", Value: int64(len(image)), Why: "not the size of the table"}
	}
	t.load(image)
	return int64(len(image)), nil
}

// ReadImage makes a table of an image, whose length gives the order; c.Order is
// not looked at. An image whose length is no power of two, or out of range, is
// an [*ImageError].
func ReadImage(r io.Reader, c Config) (*Table, error) {
	image, err := readImage(r, 1<<MaxOrder)
	if err != nil {
		return nil, err
	}
	n := len(image)
	if n&(n-1) != 0 || n < 1<<MinOrder {
		return nil, &ImageError{Field: "length", Value: int64(n), Why: "no power of two from 2^18 on: cut short?"}
	}
	c.Order = bits.Len(uint(n)) - 1
	t, err := New(c)
	if err != nil {
		return nil, err
	}
	t.load(image)
	return t, nil
}

// readImage reads up to the end, or to one byte beyond limit.
func readImage(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		err = &ImageError{Field: "length", Value: int64(len(b)), Why: "cannot be read on", Err: err}
	}
	return b, err
}

// load stores an image of the table's size.
func (t *Table) load(image []byte) {
	for s := range pte.Slot(len(t.slots)) {
		var raw pte.HPTE
		_ = raw.UnmarshalBinary(image[s*slotBytes:][:slotBytes]) // 16 bytes never fail
		if tentative(raw) {
			raw = pte.HPTE{}
		}
		if raw != t.LoadRaw(s) {
			t.swapRaw(s, raw)
		}
	}
}
