package tlb

// undefinedMatch stands in for an outcome that no manual defines: the wires of
// a content-addressed memory without priority logic carry the OR of what the
// matching entries drive. It is the choice least likely to be mistaken for a
// part that works.
var undefinedMatch = MultiHit{Lookup: OrBits, Probe: OrBits, Undefined: true}

// checkMultiHitPPC: no PowerPC part looks at the other entries when one is
// written (Reports.OnWrite does), and none switches its TLB off.
func (p *Profile) checkMultiHitPPC() error {
	m := p.MultiHit
	if m.Write != FirstMatch {
		return p.bad("MultiHit.Write", m.Write, "PowerPC parts do not check writes")
	}
	for _, at := range [...]Policy{m.Lookup, m.Probe} {
		if at > CheckMachine {
			return p.bad("MultiHit", at, "not a behaviour of PowerPC parts")
		}
	}
	return nil
}

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
