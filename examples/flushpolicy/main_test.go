package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/pte"
)

// TestOutput pins what is printed for the trace in the repository.
func TestOutput(t *testing.T) {
	code, out, errs := clitest.Run(run, "")
	require.Zero(t, code, errs)
	require.Equal(t, `shipped: 34321 inserts, 34216 removals in 33939 operations, 0 evictions, 17 changes of protection
         policy  flushes  entries/flush  largest  full  hypercalls  tlbies  tlbsyncs  exposed  delay
      at-finish    33961           1.01       24     0       34010   34233     33978    34216   0.07
  before-unlock    33990           1.01       24     0       34039   34233     34007        0   0.06
       lazy-mmu    33990           1.01       24     0       34039   34233     34007        0   0.06
      immediate    34216           1.00        1     0       34216   34233     34233        0   0.00
    capacity-16    33968           1.01       16     0       34010   34233     33985    34104   0.04
`, out)
	code, out, errs = clitest.Run(run, "", "-json", "-policy", "immediate")
	require.Zero(t, code, errs)
	require.Equal(t, `{"file":"shipped","policy":"immediate","inserts":34321,"protects":17,"removals":34216,"evictions":0,`+
		`"operations":33939,"flushes":34216,"entries_per_flush":1,"largest":1,"full":0,"hypercalls":34216,"tlbies":34233,`+
		`"tlbsyncs":34233,"exposed":0,"delay":0}`+"\n", out)
}

// writer makes a trace by hand.
type writer struct {
	bytes.Buffer
	n uint64
}

func (w *writer) record(kind byte, aux uint16, sub uint32, p ...uint64) {
	w.WriteByte(kind)
	w.WriteByte(byte(len(p)))
	w.Write(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(nil, aux), sub))
	for _, x := range p {
		w.Write(binary.LittleEndian.AppendUint64(nil, x))
	}
	w.n++
}

// call is an HCALL record that answered H_SUCCESS.
func (w *writer) call(op uint32, in, out []uint64) {
	w.record(1, uint16(len(in)|len(out)<<8), op, append(append([]uint64{0}, in...), out...)...)
}

const groups = 1<<11 - 1

// enter enters a 64K page of a process and returns its slot.
func (w *writer) enter(t *testing.T, sizes *pte.Sizes, context uint64, ea pte.EA) uint64 {
	k := pte.MakeKey(pte.VSID61.VSID(context, ea, pte.Seg1T), ea, pte.Seg1T, pte.Page64K)
	h, err := sizes.Encode(k, 0, pte.Page64K, pte.Attr{PP: 2, WIMG: 2})
	require.NoError(t, err)
	slot := k.Hash().Primary(groups) * pte.SlotsPerGroup
	w.call(8, []uint64{0, slot, h.V, h.R}, []uint64{slot, 0, 0, 0})
	return slot
}

// bulk removes up to four entries.
func (w *writer) bulk(slots ...uint64) {
	in, out := make([]uint64, 8), make([]uint64, 8)
	for i := range 4 {
		in[2*i], out[2*i] = 0xc0<<56, 0xc0<<56
		if i < len(slots) {
			in[2*i], out[2*i] = 0x40<<56|slots[i], 0x80<<56|slots[i]
		}
	}
	w.call(0x124, in, out)
}

func (w *writer) finished(t *testing.T) string {
	w.record(0, 0, 0, w.n)
	name := filepath.Join(t.TempDir(), "made.trc")
	require.NoError(t, os.WriteFile(name, append([]byte("HPTTRC1\n"), w.Bytes()...), 0o600))
	return name
}

// TestFigures: one zap over two page-table pages, one in another process.
func TestFigures(t *testing.T) {
	sizes := pte.MustSizes(pte.SizesPOWER7)
	w := &writer{}
	w.record(6, 0, 0, 0, groups)
	var slots []uint64
	for i := range pte.EA(4) {
		slots = append(slots, w.enter(t, sizes, 9, 0x10000000+i<<16))
	}
	for i := range pte.EA(3) {
		slots = append(slots, w.enter(t, sizes, 9, 0x11000000+i<<16))
	}
	slots = append(slots, w.enter(t, sizes, 10, 0x12000000))
	w.bulk(slots[:4]...)
	w.bulk(slots[4:7]...)
	w.call(4, []uint64{1 << 31, slots[7], 0}, []uint64{0, 0})
	name := w.finished(t)

	code, out, errs := clitest.Run(run, "", name)
	require.Zero(t, code, errs)
	require.Equal(t, name+`: 8 inserts, 8 removals in 2 operations, 0 evictions, 0 changes of protection
         policy  flushes  entries/flush  largest  full  hypercalls  tlbies  tlbsyncs  exposed  delay
      at-finish        2           4.00        7     0           3       8         2        8   2.62
  before-unlock        3           2.67        4     0           3       8         3        0   1.12
       lazy-mmu        3           2.67        4     0           3       8         3        0   1.12
      immediate        8           1.00        1     0           8       8         8        0   0.00
    capacity-16        2           4.00        7     0           3       8         2        8   2.62
`, out)
	code, out, errs = clitest.Run(run, "", "-policy", "capacity-2", name)
	require.Zero(t, code, errs)
	require.Contains(t, out, "capacity-2        5           1.60        2     0           5       8         5        2   0.38")
}

// TestRecordedBoots: every recorded guest's table comes out as recorded under
// every policy, and what cannot depend on the policy does not.
func TestRecordedBoots(t *testing.T) {
	if testing.Short() {
		t.Skip("replays whole boots")
	}
	for _, name := range oracle.Glob("traces/ps*.trc.gz") {
		all, err := measure(name, oracle.Open, []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()})
		require.NoError(t, err, name)
		for i, f := range all {
			require.Equal(t, all[0].TLBIEs, f.TLBIEs)
			require.Equal(t, all[0].Operations, f.Operations)
			require.Equal(t, i > 0, f.Exposed == 0, "%s under %s", name, f.Policy)
			require.LessOrEqual(t, f.Flushes, f.Removals)
			require.GreaterOrEqual(t, f.Flushes, all[0].Flushes)
		}
		require.Equal(t, all[3].Removals, all[3].Flushes)
	}
}

// TestDifferenceIsExit1: an H_ENTER that was answered by another slot.
func TestDifferenceIsExit1(t *testing.T) {
	w := &writer{}
	w.record(6, 0, 0, 0, groups)
	w.enter(t, pte.MustSizes(pte.SizesPOWER7), 9, 0x10000000)
	w.Bytes()[w.Len()-4*8]++ // the first of four results
	code, out, errs := clitest.Run(run, "", w.finished(t))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, errs, "not as recorded: H_ENTER")
}

func TestUnusable(t *testing.T) {
	empty, large, early, beyond := &writer{}, &writer{}, &writer{}, &writer{}
	large.record(6, 0, 0, 0, 1<<40-1)
	early.bulk(0)
	beyond.record(6, 0, 0, 0, groups)
	beyond.record(5, 0, 0, (groups+1)*8, 0, 0)
	for _, c := range []struct {
		says string
		args []string
	}{
		{"not defined: -x", []string{"-x"}},
		{`unknown policy "never"`, []string{"-policy", "never"}},
		{"no-such-file: no such file", []string{"no-such-file"}},
		{"magic", []string{"main.go"}},
		{"no table in it", []string{empty.finished(t)}},
		{"a table of 2^47 bytes", []string{large.finished(t)}},
		{"hypercall without a table", []string{early.finished(t)}},
		{"SYNC beyond the table", []string{beyond.finished(t)}},
	} {
		clitest.Refuses(t, run, c.says, "", c.args...)
	}
}
