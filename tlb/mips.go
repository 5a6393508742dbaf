package tlb

import "math/bits"

// MIPSReset says what the TLB holds after reset. The architecture leaves it
// undefined; boards hand over any of these.
type MIPSReset uint8

const (
	ResetUnique MIPSReset = iota // every entry another page of kseg0, which no access can match
	ResetEHINV                   // every entry has EHINV=1; needs EHINV
	ResetEqual                   // all zero: every entry is a duplicate of every other
	ResetHidden                  // all zero, but hidden: an entry takes part once it is written
	ResetRandom                  // seeded random contents
)

// MIPSParams is what tells one MIPS part from another. Registers of 32-bit
// parts are zero extended; EntryLo of such a part has EntryLoH in bits 61:32.
type MIPSParams struct {
	Entries   int    // 1 to 1024
	SegBits   uint8  // virtual address bits per region; 32 makes a 32-bit part, else 40 to 62
	PABits    uint8  // physical address bits
	ASIDMask  uint64 // implemented bits of EntryHi.ASID
	MMIDMask  uint64 // implemented bits of MemoryMapID if it replaces the ASID (Config5.MI), else 0
	EHINV     bool   // EntryHi.EHINV, tlbinv and tlbinvf (Config4.IE)
	Release6  bool
	PageGrain uint64 // reset value
	GrainMask uint64 // writable bits of PageGrain
	PageMask  uint64 // PageMask of the largest page
	Reset     MIPSReset
	Seed      uint64 // of random contents and of QuirkMIPSRandom
}

// MIPSMMU is the CP0 registers and the TLB of one MIPS processor: entries of page
// pairs, found by VPN2 and ASID or MMID, written at Index or at Random.
//
// Source: MIPS32 and MIPS64 Architecture Volume III, Privileged Resource
// Architecture; MIPS R4000 User's Manual chapters 4 and 5. A MIPSMMU has one
// owner: no method is safe for concurrent use.
type MIPSMMU struct {
	Reports

	prof Profile
	hit  MultiHit // in force

	wide    bool   // 64-bit part
	segMask uint64 // address bits that are compared
	entries []MIPSEntry
	tags    array
	micro   microTLB
	rnd     random

	entryHi, entryLo0, entryLo1 uint64
	pageMask, pageGrain, mmid   uint64
	index, wired, random        uint64
	status                      uint64
	badVAddr, context, xcontext uint64
}

// MIPSEntry is one TLB entry: a pair of pages of equal size.
type MIPSEntry struct {
	VPN      uint64 // virtual address of the pair, as written: bits under PageMask are kept
	PageMask uint64 // as the register: ones from bit 13
	ASID     uint32 // or MMID
	G        bool   // matches every ASID
	EHINV    bool   // matches nothing; the other fields are zero
	Hidden   bool   // not written since reset, takes no part in matching
	Half     [2]MIPSHalf
}

// MIPSHalf is the even or the odd page of a pair.
type MIPSHalf struct {
	PA    uint64 // physical address of the page
	Flags MIPSFlags
}

// MIPSFlags are V, D, XI, RI and, from bit 4, the cache attribute C.
type MIPSFlags uint8

const (
	MIPSValid MIPSFlags = 1 << iota
	MIPSDirty
	MIPSExecInhibit
	MIPSReadInhibit
)

// C is the cache attribute.
func (f MIPSFlags) C() uint8 { return uint8(f >> 4) }

// pageShift is log2 of one page of the pair, in bytes.
func (e *MIPSEntry) pageShift() uint8 { return 12 + uint8(bits.OnesCount64(e.PageMask)) }

// pairMask has a one for every address bit within the pair.
func (e *MIPSEntry) pairMask() uint64 { return e.PageMask | 0x1fff }

const (
	ehinvBit        = 0x400
	grainELPA       = 1 << 29
	grainIEC        = 1 << 27
	statusTS        = 1 << 21
	statusKX        = 0x80
	statusSX        = 0x40
	statusUX        = 0x20
	statusEXL       = 0x2
	probeFail       = 1 << 31
	largestMIPSPage = 0x1fffe000 // 256M
)

