package image_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/hostile"
	"github.com/hashmmu/ppc64/pte"
)

// hostileSlack is memory for buffers, whatever the input: those of the readers and
// of gzip.
const hostileSlack = 2 << 20

// TestHostile feeds every reader inputs that are cut, have bits flipped, or are
// noise: each either works or gives a FormatError with an offset within the input,
// in memory of twice the input and the buffers. Tables are mapped outside the heap
// and bounded by MaxOrder.
func TestHostile(t *testing.T) {
	limits := image.Options{MaxOrder: 18}
	finish := func(tab *hpt.Table, err error) error {
		if err == nil {
			err = tab.Close()
		}
		return err
	}
	tab := newTable(t, 18, hpt.Format2)
	for i := range 40 {
		tab.StoreRaw(pte.Slot(i*i), pte.HPTE{V: uint64(i)<<7 | pte.VValid, R: uint64(i)<<12 | 0x10})
	}
	var raw, htab bytes.Buffer
	_, err := tab.WriteTo(&raw)
	require.NoError(t, err)
	_, err = image.WriteHTAB(&htab, tab, image.WriteOptions{})
	require.NoError(t, err)

	var records [][]byte
	for i := range 500 {
		records = append(records, record(image.KindHCall, 3|1<<8, 4, 0, uint64(i), 2, 3, 4), record(image.KindSync, 0, 0, 1, 2, 3))
	}
	boot := trace(append(records, record(image.KindEnd, 0, 0, 1000))...)

	readers := map[string]struct {
		good []byte
		read func([]byte) error
	}{
		"raw":     {raw.Bytes(), func(b []byte) error { return finish(image.ReadRaw(bytes.NewReader(b), limits)) }},
		"gzip":    {zip(t, raw.Bytes()), func(b []byte) error { return finish(image.ReadRaw(bytes.NewReader(b), limits)) }},
		"HTAB":    {htab.Bytes(), func(b []byte) error { _, err := image.ReadHTAB(bytes.NewReader(b), tab, limits); return err }},
		"stream":  {htab.Bytes(), func(b []byte) error { return finish(image.ReadStream(bytes.NewReader(b), int64(len(b)), limits)) }},
		"QEMU":    {migration().Bytes(), func(b []byte) error { return finish(image.ReadQEMU(bytes.NewReader(b), limits)) }},
		"core":    {coreFile(binary.BigEndian, ppc64, piece{0, make([]byte, 99)}), func(b []byte) error { _, err := image.ReadCore(bytes.NewReader(b)); return err }},
		"trace":   {zip(t, boot), readTrace},
		"restore": {raw.Bytes(), func(b []byte) error { _, err := tab.ReadFrom(bytes.NewReader(b)); return err }},
	}
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			heap := func(n int) uint64 { return uint64(2*n + hostileSlack) }
			hostile.Feed(t, r.good, heap, r.read, func(err error) bool { return hasOffset(err, name) })
		})
	}
}

// hasOffset tells whether an error says where the input went wrong. ReadFrom of a
// table has an error type of its own.
func hasOffset(err error, name string) bool {
	var format *image.FormatError
	var short *hpt.ImageError
	if errors.As(err, &format) {
		return format.Offset >= 0
	}
	return name == "restore" && errors.As(err, &short)
}
