package hpt_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

func image(t testing.TB, table *hpt.Table) string {
	var b bytes.Buffer
	n, err := table.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	return b.String()
}

func TestImageRoundTrip(t *testing.T) {
	p9, err := realtable.LoadPOWER9(hpt.Config{})
	require.NoError(t, err)
	b := image(t, p9)
	require.Len(t, b, 1<<20)

	again, err := hpt.ReadImage(strings.NewReader(b), hpt.Config{Format: hpt.Format3})
	require.NoError(t, err)
	require.Equal(t, 20, again.Order())
	require.Equal(t, b, image(t, again))
	require.Equal(t, p9.Digest(), again.Digest())

	again.Clear()
	require.Equal(t, string(make([]byte, 1<<20)), image(t, again))
	n, err := again.ReadFrom(strings.NewReader(b))
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, n)
	require.Equal(t, p9.Digest(), again.Digest())
}

// TestImageLayout pins byte order and place: V then R, big-endian, 16 bytes a slot.
func TestImageLayout(t *testing.T) {
	for format, want := range map[hpt.Format]string{
		hpt.Format2: "\x40\x05\x54\xfa\x54\xff\x12\x05\x00\x00\x00\x00\x12\x34\x10\x12",
		hpt.Format3: "\x00\x05\x54\xfa\x54\xff\x12\x05\x04\x00\x00\x00\x12\x34\x10\x12",
	} {
		table, err := hpt.New(hpt.Config{Format: format, Order: 24})
		require.NoError(t, err)
		k := pte.MakeKey(0x554fa54, 0x7fff12345000, pte.Seg1T, pte.Page64K)
		h, err := table.Sizes().Encode(k, 0x12340000, pte.Page64K, pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory})
		require.NoError(t, err)
		_, err = table.Insert(k, h)
		require.NoError(t, err)
		require.Equal(t, want, image(t, table)[0x1e860*128:][:16])
		require.Equal(t, h, table.Load(0x1e860*8))
	}
}

func TestReadFromRefusesAndLoadsNothing(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	k := pte.Key{VSID: 1, Base: pte.Page4K}
	h, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{})
	require.NoError(t, err)
	_, err = table.Insert(k, h)
	require.NoError(t, err)
	before := table.Digest()
	full := bytes.Repeat([]byte{0xff}, 1<<18)
	broken := errors.New("broken")
	for name, r := range map[string]io.Reader{
		"empty":     strings.NewReader(""),
		"cut short": bytes.NewReader(full[:1<<18-16]),
		"too long":  io.MultiReader(bytes.NewReader(full), strings.NewReader("x")),
		"broken":    io.MultiReader(bytes.NewReader(full[:1<<17]), iotest.ErrReader(broken)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := table.ReadFrom(r)
			require.ErrorIs(t, err, hpt.ErrImage)
			var e *hpt.ImageError
			require.ErrorAs(t, err, &e)
			require.Equal(t, "length", e.Field)
			require.Equal(t, name == "broken", errors.Is(err, broken))
			require.Equal(t, name == "broken", strings.HasSuffix(err.Error(), ": broken"))
			require.Equal(t, before, table.Digest())
		})
	}
}

func TestReadImageRefusesLengths(t *testing.T) {
	for _, n := range []int{0, 1, 1 << 17, 1<<18 - 1, 1<<18 + 1, 3 << 18} {
		_, err := hpt.ReadImage(bytes.NewReader(make([]byte, n)), hpt.Config{})
		var e *hpt.ImageError
		require.ErrorAs(t, err, &e, "%d bytes", n)
		require.EqualValues(t, n, e.Value)
	}
	_, err := hpt.ReadImage(bytes.NewReader(make([]byte, 1<<18)), hpt.Config{Format: 7})
	require.ErrorIs(t, err, hpt.ErrConfig)
}

// TestTentativeEntriesAreNotKept: neither a dump nor a load carries the marks of
// inserts under way.
func TestTentativeEntriesAreNotKept(t *testing.T) {
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	s := table.PutTentative(pte.Key{VSID: 77, Base: pte.Page4K}, 3)
	raw := table.LoadRaw(s)
	require.True(t, table.Tentative(s))
	empty := string(make([]byte, 1<<18))
	require.Equal(t, empty, image(t, table))

	b := []byte(empty)
	_, err = raw.AppendBinary(b[:s*16])
	require.NoError(t, err)
	again, err := hpt.ReadImage(bytes.NewReader(b), hpt.Config{})
	require.NoError(t, err)
	require.Zero(t, again.LoadRaw(s))
}
