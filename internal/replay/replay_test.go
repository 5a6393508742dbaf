package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/internal/oracle"
)

func TestShipped(t *testing.T) {
	r, err := Run(bytes.NewReader(Shipped))
	require.NoError(t, err)
	require.Equal(t, Report{Records: 110001, HCalls: 68427, Xlates: 41475, SLBOps: 94, Checked: 109996, Departed: 65}, r)
}

// runFile replays a file.
func runFile(t *testing.T, name string) Report {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	r, err := Run(f)
	require.NoError(t, err)
	return r
}

func TestShippedBareMetal(t *testing.T) {
	for _, name := range []string{"nv8", "nv9"} {
		r := runFile(t, filepath.Join("testdata", name+".trc.gz"))
		require.EqualValues(t, 15001, r.Records)
		require.Zero(t, r.Mismatches, r.First)
		require.Positive(t, r.Syncs)
	}
}

// Every recorded trace replays without a mismatch.
func TestRecorded(t *testing.T) {
	if testing.Short() {
		t.Skip("whole boots")
	}
	for _, name := range oracle.Glob("traces/*.trc.gz") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := runFile(t, name)
			require.Zero(t, r.Mismatches, r.First)
			require.Positive(t, r.Checked)
		})
	}
}

// Records are replayed without allocating.
func TestReplayDoesNotAllocate(t *testing.T) {
	plain := trace(records(t, "ps9", 40000))
	allocs := testing.AllocsPerRun(1, func() {
		_, err := Run(bytes.NewReader(plain))
		require.NoError(t, err)
	})
	require.Less(t, allocs, 100.0, "tables and CPUs, nothing for 40000 records")
}

// records reads a shipped trace as separate records.
func records(t testing.TB, name string, n int) [][]byte {
	b, err := os.ReadFile(filepath.Join("testdata", name+".trc.gz"))
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	all, err := io.ReadAll(z)
	require.NoError(t, err)
	var rs [][]byte
	for all = all[8:]; len(rs) < n; {
		size := 8 + 8*int(all[1])
		rs = append(rs, bytes.Clone(all[:size]))
		all = all[size:]
	}
	return rs
}

// trace joins records and ends them.
func trace(rs [][]byte) []byte {
	b := []byte("HPTTRC1\n")
	for _, r := range rs {
		b = append(b, r...)
	}
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint64(b, uint64(len(rs)))
}

// find returns the last record of a kind whose Aux is aux under mask.
func find(t *testing.T, rs [][]byte, kind image.Kind, mask, aux uint16) []byte {
	for i := len(rs) - 1; i >= 0; i-- {
		if rs[i][0] == byte(kind) && binary.LittleEndian.Uint16(rs[i][2:])&mask == aux {
			return rs[i]
		}
	}
	require.FailNow(t, "no such record")
	return nil
}

// A replay that finds nothing wrong could be one that looks at nothing: every
// part of an answer that is falsified is one mismatch or more.
func TestFalsifiedAnswers(t *testing.T) {
	rs := records(t, "ps9", 12000)
	for _, c := range []struct {
		what string
		kind image.Kind
		aux  uint16 // bits that the record has
		not  uint16 // and has not
		word int    // of the payload; -1: the header
		bits uint64
	}{
		{"return code", image.KindHCall, 0, 0, 0, 1},
		{"result", image.KindHCall, 1 << 8, 0, 5, 1},
		{"real address", image.KindXlate, image.XlateOK | image.XlateMatched, 0, 7, 0x1000},
		{"slot", image.KindXlate, image.XlateMatched, 0, 4, 1},
		{"V of the entry", image.KindXlate, image.XlateMatched, 0, 5, 0x80},
		{"R of the entry", image.KindXlate, image.XlateMatched, 0, 6, 0x4},
		{"SLB entry", image.KindXlate, image.XlateSegment, 0, 3, 0x100},
		{"page size", image.KindXlate, image.XlateOK, 0, -1, 1 << 48},
		{"protection", image.KindXlate, image.XlateOK, 0, -1, 1 << 40},
		{"fault", image.KindXlate, image.XlateRaises, image.XlateOK, -1, 2 << 32},
		{"error bits", image.KindXlate, image.XlateRaises | image.XlateSegment, image.XlateOK | image.XlateMatched, 4, 0x02000000},
		{"faulting address", image.KindXlate, image.XlateRaises | image.XlateSegment, image.XlateOK | image.XlateMatched, 5, 1},
		{"set C", image.KindXlate, image.XlateOK | image.XlateMatched, 0, -1, image.XlateSetC << 16},
		{"secondary", image.KindXlate, image.XlateMatched, 0, -1, image.XlateSecondary << 16},
		{"slbmte traps", image.KindSLB, 1, 0, 2, 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := find(t, rs, c.kind, c.aux|c.not, c.aux)
			flip := func() {
				at := r[8*(c.word+1):]
				binary.LittleEndian.PutUint64(at, binary.LittleEndian.Uint64(at)^c.bits)
			}
			flip()
			defer flip()
			rep, err := Run(bytes.NewReader(trace(rs)))
			require.NoError(t, err)
			require.Positive(t, rep.Mismatches)
			require.NotEmpty(t, rep.First)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		rep, err := Run(bytes.NewReader(trace(rs)))
		require.NoError(t, err)
		require.Zero(t, rep.Mismatches, rep.First)
	})
}

