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
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

func newTable(t require.TestingT, order int, f hpt.Format) *hpt.Table {
	tab, err := hpt.New(hpt.Config{Order: order, Format: f})
	require.NoError(t, err)
	return tab
}

// realTable is a recorded guest's table.
func realTable(t testing.TB) *hpt.Table {
	tab, err := image.ReadRaw(bytes.NewReader(realtable.POWER9), image.Options{Format: hpt.Format3})
	require.NoError(t, err)
	return tab
}

// valid are the valid entries of a table.
func valid(t *hpt.Table) map[pte.Slot]pte.HPTE {
	m := map[pte.Slot]pte.HPTE{}
	for s, e := range t.All() {
		m[s] = e
	}
	return m
}

// wantError requires a FormatError of a kind at an offset.
func wantError(t *testing.T, err, kind error, offset int64) {
	t.Helper()
	require.ErrorIs(t, err, kind)
	var f *image.FormatError
	require.ErrorAs(t, err, &f)
	require.Equal(t, offset, f.Offset, "%v", err)
}

func TestReadRaw(t *testing.T) {
	tab := realTable(t)
	require.Equal(t, 20, tab.Order())
	require.Len(t, valid(tab), 33802)
	var plain bytes.Buffer
	_, err := tab.WriteTo(&plain)
	require.NoError(t, err)
	again, err := image.ReadRaw(bytes.NewReader(plain.Bytes()), image.Options{Format: hpt.Format3, MaxOrder: 20})
	require.NoError(t, err)
	require.Equal(t, tab.Digest(), again.Digest())

	_, err = image.ReadRaw(bytes.NewReader(plain.Bytes()), image.Options{MaxOrder: 19})
	wantError(t, err, image.ErrLimit, 1<<19)
	_, err = image.ReadRaw(bytes.NewReader(plain.Bytes()[:1<<20-1]), image.Options{})
	wantError(t, err, image.ErrFormat, 1<<20-1)
	_, err = image.ReadRaw(bytes.NewReader(realtable.POWER9[:50000]), image.Options{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, image.ErrFormat)
	_, err = image.ReadRaw(bytes.NewReader([]byte{0x1f, 0x8b}), image.Options{})
	wantError(t, err, image.ErrFormat, 0)
}

func TestHTABRoundTrip(t *testing.T) {
	tab := realTable(t)
	for _, order := range []binary.ByteOrder{nil, binary.LittleEndian, binary.BigEndian} {
		for _, format := range []hpt.Format{hpt.Format2, hpt.Format3} {
			var b bytes.Buffer
			n, err := image.WriteHTAB(&b, tab, image.WriteOptions{ByteOrder: order})
			require.NoError(t, err)
			require.EqualValues(t, 33802, n.Valid)
			require.EqualValues(t, tab.Slots(), n.Valid+n.Invalid)
			require.EqualValues(t, 8*n.Headers+16*n.Valid, b.Len())
			copy := newTable(t, 20, format)
			copy.StoreRaw(0, pte.HPTE{V: 0xdead<<7 | 1})
			read, err := image.ReadHTAB(&b, copy, image.Options{ByteOrder: order})
			require.NoError(t, err)
			require.Equal(t, n, read)
			require.Equal(t, valid(tab), valid(copy))
		}
	}
}

// The bytes of a small stream, written out.
func TestHTABBytes(t *testing.T) {
	tab := newTable(t, 18, hpt.Format2)
	bolted := pte.HPTE{V: 0x1234<<7 | pte.VValid | pte.VBolted, R: 0x5010}
	other := pte.HPTE{V: 0x99<<7 | pte.VValid, R: 0x6010}
	tab.StoreRaw(2, bolted)
	tab.StoreRaw(3, other)
	entry := func(e pte.HPTE) []byte { b, _ := e.MarshalBinary(); return b }
	write := func(o image.WriteOptions) []byte {
		var b bytes.Buffer
		_, err := image.WriteHTAB(&b, tab, o)
		require.NoError(t, err)
		return b.Bytes()
	}
	require.Equal(t, bytes.Join([][]byte{
		{0, 0, 0, 0, 0, 0, 2, 0},
		{2, 0, 0, 0, 2, 0, 0xfc, 0x3f}, entry(bolted), entry(other),
	}, nil), write(image.WriteOptions{}))
	require.Equal(t, bytes.Join([][]byte{
		{0, 0, 0, 2, 0, 1, 0x3f, 0xfd}, entry(bolted),
	}, nil), write(image.WriteOptions{ByteOrder: binary.BigEndian, BoltedOnly: true, Start: 2}))

	// Runs longer than a header can count are cut.
	var b bytes.Buffer
	n, err := image.WriteHTAB(&b, newTable(t, 21, hpt.Format2), image.WriteOptions{})
	require.NoError(t, err)
	require.Equal(t, image.Counts{Headers: 3, Invalid: 1 << 17}, n)
}

func TestHTABRefuses(t *testing.T) {
	head := func(index uint32, valid, invalid uint16) []byte {
		b := binary.LittleEndian.AppendUint32(nil, index)
		return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, valid), invalid)
	}
	good, _ := pte.HPTE{V: 7<<7 | pte.VValid, R: 0x1010}.MarshalBinary()
	invalid, _ := pte.HPTE{V: 7 << 7, R: 0x1010}.MarshalBinary()
	noSize, _ := pte.HPTE{V: 7<<7 | pte.VValid | pte.VLarge, R: 0xa010}.MarshalBinary()
	join := func(p ...[]byte) []byte { return bytes.Join(p, nil) }
	for name, c := range map[string]struct {
		in     []byte
		offset int64
	}{
		"half a header":  {head(0, 1, 0)[:5], 4},
		"half an entry":  {join(head(0, 1, 0), good[:9]), 8},
		"missing entry":  {join(head(0, 2, 0), good), 24},
		"beyond the end": {join(head(0, 1, 0), good, head(1<<14, 0, 1)), 24},
		"far beyond":     {head(0xffffffff, 0xffff, 0xffff), 0},
		"invalid entry":  {join(head(0, 1, 0), invalid), 8},
		"no page size":   {join(head(0, 2, 0), good, noSize), 24},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := image.ReadHTAB(bytes.NewReader(c.in), newTable(t, 18, hpt.Format2), image.Options{})
			wantError(t, err, image.ErrFormat, c.offset)
		})
	}
}

