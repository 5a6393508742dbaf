package image

import (
	"errors"
	"fmt"
)

// Errors that a FormatError wraps.
var (
	// ErrFormat is input that is not what the reader reads.
	ErrFormat = errors.New("image: bad format")
	// ErrLimit is input that asks for more than the caller allows.
	ErrLimit = errors.New("image: beyond the limit")
	// ErrUnsupported is input that is right but not modelled.
	ErrUnsupported = errors.New("image: not supported")
)

// FormatError says where input stopped making sense. It wraps ErrFormat, ErrLimit
// or ErrUnsupported, and what the reader below said.
type FormatError struct {
	Offset int64 // bytes into the decompressed input, of the thing named
	What   string
	Kind   error
	Err    error // what the reader below said, or nil
}

func (e *FormatError) Error() string {
	s := fmt.Sprintf("%v: at byte %d: %s", e.Kind, e.Offset, e.What)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the kind and what the reader below said.
func (e *FormatError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}
