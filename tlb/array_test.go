package tlb

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestArrayAgainstScan: the array finds what comparing every cell finds, in
// search order, and counts overlapping pairs right. A wrong count would only
// cost speed or hide a second match, so it is counted again here.
func TestArrayAgainstScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ways := rapid.SampledFrom([]int{1, 2, 4, 9, 40}).Draw(t, "ways")
		sets := rapid.SampledFrom([]int{1, 3}).Draw(t, "sets")
		a := newArray(sets, ways)
		entry := rapid.IntRange(0, sets*ways-1)
		drawn := rapid.Custom(func(t *rapid.T) cell {
			mask := ^uint64(0x3ff) << rapid.IntRange(0, 5).Draw(t, "size")
			c := cell{va: rapid.Uint64Range(0, 15).Draw(t, "page") << 12 & mask, mask: mask, ctx: rapid.Uint64Range(0, 2).Draw(t, "context")}
			if rapid.Bool().Draw(t, "private") {
				c.ctxMask = 0xff
			}
			return c
		})
		t.Repeat(map[string]func(*rapid.T){
			"store": func(t *rapid.T) { a.store(entry.Draw(t, "entry"), drawn.Draw(t, "cell")) },
			"clear": func(t *rapid.T) { a.clear(entry.Draw(t, "entry")) },
			"lookup": func(t *rapid.T) {
				set := rapid.IntRange(0, sets-1).Draw(t, "set")
				va := rapid.Uint64Range(0, 16<<12-1).Draw(t, "address")
				ctx := rapid.Uint64Range(0, 2).Draw(t, "context") | ctxLive
				want := noHit
				for e := set * ways; e < (set+1)*ways; e++ {
					if c := a.cells[e]; a.isLive(e) && va&c.mask == c.va && (c.ctxMask&0xff == 0 || c.ctx == ctx) {
						want.add(e)
					}
				}
				require.Equal(t, want, a.lookup(set, va, ctx))
				require.Equal(t, want, a.lookup(set, va, ctx), "by the hint")
			},
			"": func(t *rapid.T) {
				pairs, live, fine := 0, 0, 0
				for e := range a.cells {
					for f := e + 1; f < len(a.cells); f++ {
						if e/ways == f/ways && a.isLive(e) && a.isLive(f) && a.cells[e].overlaps(a.cells[f]) {
							pairs++
						}
					}
				}
				require.Equal(t, pairs, a.pairs)
				for e, c := range a.cells {
					if a.isLive(e) && c.mask&0xfff != 0 {
						fine++
					}
				}
				require.Equal(t, fine, a.fine)
				for e := a.next(0); e >= 0; e = a.next(e + 1) {
					require.True(t, a.isLive(e))
					live++
				}
				count := 0
				for e := range a.cells {
					if a.isLive(e) {
						count++
					}
				}
				require.Equal(t, count, live, "the live list is complete")
			},
		})
	})
}

func TestRandomIsSeeded(t *testing.T) {
	a, b := random{1}, random{1}
	seen := map[int]bool{}
	for range 200 {
		n := a.below(8)
		require.Equal(t, n, b.below(8))
		seen[n] = true
	}
	require.Len(t, seen, 8)
}
