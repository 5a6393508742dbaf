package mmu

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Errors of this package. All are about what the host program asks for; what a
// guest does comes back as a fault or a false.
var (
	ErrConfig   = errors.New("mmu: bad configuration")
	ErrSnapshot = errors.New("mmu: bad snapshot")
)

// ConfigError names the field of a Config that cannot be used.
type ConfigError struct {
	Field string
	Value int64
	Why   string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("mmu: bad configuration: %s = %d: %s", e.Field, e.Value, e.Why)
}

// Unwrap makes errors.Is(err, ErrConfig) true.
func (e *ConfigError) Unwrap() error { return ErrConfig }

// Storage is the real storage that a CPU needs besides the table in force: for
// finding a table when SDR1, PTCR or LPIDR changes, and for the partition,
// process and segment tables. It is not used to read entries. Its methods run on the
// goroutines of all CPUs that have it.
type Storage interface {
	// Load64 reads a big-endian doubleword; ra is a multiple of 8. ok is false
	// where there is no memory.
	Load64(ra pte.RA) (v uint64, ok bool)
	// Table returns the hashed page table of 1<<order bytes at ra, or nil when
	// there can be none. Every CPU of a machine must get the same one.
	Table(ra pte.RA, order int, f hpt.Format) *hpt.Table
}

// Config describes a CPU. The zero value is a POWER8 without a table, for which
// every translated access misses.
type Config struct {
	// Profile is the processor; a zero Name means POWER8.
	Profile Profile
	// Table is the hashed page table in force until a register says otherwise;
	// SetTable changes it. It may be nil.
	Table *hpt.Table
	// Sizes is the page-size table; nil means the Table's, or without one that
	// of POWER7 to POWER10.
	Sizes *pte.Sizes
	// Paravirtual is for a machine whose hypervisor is the emulator itself, as
	// pseries: with translation off an address is its own real address.
	Paravirtual bool
	// Storage may be nil: then SDR1, PTCR and LPIDR select no table, and a
	// segment table is not walked.
	Storage Storage
	// Domain, when not nil, carries global invalidations between CPUs.
	Domain *Domain
	// TLB is log2 of the entries of the software TLB, 1 to 20; 0 means none.
	TLB int
	// DetectMultihit makes several matching SLB entries a machine check; without
	// it the lowest slot is used.
	DetectMultihit bool
	// DetectDuplicates makes Result.Dup and Result.Other true, at the price of
	// searching on after a match.
	DetectDuplicates bool
	// Quirks are departures from the architecture.
	Quirks Quirks

	_ struct{}
}

const maxTLB = 20

var defaultSizes = pte.MustSizes(pte.SizesPOWER7)

// fill checks the configuration and puts the defaults in.
func (c *Config) fill() error {
	if c.Profile.Name == "" {
		if c.Profile != (Profile{}) {
			return &ConfigError{"Profile.Name", 0, "empty in a profile that is not"}
		}
		c.Profile = POWER8
	}
	switch {
	case c.Profile.SLB < 1 || c.Profile.SLB > maxSLB:
		return &ConfigError{"Profile.SLB", int64(c.Profile.SLB), "not 1 to 64"}
	case c.Profile.Format > hpt.Format3:
		return &ConfigError{"Profile.Format", int64(c.Profile.Format), "neither Format2 nor Format3"}
	case c.TLB < 0 || c.TLB > maxTLB:
		return &ConfigError{"TLB", int64(c.TLB), "not 0 to 20"}
	}
	if c.Sizes == nil {
		c.Sizes = defaultSizes
		if c.Table != nil {
			c.Sizes = c.Table.Sizes()
		}
	}
	return nil
}
