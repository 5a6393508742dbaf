// Package tiny makes hash tables far smaller than the architecture allows, for
// the exploration of interleavings: a few groups of a few slots, all mutable
// state in one slice that is copied, compared and put back cheaply.
//
// Package hpt fills in New when it is linked in.
package tiny

// Config describes a tiny table.
type Config struct {
	Groups int    // a power of two, at least 2
	Slots  int    // slots per group, 1 to 8
	Native bool   // 16-byte steps; else the striped protocol (only the explore build has both everywhere)
	Seed   uint64 // victim choice

	Overflow   bool // keep the overflow bitmap, as tables with memory of their own do
	LockUnique bool // see hpt.Config
}

// Table is a tiny table.
type Table struct {
	// Store is the *hpt.Table. Its slots are numbered group*Slots + index.
	Store any
	// State is everything that changes: slots, counters, stripe
	// generations, locks, overflow bits.
	// Copy it out and in while no call is under way.
	State []uint64
}

// New makes a tiny table, or panics when the Config is out of range or asks for
// a protocol that this build lacks.
var New func(Config) Table
