package pte_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

// This file writes entries and hashes as strings of '0' and '1', field by field
// as the Power ISA draws them: leftmost is bit 0. It is the oracle for the
// arithmetic.

// field is v in n binary digits.
func field(v uint64, n int) string {
	s := strconv.FormatUint(v, 2)
	return strings.Repeat("0", n-len(s)) + s
}

func number(bits string) uint64 {
	v, err := strconv.ParseUint(bits, 2, 64)
	if err != nil {
		panic(err)
	}
	return v
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// slowVA is the 78-bit virtual address: VSID, then the offset in the segment.
func slowVA(k pte.Key) string {
	n := 28
	if k.Seg == pte.Seg1T {
		n = 40
	}
	return field(uint64(k.VSID), 78-n) + field(uint64(k.Page), n-12) + strings.Repeat("0", 12)
}

// slowV is V of an entry in format 2: B, AVPN, software, L, H, V.
func slowV(k pte.Key, large, secondary, bolted bool) uint64 {
	software := "00" + flag(bolted) + "0"
	return number(field(uint64(k.Seg), 2) + slowVA(k)[:55] + software + flag(large) + flag(secondary) + "1")
}

// slowR is R of an entry in format 2: PP0, TS, key, RPN with LP, key, R, C,
// WIMG, N, PP.
func slowR(ra pte.RA, actual pte.PageSize, lp string, a pte.Attr) uint64 {
	rpn := field(uint64(ra)>>12, 48)
	pp, key := field(uint64(a.PP), 3), field(uint64(a.Key), 5)
	low := int(actual) - 12 // RPN bits below the page size, LP at their end
	lp = strings.Repeat("0", low) + lp
	rpn = rpn[:48-low] + lp[len(lp)-low:]
	return number(pp[:1] + "0" + key[:2] + rpn + key[2:] + flag(a.Ref) + flag(a.Chg) + field(uint64(a.WIMG), 4) + flag(a.NoExec) + pp[1:])
}

// slowHash is the 39-bit hash: exclusive-or digit by digit (ISA Book III, Page
// Table Search).
func slowHash(k pte.Key) uint64 {
	va := slowVA(k)
	p := int(k.Base)
	if k.Seg == pte.Seg256M {
		page := va[50 : 78-p]
		return number(xor(va[11:50], strings.Repeat("0", 39-len(page))+page))
	}
	page := va[38 : 78-p]
	vsid := xor(va[24:38]+strings.Repeat("0", 25), "0"+va[:38])
	return number(xor(vsid, strings.Repeat("0", 39-len(page))+page))
}

func xor(a, b string) string {
	var s strings.Builder
	for i := range a {
		s.WriteString(flag(a[i] != b[i]))
	}
	return s.String()
}

// slowLP are the LP values of allSizes as the manuals write them.
var slowLP = map[[2]pte.PageSize]string{
	{pte.Page4K, pte.Page4K}:   "",
	{pte.Page4K, pte.Page64K}:  "0111",
	{pte.Page4K, pte.Page16M}:  "00111000",
	{pte.Page64K, pte.Page64K}: "0001",
	{pte.Page64K, pte.Page16M}: "00001000",
	{pte.Page1M, pte.Page1M}:   "00000010",
	{pte.Page16M, pte.Page16M}: "00000000",
	{pte.Page16G, pte.Page16G}: "00000011",
}

var power7 = pte.MustSizes(pte.SizesPOWER7)

// allBases is power7 with 1M pages, which the architecture has and no shipped
// table offers.
var allBases = append(slices.Clone(pte.SizesPOWER7),
	pte.SegPageSizes{Base: pte.Page1M, SLB: 0x130, Actual: []pte.ActualSize{{Size: pte.Page1M, LP: 2}}})

var allSizes = pte.MustSizes(allBases)

// keys draws keys of any VSID and page.
func keys() *rapid.Generator[pte.Key] {
	return rapid.Custom(func(t *rapid.T) pte.Key {
		seg := rapid.SampledFrom([]pte.SegSize{pte.Seg256M, pte.Seg1T}).Draw(t, "segment")
		base := rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page64K, pte.Page1M, pte.Page16M, pte.Page16G}).Draw(t, "base")
		if base == pte.Page16G {
			seg = pte.Seg1T
		}
		vsid := rapid.Uint64Range(0, 1<<(78-seg.Shift())-1).Draw(t, "vsid")
		return pte.MakeKey(pte.VSID(vsid), pte.EA(rapid.Uint64().Draw(t, "ea")), seg, base)
	})
}

