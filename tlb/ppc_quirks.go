package tlb

// Departures of the recorded PowerPC machines.
const (
	QuirkFetchMissDEAR Quirk = 1 << (32 + iota)
	Quirk4xxNoEndian
	Quirk405PermittingEntry
	Quirk405LowClearsValid
	Quirk405ReadLow
	Quirk405GuardedFetch
	Quirk405Pages
	Quirk440ProbeIgnoresTS
	Quirk440UnalignedEPN
	Quirk440ReservedSizes
	Quirk440StalePages
	Quirk440EmptySize
	QuirkE500OneVictim
	QuirkE500WideMAS
	QuirkE500EPID8
	QuirkE500Page16G
	QuirkE500IllegalWrite
	QuirkE500PlainIndirect
	QuirkE500NoGuest
	QuirkE500ProbeMissEPN
	QuirkE500NoReservation
	QuirkE500AnySize
	Quirk603LoadEvicts
	Quirk603PrimaryOnly
	Quirk603LastWay
	Quirk603SetsRC
	Quirk603FetchAny
)

var ppcQuirks = []QuirkInfo{
	{QuirkFetchMissDEAR, "fetch-miss-dear", []Family{PPC405, PPC44x, E500},
		"an instruction TLB error leaves DEAR and ESR alone",
		"it loads them as a data TLB error does"},
	{Quirk4xxNoEndian, "4xx-no-endian", []Family{PPC405, PPC44x},
		"the little-endian attribute (and U0 of TLBHI) is kept and read back",
		"it is lost"},
	{Quirk405PermittingEntry, "405-permitting-entry", []Family{PPC405},
		"several matches: as the profile's MultiHit says",
		"the first match that permits the access answers; if none does, the last one's fault is taken"},
	{Quirk405LowClearsValid, "405-low-clears-valid", []Family{PPC405},
		"tlbwe of TLBLO leaves the entry valid",
		"it clears V, so TLBHI then TLBLO loses the entry"},
	{Quirk405ReadLow, "405-read-low", []Family{PPC405},
		"tlbre of TLBLO returns every field",
		"ZSEL and WIMG read as zero"},
	{Quirk405GuardedFetch, "405-guarded-fetch", []Family{PPC405},
		"a fetch from guarded storage is an instruction storage interrupt",
		"it is allowed"},
	{Quirk405Pages, "405-pages", []Family{PPC405},
		"1 KiB and little-endian pages work",
		"the machine stops: tlbwe of TLBHI returns ErrUnmodelled"},
	{Quirk440ProbeIgnoresTS, "440-probe-ignores-ts", []Family{PPC44x},
		"tlbsx compares MMUCR[STS]",
		"it finds the lowest entry of either address space"},
	{Quirk440UnalignedEPN, "440-unaligned-epn", []Family{PPC44x},
		"bits of EPN below the page size are not compared",
		"an entry with such a bit set never matches"},
	{Quirk440ReservedSizes, "440-reserved-sizes", []Family{PPC44x},
		"an entry with a reserved SIZE never matches",
		"SIZE 6, 8 and 10 are 4 MiB, 64 MiB and 1 GiB"},
	{Quirk440StalePages, "440-stale-pages", []Family{PPC44x},
		"a rewritten entry translates as it now reads",
		"pages translated before stay as they were after word 2 was written, or word 0 with a smaller size or another TID"},
	{Quirk440EmptySize, "440-empty-size", []Family{PPC44x},
		"SIZE of an entry that was never written reads as zero, 1 KiB",
		"it reads as 1, 4 KiB"},
	{QuirkE500OneVictim, "e500-one-victim", []Family{E500},
		"every TLB0 set has its next victim, which tlbwe to TLB0 loads from MAS0[NV]",
		"one counter for the CPU, advanced by each miss, shown by tlbre and tlbsx, untouched by tlbwe"},
	{QuirkE500WideMAS, "e500-wide-mas", []Family{E500},
		"reserved bits of the MAS registers, and of entries, read as zero",
		"they keep all bits written"},
	{QuirkE500EPID8, "e500-epid8", []Family{E500},
		"EPLC[EPID] and EPSC[EPID] have 14 bits",
		"they have 8"},
	{QuirkE500Page16G, "e500-page-16g", []Family{E500},
		"the largest page of TLB1 is 4 GiB",
		"TLB1 takes 16 GiB pages"},
	{QuirkE500IllegalWrite, "e500-illegal-write", []Family{E500},
		"tlbwe with an unsupported TSIZE or TLBSEL writes nothing",
		"it is a program interrupt as well"},
	{QuirkE500PlainIndirect, "e500-plain-indirect", []Family{E500},
		"an indirect entry points at a page table that hardware walks",
		"it translates like any other entry"},
	{QuirkE500NoGuest, "e500-no-guest", []Family{E500},
		"entries carry TGS and TLPID; tlbilx compares the LPID",
		"guest state and LPID do not exist"},
	{QuirkE500ProbeMissEPN, "e500-probe-miss-epn", []Family{E500},
		"a tlbsx that finds nothing leaves the page in MAS2[EPN]",
		"it clears MAS2[EPN]"},
	{QuirkE500NoReservation, "e500-no-reservation", []Family{E500},
		"MAS0[WQ] and MAS0[HES] work on the e6500 and are reserved elsewhere",
		"WQ 1 writes always, WQ 2 and 3 never, on every core; HES is ignored"},
	{QuirkE500AnySize, "e500-any-size", []Family{E500},
		"the e6500 takes the page sizes of TLB1PS only",
		"it takes any TSIZE"},
	{Quirk603LoadEvicts, "603-load-evicts", []Family{PPC603},
		"tlbld and tlbli write one way and leave the other alone",
		"they first invalidate both ways if they hold the same page"},
	{Quirk603PrimaryOnly, "603-primary-only", []Family{PPC603},
		"H of the loaded compare word is not part of the match",
		"an entry with H=1 never matches"},
	{Quirk603LastWay, "603-last-way", []Family{PPC603},
		"SRR1 proposes the least recently used way of the set",
		"it proposes the other way than the last load used, anywhere"},
	{Quirk603SetsRC, "603-sets-rc", []Family{PPC603},
		"a store through an entry with C=0 is a data store TLB miss",
		"it sets C, and any hit sets R, in the entry"},
	{Quirk603FetchAny, "603-fetch-any", []Family{PPC603},
		"a fetch from a page that PP closes to the key is an instruction storage interrupt",
		"only SR[N] stops a fetch"},
}
