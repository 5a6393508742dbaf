package mmu

import "github.com/hashmmu/ppc64/pte"

// addressing is what happens to an effective address (Power ISA Book III, Real
// And Virtual Real Addressing Modes).
type addressing uint8

const (
	addrSegments   addressing = iota // translation on: SLB, then the table
	addrVRMA                         // off in a partition: one 1T segment, then the table
	addrIdentity                     // off, paravirtual: the address itself
	addrHypervisor                   // off in the hypervisor: HRMOR
	addrOffset                       // off in a partition, ISA 2: limit and RMOR
	addrBadVRMA                      // as addrVRMA, with a page size that is none
)

// mode is what the registers come to for one kind of access: data or fetch.
type mode struct {
	addressing addressing
	fetch      bool
	hv         bool
	virtual    bool   // storage interrupts go to the hypervisor
	kbv        bool   // key faults do
	keys       bool   // AMR and IAMR apply
	only4K     bool   // LPCR[ISL] in effect
	primary    bool   // LPCR[TC] in effect: no secondary search
	all        bool   // the first entry that matches is not enough to know
	segTables  bool   // a segment table backs the SLB
	keyBit     uint64 // SLB bit of the storage key in force: Ks or Kp
	limit      uint64 // addrOffset
	vrma       segment
	part       *partition
	cache      *cache // nil when nothing is cached
	context    uint64 // distinguishes cached translations
}

// The VRMA's SLB entry: VSID 0x1ffffff, 1T, Ks and Kp 0.
const vrmaVSID = 1<<62 | 0x1ffffff<<24

// owner is the index of the partition in force for the present MSR[HV].
func (c *CPU) owner() int {
	hv := c.regs.MSR&MSRHV != 0
	if hv && c.cfg.Profile.ISA300 && !c.cfg.Quirks.PATEByLPIDR {
		return 0
	}
	return 1
}

// setModes follows a change of registers or tables.
func (c *CPU) setModes() {
	c.setMode(&c.modes[0], c.regs.MSR&MSRDR != 0, false)
	c.setMode(&c.modes[1], c.regs.MSR&MSRIR != 0, true)
}

func (c *CPU) setMode(m *mode, translated, fetch bool) {
	r, q := &c.regs, &c.cfg.Quirks
	*m = mode{
		fetch:   fetch,
		hv:      r.MSR&MSRHV != 0,
		keys:    true,
		primary: r.LPCR&LPCRTC != 0 && !q.IgnoreTC,
		keyBit:  slbKs,
		part:    &c.part[c.owner()],
	}
	if r.MSR&MSRPR != 0 {
		m.keyBit = slbKp
	}
	m.only4K = r.LPCR&LPCRISL != 0 && (!m.hv || q.ISLAlways)
	if translated {
		m.addressing = addrSegments
		m.virtual = !m.hv && r.LPCR&LPCRVPM1 != 0
		m.segTables = c.segmentTables()
	} else {
		c.setReal(m)
	}
	m.all = m.primary || c.cfg.DetectDuplicates
	if m.addressing <= addrVRMA {
		m.cache = c.cache
	}
	m.kbv = !m.hv && m.keys && r.LPCR&LPCRKBV != 0 && !q.IgnoreKBV
	m.context = uint64(m.addressing) << 2
	if m.hv {
		m.context |= 2
	}
	if m.keyBit == slbKp {
		m.context |= 1
	}
}

// setReal is setMode with translation off.
func (c *CPU) setReal(m *mode) {
	r := &c.regs
	switch {
	case c.cfg.Paravirtual:
		m.addressing = addrIdentity
	case m.hv:
		m.addressing = addrHypervisor
	case !c.cfg.Profile.ISA300 && r.LPCR&LPCRVPM0 == 0:
		m.addressing = addrOffset
		m.limit = realLimits[r.LPCR&LPCRRMLS>>rmlsShift]
	default:
		m.addressing = addrVRMA
		m.virtual = true
		m.keys = m.keys && c.cfg.Quirks.VRMAKeys
		word := vrmaVSID | c.vrmaSize(m)
		var ok bool
		if m.vrma, ok = c.decode(word); !ok {
			m.addressing = addrBadVRMA
		}
	}
}

// vrmaSize returns L and LP of the VRMA: from LPCR[VRMASD], from ISA 3.0 on from
// the partition table entry. Under ISL it is 4K whatever they hold.
func (c *CPU) vrmaSize(m *mode) uint64 {
	if m.only4K && !c.cfg.Quirks.ISLAlways {
		return 0
	}
	if c.cfg.Profile.ISA300 {
		return m.part.vrma
	}
	return c.regs.LPCR & LPCRVRMASD >> vrmasdShift << 4 & pte.SLBSizeMask
}

// realLimits are the real mode limits by LPCR[RMLS], in bytes (ISA 2.07).
var realLimits = [16]uint64{
	0: 256 << 30, 1: 16 << 30, 2: 1 << 30, 3: 64 << 20, 4: 256 << 20, 7: 128 << 20, 8: 32 << 20,
}

const (
	realMask  = 1<<60 - 1 // the address bits that real mode uses
	msb       = 1 << 63   // hypervisor real mode: do not apply HRMOR
	realPage  = pte.Page4K
	realWIMG  = pte.Memory
	realGrant = pte.Read | pte.Write | pte.Exec
)

// real answers an access for which nothing is looked up.
func (c *CPU) real(r *Result, m *mode, ea uint64, acc pte.Access) {
	ra := ea & realMask
	switch m.addressing {
	case addrBadVRMA:
		r.Fault = MachineCheck
		return
	case addrHypervisor:
		if ea&msb == 0 {
			ra |= c.regs.HRMOR
		}
	case addrOffset:
		if ra >= m.limit {
			r.storageFault(m, ea, acc, StatusProtection)
			return
		}
		ra |= c.regs.RMOR
	}
	r.RA, r.PageShift, r.Prot, r.WIMG = pte.RA(ra), realPage, realGrant, realWIMG
}
