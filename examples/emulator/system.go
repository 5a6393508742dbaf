package main

import "github.com/hashmmu/ppc64/hpt/mmu"

// spr is the number of the special purpose register of mtspr and mfspr.
func (i insn) spr() uint32 { return i.bits(16, 20)<<5 | i.bits(11, 15) }

// register returns where the machine keeps a special purpose register.
func (c *vcpu) register(spr uint32) (r *uint64, user bool) {
	switch spr {
	case 8:
		return &c.lr, true
	case 9:
		return &c.ctr, true
	case 19:
		return &c.dar, false
	case 26:
		return &c.srr0, false
	case 27:
		return &c.srr1, false
	case 272, 273, 274, 275:
		return &c.sprg[spr-272], false
	}
	return nil, false
}

// moves are the moves between registers.
func (c *vcpu) moves(i insn) bool {
	switch i.xo() {
	case 19: // mfcr
		c.gpr[i.rt()] = uint64(c.cr)
	case 144: // mtcrf
		var m uint32
		for f := range uint32(8) {
			if i.bits(12, 19)>>(7-f)&1 != 0 {
				m |= 0xf << (28 - 4*f)
			}
		}
		c.cr = c.cr&^m | uint32(c.gpr[i.rt()])&m
	case 339: // mfspr
		return c.moveFrom(i)
	case 467: // mtspr
		return c.moveTo(i)
	default:
		return false
	}
	return true
}

const (
	sprXER   = 1
	sprDSISR = 18
	xerCA    = 1 << 29
)

func (c *vcpu) moveFrom(i insn) bool {
	switch i.spr() {
	case sprXER:
		c.gpr[i.rt()] = bit(c.ca) * xerCA
		return true
	case sprDSISR:
		c.gpr[i.rt()] = uint64(c.dsisr)
		return c.msr&mmu.MSRPR == 0
	}
	r, user := c.register(i.spr())
	if r == nil || !user && c.msr&mmu.MSRPR != 0 {
		return false
	}
	c.gpr[i.rt()] = *r
	return true
}

func (c *vcpu) moveTo(i insn) bool {
	if i.spr() == sprXER {
		c.ca = c.gpr[i.rt()]&xerCA != 0
		return true
	}
	r, user := c.register(i.spr())
	if r == nil || !user && c.msr&mmu.MSRPR != 0 {
		return false
	}
	*r = c.gpr[i.rt()]
	return true
}

// system are the instructions of the kernel, and the barriers.
func (c *vcpu) system(i insn, next uint64) (uint64, bool) {
	switch i.xo() {
	case 598: // sync, ptesync
		c.sync()
		return next, true
	case 854: // eieio
		return next, true
	}
	if c.msr&mmu.MSRPR != 0 {
		return next, false
	}
	rb, rs := c.gpr[i.rb()], c.gpr[i.rt()]
	switch i.xo() {
	case 83: // mfmsr
		c.gpr[i.rt()] = c.msr
	case 178: // mtmsrd
		c.setMSR(rs)
	case 402: // slbmte
		return next, c.mmu.SLBMTE(rb, rs)
	case 434: // slbie
		c.mmu.SLBIE(rb)
	case 498: // slbia
		c.mmu.SLBIA(uint64(i.bits(8, 10)))
	case 306: // tlbie
		return next, c.mmu.TLBIE(mmu.TLBIE{RB: rb, RS: rs})
	case 566: // tlbsync
		c.sync()
	default:
		return next, false
	}
	return next, true
}
