package pte

import (
	"errors"
	"fmt"
)

// Errors of Encode and of the way back.
var (
	ErrSize   = errors.New("pte: page size not encodable or not decodable")
	ErrRange  = errors.New("pte: field out of range")
	ErrAlign  = errors.New("pte: address not aligned to its page")
	ErrPlaced = errors.New("pte: no page fits entry and group")
)

// FieldError names a field that does not fit, and its value.
type FieldError struct {
	Field string
	Value uint64
	Err   error
}

func (e *FieldError) Error() string { return fmt.Sprintf("%v: %s = %#x", e.Err, e.Field, e.Value) }

// Unwrap gives ErrSize, ErrRange, ErrAlign or ErrPlaced.
func (e *FieldError) Unwrap() error { return e.Err }

// Encode makes a valid entry with H clear that maps the page of k to ra (Linux:
// hpte_encode_v, hpte_encode_r). ra is aligned to the actual page size; in a page
// larger than its base, k names the piece by which it is hashed. PP, Key and WIMG are
// cut to their widths. The error is a [*FieldError] that wraps ErrSize when s has no
// such pair of sizes, ErrRange or ErrAlign.
func (s *Sizes) Encode(k Key, ra RA, actual PageSize, a Attr) (HPTE, error) {
	l, lp, ok := s.lp(k.Base, actual)
	switch {
	case !ok:
		return HPTE{}, &FieldError{"Actual", uint64(actual), ErrSize}
	case k.Seg > Seg1T:
		return HPTE{}, &FieldError{"Seg", uint64(k.Seg), ErrRange}
	case uint64(k.VSID)>>(78-k.Seg.Shift()) != 0:
		return HPTE{}, &FieldError{"VSID", uint64(k.VSID), ErrRange}
	case uint64(k.Page)>>(k.Seg.Shift()-VPNShift) != 0:
		return HPTE{}, &FieldError{"Page", uint64(k.Page), ErrRange}
	case uint64(k.Page)&(k.Base.Bytes()>>VPNShift-1) != 0:
		return HPTE{}, &FieldError{"Page", uint64(k.Page), ErrAlign}
	case uint64(ra)&(actual.Bytes()-1) != 0:
		return HPTE{}, &FieldError{"RA", uint64(ra), ErrAlign}
	case uint64(ra)&^RRPN != 0:
		return HPTE{}, &FieldError{"RA", uint64(ra), ErrRange}
	}
	h := HPTE{k.AVPN() | l | VValid, uint64(ra) | lp | a.rBits()}
	if a.Bolted {
		h.V |= VBolted
	}
	return h, nil
}

// RA returns the real address of a page of the given actual size.
func (h HPTE) RA(actual PageSize) RA { return RA(h.R & RRPN &^ (actual.Bytes() - 1)) }

// WithRA returns the entry for another real page of the same actual size.
func (h HPTE) WithRA(ra RA, actual PageSize) HPTE {
	m := RRPN &^ (actual.Bytes() - 1)
	h.R = h.R&^m | uint64(ra)&m
	return h
}

// Key is the way back: the page that the entry maps, from the group it sits in,
// in a table of mask+1 groups (Linux: hpte_decode). V holds virtual address bits
// down to 23 only; the rest comes from the group number and H. The error wraps
// ErrSize when L and LP encode no size of s, ErrRange when B is reserved, and
// ErrPlaced when no page fits entry and group, that is, a search could never
// find the entry there.
func (s *Sizes) Key(h HPTE, group, mask uint64) (Key, PageSize, error) {
	base, actual, ok := s.Decode(h)
	if !ok {
		return Key{}, 0, &FieldError{"LP", h.R >> VPNShift & 0xff, ErrSize}
	}
	seg := h.Seg()
	if seg > Seg1T {
		return Key{}, 0, &FieldError{"B", uint64(seg), ErrRange}
	}
	high := seg.Shift() - 23 // AVPN bits within the segment
	avpn := h.V & vAVPN >> 7
	vsid := avpn >> high
	page := avpn & (1<<high - 1) << 11
	hash := group
	if h.Secondary() {
		hash = ^group
	}
	if base < 23 {
		// Of the hash's terms only VSID and page reach these few bits.
		page |= (hash ^ vsid) & mask << (base.Shift() - VPNShift) & 0x7ff
	}
	k := Key{VSID(vsid), uint32(page), base, seg}
	aligned := page&(base.Bytes()>>VPNShift-1) == 0
	if !aligned || k.Hash().Group(h.Secondary(), mask) != group {
		return Key{}, 0, &FieldError{"group", group, ErrPlaced}
	}
	return k, actual, nil
}
