package tlb

// PPC603Params is the shape of a 603 TLB; instructions and data have one each.
type PPC603Params struct {
	Entries int // of each TLB, at most 4096; the number of sets is a power of two
	Ways    int // 1 or 2: SRR1 has one bit for the way
}

var profiles603 = []Profile{
	{
		// Ways that match together must agree (PEM, on TLB contents); what
		// happens when they do not is undefined, and a miss stands in.
		Name: "ppc603", Family: PPC603,
		MultiHit: MultiHit{Lookup: Miss, Undefined: true},
		PPC603:   PPC603Params{Entries: 64, Ways: 2},
	},
}

func (p *Profile) check603() error {
	g := &p.PPC603
	switch {
	case p.Family != PPC603:
		return p.bad("Family", p.Family, "not ppc603")
	case g.Ways != 1 && g.Ways != 2:
		return p.bad("PPC603.Ways", g.Ways, "neither 1 nor 2")
	case g.Entries > 4096 || g.Entries%g.Ways != 0 || !isPowerOf2(g.Entries/g.Ways):
		return p.bad("PPC603.Entries", g.Entries, "sets must be a power of two, at most 4096 entries")
	}
	return p.checkMultiHitPPC()
}
