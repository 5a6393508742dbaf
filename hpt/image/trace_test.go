package image_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/image"
)

// record is a record of a trace as bytes.
func record(kind image.Kind, aux uint16, sub uint32, p ...uint64) []byte {
	b := []byte{byte(kind), byte(len(p))}
	b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(b, aux), sub)
	for _, w := range p {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

func trace(rs ...[]byte) []byte {
	return append([]byte("HPTTRC1\n"), bytes.Join(rs, nil)...)
}

func zip(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestTrace(t *testing.T) {
	const aux = image.XlateSegment | image.XlateMatched | image.XlateOK
	plain := trace(
		record(image.KindHCall, 2|1<<8, 0x18, ^uint64(6), 1, 2, 3),
		record(image.KindXlate, aux, 0x01180703, 1, 2, 3, 4, 5, 6, 7, 8),
		record(image.KindXlate, image.XlateRaises, 1, 1, 2, 0x40000000, 9),
		record(image.KindEnd, 0, 0, 3))
	for _, in := range [][]byte{plain, zip(t, plain)} {
		tr, err := image.NewTrace(bytes.NewReader(in))
		require.NoError(t, err)
		r, err := tr.Next()
		require.NoError(t, err)
		op, ret, args, out := r.HCall()
		require.EqualValues(t, 0x18, op)
		require.EqualValues(t, -7, ret)
		require.Equal(t, []uint64{1, 2}, args)
		require.Equal(t, []uint64{3}, out)
		var x image.Xlate
		r, err = tr.Next()
		require.NoError(t, err)
		r.Xlate(&x)
		require.Equal(t, image.Xlate{EA: 1, MSR: 2, ESID: 3, VSID: 4, Slot: 5, V: 6, R: 7, RA: 8,
			Fault: 3, Prot: 7, Shift: 0x18, CPU: 1}, x)
		r, err = tr.Next()
		require.NoError(t, err)
		r.Xlate(&x)
		require.Equal(t, image.Xlate{EA: 1, MSR: 2, Err: 0x40000000, DAR: 9, Fault: 1}, x)
		r, err = tr.Next()
		require.NoError(t, err)
		require.Equal(t, image.KindEnd, r.Kind)
		_, err = tr.Next()
		require.ErrorIs(t, err, io.EOF)
		require.EqualValues(t, 4, tr.Records())
		require.EqualValues(t, len(plain), tr.Offset())
	}
	require.Equal(t, "HPT_NEW", image.KindNewHPT.String())
	require.Equal(t, "KIND(9)", image.Kind(9).String())
}

func TestTraceRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in     []byte
		offset int64
	}{
		"magic":         {[]byte("HPTTRC2\n"), 0},
		"short magic":   {[]byte("HPT"), 3},
		"no END":        {trace(), 8},
		"half a header": {append(trace(), 1, 2), 10},
		"half a record": {append(trace(), record(image.KindSync, 0, 0, 1, 2, 3)[:20]...), 28},
		"kind":          {trace(record(8, 0, 0)), 8},
		"END count":     {trace(record(image.KindEnd, 0, 0, 1)), 8},
		"short HCALL":   {trace(record(image.KindHCall, 2|1<<8, 4, 1, 2, 3)), 8},
		"short XLATE":   {trace(record(image.KindXlate, image.XlateMatched|image.XlateRaises, 0, 1, 2, 3, 4, 5, 6)), 8},
		"short STATE":   {trace(record(image.KindState, 0, 0, 1)), 8},
		"gzip header":   {[]byte{0x1f, 0x8b, 0, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := readTrace(c.in)
			require.ErrorIs(t, err, image.ErrFormat)
			var f *image.FormatError
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.offset, f.Offset)
		})
	}
}

// readTrace reads to the end; nil means that it is good.
func readTrace(in []byte) error {
	tr, err := image.NewTrace(bytes.NewReader(in))
	for err == nil {
		_, err = tr.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func TestTraceDoesNotAllocate(t *testing.T) {
	var rs [][]byte
	for range 2000 {
		rs = append(rs, record(image.KindSync, 0, 0, 1, 2, 3))
	}
	tr, err := image.NewTrace(bytes.NewReader(trace(rs...)))
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := tr.Next(); err != nil {
			panic(err)
		}
	}))
}

func FuzzTrace(f *testing.F) {
	f.Add(trace(record(image.KindEnd, 0, 0, 0)))
	f.Add(trace(record(image.KindSync, 0, 0, 1, 2, 3), record(image.KindEnd, 0, 0, 1)))
	f.Add(zip(f, trace(record(image.KindHCall, 3|1<<8, 4, 0, 1, 2, 3, 4), record(image.KindEnd, 0, 0, 1))))
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := readTrace(in); err != nil {
			var fe *image.FormatError
			require.ErrorAs(t, err, &fe)
		}
	})
}
