package tlb

// Departures of the recorded MIPS machine.
const (
	QuirkMIPSRandom Quirk = 1 << (iota + 1)
	QuirkMIPSVPNUnderMask
	QuirkMIPSAnyPageMask
	QuirkMIPSAddressErrorLoads
	QuirkMIPSReadDespiteRI
	QuirkMIPSWideMMID
	QuirkMIPSStickyProbe
)

var mipsQuirks = []QuirkInfo{
	{QuirkMIPSRandom, "mips-random", []Family{MIPS},
		"Random counts down from the last entry to Wired",
		"Random is a pseudo random number that never repeats directly"},
	{QuirkMIPSVPNUnderMask, "mips-vpn-under-mask", []Family{MIPS},
		"tlbr returns zero in the VPN bits that PageMask covers",
		"tlbr returns them as they were written"},
	{QuirkMIPSAnyPageMask, "mips-any-pagemask", []Family{MIPS},
		"PageMask takes powers of four up to the largest page of the part, anything else becomes 4K",
		"PageMask takes any run of ones from bit 13 up to 256M pages"},
	{QuirkMIPSAddressErrorLoads, "mips-address-error-loads", []Family{MIPS},
		"an address error loads BadVAddr only",
		"an address error also loads EntryHi, Context and XContext"},
	{QuirkMIPSReadDespiteRI, "mips-read-despite-ri", []Family{MIPS},
		"a page with RI=1 is not readable",
		"the protection of a page with RI=1 says readable; the load itself faults"},
	{QuirkMIPSWideMMID, "mips-wide-mmid", []Family{MIPS},
		"MemoryMapID has the bits the part implements",
		"MemoryMapID keeps and compares 32 bits"},
	{QuirkMIPSStickyProbe, "mips-sticky-probe", []Family{MIPS},
		"on Release 6 a write to Index replaces bit 31",
		"on Release 6 a write to Index can set bit 31 and never clears it"},
}
