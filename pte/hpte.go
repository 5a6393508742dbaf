package pte

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// HPTE is a hash table entry as two numbers, in format 2, the layout before
// ISA 3.0. In memory each doubleword is big-endian, V first. The zero value is
// an invalid entry.
//
//	V   63:62 B   61:7 AVPN   6:3 software   2 L   1 H   0 V
//	R   63 PP0  61:60 key 4:3  59:12 RPN (LP in its low bits if L)
//	    11:9 key 2:0  8 R  7 C  6:3 WIMG  2 N  1:0 PP
//
// Format 3 (ISA 3.0, a table in the memory of a POWER9 or later) keeps B in
// R 59:58 and has nothing above bit 51 in V.
//
// Source: Power ISA Book III, Page Table Entry; Linux: struct hash_pte.
type HPTE struct{ V, R uint64 }

// Bits of V.
const (
	VValid     = 0x01 // V: the entry takes part in translation
	VSecondary = 0x02 // H: it sits in the secondary group
	VLarge     = 0x04 // L: LP in R gives the page size
	VBolted    = 0x10 // software: never evicted (Linux: HPTE_V_BOLTED)
	VSoftware  = 0x78 // all software bits

	bShift   = 62
	vAVPN    = 0x3fffffffffffff80
	vCompare = 0xffffffffffffff80 // B and AVPN

	// VMatch are the bits of V that decide a match: B, AVPN, H and V.
	VMatch = vCompare | VSecondary | VValid
)

// Bits of R.
const (
	RPP0   = 1 << 63 // high protection bit
	RKeyHi = 0x3000000000000000
	RRPN   = 0x0ffffffffffff000
	RKeyLo = 0x0e00
	RRef   = 0x0100 // R: referenced
	RChg   = 0x0080 // C: changed
	RWIMG  = 0x0078
	RN     = 0x0004 // N: no execute
	RPP    = 0x0003
)

// Format 3 fields.
const (
	v3Common = 0x000fffffffffffff // all that V may hold
	r3BShift = 58
	r3B      = uint64(3) << r3BShift
)

// Valid reports whether V is set.
func (h HPTE) Valid() bool { return h.V&VValid != 0 }

// Secondary reports whether H is set.
func (h HPTE) Secondary() bool { return h.V&VSecondary != 0 }

// Bolted reports whether the entry is marked never to be evicted.
func (h HPTE) Bolted() bool { return h.V&VBolted != 0 }

// Large reports whether L is set: the size is given by LP.
func (h HPTE) Large() bool { return h.V&VLarge != 0 }

// Seg is the segment size, B. Values 2 and 3 are reserved.
func (h HPTE) Seg() SegSize { return SegSize(h.V >> bShift) }

// Match reports whether the entry translates k, seen from k's primary or
// secondary group: valid, and B, AVPN and H as the key has them. It does not
// look at the page size; see [Sizes.Actual].
//
// H counts: in the smallest table with 4K pages, B and AVPN alone fit two pages
// of one group.
func (h HPTE) Match(k Key, secondary bool) bool {
	want := k.AVPN() | VValid
	if secondary {
		want |= VSecondary
	}
	return (h.V^want)&VMatch == 0
}

// SameTranslation reports whether two entries for one key agree: same real
// page, protection, storage attributes and key. R and C do not count. Entries
// that disagree are a conflicting duplicate.
func (h HPTE) SameTranslation(o HPTE) bool {
	return (h.R^o.R)&^(RRef|RChg) == 0 && (h.V^o.V)&VLarge == 0
}

// To3 converts to format 3 (Linux: hpte_old_to_new_v, hpte_old_to_new_r). AVPN
// bits 61:52 of V do not exist there and are lost.
func (h HPTE) To3() HPTE {
	return HPTE{h.V & v3Common, h.R&^r3B | h.V>>bShift<<r3BShift}
}

// From3 converts the numbers of a format 3 entry to format 2 (Linux:
// hpte_new_to_old_v, hpte_new_to_old_r).
func From3(v, r uint64) HPTE {
	return HPTE{v&v3Common | r&r3B>>r3BShift<<bShift, r &^ r3B}
}

// String gives "V:R", each as 16 hex digits after 0x.
func (h HPTE) String() string { return fmt.Sprintf("%#016x:%#016x", h.V, h.R) }

// MarshalText gives the form of String.
func (h HPTE) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the form of String; digits may be fewer.
func (h *HPTE) UnmarshalText(b []byte) error {
	v, r, ok := strings.Cut(string(b), ":")
	var n HPTE
	if !ok {
		return fmt.Errorf("%w: %q is no entry V:R", ErrSyntax, b)
	}
	if err := unhex([]byte(v), &n.V); err != nil {
		return err
	}
	if err := unhex([]byte(r), &n.R); err != nil {
		return err
	}
	*h = n
	return nil
}

// AppendBinary appends the 16 bytes of the entry in memory: V then R,
// big-endian.
func (h HPTE) AppendBinary(b []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, h.V), h.R), nil
}

// MarshalBinary gives the 16 bytes of AppendBinary.
func (h HPTE) MarshalBinary() ([]byte, error) { return h.AppendBinary(nil) }

// UnmarshalBinary reads the form of AppendBinary.
func (h *HPTE) UnmarshalBinary(b []byte) error {
	if len(b) != 16 {
		return fmt.Errorf("%w: an entry has 16 bytes, not %d", ErrSyntax, len(b))
	}
	*h = HPTE{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
	return nil
}
