package image

import (
	"encoding/binary"
	"io"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Options are what a reader is told. The zero value is right for a table of up to
// 256 MiB in format 2 on a little-endian host.
type Options struct {
	// MaxOrder is the largest table to make, log2 of bytes; 0 means 28.
	MaxOrder int
	// Format is how the table's memory holds entries.
	Format hpt.Format
	// Sizes is the page-size table; nil means that of POWER7 to POWER10.
	Sizes *pte.Sizes
	// ByteOrder is that of HTAB headers, the order of the host that wrote them; nil
	// means little-endian. QEMU sections are big-endian whatever it says.
	ByteOrder binary.ByteOrder
	_         struct{}
}

const defaultMaxOrder = 28

func (o Options) maxOrder() int {
	if o.MaxOrder == 0 {
		return defaultMaxOrder
	}
	return o.MaxOrder
}

func (o Options) byteOrder() binary.ByteOrder {
	if o.ByteOrder == nil {
		return binary.LittleEndian
	}
	return o.ByteOrder
}

// table makes an empty table of an order that the input at offset asks for.
func (o Options) table(order int, offset int64) (*hpt.Table, error) {
	if order < hpt.MinOrder || order > hpt.MaxOrder {
		return nil, &FormatError{offset, "no table has that order", ErrFormat, nil}
	}
	if order > o.maxOrder() {
		return nil, &FormatError{offset, "table too large", ErrLimit, nil}
	}
	t, err := hpt.New(hpt.Config{Order: order, Format: o.Format, Sizes: o.Sizes})
	if err != nil {
		return nil, &FormatError{offset, "no table", ErrLimit, err}
	}
	return t, nil
}

// ReadRaw makes a table of a raw image, plain or gzip'ed, read to its end. Its
// length gives the order: one that is no power of two from 2^18 on is ErrFormat, one
// beyond o.MaxOrder is ErrLimit. hpt.Table.WriteTo writes one.
func ReadRaw(r io.Reader, o Options) (*hpt.Table, error) {
	d, err := Decompress(r)
	if err != nil {
		return nil, &FormatError{0, "gzip header", ErrFormat, err}
	}
	limit := int64(1) << o.maxOrder()
	c := &counter{r: io.LimitReader(d, limit+1)}
	t, err := hpt.ReadImage(c, hpt.Config{Format: o.Format, Sizes: o.Sizes})
	switch {
	case c.n > limit:
		return nil, &FormatError{limit, "image too large", ErrLimit, nil}
	case err != nil:
		return nil, &FormatError{c.n, "raw image", ErrFormat, err}
	}
	return t, nil
}

// counter counts the bytes read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
