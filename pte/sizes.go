package pte

import (
	"errors"
	"fmt"
)

// ErrSizes reports a page-size table that cannot be used.
var ErrSizes = errors.New("pte: bad page-size table")

// SizesError names what is wrong with a page-size table.
type SizesError struct {
	Field string // for instance "base[1].actual[0].LP"
	Value uint64
	Why   string
}

func (e *SizesError) Error() string {
	return fmt.Sprintf("pte: bad page-size table: %s = %#x: %s", e.Field, e.Value, e.Why)
}

// Unwrap makes errors.Is(err, ErrSizes) true.
func (e *SizesError) Unwrap() error { return ErrSizes }

// SegPageSizes is one base page size of a page-size table, in the shape of the
// device tree property ibm,segment-page-sizes and of KVM_PPC_GET_SMMU_INFO.
type SegPageSizes struct {
	Base   PageSize
	SLB    uint64 // L and LP of the SLB entry, mask 0x130
	Actual []ActualSize
}

// ActualSize is one actual page size within a base page size.
type ActualSize struct {
	Size PageSize
	LP   uint64 // value of the RPN bits below the page size, in units of 4 KiB (Linux: penc)
}

// SLBSizeMask are the bits of an SLB entry's second doubleword that give the
// base page size: L 0x100 and LP 0x030.
const SLBSizeMask = 0x130

// Shipped page-size tables. Sources: Linux mmu_psize_defaults_gp, and the values
// that KVM and firmware give for later processors.
var (
	// SizesPOWER5 is POWER4, 970 and POWER5: 4K and 16M.
	SizesPOWER5 = []SegPageSizes{
		{Page4K, 0x000, []ActualSize{{Page4K, 0}}},
		{Page16M, 0x100, []ActualSize{{Page16M, 0}}},
	}
	// SizesPOWER6 is POWER5+ and POWER6: 64K and 16G added, one size a segment.
	SizesPOWER6 = []SegPageSizes{
		{Page4K, 0x000, []ActualSize{{Page4K, 0}}},
		{Page64K, 0x110, []ActualSize{{Page64K, 1}}},
		{Page16M, 0x100, []ActualSize{{Page16M, 0}}},
		{Page16G, 0x120, []ActualSize{{Page16G, 3}}},
	}
	// SizesPOWER7 is POWER7 to POWER10: several page sizes per segment (MPSS).
	SizesPOWER7 = []SegPageSizes{
		{Page4K, 0x000, []ActualSize{{Page4K, 0}, {Page64K, 7}, {Page16M, 0x38}}},
		{Page64K, 0x110, []ActualSize{{Page64K, 1}, {Page16M, 8}}},
		{Page16M, 0x100, []ActualSize{{Page16M, 0}}},
		{Page16G, 0x120, []ActualSize{{Page16G, 3}}},
	}
)

// Sizes is a checked page-size table. It is immutable and safe for concurrent
// use.
type Sizes struct {
	bases []SegPageSizes
	byEnc [16]PageSize // by L|LP of the SLB entry
	enc   []sizeEnc
	rows  [40][]sizeEnc // of enc, by log2 of the base
}

// sizeEnc is one (base, actual) pair: an entry has it when L is large and
// R & mask == value.
type sizeEnc struct {
	base, actual PageSize
	large        bool
	mask, value  uint64
}

// matches reports whether the entry's L and LP encode the pair.
func (s *sizeEnc) matches(h HPTE) bool {
	return h.Large() == s.large && h.R&s.mask == s.value
}

// overlaps reports whether one entry can encode both pairs.
func (s *sizeEnc) overlaps(o *sizeEnc) bool {
	m := s.mask & o.mask
	return s.large == o.large && s.value&m == o.value&m
}

