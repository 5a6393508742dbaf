package tlb

import "math/bits"

// MIPSReg names a CP0 register that the TLB uses.
type MIPSReg uint8

const (
	EntryHi MIPSReg = iota
	EntryLo0
	EntryLo1
	EntryLo0H // 32-bit parts with more than 32 physical address bits: mthc0
	EntryLo1H
	PageMask
	Index
	Wired
	RandomReg
	PageGrain
	MemoryMapID
	Status
	BadVAddr
	Context
	XContext
)

var mipsRegNames = [...]string{"EntryHi", "EntryLo0", "EntryLo1", "EntryLo0H", "EntryLo1H", "PageMask", "Index", "Wired",
	"Random", "PageGrain", "MemoryMapID", "Status", "BadVAddr", "Context", "XContext"}

func (r MIPSReg) String() string { return name(mipsRegNames[:], int(r)) }

// ParseMIPSReg returns the register of that name.
func ParseMIPSReg(s string) (MIPSReg, bool) {
	for i, n := range mipsRegNames {
		if n == s {
			return MIPSReg(i), true
		}
	}
	return 0, false
}

// Read returns a register (mfc0, dmfc0, mfhc0); 0 for one that does not exist.
func (c *MIPSMMU) Read(r MIPSReg) uint64 {
	switch r {
	case EntryHi:
		return c.entryHi
	case EntryLo0:
		return c.loLow(c.entryLo0)
	case EntryLo1:
		return c.loLow(c.entryLo1)
	case EntryLo0H:
		return c.loHigh(c.entryLo0)
	case EntryLo1H:
		return c.loHigh(c.entryLo1)
	case PageMask:
		return c.pageMask
	case Index:
		return c.index
	case Wired:
		return c.wired
	case RandomReg:
		return c.random
	case PageGrain:
		return c.pageGrain
	case MemoryMapID:
		return c.mmid
	case Status:
		return c.status
	case BadVAddr:
		return c.badVAddr
	case Context:
		return c.context
	case XContext:
		return c.xcontext
	}
	return 0
}

func (c *MIPSMMU) loLow(lo uint64) uint64 {
	if c.wide {
		return lo
	}
	return lo & 0xffffffff
}

func (c *MIPSMMU) loHigh(lo uint64) uint64 {
	if c.wide {
		return 0
	}
	return lo >> 32
}

// Write stores to a register (mtc0, dmtc0, mthc0) and keeps the bits that the
// part implements. Writes to BadVAddr and to registers that do not exist are
// ignored, as are Context and XContext below PTEBase.
func (c *MIPSMMU) Write(r MIPSReg, v uint64) {
	if !c.wide {
		v &= 0xffffffff
	}
	m := &c.prof.MIPS
	switch r {
	case EntryHi:
		c.writeEntryHi(v)
	case EntryLo0:
		c.entryLo0 = v & c.loMask()
	case EntryLo1:
		c.entryLo1 = v & c.loMask()
	case EntryLo0H:
		c.entryLo0 = c.withHigh(c.entryLo0, v)
	case EntryLo1H:
		c.entryLo1 = c.withHigh(c.entryLo1, v)
	case PageMask:
		c.pageMask = c.legalPageMask(v)
	case Index:
		c.writeIndex(v)
	case Wired:
		c.writeWired(v)
	case PageGrain:
		c.pageGrain = c.pageGrain&^m.GrainMask | v&m.GrainMask
	case MemoryMapID:
		c.mmid = v & c.mmidMask()
	case Status:
		c.status = v&^statusTS | c.status&statusTS&v | c.status&statusTS*c.shutBit()
	case Context:
		c.context = c.context&0x7fffff | v&^0x7fffff
	case XContext:
		if c.wide {
			low := uint64(1)<<(m.SegBits-7) - 1
			c.xcontext = c.xcontext&low | v&^low
		}
	}
}

// shutBit is 1 if Status.TS is read-only because it means a TLB shutdown.
func (c *MIPSMMU) shutBit() uint64 {
	if c.hit.Lookup == ShutDown || c.hit.Probe == ShutDown || c.hit.Write == ShutDown {
		return 1
	}
	return 0
}

// vpnMask are the VPN bits of EntryHi.
func (c *MIPSMMU) vpnMask() uint64 { return c.segMask &^ 0x1fff }

func (c *MIPSMMU) mmidMask() uint64 {
	if c.prof.MIPS.MMIDMask != 0 && c.prof.Quirks.Has(QuirkMIPSWideMMID) {
		return 0xffffffff
	}
	return c.prof.MIPS.MMIDMask
}

// usesMMID: Config5.MI is set.
func (c *MIPSMMU) usesMMID() bool { return c.prof.MIPS.MMIDMask != 0 }

