package pte

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// EA is an effective address in bytes.
type EA uint64

// RA is a real address in bytes.
type RA uint64

// VSID is a virtual segment identifier: at most 50 bits for a 256M segment,
// 38 bits for a 1T segment (Power ISA Book III, Segment Lookaside Buffer).
type VSID uint64

// VPN is a virtual address in units of 4 KiB, whatever the page size. 64 bits
// hold the VPN of every VSID below 2^48 (256M) or 2^36 (1T), which covers the
// 68-bit virtual addresses that Linux uses; [Key] has no such limit.
type VPN uint64

// VPNShift is log2 of the unit of a VPN, 4 KiB.
const VPNShift = 12

// ErrSyntax reports text that is not a value of the type asked for.
var ErrSyntax = errors.New("pte: syntax error")

func (a EA) String() string   { return hex(uint64(a)) }
func (a RA) String() string   { return hex(uint64(a)) }
func (v VSID) String() string { return hex(uint64(v)) }
func (v VPN) String() string  { return hex(uint64(v)) }

// MarshalText gives the form of String.
func (a EA) MarshalText() ([]byte, error)   { return []byte(a.String()), nil }
func (a RA) MarshalText() ([]byte, error)   { return []byte(a.String()), nil }
func (v VSID) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
func (v VPN) MarshalText() ([]byte, error)  { return []byte(v.String()), nil }

// UnmarshalText reads the form of String.
func (a *EA) UnmarshalText(b []byte) error   { return unhex(b, (*uint64)(a)) }
func (a *RA) UnmarshalText(b []byte) error   { return unhex(b, (*uint64)(a)) }
func (v *VSID) UnmarshalText(b []byte) error { return unhex(b, (*uint64)(v)) }
func (v *VPN) UnmarshalText(b []byte) error  { return unhex(b, (*uint64)(v)) }

func hex(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

func unhex(b []byte, v *uint64) error {
	digits, ok := strings.CutPrefix(string(b), "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil {
		return fmt.Errorf("%w: %q is no 0x number of 64 bits", ErrSyntax, b)
	}
	*v = n
	return nil
}
