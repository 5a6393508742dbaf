package mmu

import "github.com/hashmmu/ppc64/pte"

// Bits of MSR.
const (
	MSRHV = 1 << 60 // hypervisor state
	MSRPR = 1 << 14 // problem state
	MSRIR = 1 << 5  // fetches are translated
	MSRDR = 1 << 4  // data accesses are translated
)

// Bits of LPCR that translation looks at.
const (
	LPCRVPM0   = 1 << 63    // ISA 2: translation off in a partition is the VRMA
	LPCRVPM1   = 1 << 62    // storage interrupts of a partition go to the hypervisor
	LPCRISL    = 1 << 61    // segments are of 4K pages whatever the SLB says
	LPCRKBV    = 1 << 60    // key faults of a partition go to the hypervisor
	LPCRVRMASD = 0x1f << 47 // ISA 2: L and LP of the VRMA
	LPCRRMLS   = 0xf << 26  // ISA 2: real mode limit
	LPCRUPRT   = 1 << 22    // ISA 3.0: a segment table backs the SLB
	LPCRTC     = 1 << 9     // no secondary search

	lpcrMMU = LPCRVPM0 | LPCRVPM1 | LPCRISL | LPCRKBV | LPCRVRMASD | LPCRRMLS | LPCRUPRT | LPCRTC

	vrmasdShift = 47
	rmlsShift   = 26
)

// Registers are the special purpose registers that translation depends on, and
// MSR. AMOR is all ones after New, the others are zero.
type Registers struct {
	MSR, LPCR              uint64
	AMR, IAMR, UAMOR, AMOR uint64
	HRMOR, RMOR            uint64
	LPIDR, PIDR            uint64
	SDR1, PTCR             uint64
}

// Registers returns the registers.
func (c *CPU) Registers() Registers { return c.regs }

// SetRegisters replaces all registers, unmasked, as a debugger or a loader does.
// What changed is queued as flushes.
func (c *CPU) SetRegisters(r Registers) {
	old := c.regs
	c.regs = r
	tables := r.SDR1 != old.SDR1 || r.PTCR != old.PTCR || r.LPIDR != old.LPIDR
	if tables {
		c.loadPartitions()
	}
	switch {
	case (r.LPCR^old.LPCR)&lpcrMMU != 0:
		c.flush(Flush{Kind: FlushAll})
	case tables:
		c.flush(Flush{Kind: FlushTranslated})
	case r.PIDR != old.PIDR && c.segmentTables():
		c.flush(Flush{Kind: FlushSegments})
	}
	if r.HRMOR != old.HRMOR || r.RMOR != old.RMOR {
		c.flush(Flush{Kind: FlushReal})
	}
	c.keysChanged((old.AMR ^ r.AMR) | (old.IAMR ^ r.IAMR))
	c.setModes()
}

// SetMSR writes MSR. It flushes nothing: what a translation depends on of MSR is
// the context under which it may be cached.
func (c *CPU) SetMSR(v uint64) {
	if changed := c.regs.MSR ^ v; changed&(MSRHV|MSRPR|MSRIR|MSRDR) == 0 {
		c.regs.MSR = v
		return
	}
	c.regs.MSR = v
	c.setModes()
}

// SetLPCR writes LPCR.
func (c *CPU) SetLPCR(v uint64) { r := c.regs; r.LPCR = v; c.SetRegisters(r) }

// SetAMR writes AMR as mtspr does in the present state: in problem state only
// where UAMOR has ones, in privileged state only where AMOR has.
func (c *CPU) SetAMR(v uint64) {
	mask := c.amorMask()
	if c.regs.MSR&MSRPR != 0 {
		mask = c.regs.UAMOR
	}
	old := c.regs.AMR
	c.regs.AMR = old&^mask | v&mask
	c.keysChanged(old ^ c.regs.AMR)
}

// SetIAMR writes IAMR as mtspr does: in privileged state only where AMOR has
// ones.
func (c *CPU) SetIAMR(v uint64) {
	old := c.regs.IAMR
	c.regs.IAMR = old&^c.amorMask() | v&c.amorMask()
	c.keysChanged(old ^ c.regs.IAMR)
}

// SetUAMOR writes UAMOR as mtspr does: in privileged state only where AMOR has
// ones.
func (c *CPU) SetUAMOR(v uint64) {
	c.regs.UAMOR = c.regs.UAMOR&^c.amorMask() | v&c.amorMask()
}

// SetAMOR writes AMOR.
func (c *CPU) SetAMOR(v uint64) { c.regs.AMOR = v }

// SetHRMOR writes HRMOR, the hypervisor's real mode offset.
func (c *CPU) SetHRMOR(v uint64) { r := c.regs; r.HRMOR = v; c.SetRegisters(r) }

// SetRMOR writes RMOR, a partition's real mode offset before ISA 3.0.
func (c *CPU) SetRMOR(v uint64) { r := c.regs; r.RMOR = v; c.SetRegisters(r) }

// SetLPIDR writes LPIDR.
func (c *CPU) SetLPIDR(v uint64) { r := c.regs; r.LPIDR = v; c.SetRegisters(r) }

// SetPIDR writes PIDR.
func (c *CPU) SetPIDR(v uint64) { r := c.regs; r.PIDR = v; c.SetRegisters(r) }

// SetSDR1 writes SDR1; before ISA 3.0, Config.Storage then gives the table.
func (c *CPU) SetSDR1(v uint64) { r := c.regs; r.SDR1 = v; c.SetRegisters(r) }

// SetPTCR writes PTCR; from ISA 3.0 on, the tables of the hypervisor (LPID 0)
// and of the partition (LPIDR) are then those of the partition table.
func (c *CPU) SetPTCR(v uint64) { r := c.regs; r.PTCR = v; c.SetRegisters(r) }

func (c *CPU) amorMask() uint64 {
	if c.regs.MSR&MSRHV != 0 {
		return ^uint64(0)
	}
	return c.regs.AMOR
}

// keysChanged follows a change of AMR or IAMR, where diff has ones, and queues a
// flush of the keys concerned.
func (c *CPU) keysChanged(diff uint64) {
	if diff != 0 {
		c.flush(Flush{Kind: FlushKeys, Keys: c.setKeys(diff)})
	}
}

// setKeys works out what AMR and IAMR leave of the pages of those keys whose two
// bits in diff are not both 0, and returns which keys these are. Key 0 comes first;
// in AMR the first bit of a key forbids stores, the second loads, and in IAMR the
// second forbids fetches.
func (c *CPU) setKeys(diff uint64) (keys uint32) {
	for k := range c.keys {
		shift := 62 - 2*k
		if diff>>shift&3 == 0 {
			continue
		}
		keys |= 1 << k
		denied := c.regs.AMR >> shift & 3 // bit values of Write and Read
		if c.cfg.Profile.IAMR {
			denied |= c.regs.IAMR >> shift & 1 << 2 // of Exec
		}
		c.keys[k] = realGrant &^ pte.Access(denied)
	}
	return keys
}
