package pte

import "fmt"

// PageSize is log2 of a page size in bytes. The zero value is no size.
type PageSize uint8

// The page sizes of the architecture's hash translation.
const (
	Page4K  PageSize = 12
	Page64K PageSize = 16
	Page1M  PageSize = 20
	Page16M PageSize = 24
	Page16G PageSize = 34
)

// Shift is log2 of the size in bytes.
func (p PageSize) Shift() uint { return uint(p) & 63 }

// Bytes is the size in bytes.
func (p PageSize) Bytes() uint64 { return 1 << p.Shift() }

// Known reports whether p is one of the five sizes of hash translation.
func (p PageSize) Known() bool {
	switch p {
	case Page4K, Page64K, Page1M, Page16M, Page16G:
		return true
	}
	return false
}

// SegSize is a segment size as the B field has it: 0 for 256M, 1 for 1T.
// B values 2 and 3 are reserved.
type SegSize uint8

// The segment sizes.
const (
	Seg256M SegSize = 0
	Seg1T   SegSize = 1
)

// Shift is log2 of the segment size in bytes: 28 or 40.
func (s SegSize) Shift() uint {
	if s == Seg256M {
		return 28
	}
	return 40
}

// Bytes is the segment size in bytes.
func (s SegSize) Bytes() uint64 { return 1 << s.Shift() }

var pageNames = map[PageSize]string{
	Page4K: "4K", Page64K: "64K", Page1M: "1M", Page16M: "16M", Page16G: "16G",
}

var segNames = map[SegSize]string{Seg256M: "256M", Seg1T: "1T"}

// String gives 4K, 64K, 1M, 16M, 16G; another value as its log2, "2^21".
func (p PageSize) String() string {
	if n, ok := pageNames[p]; ok {
		return n
	}
	return fmt.Sprintf("2^%d", uint8(p))
}

// String gives 256M or 1T; a reserved value as "B=2".
func (s SegSize) String() string {
	if n, ok := segNames[s]; ok {
		return n
	}
	return fmt.Sprintf("B=%d", uint8(s))
}

// MarshalText gives the form of String.
func (p PageSize) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
func (s SegSize) MarshalText() ([]byte, error)  { return []byte(s.String()), nil }

// UnmarshalText reads the names of the known sizes.
func (p *PageSize) UnmarshalText(b []byte) error { return byName(b, pageNames, p) }

// UnmarshalText reads 256M or 1T.
func (s *SegSize) UnmarshalText(b []byte) error { return byName(b, segNames, s) }

func byName[T comparable](b []byte, names map[T]string, v *T) error {
	for k, n := range names {
		if n == string(b) {
			*v = k
			return nil
		}
	}
	return fmt.Errorf("%w: %q is no size of hash translation", ErrSyntax, b)
}
