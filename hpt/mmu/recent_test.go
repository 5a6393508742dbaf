package mmu

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestFindIsAScan: what find remembers never shows. Segments of both sizes cover
// each other, and come and go between searches.
func TestFindIsAScan(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, err := New(Config{DetectMultihit: true})
		require.NoError(t, err)
		addresses := rapid.Custom(func(rt *rapid.T) uint64 {
			return rapid.Uint64Range(0, 2).Draw(rt, "1T")<<40 | rapid.Uint64Range(0, 3).Draw(rt, "256M")<<28
		})
		rt.Repeat(map[string]func(*rapid.T){
			"slbmte": func(rt *rapid.T) {
				slot := rapid.Uint64Range(0, 5).Draw(rt, "slot")
				seg := rapid.Uint64Range(0, 1).Draw(rt, "B")
				valid := rapid.SampledFrom([]uint64{0, slbV}).Draw(rt, "V")
				require.True(t, c.SLBMTE(addresses.Draw(rt, "esid")|valid|slot, seg<<62|slot<<24))
			},
			"slbie": func(rt *rapid.T) { c.SLBIE(addresses.Draw(rt, "esid")) },
			"": func(rt *rapid.T) {
				for range 3 {
					ea := addresses.Draw(rt, "ea") | 0x1234
					var first *segment
					n := 0
					for i := range maxSLB {
						s, ok := c.decode(c.slb.word[i])
						if !ok || c.slb.esid[i]&slbV == 0 || (ea^c.slb.esid[i])&slbESID&^(s.seg.Bytes()-1) != 0 {
							continue
						}
						if n++; n == 1 {
							first = &s
						}
					}
					require.Equal(t, n, c.slb.count(ea))
					s := c.slb.find(ea)
					require.Equal(t, first == nil, s == nil)
					if s != nil {
						require.Equal(t, first.word, s.word)
					}
				}
			},
		})
	})
}
