package image_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/internal/realtable"
	"github.com/hashmmu/ppc64/pte"
)

// stream builds a QEMU migration stream, big-endian throughout.
type stream struct{ bytes.Buffer }

func (s *stream) put(vs ...any) *stream {
	for _, v := range vs {
		if name, ok := v.(string); ok {
			s.WriteByte(byte(len(name)))
			s.WriteString(name)
		} else if err := binary.Write(s, binary.BigEndian, v); err != nil {
			panic(err)
		}
	}
	return s
}

func (s *stream) footer(id uint32) *stream { return s.put(byte(0x7e), id) }

// table puts entries as a later part of the table's section.
func (s *stream) chunk(mark byte, index uint32, es ...pte.HPTE) *stream {
	s.put(mark, uint32(7), uint32(0), index, uint16(len(es)), uint16(3))
	for _, e := range es {
		s.put(e.V, e.R)
	}
	return s.put(uint32(0), uint32(0)).footer(7)
}

var (
	one = pte.HPTE{V: 0x1234<<7 | pte.VValid | 0x40, R: 0x5010}
	two = pte.HPTE{V: 0x99<<7 | pte.VValid | 0x40, R: 0x6010}
)

// migration is the iterative part of a pseries guest's stream.
func migration() *stream {
	s := (&stream{}).put(uint32(0x5145564d), uint32(3))
	s.put(byte(7), uint32(5), []byte("pseri"))
	s.put(byte(1), uint32(2), "ram", uint32(0), uint32(4), uint64(1<<20|4), "ppc_spapr.ram", uint64(1<<20), uint64(0x10)).footer(2)
	s.put(byte(1), uint32(7), "spapr/htab", uint32(0), uint32(1), uint32(18)).footer(7)
	s.put(byte(2), uint32(2), uint64(0x1000|8), "ppc_spapr.ram", make([]byte, 4096), uint64(0x2000|0x22), byte(0), uint64(0x10)).footer(2)
	s.chunk(2, 4, one)
	s.chunk(2, 40, two, two)
	s.put(byte(3), uint32(2), uint64(0x3000|2), "ppc_spapr.ram", byte(0), uint64(0x10)).footer(2)
	s.chunk(3, 40, one) // two empty slots after it among the three
	return s.put(byte(4), uint32(9), "timebase")
}

func TestReadQEMU(t *testing.T) {
	plain := migration().Bytes()
	for _, in := range [][]byte{plain, zip(t, plain)} {
		tab, err := image.ReadQEMU(bytes.NewReader(in), image.Options{})
		require.NoError(t, err)
		require.Equal(t, 18, tab.Order())
		require.Equal(t, map[pte.Slot]pte.HPTE{4: one, 40: one}, valid(tab))
	}
}

