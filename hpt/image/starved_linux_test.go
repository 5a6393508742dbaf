//go:build !race

package image_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/starve"
)

// TestReadWithoutMemory: input that the caller's limit allows, of a table that the
// host has no memory for, is an error that says where and what size was wanted.
func TestReadWithoutMemory(t *testing.T) {
	if !starve.Process(t) {
		return
	}
	starve.LimitMemory(t, 256<<20)
	limits := image.Options{MaxOrder: hpt.MaxOrder}
	qemu := (&stream{}).put(uint32(0x5145564d), uint32(3))
	qemu.put(byte(1), uint32(7), "spapr/htab", uint32(0), uint32(1), uint32(30)).footer(7)
	htab := (&stream{}).put(uint32(1<<26-0xffff), uint16(0), uint16(0xffff)).Bytes()
	for name, c := range map[string]struct {
		read   func() (*hpt.Table, error)
		offset int64
	}{
		"QEMU": {func() (*hpt.Table, error) { return image.ReadQEMU(bytes.NewReader(qemu.Bytes()), limits) }, 32},
		"stream": {func() (*hpt.Table, error) {
			return image.ReadStream(bytes.NewReader(htab), int64(len(htab)), bigEndian(limits))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				tab, err := c.read()
				require.Nil(t, tab)
				require.ErrorIs(t, err, image.ErrLimit)
				require.ErrorIs(t, err, unix.ENOMEM)
				var format *image.FormatError
				require.ErrorAs(t, err, &format)
				require.Equal(t, c.offset, format.Offset)
				var size *hpt.ConfigError
				require.ErrorAs(t, err, &size)
				require.EqualValues(t, 30, size.Value)
			}
			require.Less(t, starve.Mapped(t), uint64(2<<30))
		})
	}
}
