package pte

import "math/bits"

// VSIDScheme says how a kernel makes VSIDs from a context number and an
// effective address: a proto-VSID times a constant, modulo 2^n-1 (Linux:
// get_vsid, vsid_scramble). Multiplication spreads neighbouring contexts over
// the table.
type VSIDScheme struct {
	Name string
	seg  [2]scramble // by SegSize; zero where the kernel has no such segments
	// kernelProto is set where kernel addresses use the whole ESID as proto-VSID.
	kernelProto bool
}

type scramble struct {
	bits     uint // n
	esidBits uint
	mult     uint64
}

// The shipped schemes.
var (
	// VSID2620 is Linux 2.6.20: 256M segments only, 36-bit VSIDs.
	VSID2620 = &VSIDScheme{"2.6.20", [2]scramble{{36, 16, 200730139}}, true}
	// VSID61 is Linux 6.1 on a processor with 68-bit virtual addresses.
	VSID61 = &VSIDScheme{"6.1", [2]scramble{{40, 21, 12538073}, {28, 9, 12538073}}, false}
	// VSID61VA65 is Linux 6.1 on a processor with 65-bit virtual addresses.
	VSID61VA65 = &VSIDScheme{"6.1/va65", [2]scramble{{37, 21, 12538073}, {25, 9, 12538073}}, false}
)

// HasSeg reports whether the kernel uses segments of that size.
func (s *VSIDScheme) HasSeg(seg SegSize) bool { return seg <= Seg1T && s.seg[seg].bits != 0 }

// MaxContext is the largest context number whose VSIDs are no other's: those of the
// next one, and of all beyond, another context or the kernel has too (Linux:
// MAX_USER_CONTEXT).
func (s *VSIDScheme) MaxContext() uint64 {
	room := uint(64)
	for _, p := range s.seg {
		if p.bits != 0 {
			room = min(room, p.bits-p.esidBits)
		}
	}
	if s.kernelProto {
		return 1<<(room-1) - 1 // above is the kernel's half
	}
	return 1<<room - 2 // the last VSID of one more is the first of context 0
}

// VSID returns the VSID of ea in an address space with the given context number.
// Where the kernel has no segments of that size it is 0, which to Linux is the mark
// of a bad address.
func (s *VSIDScheme) VSID(context uint64, ea EA, seg SegSize) VSID {
	if !s.HasSeg(seg) {
		return 0
	}
	return VSID(s.seg[seg].apply(s.Proto(context, ea, seg)))
}

// Proto returns the proto-VSID, the number before multiplication. seg must be one
// that HasSeg.
func (s *VSIDScheme) Proto(context uint64, ea EA, seg SegSize) uint64 {
	p := s.seg[seg]
	esid := uint64(ea) >> seg.Shift()
	if s.kernelProto && ea>>60 != 0 {
		return esid & (1<<p.bits - 1)
	}
	return context<<p.esidBits + esid&(1<<p.esidBits-1)
}

// Unscramble returns the proto-VSID of a VSID, the inverse of the
// multiplication. 0 and 2^n-1 are one number modulo 2^n-1; it returns 0, as it
// does where the kernel has no segments of that size.
func (s *VSIDScheme) Unscramble(vsid VSID, seg SegSize) uint64 {
	if !s.HasSeg(seg) {
		return 0
	}
	p := s.seg[seg]
	p.mult = p.inverse()
	return p.apply(uint64(vsid))
}

// Context splits a proto-VSID of a user address into context number and
// segment number. seg must be one that HasSeg.
func (s *VSIDScheme) Context(proto uint64, seg SegSize) (context, esid uint64) {
	b := s.seg[seg].esidBits
	return proto >> b, proto & (1<<b - 1)
}

// apply returns proto*mult mod 2^n-1. There 2^n is 1, so the two digits that the
// product has in base 2^n are added.
func (p scramble) apply(proto uint64) uint64 {
	hi, lo := bits.Mul64(p.mod(proto), p.mult)
	return p.mod(lo&(1<<p.bits-1) + (hi<<(64-p.bits) | lo>>p.bits))
}

// mod returns x mod 2^n-1.
func (p scramble) mod(x uint64) uint64 {
	m := uint64(1)<<p.bits - 1
	for x > m {
		x = x&m + x>>p.bits
	}
	if x == m {
		return 0
	}
	return x
}

// inverse returns the multiplier's inverse modulo 2^n-1, by Euclid.
func (p scramble) inverse() uint64 {
	m := int64(1)<<p.bits - 1
	a, b, x, y := int64(p.mult)%m, m, int64(1), int64(0)
	for b != 0 {
		q := a / b
		a, b = b, a-q*b
		x, y = y, x-q*y
	}
	return uint64((x%m + m) % m)
}