func TestReadQEMURefuses(t *testing.T) {
	begin := func() *stream { return (&stream{}).put(uint32(0x5145564d), uint32(3)) }
	htab := func(order uint32) *stream {
		return begin().put(byte(1), uint32(7), "spapr/htab", uint32(0), uint32(1), order)
	}
	ram := func() *stream { return begin().put(byte(1), uint32(2), "ram", uint32(0), uint32(4)) }
	for name, c := range map[string]struct {
		s      *stream
		kind   error
		offset int64
	}{
		"nothing":            {&stream{}, image.ErrFormat, 0},
		"magic":              {(&stream{}).put(uint32(1), uint32(3)), image.ErrFormat, 0},
		"version":            {(&stream{}).put(uint32(0x5145564d), uint32(2)), image.ErrUnsupported, 4},
		"no table at all":    {begin().put(byte(0)), image.ErrFormat, 8},
		"section mark":       {begin().put(byte(5)), image.ErrUnsupported, 8},
		"device state first": {begin().put(byte(4), uint32(1), "timebase", uint32(0), uint32(1)), image.ErrUnsupported, 8},
		"unknown part":       {begin().put(byte(2), uint32(1)), image.ErrFormat, 8},
		"radix guest":        {htab(0xffffffff), image.ErrUnsupported, 32},
		"small order":        {htab(17), image.ErrFormat, 32},
		"order out of range": {htab(0xfffffff0), image.ErrFormat, 32},
		"order too large":    {htab(46), image.ErrLimit, 32},
		"footer":             {htab(18).footer(6), image.ErrFormat, 36},
		"number used twice":  {htab(18).footer(7).put(byte(1), uint32(7), "ram", uint32(0), uint32(4)), image.ErrFormat, 41},
		"second table":       {htab(18).footer(7).put(byte(1), uint32(8), "spapr/htab", uint32(0), uint32(1), uint32(18)), image.ErrFormat, 65},
		"later order":        {htab(18).footer(7).put(byte(2), uint32(7), uint32(18)), image.ErrFormat, 46},
		"run beyond":         {htab(18).footer(7).put(byte(2), uint32(7), uint32(0), uint32(1<<14), uint16(1), uint16(0)), image.ErrFormat, 50},
		"compressed page":    {ram().put(uint64(0x1000 | 0x40)), image.ErrUnsupported, 25},
		"block lengths":      {ram().put(uint64(1<<20|4), "ram", uint64(2<<20)), image.ErrFormat, 33},
		"endless blocks":     {ram().put(uint64(1<<20|4), "ram", uint64(0)), image.ErrFormat, 33},
		"cut in a page":      {ram().put(uint64(0x1000|8), "ram", []byte("xx")), image.ErrFormat, 39},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := image.ReadQEMU(bytes.NewReader(c.s.Bytes()), image.Options{})
			wantError(t, err, c.kind, c.offset)
		})
	}
}

// Every prefix of a good stream is refused, without a panic.
func TestReadQEMUCutShort(t *testing.T) {
	b := migration().Bytes()
	end := len(b) - len("\x04\x00\x00\x00\x09\x08timebase")
	for n := 0; n < end; n += 1 + n/50 {
		_, err := image.ReadQEMU(bytes.NewReader(b[:n]), image.Options{})
		require.ErrorIs(t, err, image.ErrFormat, "%d bytes", n)
	}
}

func FuzzReadQEMU(f *testing.F) {
	f.Add(migration().Bytes())
	f.Add((&stream{}).put(uint32(0x5145564d), uint32(3)).put(byte(1), uint32(7), "spapr/htab", uint32(0), uint32(1), uint32(18)).
		footer(7).chunk(3, 4, one).Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		tab, err := image.ReadQEMU(bytes.NewReader(in), image.Options{MaxOrder: 18})
		if err != nil {
			var fe *image.FormatError
			require.ErrorAs(t, err, &fe)
			return
		}
		require.NoError(t, tab.Close())
	})
}

// guest is a small machine's memory with a real table at 1 MiB.
func guest(t *testing.T) []byte {
	z, err := gzip.NewReader(bytes.NewReader(realtable.POWER9))
	require.NoError(t, err)
	tab, err := io.ReadAll(z)
	require.NoError(t, err)
	words := make([]uint64, (4<<20+128)/8) // the table must be aligned to 128
	ram := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
	ram = ram[-uintptr(unsafe.Pointer(&words[0]))%128:][:4<<20]
	copy(ram[1<<20:], tab)
	return ram
}

