package pte_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

// TestZeroValues (P1).
func TestZeroValues(t *testing.T) {
	var h pte.HPTE
	require.False(t, h.Valid())
	require.False(t, h.Match(pte.Key{}, false))
	require.False(t, h.Match(pte.Key{}, true))
	require.False(t, pte.SlotHint(0).Hashed())
	require.Equal(t, pte.Attr{}, h.Attr())
	require.Zero(t, pte.Access(0))
}

// TestMatch: a match needs V, B, every AVPN bit and H, and nothing else.
func TestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pages().Draw(t, "page")
		secondary := rapid.Bool().Draw(t, "secondary")
		h, err := allSizes.Encode(p.key, p.ra, p.actual, p.attr)
		require.NoError(t, err)
		if secondary {
			h.V |= pte.VSecondary
		}
		require.True(t, h.Match(p.key, secondary))
		for bit := uint64(1); bit != 0; bit <<= 1 {
			o := pte.HPTE{V: h.V ^ bit, R: h.R}
			require.Equal(t, bit&(pte.VSoftware|pte.VLarge) != 0, o.Match(p.key, secondary))
		}
	})
}

// TestFormat3 pins the conversion both ways.
func TestFormat3(t *testing.T) {
	h := pte.HPTE{V: 0x400554fa54ff1211, R: 0x8000000012341196 | 3<<60}
	three := h.To3()
	require.Equal(t, pte.HPTE{V: 0x000554fa54ff1211, R: 0xb400000012341196}, three)
	require.Equal(t, h, pte.From3(three.V, three.R))
	require.Equal(t, h, pte.From3(three.V|0xfff<<52, three.R), "V has no bits above 51")
	require.Zero(t, h.Seg()^pte.From3(three.V, three.R).Seg())
}

// TestSameTranslation: R and C do not make a conflict; anything else of R does.
func TestSameTranslation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := pte.HPTE{V: rapid.Uint64().Draw(t, "v"), R: rapid.Uint64().Draw(t, "r")}
		for bit := uint64(1); bit != 0; bit <<= 1 {
			o := pte.HPTE{V: h.V, R: h.R ^ bit}
			require.Equal(t, bit&(pte.RRef|pte.RChg) != 0, h.SameTranslation(o))
		}
		o := h
		o.V ^= pte.VLarge
		require.False(t, h.SameTranslation(o))
		o = h
		o.V ^= pte.VBolted | pte.VSecondary
		require.True(t, h.SameTranslation(o))
	})
}

func TestWithRA(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := pages().Draw(t, "page"), pte.RA(rapid.Uint64Range(0, 1<<60-1).Draw(t, "ra"))
		q &^= pte.RA(p.actual.Bytes() - 1)
		h, err := allSizes.Encode(p.key, p.ra, p.actual, p.attr)
		require.NoError(t, err)
		want, err := allSizes.Encode(p.key, q, p.actual, p.attr)
		require.NoError(t, err)
		require.Equal(t, want, h.WithRA(q, p.actual))
	})
}

// TestPermits pins the storage protection table of Book III: supervisor is key
// bit 0, user key bit 1, as Linux sets Ks and Kp.
func TestPermits(t *testing.T) {
	const r, rw, none = pte.Read, pte.Read | pte.Write, pte.Access(0)
	supervisor := [8]pte.Access{rw, rw, rw, r, none, none, r, none}
	user := [8]pte.Access{none, r, rw, r, none, none, none, none}
	for pp := range uint8(8) {
		for k, table := range map[bool][8]pte.Access{false: supervisor, true: user} {
			want := table[pp]
			h := pte.HPTE{}.WithAttr(pte.Attr{PP: pp, NoExec: true})
			require.Equal(t, want, h.Permits(k), "PP %d key %v N", pp, k)
			h = pte.HPTE{}.WithAttr(pte.Attr{PP: pp, WIMG: 1})
			require.Equal(t, want, h.Permits(k), "PP %d key %v G", pp, k)
			if want != none {
				want |= pte.Exec
			}
			h = pte.HPTE{}.WithAttr(pte.Attr{PP: pp, WIMG: pte.Memory})
			require.Equal(t, want, h.Permits(k), "PP %d key %v", pp, k)
		}
	}
}