// NewSizes checks a page-size table and makes it ready for use. It refuses,
// with a [*SizesError], unknown sizes, an actual size below its base, values
// that do not fit, and any table in which one entry or one SLB encoding could
// be read in two ways (P6).
func NewSizes(bases []SegPageSizes) (*Sizes, error) {
	if len(bases) == 0 {
		return nil, &SizesError{"bases", 0, "the table is empty"}
	}
	s := &Sizes{}
	for i, b := range bases {
		if err := s.addBase(i, b); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// MustSizes is NewSizes for tables known to be good, such as the shipped ones.
func MustSizes(bases []SegPageSizes) *Sizes {
	s, err := NewSizes(bases)
	if err != nil {
		panic(err)
	}
	return s
}

func (s *Sizes) addBase(i int, b SegPageSizes) error {
	field := func(name string) string { return fmt.Sprintf("base[%d].%s", i, name) }
	switch {
	case !b.Base.Known():
		return &SizesError{field("Base"), uint64(b.Base), "not a page size of hash translation"}
	case s.HasBase(b.Base):
		return &SizesError{field("Base"), uint64(b.Base), "listed twice"}
	case b.SLB&^SLBSizeMask != 0:
		return &SizesError{field("SLB"), b.SLB, "bits outside 0x130"}
	case s.byEnc[encIndex(b.SLB)] != 0:
		return &SizesError{field("SLB"), b.SLB, "encoding of another base size"}
	case len(b.Actual) == 0:
		return &SizesError{field("Actual"), 0, "no actual size"}
	}
	s.byEnc[encIndex(b.SLB)] = b.Base
	first := len(s.enc)
	for j, a := range b.Actual {
		if err := s.addActual(b.Base, a, func(name string) string {
			return field(fmt.Sprintf("Actual[%d].%s", j, name))
		}); err != nil {
			return err
		}
	}
	s.rows[b.Base] = s.enc[first:]
	s.bases = append(s.bases, SegPageSizes{b.Base, b.SLB, append([]ActualSize(nil), b.Actual...)})
	return nil
}

func (s *Sizes) addActual(base PageSize, a ActualSize, field func(string) string) error {
	switch {
	case !a.Size.Known() || a.Size < base:
		return &SizesError{field("Size"), uint64(a.Size), "unknown or below its base size"}
	case a.LP >= a.Size.Bytes()>>VPNShift:
		return &SizesError{field("LP"), a.LP, "does not fit below the page size"}
	}
	e := sizeEnc{base: base, actual: a.Size, large: a.Size != Page4K}
	if e.large {
		e.mask = (a.Size.Bytes() - 1) & RRPN
		e.value = a.LP << VPNShift
	}
	for i := range s.enc {
		if o := &s.enc[i]; o.overlaps(&e) {
			return &SizesError{field("LP"), a.LP,
				fmt.Sprintf("an entry could also be %v in a %v segment", o.actual, o.base)}
		}
	}
	s.enc = append(s.enc, e)
	return nil
}

// encIndex packs L (0x100) and LP (0x030) into 0 to 7.
func encIndex(slb uint64) uint64 { return slb>>4&3 | slb>>6&4 }

// Bases returns the table's rows. The caller must not change them.
func (s *Sizes) Bases() []SegPageSizes { return s.bases }

// HasBase reports whether segments of that base page size exist.
func (s *Sizes) HasBase(base PageSize) bool { return len(s.row(base)) != 0 }

// row returns the sizes of a base.
func (s *Sizes) row(base PageSize) []sizeEnc {
	if int(base) < len(s.rows) {
		return s.rows[base]
	}
	return nil
}

// Base returns the base page size of an SLB entry's second doubleword; ok is
// false when its L and LP are no encoding of the table.
func (s *Sizes) Base(slb uint64) (base PageSize, ok bool) {
	base = s.byEnc[encIndex(slb)]
	return base, base != 0
}

// SLB returns L and LP of the SLB entry for a base page size.
func (s *Sizes) SLB(base PageSize) (enc uint64, ok bool) {
	for _, b := range s.bases {
		if b.Base == base {
			return b.SLB, true
		}
	}
	return 0, false
}

// Actual returns the actual page size that the entry encodes for a segment
// with the given base page size; ok is false when it encodes none, and then the
// entry does not translate anything of that segment.
func (s *Sizes) Actual(base PageSize, h HPTE) (actual PageSize, ok bool) {
	row := s.row(base)
	for i := range row {
		if e := &row[i]; e.matches(h) {
			return e.actual, true
		}
	}
	return 0, false
}

// Decode returns base and actual page size of an entry whose segment is not
// known. Tables being unambiguous, there is at most one answer.
func (s *Sizes) Decode(h HPTE) (base, actual PageSize, ok bool) {
	for i := range s.enc {
		if e := &s.enc[i]; e.matches(h) {
			return e.base, e.actual, true
		}
	}
	return 0, 0, false
}

// lp returns the L bit (in V) and the LP bits (in R) of an actual page size
// within a base page size.
func (s *Sizes) lp(base, actual PageSize) (v, r uint64, ok bool) {
	row := s.row(base)
	for i := range row {
		if e := &row[i]; e.actual == actual {
			return uint64(k2i(e.large)) * VLarge, e.value, true
		}
	}
	return 0, 0, false
}
