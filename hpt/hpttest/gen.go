package hpttest

import (
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

// Sizes is the page-size table of the generators: POWER7 to POWER10.
var Sizes = pte.MustSizes(pte.SizesPOWER7)

// Keys draws keys whose primary group is one of the two lowest or of the two
// highest, so that every one's secondary group is another's primary group.
func Keys(mask uint64) *rapid.Generator[pte.Key] {
	return rapid.Custom(func(t *rapid.T) pte.Key {
		seg := rapid.SampledFrom([]pte.SegSize{pte.Seg256M, pte.Seg1T}).Draw(t, "segment")
		base := rapid.SampledFrom([]pte.PageSize{pte.Page4K, pte.Page64K, pte.Page16M}).Draw(t, "base")
		group := rapid.SampledFrom([]uint64{0, 1, mask - 1, mask}).Draw(t, "group")
		page := pte.EA(rapid.IntRange(0, 3).Draw(t, "page")) << base
		high := pte.VSID(rapid.IntRange(0, 2).Draw(t, "vsid")) * pte.VSID(mask+1)
		high |= pte.VSID(rapid.IntRange(0, 1).Draw(t, "far")) << 24 // the same low half of V
		k := pte.MakeKey(high, page, seg, base)
		k.VSID |= pte.VSID((uint64(k.Hash()) ^ group) & mask)
		if uint64(k.Hash())&mask != group {
			t.Fatalf("the mask %#x is too wide for the generator", mask)
		}
		return k
	})
}

// Attrs draws attributes: any of those that Linux uses.
func Attrs() *rapid.Generator[pte.Attr] {
	return rapid.Custom(func(t *rapid.T) pte.Attr {
		return pte.Attr{
			PP:     rapid.SampledFrom([]uint8{0, 1, 2, 3, 6}).Draw(t, "pp"),
			Key:    rapid.SampledFrom([]uint8{0, 3, 31}).Draw(t, "key"),
			WIMG:   rapid.SampledFrom([]uint8{pte.Memory, 5}).Draw(t, "wimg"),
			NoExec: rapid.Bool().Draw(t, "n"),
			Ref:    rapid.Bool().Draw(t, "r"),
			Chg:    rapid.Bool().Draw(t, "c"),
			Bolted: rapid.IntRange(0, 5).Draw(t, "bolted") == 0,
		}
	})
}

// Entry draws an entry for k. H is for the store to set: it may be anything.
func Entry(k pte.Key) *rapid.Generator[pte.HPTE] {
	return rapid.Custom(func(t *rapid.T) pte.HPTE {
		actual := k.Base
		for _, b := range Sizes.Bases() {
			if b.Base == k.Base {
				actual = rapid.SampledFrom(b.Actual).Draw(t, "actual").Size
			}
		}
		ra := pte.RA(rapid.Uint64Range(0, 1<<10).Draw(t, "frame")) << actual
		h, err := Sizes.Encode(k, ra, actual, Attrs().Draw(t, "attr"))
		if err != nil {
			t.Fatalf("%v does not encode: %v", k, err)
		}
		if rapid.IntRange(0, 3).Draw(t, "h") == 0 {
			h.V |= pte.VSecondary
		}
		return h
	})
}

// Hints draws hints: none, and each of the 16 places.
func Hints() *rapid.Generator[pte.SlotHint] {
	return rapid.Custom(func(t *rapid.T) pte.SlotHint {
		i := rapid.IntRange(-1, 15).Draw(t, "place")
		if i < 0 {
			return 0
		}
		return pte.MakeSlotHint(i >= 8, i&7)
	})
}
