package pte_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

// TestLayoutBits64K pins what 64K base pages change.
func TestLayoutBits64K(t *testing.T) {
	l := pte.Linux2620With64K
	require.Equal(t, pte.Page64K, l.Page)
	require.EqualValues(t, 0x400, l.HashPTE)
	require.EqualValues(t, 0x800, l.Busy)
	require.EqualValues(t, 0x8000, l.Second)
	require.EqualValues(t, 0x7000, l.GIX)
	require.EqualValues(t, 0x10000000, l.Combo)
	require.EqualValues(t, 0x0ffff000, l.Sub)
	require.EqualValues(t, 32, l.RPNShift)
	require.EqualValues(t, 0x800|0x400|0x0ffff000|0x10000000, l.HPTEFlags())

	l = pte.Linux61With64K
	require.Equal(t, pte.Page64K, l.Page)
	require.EqualValues(t, uint64(1<<55), l.HashPTE)
	require.EqualValues(t, 0x1000, l.Combo)
	require.EqualValues(t, 0x2000, l.FourK)
	require.EqualValues(t, uint64(1<<53-1<<16), l.RPN)
	require.EqualValues(t, uint64(0x40|1<<55|0x1000), l.HPTEFlags())
	require.Zero(t, l.GIX|l.Second|l.Sub)
	for key := range pte.LinuxPTE(32) {
		require.EqualValues(t, key, l.Attr(4|key<<56).Key, "all five bits of a page key")
	}
}

// TestNibbles pins second halves by hand: piece i is digit i from the right; 6.1
// adds one.
func TestNibbles(t *testing.T) {
	l := pte.Linux61With64K
	whole := pte.RealPTE{PTE: l.Make(0x50000, pte.Read)}
	for _, c := range []struct {
		h     pte.SlotHint
		digit uint64
	}{{pte.MakeSlotHint(false, 0), 1}, {pte.MakeSlotHint(false, 7), 8}, {pte.MakeSlotHint(true, 0), 9}, {pte.MakeSlotHint(true, 6), 0xf}, {pte.MakeSlotHint(true, 7), 0}} {
		r := l.WithRealHint(whole, c.h)
		require.Equal(t, pte.RealPTE{PTE: whole.PTE | 1<<55, Hidx: c.digit}, r)
		require.Equal(t, c.h, l.RealHint(r), "a whole page can use every place")
		require.Equal(t, c.digit != 0, l.Records(c.h), "a piece cannot use the sixteenth")
	}
	split := l.Split(whole)
	require.Equal(t, pte.RealPTE{PTE: whole.PTE | 0x1000}, split, "zeroed memory means no slot")
	r := l.WithPieceHint(split, 3, pte.MakeSlotHint(true, 2))
	require.Equal(t, pte.RealPTE{PTE: whole.PTE | 1<<55 | 0x1000, Hidx: 0xb000}, r)

	l = pte.Linux2620With64K
	whole = pte.RealPTE{PTE: l.Make(0x50000, pte.Read)}
	require.EqualValues(t, uint64(5<<32|0x013), whole.PTE)
	r = l.WithRealHint(whole, pte.MakeSlotHint(true, 7))
	require.Equal(t, pte.RealPTE{PTE: whole.PTE | 0xf400}, r)
	r = l.Split(r)
	require.Equal(t, pte.RealPTE{PTE: whole.PTE | 0x10000000}, r)
	r = l.WithPieceHint(r, 0, pte.MakeSlotHint(true, 7))
	require.Equal(t, pte.RealPTE{PTE: whole.PTE | 0x10000400 | 0x08000000, Hidx: 0xf}, r)
	r = l.WithPieceHint(r, 15, pte.MakeSlotHint(false, 1))
	require.Equal(t, pte.RealPTE{PTE: whole.PTE | 0x10000400 | 0x08001000, Hidx: 0x1000_0000_0000_000f}, r)
}

// slowSecondHalf is the second word as sixteen digits, the highest piece first, of
// hidx values; -1 is no slot. The digits come from a table: none of the codec's
// arithmetic.
func slowSecondHalf(l *pte.Layout, hidx [pte.Pieces]int) uint64 {
	digits := "0123456789abcdef"
	if l == pte.Linux61With64K {
		digits = "123456789abcdef0"
	}
	var word strings.Builder
	for piece := pte.Pieces - 1; piece >= 0; piece-- {
		if hidx[piece] < 0 {
			word.WriteByte('0')
		} else {
			word.WriteByte(digits[hidx[piece]])
		}
	}
	return hexNumber(word.String())
}

