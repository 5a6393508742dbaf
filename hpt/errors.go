package hpt

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// Errors of table operations. The operations return them bare, so that a
// failing call allocates nothing.
var (
	// ErrGroupFull is returned when no slot that the entry may take is free.
	ErrGroupFull = errors.New("hpt: no free slot")
	// ErrNotFound is returned when the hint names no entry of that key.
	ErrNotFound = errors.New("hpt: no such entry")
	// ErrBolted is returned by Evict when a group has no entry that may go.
	ErrBolted = errors.New("hpt: nothing to evict")
	// ErrExists is returned by InsertUnique when the key has a valid entry.
	ErrExists = errors.New("hpt: key has an entry")
	// ErrBusy is returned by InsertUnique when it lost a race with another
	// insert. The key may or may not have an entry afterwards: try again.
	ErrBusy = errors.New("hpt: lost a race")
)

// Errors of construction and of images.
var (
	// ErrConfig is wrapped by every ConfigError.
	ErrConfig = errors.New("hpt: bad configuration")
	// ErrImage is wrapped by every ImageError.
	ErrImage = errors.New("hpt: bad table image")
)

// Errors that Check joins.
var (
	// ErrDuplicate is wrapped by every DuplicateError.
	ErrDuplicate = errors.New("hpt: duplicate entries")
	// ErrMisplaced is wrapped by every MisplacedError.
	ErrMisplaced = errors.New("hpt: misplaced entry")
)

// ConfigError names the field of a Config that cannot be used.
type ConfigError struct {
	Field string
	Value int64
	Why   string
	Err   error // what the host said, or nil
}

func (e *ConfigError) Error() string {
	s := fmt.Sprintf("hpt: bad configuration: %s = %d: %s", e.Field, e.Value, e.Why)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives ErrConfig and what the host said.
func (e *ConfigError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrConfig}
	}
	return []error{ErrConfig, e.Err}
}

// ImageError says why an image was refused. Nothing of it was loaded.
type ImageError struct {
	Field string // "length"
	Value int64  // in bytes
	Why   string
	Err   error // what the reader said, or nil
}

func (e *ImageError) Error() string {
	s := fmt.Sprintf("hpt: bad table image: %s = %d: %s", e.Field, e.Value, e.Why)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives ErrImage and what the reader said.
func (e *ImageError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrImage}
	}
	return []error{ErrImage, e.Err}
}

// DuplicateError names two valid entries that match one key, lower slot first.
type DuplicateError struct {
	Key           pte.Key
	Slots         [2]pte.Slot
	Entries       [2]pte.HPTE // format 2 view
	ActualSizes   [2]pte.PageSize
	Conflict      bool // the entries disagree: see pte.HPTE.SameTranslation
	AcrossGroups  bool // one sits in the primary, one in the secondary group
	AcrossActuals bool // the actual page sizes differ
}

func (e *DuplicateError) Error() string {
	grade := "agreeing"
	if e.Conflict {
		grade = "conflicting"
	}
	return fmt.Sprintf("hpt: duplicate entries: %s, key %v, slots %d and %d: %v (%v) and %v (%v)", grade, e.Key,
		e.Slots[0], e.Slots[1], e.Entries[0], e.ActualSizes[0], e.Entries[1], e.ActualSizes[1])
}

// Unwrap makes errors.Is(err, ErrDuplicate) true.
func (e *DuplicateError) Unwrap() error { return ErrDuplicate }

// MisplacedError names a valid entry that no search can find where it sits.
type MisplacedError struct {
	Slot  pte.Slot
	Entry pte.HPTE // format 2 view
}

func (e *MisplacedError) Error() string {
	return fmt.Sprintf("hpt: misplaced entry: slot %d, group %d: no page fits %v there", e.Slot, e.Slot.Group(), e.Entry)
}

// Unwrap makes errors.Is(err, ErrMisplaced) true.
func (e *MisplacedError) Unwrap() error { return ErrMisplaced }
