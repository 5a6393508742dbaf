package pte

import "fmt"

// Access is a set of access kinds, asked for or granted.
type Access uint8

// The access kinds. Bit values are those of the recorded data and of Unix.
const (
	Read  Access = 1
	Write Access = 2
	Exec  Access = 4
)

// Has reports whether every kind of b is in a.
func (a Access) Has(b Access) bool { return a&b == b }

// String gives "rwx" with '-' for a missing kind.
func (a Access) String() string {
	b := [3]byte{'-', '-', '-'}
	for i, c := range "rwx" {
		if a&(1<<i) != 0 {
			b[i] = byte(c)
		}
	}
	return string(b[:])
}

// MarshalText gives the form of String.
func (a Access) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form of String.
func (a *Access) UnmarshalText(b []byte) error {
	for v := Access(0); v <= Read|Write|Exec; v++ {
		if v.String() == string(b) {
			*a = v
			return nil
		}
	}
	return fmt.Errorf("%w: %q is no access like \"rw-\"", ErrSyntax, b)
}
