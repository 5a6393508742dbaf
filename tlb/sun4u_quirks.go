package tlb

// Departures of the recorded sun4u machine.
const (
	QuirkSun4uSoftBits Quirk = 1 << (iota + 16)
	QuirkSun4uNoASI
	QuirkSun4uSFARPage
	QuirkSun4uNoVAHole
)

var sun4uQuirks = []QuirkInfo{
	{QuirkSun4uSoftBits, "sun4u-soft-bits", []Family{UltraSPARC},
		"a Data Access read returns zero in the software bits and the page size in the diagnostic bits; the I-TLB keeps neither NFO, IE nor CV",
		"a Data Access read returns the TTE as stored"},
	{QuirkSun4uNoASI, "sun4u-no-asi", []Family{UltraSPARC},
		"SFSR holds the address space identifier of the access",
		"the ASI field of SFSR is zero"},
	{QuirkSun4uSFARPage, "sun4u-sfar-page", []Family{UltraSPARC},
		"SFAR holds the address that faulted",
		"SFAR holds the page that faulted"},
	{QuirkSun4uNoVAHole, "sun4u-no-va-hole", []Family{UltraSPARC},
		"an address whose bits 63:43 differ is out of range: access exception",
		"such an address is looked up like any other"},
}