func attrs() *rapid.Generator[pte.Attr] {
	return rapid.Custom(func(t *rapid.T) pte.Attr {
		return pte.Attr{
			PP:     rapid.Uint8Range(0, 7).Draw(t, "pp"),
			Key:    rapid.Uint8Range(0, 31).Draw(t, "key"),
			WIMG:   rapid.Uint8Range(0, 15).Draw(t, "wimg"),
			NoExec: rapid.Bool().Draw(t, "n"),
			Ref:    rapid.Bool().Draw(t, "r"),
			Chg:    rapid.Bool().Draw(t, "c"),
			Bolted: rapid.Bool().Draw(t, "bolted"),
		}
	})
}

// pages draws a key, a real page for it, and its actual size.
type page struct {
	key    pte.Key
	ra     pte.RA
	actual pte.PageSize
	attr   pte.Attr
}

func pages() *rapid.Generator[page] {
	return rapid.Custom(func(t *rapid.T) page {
		p := page{key: keys().Draw(t, "page"), attr: attrs().Draw(t, "attr")}
		var sizes []pte.PageSize
		for _, b := range allBases {
			for _, a := range b.Actual {
				if b.Base == p.key.Base {
					sizes = append(sizes, a.Size)
				}
			}
		}
		p.actual = rapid.SampledFrom(sizes).Draw(t, "actual")
		p.ra = pte.RA(rapid.Uint64Range(0, 1<<60-1).Draw(t, "ra")) &^ pte.RA(p.actual.Bytes()-1)
		return p
	})
}

// TestAgainstBitStrings (P2): encoding gives the digits of the manual, and all
// fields come back.
func TestAgainstBitStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pages().Draw(t, "page")
		h, err := allSizes.Encode(p.key, p.ra, p.actual, p.attr)
		require.NoError(t, err)
		require.Equal(t, slowV(p.key, p.actual != pte.Page4K, false, p.attr.Bolted), h.V)
		require.Equal(t, slowR(p.ra, p.actual, slowLP[[2]pte.PageSize{p.key.Base, p.actual}], p.attr), h.R)
		require.Equal(t, slowHash(p.key), uint64(p.key.Hash()))

		require.Equal(t, p.attr, h.Attr())
		require.Equal(t, h, h.WithAttr(p.attr))
		require.Equal(t, p.ra, h.RA(p.actual))
		base, actual, ok := allSizes.Decode(h)
		require.True(t, ok)
		require.Equal(t, p.key.Base, base)
		require.Equal(t, p.actual, actual)
		actual, ok = allSizes.Actual(p.key.Base, h)
		require.True(t, ok)
		require.Equal(t, p.actual, actual)
	})
}

// TestWayBack (P2, P4, P5): in a table of every size, slot and entry give the
// page back, in the primary and in the secondary group, and in format 3 as far as
// its virtual addresses reach.
func TestWayBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pages().Draw(t, "page")
		mask := uint64(1)<<rapid.IntRange(11, 39).Draw(t, "groups") - 1
		hint := pte.MakeSlotHint(rapid.Bool().Draw(t, "secondary"), rapid.IntRange(0, 7).Draw(t, "index"))
		if rapid.Bool().Draw(t, "format 3") {
			p.key.VSID &= 1<<(68-pte.VSID(p.key.Seg.Shift())) - 1
			p.ra &= 1<<58 - 1
		}
		h, err := allSizes.Encode(p.key, p.ra, p.actual, p.attr)
		require.NoError(t, err)
		if hint.Secondary() {
			h.V |= pte.VSecondary
		}
		slot := hint.Slot(p.key.Hash(), mask)
		require.Equal(t, p.key.Hash().Group(hint.Secondary(), mask), slot.Group())
		require.Equal(t, hint.Index(), slot.Index())
		require.True(t, h.Match(p.key, hint.Secondary()))
		require.False(t, h.Match(p.key, !hint.Secondary()))

		k, actual, err := allSizes.Key(h, slot.Group(), mask)
		require.NoError(t, err)
		require.Equal(t, p.key, k)
		require.Equal(t, p.actual, actual)

		if p.key.VSID>>(68-p.key.Seg.Shift()) == 0 && p.ra < 1<<58 {
			three := h.To3()
			require.Equal(t, h, pte.From3(three.V, three.R))
			require.Zero(t, three.V>>52)
			require.Equal(t, uint64(p.key.Seg), three.R>>58&3)
		}
	})
}
