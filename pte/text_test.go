package pte_test

import (
	"encoding"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/pte"
)

type text[T any] interface {
	*T
	encoding.TextUnmarshaler
}

// roundTrip (P3): v is written and read again, and both interfaces agree.
func roundTrip[T any, P text[T]](t require.TestingT, v T) {
	b, err := any(v).(encoding.TextMarshaler).MarshalText()
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(v), string(b))
	var back T
	require.NoError(t, P(&back).UnmarshalText(b))
	require.Equal(t, v, back)
}

func TestTextRoundTrips(t *testing.T) {
	for _, p := range []pte.PageSize{pte.Page4K, pte.Page64K, pte.Page1M, pte.Page16M, pte.Page16G} {
		roundTrip(t, p)
		require.True(t, p.Known())
		require.Equal(t, uint64(1)<<p.Shift(), p.Bytes())
	}
	roundTrip(t, pte.Seg256M)
	roundTrip(t, pte.Seg1T)
	roundTrip(t, pte.SlotHint(0))
	for i := range 16 {
		roundTrip(t, pte.MakeSlotHint(i >= 8, i&7))
	}
	for a := range pte.Access(8) {
		roundTrip(t, a)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "number")
		roundTrip(t, pte.EA(n))
		roundTrip(t, pte.RA(n))
		roundTrip(t, pte.VSID(n))
		roundTrip(t, pte.VPN(n))
		roundTrip(t, keys().Draw(t, "key"))
		h := pte.HPTE{V: n, R: rapid.Uint64().Draw(t, "r")}
		roundTrip(t, h)
		b, err := h.MarshalBinary()
		require.NoError(t, err)
		require.Len(t, b, 16)
		var back pte.HPTE
		require.NoError(t, back.UnmarshalBinary(b))
		require.Equal(t, h, back)
	})
}

// TestText pins the forms that other programs may read.
func TestText(t *testing.T) {
	for want, v := range map[string]any{
		"0xc000000000000000":                    pte.EA(0xc000000000000000),
		"16M":                                   pte.Page16M,
		"2^21":                                  pte.PageSize(21),
		"1T":                                    pte.Seg1T,
		"B=2":                                   pte.SegSize(2),
		"none":                                  pte.SlotHint(0),
		"secondary 7":                           pte.MakeSlotHint(true, 7),
		"r-x":                                   pte.Read | pte.Exec,
		"0x554fa54:0xff12340/64K/1T":            pte.MakeKey(0x554fa54, 0x7fff12345000, pte.Seg1T, pte.Page64K),
		"0x400554fa54ff1201:0x0000000012340182": pte.HPTE{V: 0x400554fa54ff1201, R: 0x12340182},
	} {
		require.Equal(t, want, fmt.Sprint(v))
	}
	require.False(t, pte.PageSize(21).Known())
}

func TestTextIsRefused(t *testing.T) {
	refuse := func(v encoding.TextUnmarshaler, texts ...string) {
		for _, s := range texts {
			require.ErrorIs(t, v.UnmarshalText([]byte(s)), pte.ErrSyntax, "%q into %T", s, v)
		}
		require.ErrorIs(t, v.UnmarshalText(nil), pte.ErrSyntax, "%T", v)
	}
	refuse(new(pte.EA), "12", "0x", "0xg", "0x10000000000000000", "-0x1", " 0x1", "0x_1")
	refuse(new(pte.PageSize), "4k", "2M", "12")
	refuse(new(pte.SegSize), "1t", "B=2")
	refuse(new(pte.SlotHint), "primary 8", "primary", "primary  1", "7")
	refuse(new(pte.Access), "rw", "xwr", "rwxr")
	refuse(new(pte.HPTE), "0x1", "0x1:", "0x1:2", "1:0x2")
	refuse(new(pte.Key), "0x1:0x0/4K", "0x1:0x1/64K/256M", "0x1:0x10000/4K/256M", "0x1:0x0/4K/256M/", "0x1/0x0/4K/256M", "0x01:0x0/4K/256M")
	var h pte.HPTE
	require.ErrorIs(t, h.UnmarshalBinary(make([]byte, 15)), pte.ErrSyntax)
	require.ErrorIs(t, h.UnmarshalBinary(make([]byte, 17)), pte.ErrSyntax)
}

// fuzzText: whatever is read is written so that it reads as the same value.
func fuzzText[T any, P text[T]](f *testing.F, seeds ...T) {
	for _, s := range seeds {
		f.Add(fmt.Sprint(s))
	}
	f.Add("")
	f.Add("0x:/")
	f.Fuzz(func(t *testing.T, s string) {
		var v T
		if err := P(&v).UnmarshalText([]byte(s)); err != nil {
			require.ErrorIs(t, err, pte.ErrSyntax)
			require.Zero(t, v, "a value beside an error")
			return
		}
		roundTrip[T, P](t, v)
	})
}

func FuzzKeyText(f *testing.F) {
	fuzzText(f, pte.MakeKey(0x554fa54, 0x7fff12345000, pte.Seg1T, pte.Page64K), pte.MakeKey(1<<50-1, 0, pte.Seg256M, pte.Page4K))
}

func FuzzHPTEText(f *testing.F) {
	fuzzText(f, pte.HPTE{}, pte.HPTE{V: 0x400554fa54ff1201, R: 0x12340182})
}

func FuzzSlotHintText(f *testing.F) { fuzzText(f, 0, pte.MakeSlotHint(true, 7)) }
func FuzzEAText(f *testing.F)       { fuzzText(f, 0, pte.EA(0xc000000000000000)) }
func FuzzPageSizeText(f *testing.F) { fuzzText(f, pte.Page16M) }
func FuzzAccessText(f *testing.F)   { fuzzText(f, pte.Read|pte.Write) }