// Any changes between passes arrive at the copy.
func TestTracker(t *testing.T) {
	tab, copy := newTable(t, 18, hpt.Format2), newTable(t, 18, hpt.Format3)
	rapid.Check(t, func(t *rapid.T) {
		k, err := image.NewTracker(tab, image.WriteOptions{})
		require.NoError(t, err)
		defer k.Close()
		_, err = image.NewTracker(tab, image.WriteOptions{})
		require.ErrorIs(t, err, image.ErrLimit)
		for pass := range rapid.IntRange(1, 4).Draw(t, "passes") {
			for range rapid.IntRange(0, 20).Draw(t, "changes") {
				s := pte.Slot(rapid.Uint64Range(0, 40).Draw(t, "slot"))
				e := pte.HPTE{V: rapid.Uint64Range(0, 1<<40).Draw(t, "V") &^ pte.VLarge, R: rapid.Uint64Range(0, 1<<40).Draw(t, "R")}
				tab.StoreRaw(s, e)
			}
			pending := k.Pending()
			var b bytes.Buffer
			n, err := k.Pass(&b)
			require.NoError(t, err)
			require.Equal(t, pending, n.Headers != 0)
			if pass > 0 {
				require.LessOrEqual(t, n.Valid+n.Invalid, uint64(48), "only what changed")
			}
			require.False(t, k.Pending())
			_, err = image.ReadHTAB(&b, copy, image.Options{})
			require.NoError(t, err)
			require.Equal(t, valid(tab), valid(copy))
		}
	})
}

type failing struct{ n int }

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

var errFull = errors.New("full")

func TestWriteErrors(t *testing.T) {
	_, err := image.WriteHTAB(&failing{100}, realTable(t), image.WriteOptions{})
	require.ErrorIs(t, err, errFull)
}

func FuzzReadHTAB(f *testing.F) {
	var b bytes.Buffer
	tab := newTable(f, 18, hpt.Format2)
	tab.StoreRaw(2, pte.HPTE{V: 0x1234<<7 | pte.VValid, R: 0x5010})
	_, err := image.WriteHTAB(&b, tab, image.WriteOptions{})
	require.NoError(f, err)
	f.Add(b.Bytes(), false)
	f.Add(b.Bytes(), true)
	f.Add(b.Bytes()[:20], false)
	f.Fuzz(func(t *testing.T, in []byte, big bool) {
		o := image.Options{}
		if big {
			o.ByteOrder = binary.BigEndian
		}
		if len(in) > 1<<12 {
			return
		}
		tab.Clear()
		n, err := image.ReadHTAB(bytes.NewReader(in), tab, o)
		if err != nil {
			var fe *image.FormatError
			require.ErrorAs(t, err, &fe)
			require.LessOrEqual(t, fe.Offset, int64(len(in)))
			return
		}
		require.EqualValues(t, len(in), 8*n.Headers+16*n.Valid)
		for s, e := range tab.All() {
			_, _, ok := tab.Sizes().Decode(e)
			require.True(t, ok, "slot %d", s)
		}
	})
}

func FuzzReadRaw(f *testing.F) {
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Add(make([]byte, 1<<18))
	f.Add(zip(f, make([]byte, 1<<18)))
	f.Fuzz(func(t *testing.T, in []byte) {
		tab, err := image.ReadRaw(bytes.NewReader(in), image.Options{MaxOrder: 19})
		if err != nil {
			var fe *image.FormatError
			require.ErrorAs(t, err, &fe)
			return
		}
		require.LessOrEqual(t, tab.Order(), 19)
		require.NoError(t, tab.Close())
	})
}