// rec is a record as bytes.
func rec(kind image.Kind, aux uint16, sub uint32, p ...uint64) []byte {
	b := []byte{byte(kind), byte(len(p))}
	b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(b, aux), sub)
	for _, w := range p {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// Records in an impossible order are an error, not a panic.
func TestImpossibleTraces(t *testing.T) {
	state := rec(image.KindState, 0, 0, make([]uint64, 9)...)
	hpt := rec(image.KindNewHPT, 0, 0, 0, 0x7ff)
	for name, rs := range map[string][][]byte{
		"hypercall first":    {state, rec(image.KindHCall, 2, 4, 0, 0, 0)},
		"translation first":  {state, rec(image.KindXlate, 0, 0, 0, 0)},
		"SYNC first":         {state, rec(image.KindSync, 0, 0, 0, 0, 0)},
		"SYNC outside":       {state, hpt, rec(image.KindSync, 0, 0, 1<<14, 0, 0)},
		"slot outside":       {state, hpt, rec(image.KindXlate, image.XlateMatched, 0, 0, 0, 1<<14, 0, 0)},
		"mask":               {state, rec(image.KindNewHPT, 0, 0, 0, 0x7fe)},
		"small table":        {state, rec(image.KindNewHPT, 0, 0, 0, 0x3ff)},
		"large table":        {state, rec(image.KindNewHPT, 0, 0, 0, 1<<40-1)},
		"table in RAM":       {state, rec(image.KindNewHPT, 0, 0, 1<<20, 0x7ff)},
		"SLB instruction":    {state, rec(image.KindSLB, 9, 0, 0, 0, 0)},
		"too many arguments": {state, hpt, rec(image.KindHCall, 10, 4, make([]uint64, 11)...)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(bytes.NewReader(trace(rs)))
			require.ErrorIs(t, err, ErrTrace)
		})
	}
	_, err := Run(strings.NewReader("HPTTRC2\n"))
	require.ErrorIs(t, err, image.ErrFormat)
}

// A trace cannot have the library make a table beyond the limit by a resize.
func TestResizeBeyondTheLimit(t *testing.T) {
	rs := handmade()
	binary.LittleEndian.PutUint64(rs[6][8*3:], 40) // the order of each hypercall
	binary.LittleEndian.PutUint64(rs[7][8*3:], 40)
	binary.LittleEndian.PutUint64(rs[8][8*3:], 40)
	r, err := Run(bytes.NewReader(trace(rs)))
	require.NoError(t, err)
	require.Positive(t, r.Mismatches)
	require.Contains(t, r.First, "H_RESOURCE")
}

// handmade is a short trace on the smallest table: a page is entered, written,
// and removed, and the table resized.
func handmade() [][]byte {
	const v, r = 0x7 << 12, 0x5010 // VSID 7, page 0; H_ENTER makes it valid
	const slot = 7 * 8
	return [][]byte{
		rec(image.KindState, 0, 0, 0x1f008, 0, 0, 0, 0, 0x7ff, 0, 0, 0),
		rec(image.KindNewHPT, 0, 0, 0, 0x7ff),
		rec(image.KindSLB, 1, 0, 0x08000000, 7<<12, 0),
		rec(image.KindHCall, 4|1<<8, 0x08, 0, 0, slot, v|1, r|2, slot),
		rec(image.KindXlate, 1|image.XlateRaises|image.XlateOK|image.XlateSegment|image.XlateMatched|image.XlateSetR|image.XlateSetC,
			12<<16|7<<8, 0x123, 0x30, 0x08000000, 7<<12, slot, v|0x41, r|2, 0x5123),
		rec(image.KindHCall, 3|2<<8, 0x04, 0, 0, slot, 0, v|0x41, r|0x182),
		rec(image.KindHCall, 2|1<<8, 0x36c, 9902, 0, 19, 0),
		rec(image.KindHCall, 2|1<<8, 0x36c, 0, 0, 19, 0),
		rec(image.KindHCall, 2|1<<8, 0x370, 0, 0, 19, 0),
		rec(image.KindNewHPT, 0, 0, 0, 0xfff),
		rec(image.KindTLBIE, 1, 0, 0xc00, 0, 0),
	}
}

func TestHandmade(t *testing.T) {
	r, err := Run(bytes.NewReader(trace(handmade())))
	require.NoError(t, err)
	require.Equal(t, Report{Records: 12, HCalls: 5, Xlates: 1, SLBOps: 1, TLBIEs: 1, Checked: 10}, r)
}

func FuzzRun(f *testing.F) {
	f.Add(trace(handmade()))
	f.Add(trace(records(f, "nv9", 20)))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := run(bytes.NewReader(in), 19)
		if err == nil {
			require.LessOrEqual(t, r.Mismatches, r.Checked)
		}
	})
}
