package mmu_test

import (
	"encoding/binary"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// drawState brings a CPU into some state.
func drawState(t *rapid.T, c *mmu.CPU) {
	for i := range uint64(4) {
		word := rapid.SampledFrom(twinWords).Draw(t, "word")
		esid := uint64(drawEA(t)) &^ (pte.SegSize(word>>62).Bytes() - 1)
		require.True(t, c.SLBMTE(esid|rapid.SampledFrom([]uint64{0, 0x08000000}).Draw(t, "v")|i, word))
	}
	r := c.Registers()
	for _, p := range []*uint64{&r.LPCR, &r.AMR, &r.IAMR, &r.UAMOR, &r.HRMOR, &r.LPIDR} {
		*p = rapid.Uint64().Draw(t, "register")
	}
	r.LPCR &^= mmu.LPCRISL | mmu.LPCRTC
	r.AMR &= 3
	r.MSR = on
	c.SetRegisters(r)
	if rapid.Bool().Draw(t, "drain") {
		c.Drain(nil)
	}
	for range rapid.IntRange(0, 10).Draw(t, "accesses") {
		c.Translate(drawEA(t), pte.Read)
	}
	for range rapid.IntRange(0, 3).Draw(t, "flushes") {
		c.TLBIE(mmu.TLBIE{RB: rapid.Uint64Range(0, 9).Draw(t, "page") << 12})
	}
}

// TestSnapshot: a restored CPU has the same registers, SLB, TLB lines and
// waiting flushes, and its own snapshot is the same bytes.
func TestSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newTwin(t)
		defer w.tab[0].Close()
		defer w.tab[1].Close()
		for range 6 {
			w.remap(t)
		}
		c := w.cpu[1]
		drawState(t, c)
		b, err := c.MarshalBinary()
		require.NoError(t, err)
		cfg := c.Config()
		d, err := mmu.New(cfg)
		require.NoError(t, err)
		require.NoError(t, d.UnmarshalBinary(b))
		require.Equal(t, c.Registers(), d.Registers())
		require.Equal(t, c.AppendSLB(nil), d.AppendSLB(nil))
		require.Equal(t, c.Live(), d.Live())
		again, err := d.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, again)
		require.Equal(t, c.Drain(nil), d.Drain(nil))
		for _, ea := range twinEAs {
			want := c.Translate(ea, pte.Read)
			want.SetR = false // done by now
			require.Equal(t, want, d.Translate(ea, pte.Read))
		}
	})
}

// TestSnapshotKeys: what AMR forbids is forbidden after a restore, and allowed
// again after another.
func TestSnapshotKeys(t *testing.T) {
	r := newRig(t, mmu.Config{})
	r.SetMSR(on)
	r.slb(0, plainEA, plainWord)
	r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	open, err := r.MarshalBinary()
	require.NoError(t, err)
	r.SetAMR(1 << 62) // key 0: no loads
	closed, err := r.MarshalBinary()
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, r.UnmarshalBinary(open))
		require.Equal(t, mmu.FaultNone, r.Translate(plainEA, pte.Read).Fault)
		require.NoError(t, r.UnmarshalBinary(closed))
		require.EqualValues(t, mmu.StatusKey, r.Translate(plainEA, pte.Read).Status)
	}
}

// As many flushes wait as can, one with all that a flush may say.
func TestSnapshotFullQueue(t *testing.T) {
	r := newRig(t, mmu.Config{Profile: mmu.POWER9})
	r.TLBIE(mmu.TLBIE{RB: 2 << 10, RIC: 2, PRS: true})
	for page := range uint64(63) {
		r.TLBIE(mmu.TLBIE{RB: page << 12})
	}
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	want := r.Drain(nil)
	require.Len(t, want, 64)
	require.NoError(t, r.UnmarshalBinary(b))
	require.Equal(t, want, r.Drain(nil))
}

func TestSnapshotRefused(t *testing.T) {
	r := newRig(t, mmu.Config{})
	b, err := r.AppendBinary([]byte("prefix"))
	require.NoError(t, err)
	b = b[len("prefix"):]
	require.NoError(t, r.UnmarshalBinary(b))
	counting := func(word int, n uint64) []byte { // sealed, with another count at that doubleword
		c := append([]byte(nil), b[:len(b)-8]...)
		binary.BigEndian.PutUint64(c[word*8:], n)
		return seal(c)
	}
	small := mmu.POWER8
	small.SLB = 16
	other, err := mmu.New(mmu.Config{Profile: small})
	require.NoError(t, err)
	for name, err := range map[string]error{
		"empty":     r.UnmarshalBinary(nil),
		"short":     r.UnmarshalBinary(b[:len(b)-8]),
		"odd":       r.UnmarshalBinary(b[:len(b)-1]),
		"flipped":   r.UnmarshalBinary(append([]byte{b[0] ^ 1}, b[1:]...)),
		"other SLB": other.UnmarshalBinary(b),
		// Counts whose lengths in words wrap to 0.
		"lines":   r.UnmarshalBinary(counting(3, 1<<63)),
		"flushes": r.UnmarshalBinary(counting(4, 1<<62)),
	} {
		var bad *mmu.SnapshotError
		require.ErrorIs(t, err, mmu.ErrSnapshot, name)
		require.ErrorAs(t, err, &bad, name)
	}
}

