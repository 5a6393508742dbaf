package pte_test

import (
	"bufio"
	"encoding/json"
	"math/big"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/internal/oracle"
	"github.com/hashmmu/ppc64/pte"
)

// golden are pages of Linux 6.1 with 68-bit virtual addresses, worked out from
// the kernel's formulas by other code.
var golden = []struct {
	context            uint64
	ea                 pte.EA
	seg                pte.SegSize
	base               pte.PageSize
	order              uint
	vsid               pte.VSID
	vpn                pte.VPN
	hash               pte.Hash
	primary, secondary uint64
	avpn               uint64
}{
	{6, 0x10000000, pte.Seg256M, pte.Page4K, 18, 0x7ca37f5168, 0x7ca37f51680000, 0x7ca37f5168, 0x168, 0x697, 0x7ca37f5168000},
	{6, 0x10000000, pte.Seg256M, pte.Page64K, 24, 0x7ca37f5168, 0x7ca37f51680000, 0x7ca37f5168, 0x15168, 0xae97, 0x7ca37f5168000},
	{7, 0x7fff12345000, pte.Seg256M, pte.Page4K, 24, 0x61397243f6, 0x61397243f62345, 0x61397260b3, 0x60b3, 0x19f4c, 0x61397243f6200},
	{7, 0x7fff12345000, pte.Seg1T, pte.Page64K, 24, 0x554fa54, 0x554fa54ff12345, 0x74adabe860, 0x1e860, 0x179f, 0x400554fa54ff1200},
	{100, 0x20003456000, pte.Seg1T, pte.Page4K, 26, 0x8a83309, 0x8a833090003456, 0x661aa8075f, 0x75f, 0x7f8a0, 0x4008a83309000300},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		vsid := pte.VSID61.VSID(g.context, g.ea, g.seg)
		require.Equal(t, g.vsid, vsid)
		k := pte.MakeKey(vsid, g.ea, g.seg, g.base)
		require.Equal(t, g.vpn&^pte.VPN(g.base.Bytes()>>pte.VPNShift-1), k.VPN())
		require.Equal(t, k, g.vpn.Key(g.seg, g.base))
		require.Equal(t, g.hash, k.Hash())
		mask := uint64(1)<<(g.order-7) - 1
		require.Equal(t, g.primary, k.Hash().Primary(mask))
		require.Equal(t, g.secondary, k.Hash().Secondary(mask))
		require.Equal(t, g.avpn, k.AVPN())
		require.Equal(t, g.ea&pte.EA(g.seg.Bytes()-1)&^pte.EA(g.base.Bytes()-1), k.Offset())
	}
}

// TestScrambleInverse: the constants are those of the kernel's header, and the
// ones worked out for the other schemes.
func TestScrambleInverse(t *testing.T) {
	for _, c := range []struct {
		scheme  *pte.VSIDScheme
		seg     pte.SegSize
		bits    uint
		inverse uint64
	}{
		{pte.VSID61, pte.Seg256M, 40, 665548017062},
		{pte.VSID61, pte.Seg1T, 28, 209034062},
		{pte.VSID61VA65, pte.Seg256M, 37, 61768091059},
		{pte.VSID61VA65, pte.Seg1T, 25, 28874608},
		{pte.VSID2620, pte.Seg256M, 36, 35924692504},
	} {
		// The inverse of the multiplier is what VSID 1 unscrambles to.
		require.Equal(t, c.inverse, c.scheme.Unscramble(1, c.seg), c.scheme.Name)
		rapid.Check(t, func(t *rapid.T) {
			vsid := pte.VSID(rapid.Uint64Range(1, 1<<c.bits-2).Draw(t, "vsid"))
			proto := c.scheme.Unscramble(vsid, c.seg)
			context, esid := c.scheme.Context(proto, c.seg)
			ea := pte.EA(esid << c.seg.Shift())
			require.Equal(t, vsid, c.scheme.VSID(context, ea, c.seg))
			require.Equal(t, proto, c.scheme.Proto(context, ea, c.seg))
		})
	}
	require.False(t, pte.VSID2620.HasSeg(pte.Seg1T))
	require.True(t, pte.VSID61.HasSeg(pte.Seg1T))
	require.False(t, pte.VSID61.HasSeg(2))
	require.Zero(t, pte.VSID2620.VSID(7, 1<<40, pte.Seg1T))
	require.Zero(t, pte.VSID2620.Unscramble(7, pte.Seg1T))
}

