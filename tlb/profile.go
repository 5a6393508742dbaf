package tlb

import (
	"errors"
	"fmt"
)

// Family is a line of parts that share registers and instructions.
type Family uint8

const (
	MIPS Family = iota
	UltraSPARC
	PPC405
	PPC44x
	PPC47x
	E500
	PPC603
)

var familyNames = [...]string{"mips", "ultrasparc", "ppc405", "ppc44x", "ppc47x", "e500", "ppc603"}

func (f Family) String() string { return name(familyNames[:], int(f)) }

// Profile is a part as data: everything in which two parts of a family differ.
// A constructor (NewMIPS, NewSun4u, ...) turns it into a CPU's MMU. Profiles are
// plain values: copy one and change a field to describe another part.
type Profile struct {
	Name     string
	Family   Family
	MultiHit MultiHit
	Quirks   Quirk // departures switched on; none in the named profiles

	MIPS  MIPSParams  // if Family is MIPS
	Sparc SparcParams // if Family is UltraSPARC

	PPC4xx PPC4xxParams // PPC405, PPC44x, PPC47x
	E500   E500Params   // E500
	PPC603 PPC603Params // PPC603

	_ struct{}
}

// multiHit is the behaviour in force: the part's, unless the recorded
// machine's choice replaces it.
func (p *Profile) multiHit() MultiHit {
	if p.Quirks.Has(QuirkSearchOrder) {
		return MultiHit{}
	}
	return p.MultiHit
}

// bad returns the error for a field of p.
func (p *Profile) bad(field string, value any, reason string) error {
	return &ProfileError{Profile: p.Name, Field: field, Value: value, Reason: reason}
}

// ErrProfile is what a bad profile is reported as; see ProfileError.
var ErrProfile = errors.New("tlb: bad profile")

// ProfileError names the field of a profile that a constructor refused.
// errors.Is(err, ErrProfile) holds for it.
type ProfileError struct {
	Profile string
	Field   string
	Value   any
	Reason  string
}

func (e *ProfileError) Error() string {
	return fmt.Sprintf("tlb: profile %q: %s = %v: %s", e.Profile, e.Field, e.Value, e.Reason)
}

func (e *ProfileError) Unwrap() error { return ErrProfile }

// Profiles lists the named profiles of every family.
var Profiles = concat(mipsProfiles, sparcProfiles, profiles4xx, profilesE500, profiles603)

// ByName returns the named profile.
func ByName(name string) (Profile, error) {
	for _, p := range Profiles {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, &ProfileError{Profile: name, Field: "Name", Value: name, Reason: "no such profile"}
}
