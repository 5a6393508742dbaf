package tlb

// E500Thread is the MMU registers of one thread and the instructions it runs
// on the TLBs of its core. DEAR, ESR and MCSR are what the last fault loaded.
type E500Thread struct {
	MSR  uint32 // MSRIS, MSRDS, MSRPR, MSRCM, MSRGS
	DEAR uint64
	ESR  uint32 // ESRStore, ESREPID, ESRPT, ESRTLBI
	MCSR uint32 // MCSRMultiHit is added by a machine check, software clears it

	core     *E500Core
	regs     [numE500Regs]uint64
	reserved reservation
}

// Bits of MSR, ESR and MCSR that only the e500 line has.
const (
	MSRCM        = 0x80000000 // 64-bit mode
	MSRGS        = 0x10000000 // guest state
	ESREPID      = 0x40       // external PID access
	ESRPT        = 0x800      // the hardware walk found no valid PTE
	ESRTLBI      = 0x1000     // the PTE could not be loaded into TLB0
	MCSRMultiHit = 0x08000000 // L2MMU_MHIT: several entries matched
)

// E500Reg names an MMU register.
type E500Reg uint8

const (
	MAS0 E500Reg = iota
	MAS1
	MAS2
	MAS3
	MAS4
	MAS5
	MAS6
	MAS7
	MAS8
	PID0
	PID1
	PID2
	EPLC
	EPSC
	LPIDR
	numE500Regs
)

var e500RegNames = [numE500Regs]string{"MAS0", "MAS1", "MAS2", "MAS3", "MAS4", "MAS5", "MAS6", "MAS7", "MAS8",
	"PID", "PID1", "PID2", "EPLC", "EPSC", "LPIDR"}

func (r E500Reg) String() string { return name(e500RegNames[:], int(r)) }

// ParseE500Reg is the inverse of String.
func ParseE500Reg(s string) (E500Reg, bool) {
	for i, n := range e500RegNames {
		if n == s {
			return E500Reg(i), true
		}
	}
	return 0, false
}

// External PID registers: EPR, EAS, EGS above ELPID and EPID.
const (
	epcPR = 0x80000000
	epcAS = 0x40000000
	epcGS = 0x20000000
)

// Core returns the core whose TLBs the thread uses.
func (t *E500Thread) Core() *E500Core { return t.core }

// Read is mfspr.
func (t *E500Thread) Read(r E500Reg) uint64 {
	if r >= numE500Regs {
		return 0
	}
	return t.regs[r]
}

// Write is mtspr: reserved bits of the register read back as zero.
func (t *E500Thread) Write(r E500Reg, v uint64) {
	if r < numE500Regs {
		t.regs[r] = v & t.core.regMask(r)
	}
}

// regMask has a one for every bit of r that the part implements.
func (c *E500Core) regMask(r E500Reg) uint64 {
	g := &c.prof.E500
	if r == MAS2 && g.Is64 {
		return ^uint64(0xfff) | mas2Attrs
	}
	if c.prof.Quirks.Has(QuirkE500WideMAS) {
		return 0xffffffff
	}
	tid := uint64(1)<<g.PIDBits - 1
	tsize := uint64(mas1TSize)
	if !g.MAV2 {
		tsize &= 0xf00
	}
	pick := func(has bool, bits uint64) uint64 {
		if has {
			return bits
		}
		return 0
	}
	switch r {
	case MAS0:
		return mas0TLBSel | mas0ESel | mas0NV | pick(g.Indirect, mas0HES|mas0WQ)
	case MAS1:
		return mas1Valid | mas1IProt | mas1TS | tid<<tidShift | tsize | pick(g.Indirect, mas1Ind)
	case MAS2:
		return 0xfffff000 | mas2Attrs
	case MAS3:
		return 0xfffff000 | 0x3c0 | mas3Perms
	case MAS4:
		return mas0TLBSel | tsize | mas2Attrs | pick(g.PIDs > 1, mas4TIDSel) | pick(g.Indirect, mas4Ind)
	case MAS5:
		return pick(g.Hypervisor, mas5SGS|mas8TLPID)
	case MAS6:
		return tid<<tidShift | mas6SAS | pick(g.MAV2, mas1TSize) | pick(g.Indirect, mas6SInd)
	case MAS7:
		return uint64(1)<<(g.RABits-32) - 1
	case MAS8:
		return pick(g.Hypervisor, mas8TGS|0x40000000|mas8TLPID)
	case PID0:
		return tid
	case PID1, PID2:
		return pick(g.PIDs > 1, tid)
	case EPLC, EPSC:
		return pick(g.Hypervisor, epcPR|epcAS|epcGS|mas8TLPID<<16|tid)
	case LPIDR:
		return pick(g.Hypervisor, mas8TLPID)
	}
	return 0
}

// load shows entry i in MAS0 to MAS3, MAS7 and MAS8, as tlbre and a successful
// tlbsx do.
func (t *E500Thread) load(i int) {
	c := t.core
	tlb, set, way := c.Place(i)
	e := &c.entries[i]
	var nv uint8
	switch {
	case c.prof.Quirks.Has(QuirkE500OneVictim):
		nv = c.counter
	case tlb == 0:
		nv = c.victim[set]
	}
	t.regs[MAS0] = uint64(tlb)<<tlbselShift | uint64(way)<<eselShift | uint64(nv)
	t.regs[MAS1] = uint64(e.MAS1)
	t.regs[MAS2] = e.MAS2
	t.regs[MAS3] = e.MAS73 & 0xffffffff
	t.regs[MAS7] = e.MAS73 >> 32
	if c.guests() {
		t.regs[MAS8] = uint64(e.MAS8)
	}
}

// propose loads MAS0 to MAS3 and MAS7 from the defaults in MAS4 for an entry
// that software is about to make, and chooses its victim.
func (t *E500Thread) propose(ea uint64, mas1 uint64, epn uint64) {
	c, mas4 := t.core, t.regs[MAS4]
	t.regs[MAS0] = mas4&mas0TLBSel | c.nextVictim(ea, mas4&mas0TLBSel == 0)
	t.regs[MAS1] = mas1 | mas4&mas1TSize
	if c.indirect() && mas4&mas4Ind != 0 {
		t.regs[MAS1] |= mas1Ind
	}
	t.regs[MAS2] = epn&^0xfff | mas4&c.defaultAttrs()
	t.regs[MAS3], t.regs[MAS7] = 0, 0
}

// defaultAttrs: X0D, X1D and WIMGED; the recorded machine knows the latter only.
func (c *E500Core) defaultAttrs() uint64 {
	if c.prof.Quirks.Has(QuirkE500WideMAS) {
		return mas2WIMGE
	}
	return mas2Attrs
}

// nextVictim is MAS0[ESEL] and MAS0[NV] of a proposal. The part keeps a next
// victim for each set of TLB0 and moves it when tlbwe writes MAS0[NV] back; the
// replacement of TLB1 is left to software.
func (c *E500Core) nextVictim(ea uint64, tlb0 bool) uint64 {
	ways := uint8(c.tlb0.ways)
	if c.prof.Quirks.Has(QuirkE500OneVictim) {
		esel := c.counter
		c.counter = (esel + 1) % ways
		return uint64(esel)<<eselShift | uint64(c.counter)
	}
	if !tlb0 {
		return 0
	}
	esel := c.victim[c.set0(ea)]
	return uint64(esel)<<eselShift | uint64((esel+1)%ways)
}