var mipsProfiles = []Profile{
	{Name: "r4000", Family: MIPS,
		MultiHit: MultiHit{Lookup: ShutDown, Probe: ShutDown},
		MIPS:     MIPSParams{Entries: 48, SegBits: 40, PABits: 36, ASIDMask: 0xff, PageMask: 0x1ffe000}},
	{Name: "mips32r2", Family: MIPS, // 24K, 34K, 74K
		MultiHit: MultiHit{Write: CheckMachine},
		MIPS:     MIPSParams{Entries: 16, SegBits: 32, PABits: 32, ASIDMask: 0xff, PageMask: largestMIPSPage}},
	{Name: "mips32r5", Family: MIPS, // P5600
		MultiHit: MultiHit{Write: CheckMachine, Probe: CheckMachine},
		MIPS: MIPSParams{Entries: 64, SegBits: 32, PABits: 40, ASIDMask: 0xff, EHINV: true, Reset: ResetEHINV,
			GrainMask: 0xe8000000, PageMask: largestMIPSPage}},
	{Name: "mips32r6", Family: MIPS,
		MultiHit: MultiHit{Write: CheckMachine, Probe: CheckMachine},
		MIPS: MIPSParams{Entries: 32, SegBits: 32, PABits: 32, ASIDMask: 0xff, EHINV: true, Reset: ResetEHINV,
			Release6: true, PageGrain: 0xc8000000, PageMask: largestMIPSPage}},
	{Name: "mips64r1", Family: MIPS, // 5K, SB-1: noticed when used, which Release 2 forbids
		MultiHit: MultiHit{Lookup: CheckMachine, Probe: CheckMachine},
		MIPS:     MIPSParams{Entries: 64, SegBits: 40, PABits: 36, ASIDMask: 0xff, PageMask: 0x1ffe000}},
	{Name: "mips64r2", Family: MIPS, // 5KE
		MultiHit: MultiHit{Write: CheckMachine},
		MIPS:     MIPSParams{Entries: 64, SegBits: 42, PABits: 36, ASIDMask: 0xff, PageMask: largestMIPSPage}},
	{Name: "mips64r6", Family: MIPS, // I6400 without its FTLB
		MultiHit: MultiHit{Write: CheckMachine, Probe: CheckMachine},
		MIPS: MIPSParams{Entries: 16, SegBits: 48, PABits: 48, ASIDMask: 0x3ff, EHINV: true, Reset: ResetEHINV,
			Release6: true, PageGrain: 0xc8000000, GrainMask: grainELPA, PageMask: largestMIPSPage}},
	{Name: "mips64r6-mmid", Family: MIPS, // I6500
		MultiHit: MultiHit{Write: CheckMachine, Probe: CheckMachine},
		MIPS: MIPSParams{Entries: 16, SegBits: 48, PABits: 48, MMIDMask: 0xffff, EHINV: true, Reset: ResetEHINV,
			Release6: true, PageGrain: 0xc8000000, GrainMask: grainELPA, PageMask: largestMIPSPage}},
}

func (p *Profile) checkMIPS() error {
	m := &p.MIPS
	switch {
	case p.Family != MIPS:
		return p.bad("Family", p.Family, "not mips")
	case m.Entries < 1 || m.Entries > 1024:
		return p.bad("MIPS.Entries", m.Entries, "not in 1..1024")
	case m.SegBits != 32 && (m.SegBits < 40 || m.SegBits > 62):
		return p.bad("MIPS.SegBits", m.SegBits, "neither 32 nor 40..62")
	case m.PABits < 32 || m.PABits > 59:
		return p.bad("MIPS.PABits", m.PABits, "not in 32..59")
	case m.ASIDMask&^0x3ff != 0:
		return p.bad("MIPS.ASIDMask", m.ASIDMask, "more than 10 bits")
	case m.MMIDMask>>32 != 0:
		return p.bad("MIPS.MMIDMask", m.MMIDMask, "more than 32 bits")
	case m.Reset > ResetRandom:
		return p.bad("MIPS.Reset", m.Reset, "unknown")
	case m.Reset == ResetEHINV && !m.EHINV:
		return p.bad("MIPS.Reset", m.Reset, "the part has no EHINV")
	case m.PageMask != pageMaskRun(m.PageMask) || m.PageMask&^largestMIPSPage != 0:
		return p.bad("MIPS.PageMask", m.PageMask, "not a run of ones in bits 28:13")
	}
	search := policies(FirstMatch, OrBits, Miss, CheckMachine, ShutDown)
	return p.checkMultiHit(search, search, policies(FirstMatch, CheckMachine, ShutDown, Displace))
}

