package tlb

// PPC4xxMMU is the MMU of one PowerPC 405, 440 or 476: a software-loaded TLB whose
// entries are written word by word (tlbwe) at an index the software chooses.
// The three parts share everything but the layout of the words, the zone
// protection of the 405 and the sets, ways and bolted entries of the 476.
//
// Sources: PPC405 and PPC440x5 user's manuals, chapters on the MMU; for the 476
// the register images Linux writes (arch/powerpc, 47x).
//
// One goroutine owns a PPC4xxMMU. Translate and the searches allocate nothing.
type PPC4xxMMU struct {
	PID   uint32 // process ID, compared with TID
	MMUCR uint32 // 44x: STID 7:0 and STS 0x10000; 476: STID 15:0. Not on the 405
	ZPR   uint32 // 405: zone protection, two bits per zone, zone 0 in bits 31:30
	MSR   uint32 // MSR* bits
	DEAR  uint32 // address of the last data fault
	ESR   uint32 // ESR* bits of the last fault

	Reports

	profile Profile
	layout  *layout4xx
	multi   MultiHit
	tags    array
	micro   microTLB
	entries []entry4xx
	sized   [32]int // live entries per log2 of the page size
	bolt    bolts
	stale   stalePages // nil without Quirk440StalePages
}

// Bits of the MSR that take part in translation. The 405 calls IS and DS IR and
// DR: translation on or off instead of one of two address spaces.
const (
	MSRDS = 0x10   // data address space
	MSRIS = 0x20   // instruction address space
	MSRPR = 0x4000 // problem state: user permissions apply
)

// Bits of the ESR.
const (
	ESRStore = 0x800000 // ST, DST: the access was a store
	ESRZone  = 0x400000 // DIZ: 405, access denied by the zone
)

// entry4xx is one entry, as it was written.
type entry4xx struct {
	word   [3]uint32
	tid    uint16
	bolted bool
}

// PPC4xxParams is the shape of a 4xx TLB.
type PPC4xxParams struct {
	Entries int // 1 to 4096, a multiple of Ways
	Ways    int // Entries if fully associative; sets must be a power of two
	Bolts   int // entries that replacement spares (476), at most 6
}

// NewPPC4xx returns the MMU that profile p describes, all entries zero.
func NewPPC4xx(p Profile) (*PPC4xxMMU, error) {
	g := p.PPC4xx
	layout := layouts4xx[p.Family]
	switch {
	case layout == nil:
		return nil, p.bad("Family", p.Family, "not a 4xx part")
	case g.Entries < 1 || g.Entries > 4096:
		return nil, p.bad("PPC4xx.Entries", g.Entries, "must be 1 to 4096")
	case g.Ways < 1 || g.Entries%g.Ways != 0:
		return nil, p.bad("PPC4xx.Ways", g.Ways, "must divide Entries")
	case !isPowerOf2(g.Entries / g.Ways):
		return nil, p.bad("PPC4xx.Ways", g.Ways, "the number of sets must be a power of two")
	case g.Entries != g.Ways && !layout.hashed:
		return nil, p.bad("PPC4xx.Ways", g.Ways, "this family is fully associative")
	case g.Bolts < 0 || g.Bolts > maxBolts || g.Bolts > 0 && !layout.hashed:
		return nil, p.bad("PPC4xx.Bolts", g.Bolts, "must be 0 to 6, on a 476 only")
	}
	if err := p.checkMultiHitPPC(); err != nil {
		return nil, err
	}
	m := &PPC4xxMMU{
		profile: p,
		layout:  layout,
		multi:   p.multiHit(),
		tags:    newArray(g.Entries/g.Ways, g.Ways),
		micro:   newMicroTLB(g.Entries),
		entries: make([]entry4xx, g.Entries),
		bolt:    newBolts(g),
	}
	if p.Quirks.Has(Quirk440StalePages) {
		m.stale = stalePages{}
	}
	if p.Quirks.Has(Quirk440EmptySize) {
		for i := range m.entries {
			m.entries[i].word[0] = size4K440
		}
	}
	return m, nil
}

// Profile returns the profile the MMU was made from.
func (m *PPC4xxMMU) Profile() Profile { return m.profile }

// Entry4xx is one entry, decoded.
type Entry4xx struct {
	Word   [3]uint32 // as tlbre returns them with every field kept; word 2 is 0 on the 405
	TID    uint16
	Bolted bool
	Valid  bool
	Space  uint8  // TS, 0 or 1
	EPN    uint32 // page address as written
	Shift  uint8  // log2 of the page size in bytes; 0 for a reserved size
}

// Len is the number of entries.
func (m *PPC4xxMMU) Len() int { return len(m.entries) }

// Entry returns entry i; on the 476 that is way i mod Ways of set i / Ways.
func (m *PPC4xxMMU) Entry(i int) (e Entry4xx) {
	raw, l := &m.entries[i], m.layout
	e = Entry4xx{
		Word: raw.word, TID: raw.tid, Bolted: raw.bolted,
		Valid: raw.word[0]&l.valid != 0,
		EPN:   raw.word[0] & l.epn,
		Shift: m.shift(raw),
	}
	if raw.word[0]&l.ts != 0 {
		e.Space = 1
	}
	return e
}

func isPowerOf2(n int) bool { return n > 0 && n&(n-1) == 0 }
