package image_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/pte"
)

// piece is memory from real address base on.
type piece struct {
	base uint64
	data []byte
}

// coreFile writes an ELF64 core with one PT_LOAD a piece, in the order given, and
// a note before them.
func coreFile(order binary.ByteOrder, machine uint16, pieces ...piece) []byte {
	const header, prog = 64, 56
	ident := [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}
	if order == binary.BigEndian {
		ident[5] = 2
	}
	var b bytes.Buffer
	put := func(vs ...any) {
		for _, v := range vs {
			_ = binary.Write(&b, order, v)
		}
	}
	n := len(pieces) + 1
	put(ident, uint16(4), machine, uint32(1), uint64(0), uint64(header), uint64(0), uint32(0))
	put(uint16(header), uint16(prog), uint16(n), uint16(64), uint16(0), uint16(0))
	put(uint32(4), uint32(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(1))
	at := uint64(header + n*prog)
	for _, p := range pieces {
		size := uint64(len(p.data))
		put(uint32(1), uint32(4), at, uint64(0), p.base, size, size, uint64(1))
		at += size
	}
	for _, p := range pieces {
		b.Write(p.data)
	}
	return b.Bytes()
}

const ppc64 = 21 // EM_PPC64

// TestCoreTable finds a table through SDR1 in a core whose memory is in pieces, one
// of which ends inside the table.
func TestCoreTable(t *testing.T) {
	tab := newTable(t, 18, hpt.Format2)
	tab.StoreRaw(5, pte.HPTE{V: 0x1234<<7 | pte.VValid, R: 0x5010})
	tab.StoreRaw(9000, pte.HPTE{V: 0x4321<<7 | pte.VValid, R: 0x6010})
	var img bytes.Buffer
	_, err := tab.WriteTo(&img)
	require.NoError(t, err)
	memory := append(make([]byte, 1<<18), img.Bytes()...)

	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		file := coreFile(order, ppc64, piece{1<<18 + 1000, memory[1<<18+1000:]}, piece{0, memory[:1<<18+1000]})
		require.Equal(t, image.FileCore, image.Recognize(bytes.NewReader(file), int64(len(file))))
		c, err := image.ReadCore(bytes.NewReader(file))
		require.NoError(t, err)
		require.Equal(t, uint64(0), c.Segments()[0].Base)
		require.EqualValues(t, len(memory)-1<<18-1000, c.Segments()[1].Bytes)

		l, err := image.LocateSDR1(1 << 18)
		require.NoError(t, err)
		got, err := l.Read(c, image.Options{})
		require.NoError(t, err)
		require.Equal(t, tab.Digest(), got.Digest())
		require.NoError(t, got.Close())

		l.Base = 1 << 19
		_, err = l.Read(c, image.Options{})
		require.ErrorIs(t, err, image.ErrFormat)
	}
}

func TestCoreReadAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory, pieces := map[uint64]byte{}, []piece(nil)
		at := uint64(0)
		for range rapid.IntRange(1, 4).Draw(t, "pieces") {
			at += rapid.Uint64Range(0, 3).Draw(t, "gap")
			data := rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "data")
			pieces = append(pieces, piece{at, data})
			for _, b := range data {
				memory[at] = b
				at++
			}
		}
		c, err := image.ReadCore(bytes.NewReader(coreFile(binary.BigEndian, ppc64, pieces...)))
		require.NoError(t, err)
		from := rapid.Uint64Range(0, 40).Draw(t, "from")
		b := make([]byte, rapid.IntRange(0, 40).Draw(t, "bytes"))
		n, err := c.ReadAt(b, int64(from))
		for i := range n {
			require.Equal(t, memory[from+uint64(i)], b[i])
		}
		if n < len(b) {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.NotContains(t, memory, from+uint64(n))
		} else {
			require.NoError(t, err)
		}
	})
}

func TestCoreRefused(t *testing.T) {
	good := coreFile(binary.BigEndian, ppc64, piece{0, []byte{1, 2}}, piece{2, []byte{3}})
	for name, file := range map[string][]byte{
		"nothing":       {},
		"cut":           good[:100],
		"other machine": coreFile(binary.BigEndian, 62, piece{0, []byte{1}}),
		"overlap":       coreFile(binary.BigEndian, ppc64, piece{0, []byte{1, 2}}, piece{1, []byte{3}}),
		"same base":     coreFile(binary.BigEndian, ppc64, piece{0, []byte{1}}, piece{0, []byte{3}}),
		"around zero":   coreFile(binary.BigEndian, ppc64, piece{^uint64(0), []byte{1, 2}}),
	} {
		_, err := image.ReadCore(bytes.NewReader(file))
		require.ErrorIs(t, err, image.ErrFormat, name)
	}
	c, err := image.ReadCore(bytes.NewReader(good[:len(good)-1]))
	require.NoError(t, err, "the headers are whole")
	n, err := c.ReadAt(make([]byte, 3), 0)
	require.Equal(t, 2, n)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestRecognize(t *testing.T) {
	qemu := migration().Bytes()
	for want, in := range map[image.FileKind][]byte{
		image.FileQEMU:    qemu,
		image.FileRaw:     make([]byte, 1<<18),
		image.FileHTAB:    {0, 0, 0, 0, 1, 0, 0, 0},
		image.FileUnknown: make([]byte, 8),
	} {
		require.Equal(t, want, image.Recognize(bytes.NewReader(in), int64(len(in))))
	}
	require.Equal(t, image.FileUnknown, image.Recognize(bytes.NewReader(nil), 0))
}

// TestReadStream reads a stream whose table and byte order nobody names.
func TestReadStream(t *testing.T) {
	tab := realTable(t)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		var b bytes.Buffer
		_, err := image.WriteHTAB(&b, tab, image.WriteOptions{ByteOrder: order})
		require.NoError(t, err)
		size := int64(b.Len())
		require.Equal(t, image.FileHTAB, image.Recognize(bytes.NewReader(b.Bytes()), size))
		got, err := image.ReadStream(bytes.NewReader(b.Bytes()), size, image.Options{})
		require.NoError(t, err)
		require.Equal(t, valid(tab), valid(got))
		require.NoError(t, got.Close())

		_, err = image.ReadStream(bytes.NewReader(b.Bytes()), size, image.Options{MaxOrder: 18})
		require.ErrorIs(t, err, image.ErrLimit)
		_, err = image.ReadStream(bytes.NewReader(b.Bytes()), size-1, image.Options{})
		require.ErrorIs(t, err, image.ErrFormat)
	}
}

func FuzzReadCore(f *testing.F) {
	f.Add(coreFile(binary.BigEndian, ppc64, piece{0, []byte{1, 2}}, piece{2, []byte{3}}))
	f.Add(coreFile(binary.LittleEndian, ppc64, piece{4, []byte{1}}))
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := image.ReadCore(bytes.NewReader(in))
		if err != nil {
			var fe *image.FormatError
			require.ErrorAs(t, err, &fe)
			return
		}
		for _, s := range c.Segments() {
			b := make([]byte, min(s.Bytes, 1<<12))
			n, err := c.ReadAt(b, int64(s.Base))
			require.True(t, n == len(b) || errors.Is(err, io.ErrUnexpectedEOF))
		}
	})
}
