package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// refSLB is the SLB as a plain list of pairs of doublewords.
type refSLB struct {
	isa300     bool
	esid, word []uint64
}

// find returns the lowest valid slot that translates ea, -1 if none.
func (b *refSLB) find(ea uint64) int {
	for i := range b.esid {
		last := 35
		if field(b.word[i], 0, 1) == 1 {
			last = 23
		}
		if field(b.esid[i], 36, 36) == 1 && field(ea, 0, last) == field(b.esid[i], 0, last) {
			return i
		}
	}
	return -1
}

func (b *refSLB) slbmte(rb, rs uint64) bool {
	slot := field(rb, 52, 63)
	bad := slot >= uint64(len(b.esid)) || field(rb, 37, 51) != 0 || field(rs, 0, 1) > 1
	if bad || refBase(field(rs, 55, 55)<<2|field(rs, 58, 59)) == 0 {
		return false
	}
	b.esid[slot], b.word[slot] = field(rb, 0, 36)<<27, rs
	return true
}

func (b *refSLB) clear(i int) { b.esid[i] = field(b.esid[i], 0, 35) << 28 }

func (b *refSLB) slbia(ih uint64) {
	for i := range b.esid {
		class1 := field(b.word[i], 56, 56) == 1
		switch {
		case b.isa300 && ih == 7:
		case b.isa300 && ih == 4, b.isa300 && ih == 3 && class1:
			b.clear(i)
		case b.isa300 && ih == 3, i == 0:
		default:
			b.clear(i)
		}
	}
}

func TestSLB(t *testing.T) { rapid.Check(t, slbAgainstList) }

func FuzzSLB(f *testing.F) { f.Fuzz(rapid.MakeFuzz(slbAgainstList)) }

// slbAgainstList runs drawn sequences of SLB instructions against the plain list.
func slbAgainstList(t *rapid.T) {
	profile := rapid.SampledFrom([]mmu.Profile{mmu.POWER7, mmu.POWER9}).Draw(t, "profile")
	c, err := mmu.New(mmu.Config{Profile: profile})
	require.NoError(t, err)
	ref := &refSLB{profile.ISA300, make([]uint64, 32), make([]uint64, 32)}
	esids := []uint64{0, 1 << 28, 1 << 40, 1<<40 | 3<<28, 0xc << 60, 0xc<<60 | 1<<40}
	ea := func(t *rapid.T) uint64 {
		return rapid.SampledFrom(esids).Draw(t, "esid") | rapid.Uint64Range(0, 1<<28-1).Draw(t, "offset")
	}
	t.Repeat(map[string]func(*rapid.T){
		"slbmte": func(t *rapid.T) {
			rb := ea(t)&^0xfffffff | rapid.Uint64Range(0, 40).Draw(t, "slot")
			rb |= rapid.SampledFrom([]uint64{0, 0x08000000, 0x08000000, 0x08000000, 0x1000}).Draw(t, "v")
			rs := rapid.Uint64().Draw(t, "rs")
			rs = rs&^(3<<62|0x130) | rapid.SampledFrom([]uint64{0, 1, 1, 2}).Draw(t, "b")<<62 |
				rapid.SampledFrom([]uint64{0, 0x100, 0x110, 0x120, 0x130, 0x010}).Draw(t, "llp")
			require.Equal(t, ref.slbmte(rb, rs), c.SLBMTE(rb, rs))
		},
		"slbie": func(t *rapid.T) {
			rb := ea(t)
			if i := ref.find(rb); i >= 0 {
				ref.clear(i)
			}
			c.SLBIE(rb)
		},
		"slbieg": func(t *rapid.T) {
			rb := ea(t)
			if i := ref.find(rb); i >= 0 {
				ref.clear(i)
			}
			c.SLBIEG(0, rb)
		},
		"slbia": func(t *rapid.T) {
			ih := rapid.Uint64Range(0, 7).Draw(t, "ih")
			ref.slbia(ih)
			c.SLBIA(ih)
		},
		"slbfee.": func(t *rapid.T) {
			rb := ea(t)
			rt, found := c.SLBFEE(rb)
			i := ref.find(rb)
			require.Equal(t, i >= 0, found)
			if found {
				require.Equal(t, ref.word[i], rt)
			}
		},
		"": func(t *rapid.T) {
			for i := range ref.esid {
				esid, ok := c.SLBMFEE(uint64(i))
				require.True(t, ok)
				word, ok := c.SLBMFEV(uint64(i))
				require.True(t, ok)
				require.Equal(t, [2]uint64{ref.esid[i], ref.word[i]}, [2]uint64{esid, word}, "slot %d", i)
			}
		},
	})
}