// NewMIPS returns a processor after reset.
func NewMIPS(p Profile) (*MIPSMMU, error) {
	if err := p.checkMIPS(); err != nil {
		return nil, err
	}
	c := &MIPSMMU{prof: p, hit: p.multiHit(), wide: p.MIPS.SegBits != 32}
	c.segMask = 0xffffffff
	if c.wide {
		c.segMask = 3<<62 | (1<<p.MIPS.SegBits - 1)
	}
	c.entries = make([]MIPSEntry, p.MIPS.Entries)
	c.tags = newArray(1, p.MIPS.Entries)
	c.micro = newMicroTLB(p.MIPS.Entries)
	c.Reset()
	return c, nil
}

// Profile returns what the processor was made from.
func (c *MIPSMMU) Profile() Profile { return c.prof }

// Reset puts registers and TLB into the reset state; it is the only way out of
// a TLB shutdown.
func (c *MIPSMMU) Reset() {
	m := &c.prof.MIPS
	c.entryHi, c.entryLo0, c.entryLo1, c.pageMask, c.mmid = 0, 0, 0, 0, 0
	c.index, c.wired, c.status = 0, 0, 0
	c.badVAddr, c.context, c.xcontext = 0, 0, 0
	c.pageGrain = m.PageGrain
	c.rnd = random{m.Seed}
	c.random = uint64(m.Entries - 1)
	for i := range c.entries {
		c.SetEntry(i, c.resetEntry(i))
	}
}

func (c *MIPSMMU) resetEntry(i int) MIPSEntry {
	switch c.prof.MIPS.Reset {
	case ResetEHINV:
		return MIPSEntry{EHINV: true}
	case ResetEqual:
		return MIPSEntry{}
	case ResetHidden:
		return MIPSEntry{Hidden: true}
	case ResetRandom:
		e := MIPSEntry{VPN: c.rnd.next() & c.vpnMask(), ASID: uint32(c.rnd.next() & c.contextMask()), G: c.rnd.next()&1 != 0}
		for h := range e.Half {
			e.Half[h] = MIPSHalf{c.rnd.next() & (1<<c.paBits() - 1) &^ 0xfff, MIPSFlags(c.rnd.next() & 0x73)}
		}
		return e
	}
	kseg0 := ^uint64(0x7fffffff) // CKSEG0, where nothing is translated
	return MIPSEntry{VPN: (kseg0 + uint64(i)*0x2000) & c.vpnMask()}
}

// Len is the number of entries.
func (c *MIPSMMU) Len() int { return len(c.entries) }

// Entry returns entry i, hidden ones included, and changes nothing.
func (c *MIPSMMU) Entry(i int) MIPSEntry { return c.entries[i] }

// SetEntry puts e into entry i as a debugger or a snapshot does: no register
// is involved, no overlap is noticed.
func (c *MIPSMMU) SetEntry(i int, e MIPSEntry) {
	if e.EHINV {
		e = MIPSEntry{EHINV: true}
	}
	c.entries[i] = e
	if e.EHINV || e.Hidden {
		c.tags.clear(i)
		return
	}
	c.tags.store(i, c.tag(&e))
}

// CopyFrom makes the registers and the TLB of c equal to those of src, a
// processor of the same geometry; profile and reports stay. It reports whether
// the geometries agree.
func (c *MIPSMMU) CopyFrom(src *MIPSMMU) bool {
	if len(c.entries) != len(src.entries) || c.segMask != src.segMask {
		return false
	}
	prof, hit, reports, entries, tags, micro := c.prof, c.hit, c.Reports, c.entries, c.tags, c.micro
	*c = *src
	copy(entries, src.entries)
	tags.copyFrom(&src.tags)
	c.prof, c.hit, c.Reports, c.entries, c.tags, c.micro = prof, hit, reports, entries, tags, micro
	return true
}