// TestMaxContext: contexts up to it share no VSID, the next one has one of another's.
func TestMaxContext(t *testing.T) {
	for _, c := range []struct {
		scheme *pte.VSIDScheme
		end    pte.EA // of user space
		want   uint64
	}{
		{pte.VSID61, 1 << 49, 1<<19 - 2},
		{pte.VSID61VA65, 1 << 49, 1<<16 - 2},
		{pte.VSID2620, 1 << 44, 1<<19 - 1},
	} {
		last := c.scheme.MaxContext()
		require.Equal(t, c.want, last, c.scheme.Name)
		for seg := pte.Seg256M; c.scheme.HasSeg(seg); seg++ {
			vsid := func(context uint64, ea pte.EA) pte.VSID { return c.scheme.VSID(context, ea, seg) }
			rapid.Check(t, func(t *rapid.T) {
				contexts := rapid.OneOf(rapid.Uint64Range(0, last), rapid.Just(last))
				eas := rapid.OneOf(rapid.Uint64Range(0, uint64(c.end)-1), rapid.Just(uint64(c.end)-1))
				a, b := contexts.Draw(t, "a"), contexts.Draw(t, "b")
				x, y := pte.EA(eas.Draw(t, "x")), pte.EA(eas.Draw(t, "y"))
				same := a == b && x>>seg.Shift() == y>>seg.Shift()
				require.Equal(t, same, vsid(a, x) == vsid(b, y), "%s %v", c.scheme.Name, seg)
				kernel := x | 0xc<<60
				require.False(t, c.scheme == pte.VSID2620 && vsid(a, y) == vsid(0, kernel))
			})
			if c.scheme != pte.VSID2620 {
				require.Equal(t, vsid(0, 0), vsid(last+1, c.end-1), c.scheme.Name)
			}
		}
	}
	next := pte.VSID2620.MaxContext() + 1
	require.Equal(t, pte.VSID2620.VSID(0, 0x8<<60, pte.Seg256M), pte.VSID2620.VSID(next, 0, pte.Seg256M), "the first of the kernel's half")
}

// TestScrambleIsModular: a VSID is the product modulo 2^n-1, by numbers of any
// length, also for contexts that no kernel gives out.
func TestScrambleIsModular(t *testing.T) {
	for _, c := range []struct {
		scheme *pte.VSIDScheme
		seg    pte.SegSize
		bits   uint
		mult   int64
	}{
		{pte.VSID61, pte.Seg256M, 40, 12538073},
		{pte.VSID61, pte.Seg1T, 28, 12538073},
		{pte.VSID61VA65, pte.Seg256M, 37, 12538073},
		{pte.VSID61VA65, pte.Seg1T, 25, 12538073},
		{pte.VSID2620, pte.Seg256M, 36, 200730139},
	} {
		m := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), c.bits), big.NewInt(1))
		rapid.Check(t, func(t *rapid.T) {
			context := rapid.OneOf(rapid.Uint64Range(0, 1<<19), rapid.Uint64()).Draw(t, "context")
			ea := pte.EA(rapid.Uint64().Draw(t, "ea"))
			want := new(big.Int).SetUint64(c.scheme.Proto(context, ea, c.seg))
			want.Mod(want.Mul(want, big.NewInt(c.mult)), m)
			require.EqualValues(t, want.Uint64(), c.scheme.VSID(context, ea, c.seg), c.scheme.Name)
		})
	}
}

// TestKernelProto: 2.6.20 takes the whole segment number of a kernel address.
func TestKernelProto(t *testing.T) {
	require.EqualValues(t, uint64(0xc00000000), pte.VSID2620.Proto(5, 0xc000000000000000, pte.Seg256M))
	require.EqualValues(t, 5<<16|3, pte.VSID2620.Proto(5, 0x30000000, pte.Seg256M))
}

// TestSmallestTableNeedsH: with 4K pages in the smallest table two pages of one
// group have the same B and AVPN, and only H tells them apart.
func TestSmallestTableNeedsH(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := keys().Draw(t, "key")
		a.Base = pte.Page4K
		b := a
		b.Page ^= 0x7ff
		mask := uint64(1<<11 - 1)
		require.Equal(t, a.AVPN(), b.AVPN())
		require.Equal(t, a.Hash().Primary(mask), b.Hash().Secondary(mask))

		h, err := allSizes.Encode(b, 0, pte.Page4K, pte.Attr{})
		require.NoError(t, err)
		h.V |= pte.VSecondary
		require.True(t, h.Match(b, true))
		require.False(t, h.Match(a, false))
		require.NotEqual(t, a.Hash().Primary(2*mask+1), b.Hash().Secondary(2*mask+1), "the next larger table")
	})
}

// TestPageSizeVectors: what recorded machines make of L and LP.
func TestPageSizeVectors(t *testing.T) {
	names := oracle.Glob("vectors/psize_*.jsonl.gz")
	if len(names) == 0 {
		t.Skip("no recorded data")
	}
	// The recorded machine has no 64K pages in 4K segments.
	sizes := pte.MustSizes([]pte.SegPageSizes{
		{Base: pte.Page4K, SLB: 0x000, Actual: []pte.ActualSize{{Size: pte.Page4K}, {Size: pte.Page16M, LP: 0x38}}},
		pte.SizesPOWER7[1], pte.SizesPOWER7[2], pte.SizesPOWER7[3],
	})
	for _, name := range names {
		f, err := oracle.Open(name)
		require.NoError(t, err)
		defer f.Close()
		lines := bufio.NewScanner(f)
		n := 0
		for ; lines.Scan(); n++ {
			var v [3]any
			require.NoError(t, json.Unmarshal(lines.Bytes(), &v))
			var w [2]uint64
			for i := range w {
				w[i], err = strconv.ParseUint(v[i].(string), 0, 64)
				require.NoError(t, err)
			}
			_, actual, _ := sizes.Decode(pte.HPTE{V: w[0], R: w[1]})
			require.EqualValues(t, v[2], actual, "line %d: %s", n+1, lines.Text())
		}
		require.NoError(t, lines.Err())
		require.NotZero(t, n)
	}
}