// Every IH takes what it must, of entries of both classes in slot 0 and another.
func TestSLBIA(t *testing.T) {
	for _, profile := range []mmu.Profile{mmu.POWER8, mmu.POWER9} {
		for ih := range uint64(8) {
			for class0 := range uint64(2) { // of slot 0
				r := newRig(t, mmu.Config{Profile: profile})
				ref := &refSLB{profile.ISA300, make([]uint64, 32), make([]uint64, 32)}
				for slot := range uint64(3) {
					esid, word := (1+slot)<<28|0x08000000, plainWord|(class0+slot)%2<<7
					require.True(t, ref.slbmte(esid|slot, word) && r.SLBMTE(esid|slot, word))
				}
				ref.slbia(ih)
				r.SLBIA(ih)
				for _, e := range r.AppendSLB(nil) {
					require.Equal(t, ref.esid[e.Slot], e.ESID, "%s IH=%d slot %d", profile.Name, ih, e.Slot)
				}
			}
		}
	}
}

func TestSLBNoSuchSlot(t *testing.T) {
	c, err := mmu.New(mmu.Config{})
	require.NoError(t, err)
	_, ok := c.SLBMFEE(32)
	require.False(t, ok)
	_, ok = c.SLBMFEV(0xfff)
	require.False(t, ok)
	require.False(t, c.SLBMTE(32, 0))
	require.Empty(t, c.AppendSLB(nil))
}

// slbiag clears the whole SLB of the processors that RS names; L=1 takes any PID.
func TestSLBIAG(t *testing.T) {
	for _, x := range []struct {
		rs    uint64
		l     bool
		clear bool
	}{{5<<32 | 9, false, true}, {9, false, false}, {9, true, true}, {5 << 32, true, false}} {
		r := newRig(t, mmu.Config{Profile: mmu.POWER9})
		r.SetLPIDR(9)
		r.SetPIDR(5)
		r.slb(0, plainEA, plainWord)
		r.SLBIAG(x.rs, x.l)
		require.Equal(t, x.clear, !r.AppendSLB(nil)[0].Valid(), "%+v", x)
	}
}

func TestMultihit(t *testing.T) {
	for _, detect := range []bool{false, true} {
		r := newRig(t, mmu.Config{DetectMultihit: detect})
		r.SetMSR(on)
		r.slb(9, plainEA, plainWord)
		r.slb(4, plainEA, 1<<62|0x456<<24)
		r.insert(pte.MakeKey(0x456, plainEA, pte.Seg1T, pte.Page4K), 0x9000, pte.Page4K, rw())
		x, y := r.Translate(plainEA, pte.Read), r.Translate(plainEA, pte.Exec)
		if !detect {
			require.EqualValues(t, 0x9678, x.RA, "the lowest slot decides")
			require.Contains(t, r.Explain(plainEA, pte.Read).String(), "the lowest slot is used")
			continue
		}
		require.Equal(t, mmu.MachineCheck, x.Fault)
		require.EqualValues(t, mmu.StatusSLBMultihitData, x.Status)
		require.Equal(t, plainEA, x.DAR)
		require.EqualValues(t, mmu.StatusSLBMultihitFetch, y.Status)
		require.Contains(t, r.Explain(plainEA, pte.Read).String(), "machine check")
		r.SLBIE(uint64(plainEA))
		z := r.Translate(plainEA, pte.Read)
		require.Equal(t, mmu.DataStorage, z.Fault, "one entry is left")
		require.NotContains(t, r.Explain(plainEA, pte.Read).String(), "machine check")
	}
}
