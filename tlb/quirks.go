package tlb

import "strings"

// Quirk is a set of departures from the documented behaviour of a part, one
// bit each. The zero value is the part as its manual has it. The named ones are
// those of the emulator that the recorded sequences come from (QEMU 7.2), so
// that a recording can be replayed exactly; table Quirks says what each does.
type Quirk uint64

// QuirkSearchOrder is common to every family: nothing detects several
// matches, neither a write nor a probe nor an access; the search order decides.
const QuirkSearchOrder Quirk = 1 << 0

// Bits 1-31 are named in mips_quirks.go and sun4u_quirks.go, bits 32-63 in
// ppc_quirks.go.

// Has reports whether q contains all of x.
func (q Quirk) Has(x Quirk) bool { return q&x == x }

// String lists the names in q, separated by commas.
func (q Quirk) String() string {
	var names []string
	for _, x := range Quirks {
		if q.Has(x.Quirk) {
			names = append(names, x.Name)
		}
	}
	return strings.Join(names, ",")
}

// QuirkInfo describes one quirk: what the part does and what the recorded
// machine does instead.
type QuirkInfo struct {
	Quirk    Quirk
	Name     string
	Families []Family
	Part     string // behaviour with the quirk off
	Recorded string // behaviour with the quirk on
}

// Quirks lists every departure there is.
var Quirks = concat(
	[]QuirkInfo{{
		QuirkSearchOrder, "search-order", []Family{MIPS, UltraSPARC, PPC405, PPC44x, E500},
		"several matches: as the profile's MultiHit says",
		"several matches are never detected, the first in search order answers",
	}},
	mipsQuirks,
	sun4uQuirks,
	ppcQuirks,
)

func concat[T any](lists ...[]T) []T {
	var all []T
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