// asidMask are the bits of EntryHi.ASID; it has none when MMIDs are in use.
func (c *MIPSMMU) asidMask() uint64 {
	if c.usesMMID() {
		return 0
	}
	return c.prof.MIPS.ASIDMask
}

// contextMask are the bits that tell one address space from another.
func (c *MIPSMMU) contextMask() uint64 { return c.mmidMask() | c.asidMask() }

// current is the ASID or MMID in force.
func (c *MIPSMMU) current() uint64 {
	if c.usesMMID() {
		return c.mmid
	}
	return c.entryHi & c.asidMask()
}

func (c *MIPSMMU) writeEntryHi(v uint64) {
	mask := c.vpnMask() | c.asidMask()
	if c.prof.MIPS.EHINV {
		mask |= ehinvBit
	}
	if c.prof.MIPS.Release6 && c.wide && v>>62 == 2 {
		mask &^= 3 << 62 // reserved region: the field keeps its value
	}
	c.entryHi = c.entryHi&^mask | v&mask
}

// paBits is the physical address width in force: PageGrain.ELPA unlocks what
// goes beyond the base architecture.
func (c *MIPSMMU) paBits() uint {
	base := uint(32)
	if c.wide {
		base = 36
	}
	if c.pageGrain&grainELPA != 0 {
		return uint(c.prof.MIPS.PABits)
	}
	return base
}

// loMask are the bits of EntryLo that a write keeps; PageGrain.RIE and XIE,
// bits 31 and 30, unlock RI and XI at the top of the register.
func (c *MIPSMMU) loMask() uint64 {
	inhibit := c.pageGrain & (3 << 30)
	if c.wide {
		return 1<<(c.paBits()-6) - 1 | inhibit<<32
	}
	return 1<<min(c.paBits()-6, 30) - 1 | inhibit
}

// withHigh replaces EntryLoH of a 32-bit part.
func (c *MIPSMMU) withHigh(lo, v uint64) uint64 {
	if c.wide || c.paBits() <= 36 {
		return lo & 0xffffffff
	}
	return lo&0xffffffff | v&(1<<(c.paBits()-36)-1)<<32
}

// pageMaskRun returns m if it is a run of ones from bit 13, else 0.
func pageMaskRun(m uint64) uint64 {
	if (m>>13+1)&(m>>13) != 0 || m&0x1fff != 0 {
		return 0
	}
	return m
}

func (c *MIPSMMU) legalPageMask(v uint64) uint64 {
	if c.prof.Quirks.Has(QuirkMIPSAnyPageMask) {
		return pageMaskRun(v & largestMIPSPage)
	}
	m := pageMaskRun(v & c.prof.MIPS.PageMask)
	if bits.OnesCount64(m)%2 != 0 {
		return 0 // no power of four
	}
	return m
}

func (c *MIPSMMU) writeIndex(v uint64) {
	keep := c.index & probeFail
	if c.prof.MIPS.Release6 {
		if !c.prof.Quirks.Has(QuirkMIPSStickyProbe) {
			keep = 0
		}
		keep |= v & probeFail
	}
	if i := v & (probeFail - 1); i < uint64(len(c.entries)) {
		c.index = keep | i
	}
}

func (c *MIPSMMU) writeWired(v uint64) {
	n := uint64(len(c.entries))
	switch {
	case v < n:
		c.wired = v
	case !c.prof.MIPS.Release6:
		c.wired = v % n
	}
	c.random = n - 1
}

// SetRandom puts a value into Random, which software can only read: a
// recording says where a tlbwr went. It is taken modulo the entries.
func (c *MIPSMMU) SetRandom(i int) { c.random = uint64(i) % uint64(len(c.entries)) }

// Step lets n instructions pass, which is what Random counts.
func (c *MIPSMMU) Step(n int) {
	span := uint64(len(c.entries)) - c.wired
	if c.prof.Quirks.Has(QuirkMIPSRandom) {
		return
	}
	// Random stays in [Wired, entries) and wraps from Wired to the last entry.
	pos := uint64(len(c.entries)) - 1 - max(c.random, c.wired)
	c.random = uint64(len(c.entries)) - 1 - (pos+uint64(n))%span
}

// advanceRandom follows a tlbwr.
func (c *MIPSMMU) advanceRandom() {
	if !c.prof.Quirks.Has(QuirkMIPSRandom) {
		c.Step(1)
		return
	}
	span := len(c.entries) - int(c.wired)
	if span <= 1 {
		c.random = c.wired
		return
	}
	next := c.wired + uint64(c.rnd.below(span-1))
	if next >= c.random {
		next++
	}
	c.random = next
}
