package mmu

import "github.com/hashmmu/ppc64/hpt"

// Profile is what differs between processors, as data. The shipped ones are
// POWER7 to POWER10; another is a copy with fields changed.
type Profile struct {
	Name string
	// SLB is the number of SLB entries, 1 to 64.
	SLB int
	// ISA300 is set from POWER9 on: the table is found by PTCR and a partition
	// table instead of SDR1, translation off in a partition is always the VRMA,
	// slbia decodes IH, and a segment table can stand in for the SLB.
	ISA300 bool
	// IAMR is set where instruction fetches have storage keys, POWER8 and later.
	IAMR bool
	// ScopedTLBIE is set where tlbie has the IS field, POWER8 and later; tlbiel
	// has it everywhere.
	ScopedTLBIE bool
	// Format is the layout of a table in guest memory.
	Format hpt.Format
}

// The shipped profiles.
var (
	POWER7  = Profile{Name: "POWER7", SLB: 32}
	POWER8  = Profile{Name: "POWER8", SLB: 32, IAMR: true, ScopedTLBIE: true}
	POWER9  = Profile{Name: "POWER9", SLB: 32, IAMR: true, ScopedTLBIE: true, ISA300: true, Format: hpt.Format3}
	POWER10 = Profile{Name: "POWER10", SLB: 32, IAMR: true, ScopedTLBIE: true, ISA300: true, Format: hpt.Format3}
)

const maxSLB = 64