// A line of the software TLB that no translation leaves is refused, one at the edge
// of what may be is not.
func TestSnapshotLine(t *testing.T) {
	r := newRig(t, mmu.Config{TLB: 4})
	r.SetMSR(on)
	r.slb(0, plainEA, plainWord)
	r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	r.Translate(plainEA, pte.Read)
	require.Equal(t, 1, r.Live())
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	const line = (5 + 12 + 2*32) * 8 // after the head, the registers and the SLB
	for _, x := range []struct {
		name       string
		word       int
		clear, set uint64
		ok         bool
	}{
		{"as it was", 0, 0, 0, true},
		{"not valid", 0, 1, 0, false},
		{"offset in the page", 1, 0, 1, false},
		{"no segment size", 3, 0, 2 << 62, false},
		{"all access", 5, 0xff, 7, true},
		{"more", 5, 0xff, 8, false},
		{"no base page size", 5, 0xff << 8, 13 << 8, false},
		{"no page size", 5, 0xff << 16, 13 << 16, false},
		{"last key", 5, 0xff << 24, 31 << 24, true},
		{"beyond", 5, 0xff << 24, 32 << 24, false},
		{"all of WIMG", 5, 0xff << 32, 15 << 32, true},
		{"more than WIMG", 5, 0xff << 32, 16 << 32, false},
		{"unknown bit", 5, 0, 1 << 41, false},
	} {
		c := append([]byte(nil), b[:len(b)-8]...)
		at := c[line+8*x.word:]
		binary.BigEndian.PutUint64(at, binary.BigEndian.Uint64(at)&^x.clear|x.set)
		refusedAt(t, r.UnmarshalBinary(seal(c)), x.ok, line, x.name)
	}
}

// seal appends the hash that ends a snapshot.
func seal(body []byte) []byte { return binary.BigEndian.AppendUint64(body, xxhash.Sum64(body)) }

// refusedAt checks whether a snapshot was taken, and at which byte it was not.
func refusedAt(t *testing.T, err error, ok bool, offset int, name string) {
	t.Helper()
	if ok {
		require.NoError(t, err, name)
		return
	}
	var bad *mmu.SnapshotError
	require.ErrorAs(t, err, &bad, name)
	require.Equal(t, offset, bad.Offset, name)
}

// An SLB entry with bits that none has is refused.
func TestSnapshotSLB(t *testing.T) {
	r := newRig(t, mmu.Config{})
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	for i := range 32 {
		entry := (5 + 12 + 2*i) * 8
		c := append([]byte(nil), b[:len(b)-8]...)
		c[entry+7] = 1
		refusedAt(t, r.UnmarshalBinary(seal(c)), false, entry, "reserved bit")
	}
}

// So is a flush that no instruction makes.
func TestSnapshotFlush(t *testing.T) {
	r := newRig(t, mmu.Config{})
	r.TLBIE(mmu.TLBIE{RB: 0x5000})
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	const flush = (5 + 12 + 2*32) * 8 // after the head, the registers and the SLB
	for _, x := range []struct {
		name       string
		clear, set uint64 // in the first word
		ok         bool
	}{
		{"as it was", 0, 0, true},
		{"none", 0xff, uint64(mmu.FlushNone), false},
		{"all, without sizes", 0xffffffff, uint64(mmu.FlushAll), true},
		{"beyond", 0xff, uint64(mmu.FlushAll) + 1, false},
		{"1T", 0xff00, 1 << 8, true},
		{"no segment size", 0xff00, 2 << 8, false},
		{"no base page size", 0xff << 16, 13 << 16, false},
		{"no page size", 0xff << 24, 13 << 24, false},
		{"unknown bit", 0, 1 << 34, false},
	} {
		c := append([]byte(nil), b[:len(b)-8]...)
		at := c[flush:]
		binary.BigEndian.PutUint64(at, binary.BigEndian.Uint64(at)&^x.clear|x.set)
		refusedAt(t, r.UnmarshalBinary(seal(c)), x.ok, flush, x.name)
	}
}

// FuzzSnapshot: no bytes panic, sealed or not, and what is taken can be used and
// comes out again.
func FuzzSnapshot(f *testing.F) {
	c, err := mmu.New(mmu.Config{TLB: 4})
	require.NoError(f, err)
	c.SetMSR(on)
	require.True(f, c.SLBMTE(0x08000000, 0x11<<12))
	c.TLBIE(mmu.TLBIE{RB: 0x5000})
	b, err := c.MarshalBinary()
	require.NoError(f, err)
	f.Add(b[:len(b)-8])
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := hpt.New(hpt.Config{})
		require.NoError(t, err)
		defer tab.Close()
		c, err := mmu.New(mmu.Config{TLB: 4, Table: tab})
		require.NoError(t, err)
		require.Error(t, c.UnmarshalBinary(b[:len(b)/8*8/2]))
		sealed := seal(append([]byte(nil), b...))
		if c.UnmarshalBinary(sealed) != nil {
			return
		}
		for _, ea := range twinEAs {
			c.Translate(ea, pte.Read)
			c.SLBIE(uint64(ea))
		}
		c.TLBIA()
		c.Drain(nil)
		_, err = c.MarshalBinary()
		require.NoError(t, err)
	})
}