func TestLocate(t *testing.T) {
	ram := guest(t)
	binary.BigEndian.PutUint64(ram[0x3000+2*16:], 1<<20|2|5<<5)
	binary.BigEndian.PutUint64(ram[0x3000+3*16:], 1<<63)
	l, err := image.LocatePTCR(bytes.NewReader(ram), 0x3000|1, 2)
	require.NoError(t, err)
	require.Equal(t, image.Location{Base: 1 << 20, Order: 20, Format: hpt.Format3}, l)
	shared, err := l.Table(ram, nil)
	require.NoError(t, err)
	copied, err := l.Read(bytes.NewReader(ram), image.Options{})
	require.NoError(t, err)
	require.Equal(t, realTable(t).Digest(), shared.Digest())
	require.Equal(t, shared.Digest(), copied.Digest())
	clear(ram[1<<20 : 1<<20+16])
	require.Zero(t, shared.LoadRaw(0), "a guest's store is seen")
	require.NotZero(t, copied.LoadRaw(0))

	_, err = image.LocatePTCR(bytes.NewReader(ram), 0x3000|1, 3)
	wantError(t, err, image.ErrUnsupported, 0x3030)
	_, err = image.LocatePTCR(bytes.NewReader(ram), 0x3000, 256)
	wantError(t, err, image.ErrFormat, 0x3000)
	_, err = image.LocatePTCR(bytes.NewReader(ram), 0x80000000, 0)
	wantError(t, err, image.ErrFormat, 0x80000000)

	l, err = image.LocateSDR1(1<<20 | 1)
	require.NoError(t, err)
	require.Equal(t, image.Location{Base: 1 << 20, Order: 19}, l)
	for _, sdr1 := range []uint64{1<<20 | 3, 29, 31} {
		_, err = image.LocateSDR1(sdr1)
		wantError(t, err, image.ErrFormat, 0)
	}
	outside := image.Location{Base: 1 << 22, Order: 18}
	_, err = outside.Table(ram, nil)
	wantError(t, err, image.ErrFormat, 1<<22)
	_, err = outside.Read(bytes.NewReader(ram), image.Options{})
	require.ErrorIs(t, err, image.ErrFormat)
	_, err = image.Location{Order: 40}.Read(bytes.NewReader(ram), image.Options{})
	require.ErrorIs(t, err, image.ErrLimit)
}

// The recorded dumps say in facts.json what their registers were, and what the
// table was.
func TestLocateRecorded(t *testing.T) {
	for _, name := range oracle.Glob("dumps/*/facts.json") {
		var facts struct {
			SDR1  string `json:"SDR1"`
			PATE0 string `json:"PATE0_as_read"`
			Base  string `json:"hpt_base"`
			Order int    `json:"hpt_shift"`
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &facts))
		if facts.Base == "" {
			continue // pseries: no register says where
		}
		number := func(s string) uint64 {
			v, err := strconv.ParseUint(s, 0, 64)
			require.NoError(t, err)
			return v
		}
		want := image.Location{Base: pte.RA(number(facts.Base)), Order: facts.Order}
		got := image.Location{}
		if facts.SDR1 != "" {
			got, err = image.LocateSDR1(number(facts.SDR1))
		} else {
			want.Format = hpt.Format3
			var table [4096]byte
			binary.BigEndian.PutUint64(table[:], number(facts.PATE0))
			got, err = image.LocatePTCR(bytes.NewReader(table[:]), 0, 0)
		}
		require.NoError(t, err)
		require.Equal(t, want, got, filepath.Base(filepath.Dir(name)))
	}
}

func FuzzLocate(f *testing.F) {
	f.Add(uint64(1<<20|1), uint64(0x100), uint32(0), []byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint64(29), ^uint64(0), uint32(5), make([]byte, 96))
	f.Fuzz(func(t *testing.T, sdr1, ptcr uint64, lpid uint32, memory []byte) {
		a, errA := image.LocateSDR1(sdr1)
		b, errB := image.LocatePTCR(bytes.NewReader(memory), ptcr, lpid)
		for i, l := range []image.Location{a, b} {
			if err := [2]error{errA, errB}[i]; err != nil {
				var fe *image.FormatError
				require.ErrorAs(t, err, &fe)
				continue
			}
			require.Zero(t, uint64(l.Base)&(1<<l.Order-1))
			_, err := l.Read(bytes.NewReader(memory), image.Options{MaxOrder: 18})
			require.Error(t, err, "the memory is too small")
		}
	})
}
