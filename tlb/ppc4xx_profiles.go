package tlb

// undefinedMatch stands in for an outcome that no manual defines: the wires of
// a content-addressed memory without priority logic carry the OR of what the
// matching entries drive. It is the choice least likely to be mistaken for a
// part that works.
var undefinedMatch = MultiHit{Lookup: OrBits, Probe: OrBits, Undefined: true}

// writesUnchecked: no PowerPC part looks at the other entries when one is
// written; Reports.OnWrite does.
const writesUnchecked = "PowerPC parts do not check writes"

// The named profiles of the 4xx line. The manuals call two matching entries a
// programming error and define nothing (Book E).
var profiles4xx = []Profile{
	{
		Name: "ppc405", Family: PPC405, MultiHit: undefinedMatch,
		PPC4xx: PPC4xxParams{Entries: 64, Ways: 64},
	},
	{
		Name: "ppc440", Family: PPC44x, MultiHit: undefinedMatch,
		PPC4xx: PPC4xxParams{Entries: 64, Ways: 64},
	},
	{
		Name: "ppc476", Family: PPC47x, MultiHit: undefinedMatch,
		PPC4xx: PPC4xxParams{Entries: 1024, Ways: 4, Bolts: maxBolts},
	},
}
