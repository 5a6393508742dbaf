package pte

import (
	"fmt"
	"strings"
)

// SlotsPerGroup is the architected number of entries of a group (PTEG).
const SlotsPerGroup = 8

// Key names one base page of the virtual address space: what a lookup asks
// for. It is comparable; two keys built by [MakeKey] for addresses of one base
// page are equal.
type Key struct {
	VSID VSID
	Page uint32 // 4 KiB page within the segment, aligned to Base
	Base PageSize
	Seg  SegSize
}

// MakeKey returns the key of ea in the segment vsid with the given segment and
// base page size.
func MakeKey(vsid VSID, ea EA, seg SegSize, base PageSize) Key {
	off := uint64(ea) & (seg.Bytes() - 1) &^ (base.Bytes() - 1)
	return Key{vsid, uint32(off >> VPNShift), base, seg}
}

// Key returns the key of a VPN; see VPN for its range.
func (v VPN) Key(seg SegSize, base PageSize) Key {
	bits := seg.Shift() - VPNShift
	return MakeKey(VSID(v>>bits), EA(v<<VPNShift), seg, base)
}

// VPN returns the virtual page number of the key (Linux: hpt_vpn). Bits of a
// VSID beyond the range of VPN are lost.
func (k Key) VPN() VPN {
	return VPN(k.VSID)<<(k.Seg.Shift()-VPNShift) | VPN(k.Page)
}

// Offset returns the offset of the key's page within its segment, in bytes.
func (k Key) Offset() EA { return EA(k.Page) << VPNShift }

// Hash is the 39-bit hash of a key.
type Hash uint64

const hashMask = 1<<39 - 1

// Hash returns the architected hash (ISA Book III, Page Table Search; Linux:
// hpt_hash). It is exclusive-or by definition: hardware computes it.
func (k Key) Hash() Hash {
	h := uint64(k.VSID) ^ uint64(k.Page)>>(uint(k.Base-VPNShift)&63)
	if k.Seg == Seg1T {
		h ^= uint64(k.VSID) << 25
	}
	return Hash(h & hashMask)
}

// Primary returns the primary group in a table of mask+1 groups.
func (h Hash) Primary(mask uint64) uint64 { return uint64(h) & mask }

// Secondary returns the secondary group in a table of mask+1 groups.
func (h Hash) Secondary(mask uint64) uint64 { return ^uint64(h) & mask }

// Group returns the primary or the secondary group.
func (h Hash) Group(secondary bool, mask uint64) uint64 {
	if secondary {
		return h.Secondary(mask)
	}
	return h.Primary(mask)
}

// AVPN returns B and AVPN of the V doubleword that matches the key, all other
// bits zero (Linux: hpte_encode_avpn). It depends on the base page size only,
// not on the actual one.
func (k Key) AVPN() uint64 {
	if k.Seg == Seg256M {
		return uint64(k.VSID)<<12 | uint64(k.Page)>>11<<7
	}
	return uint64(k.Seg)<<bShift | uint64(k.VSID)<<24 | uint64(k.Page)>>11<<7
}

// String gives "VSID:page/base/segment", for instance 0x7ca3:0x10/4K/256M.
func (k Key) String() string {
	return fmt.Sprintf("%v:%#x/%v/%v", k.VSID, k.Page, k.Base, k.Seg)
}

// MarshalText gives the form of String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of String.
func (k *Key) UnmarshalText(b []byte) error {
	fields := strings.FieldsFunc(string(b), func(r rune) bool { return r == ':' || r == '/' })
	if len(fields) != 4 {
		return fmt.Errorf("%w: %q is no key like 0x7ca3:0x10/4K/256M", ErrSyntax, b)
	}
	var n Key
	var page uint64
	if err := n.VSID.UnmarshalText([]byte(fields[0])); err != nil {
		return err
	}
	if err := unhex([]byte(fields[1]), &page); err != nil {
		return err
	}
	if err := n.Base.UnmarshalText([]byte(fields[2])); err != nil {
		return err
	}
	if err := n.Seg.UnmarshalText([]byte(fields[3])); err != nil {
		return err
	}
	if page >= n.Seg.Bytes()>>VPNShift || page&(n.Base.Bytes()>>VPNShift-1) != 0 {
		return fmt.Errorf("%w: %q: page outside the segment or not aligned", ErrSyntax, b)
	}
	n.Page = uint32(page)
	if n.String() != string(b) {
		return fmt.Errorf("%w: %q is not how %v is written", ErrSyntax, b, n)
	}
	*k = n
	return nil
}

// Slot is the number of an entry in its table: group*8 + index. PAPR calls it
// ptex, Linux the global slot.
type Slot uint64

// Group returns the group of a slot in a table with 8 slots per group.
func (s Slot) Group() uint64 { return uint64(s) / SlotsPerGroup }

// Index returns the place within the group, 0 to 7.
func (s Slot) Index() int { return int(s % SlotsPerGroup) }