func hexNumber(s string) uint64 {
	var v uint64
	for _, c := range s {
		v = v<<4 | uint64(strings.IndexRune("0123456789abcdef", c))
	}
	return v
}

// TestPieces (P3, P4) compares the sixteen hints of a split page with an array,
// and the word with the slow codec.
func TestPieces(t *testing.T) {
	for _, l := range layouts64K {
		t.Run(l.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := l.Make(pte.RA(rapid.Uint64Range(0, 1<<32-1).Draw(t, "frame"))<<16, pte.Read|pte.Write)
				r := pte.RealPTE{PTE: p, Hidx: rapid.Uint64().Draw(t, "left over")}
				whole := pte.MakeSlotHint(rapid.Bool().Draw(t, "secondary"), rapid.IntRange(0, 7).Draw(t, "index"))
				r = l.WithRealHint(r, whole)
				require.Equal(t, whole, l.RealHint(r))
				for piece := range pte.Pieces {
					require.Zero(t, l.PieceHint(r, piece), "whole")
				}
				r = l.Split(r)
				require.Zero(t, l.RealHint(r))
				var want [pte.Pieces]int
				for i := range want {
					want[i] = -1
				}
				for range rapid.IntRange(0, 40).Draw(t, "changes") {
					piece, hidx := rapid.IntRange(0, 15).Draw(t, "piece"), rapid.IntRange(-1, 15).Draw(t, "hidx")
					h := pte.SlotHint(0)
					if hidx >= 0 {
						h = pte.MakeSlotHint(hidx >= 8, hidx&7)
					}
					if !l.Records(h) {
						continue
					}
					want[piece] = hidx
					r = l.WithPieceHint(r, piece, h)
				}
				valid, digits := pte.LinuxPTE(0), uint64(0)
				for piece, hidx := range want {
					h := l.PieceHint(r, piece)
					require.Equal(t, hidx >= 0, h.Hashed())
					if hidx >= 0 {
						require.EqualValues(t, hidx, h.HIdx())
						valid |= 0x08000000 >> piece
						digits |= 0xf << (4 * piece)
					}
				}
				require.Equal(t, valid&l.Sub, r.PTE&l.Sub)
				if l.Sub == 0 {
					digits = ^uint64(0) // the word itself says which are valid
				}
				require.Equal(t, slowSecondHalf(l, want)&digits, r.Hidx&digits)
				require.Equal(t, p, r.PTE&^l.HPTEFlags(), "nothing else has changed")
				require.Equal(t, l.RA(p)+pte.RA(5)<<12, l.PieceRA(r.PTE, 5))
			})
		})
	}
}

// TestBusyStays: the hints leave BUSY alone, whatever it is.
func TestBusyStays(t *testing.T) {
	for _, l := range layouts64K {
		r := pte.RealPTE{PTE: l.Make(0x50000, pte.Read) | l.Busy}
		h := pte.MakeSlotHint(false, 3)
		for _, q := range []pte.RealPTE{l.WithRealHint(r, h), l.WithRealHint(r, 0), l.Split(r), l.WithPieceHint(l.Split(r), 2, h)} {
			require.NotZero(t, q.PTE&l.Busy)
		}
	}
}

// TestFourKPFN: with H_PAGE_4K_PFN all pieces are one 4K page.
func TestFourKPFN(t *testing.T) {
	l := pte.Linux61With64K
	p := l.Make(0, pte.Read) | 0x1234<<16 | l.FourK
	require.Equal(t, pte.RA(0x1234<<12), l.RA(p))
	for piece := range pte.Pieces {
		require.Equal(t, pte.RA(0x1234<<12), l.PieceRA(p, piece))
	}
}

// TestSlotByte: bit 0 valid, bits 3:1 index, bit 4 secondary.
func TestSlotByte(t *testing.T) {
	require.Zero(t, pte.MakeSlotByte(0))
	require.Zero(t, pte.SlotByte(0).Hint(), "P1")
	require.Zero(t, pte.SlotByte(0x1e).Hint(), "not valid")
	require.EqualValues(t, 0x01, pte.MakeSlotByte(pte.MakeSlotHint(false, 0)))
	require.EqualValues(t, 0x0b, pte.MakeSlotByte(pte.MakeSlotHint(false, 5)))
	require.EqualValues(t, 0x1f, pte.MakeSlotByte(pte.MakeSlotHint(true, 7)))
	for i := range 16 {
		h := pte.MakeSlotHint(i >= 8, i&7)
		require.Equal(t, h, pte.MakeSlotByte(h).Hint())
	}
}
