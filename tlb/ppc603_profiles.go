package tlb

// PPC603Params is the shape of a 603 TLB; instructions and data have one each.
type PPC603Params struct {
	Entries int // per TLB, up to 4096
	Ways    int // 1 to 8; sets must be a power of two
}

var profiles603 = []Profile{
	{
		// Two matching ways must agree (PEM, TLB invalidation rules); what
		// happens when they do not is undefined, and a miss stands in.
		Name: "ppc603", Family: PPC603,
		MultiHit: MultiHit{Lookup: Miss, Undefined: true},
		PPC603:   PPC603Params{Entries: 64, Ways: 2},
	},
}
