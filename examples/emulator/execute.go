package main

import (
	"math/bits"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// insn is an instruction; its fields are numbered from the most significant bit,
// as the Power ISA does.
type insn uint32

func (i insn) bits(from, to uint) uint32 { return uint32(i) >> (31 - to) & (1<<(to-from+1) - 1) }
func (i insn) op() uint32                { return i.bits(0, 5) }
func (i insn) rt() uint32                { return i.bits(6, 10) }
func (i insn) ra() uint32                { return i.bits(11, 15) }
func (i insn) rb() uint32                { return i.bits(16, 20) }
func (i insn) xo() uint32                { return i.bits(21, 30) }
func (i insn) rc() bool                  { return i&1 != 0 }
func (i insn) si() uint64                { return uint64(int64(int16(i))) }
func (i insn) ui() uint64                { return uint64(uint16(i)) }

// base is RA|0.
func (c *vcpu) base(i insn) uint64 {
	if i.ra() == 0 {
		return 0
	}
	return c.gpr[i.ra()]
}

// execute does one instruction: the fixed-point facility, branches, storage
// access, and what a kernel needs. Anything else is a program interrupt.
func (c *vcpu) execute(word uint32) {
	i := insn(word)
	next := c.pc + 4
	ok := true
	switch i.op() {
	case 7: // mulli
		c.gpr[i.rt()] = c.gpr[i.ra()] * i.si()
	case 8: // subfic
		c.carryAdd(i.rt(), ^c.gpr[i.ra()], i.si(), 1)
	case 10, 11: // cmpli, cmpi
		c.compareImmediate(i)
	case 12, 13: // addic, addic.
		c.carryAdd(i.rt(), c.gpr[i.ra()], i.si(), 0)
		c.record(i.op() == 13, c.gpr[i.rt()])
	case 14: // addi
		c.gpr[i.rt()] = c.base(i) + i.si()
	case 15: // addis
		c.gpr[i.rt()] = c.base(i) + i.si()<<16
	case 16: // bc
		next = c.branch(i, c.target(i, uint64(int64(int16(i&0xfffc)))), next)
	case 17: // sc
		c.systemCall(i, next)
		return
	case 18: // b
		if i.rc() {
			c.lr = next
		}
		next = c.target(i, uint64(int64(int32(i&0x03fffffc)<<6)>>6))
	case 19:
		next, ok = c.branches(i, next)
	case 20, 21: // rlwimi, rlwinm
		c.rotateWord(i)
	case 24, 25, 26, 27, 28, 29: // ori to andis.
		c.logicalImmediate(i)
	case 30:
		ok = c.rotateDouble(i)
	case 31:
		next, ok = c.extended(i, next)
	case 32, 33, 34, 35, 40, 41, 42, 43: // lwz to lhau
		next = c.loads(i, next)
	case 36, 37, 38, 39, 44, 45: // stw to sthu
		next = c.stores(i, next)
	case 58: // ld, ldu, lwa
		if ok = i&3 <= 2; ok {
			next = c.loads(i, next)
		}
	case 62: // std, stdu
		if ok = i&3 <= 1; ok {
			next = c.stores(i, next)
		}
	default:
		ok = false
	}
	if !ok {
		c.interrupt(vectorProgram, programIllegal)
		return
	}
	c.pc = next
}

// target is where a branch goes: relative, or absolute with AA.
func (c *vcpu) target(i insn, disp uint64) uint64 {
	if i&2 != 0 {
		return disp
	}
	return c.pc + disp
}

// branch decides a conditional branch by BO and BI.
func (c *vcpu) branch(i insn, to, next uint64) uint64 {
	bo, bi := i.rt(), i.ra()
	if i.rc() {
		c.lr = next
	}
	if bo&4 == 0 {
		c.ctr--
	}
	ctrOK := bo&4 != 0 || (c.ctr != 0) != (bo&2 != 0)
	condOK := bo&16 != 0 || (c.cr>>(31-bi)&1 != 0) == (bo&8 != 0)
	if ctrOK && condOK {
		return to
	}
	return next
}

// branches are the forms of opcode 19.
func (c *vcpu) branches(i insn, next uint64) (uint64, bool) {
	switch i.xo() {
	case 16: // bclr
		return c.branch(i, c.lr&^3, next), true
	case 528: // bcctr
		return c.branch(i, c.ctr&^3, next), true
	case 150: // isync
		c.drain()
		return next, true
	case 18: // rfid
		if !c.privileged() {
			return c.pc, true
		}
		c.drain()
		c.setMSR(c.srr1 | msrSF)
		return c.srr0 &^ 3, true
	}
	return next, false
}

// privileged raises a program interrupt in problem state.
func (c *vcpu) privileged() bool {
	if c.msr&mmu.MSRPR == 0 {
		return true
	}
	c.interrupt(vectorProgram, programPriv)
	return false
}

// systemCall goes to the kernel, or with LEV=1 to the hypervisor.
func (c *vcpu) systemCall(i insn, next uint64) {
	c.pc = next
	if i.bits(20, 26) == 1 && c.msr&mmu.MSRPR == 0 {
		c.hypercall()
		return
	}
	c.interrupt(vectorSyscall, 0)
}

// record sets CR0 by comparing with zero.
func (c *vcpu) record(rc bool, v uint64) {
	if rc {
		c.compare(0, int64(v) < 0, v == 0)
	}
}

// compare sets a CR field.
func (c *vcpu) compare(field uint32, less, equal bool) {
	v := uint32(4)
	if less {
		v = 8
	} else if equal {
		v = 2
	}
	shift := 28 - 4*field
	c.cr = c.cr&^(0xf<<shift) | v<<shift
}

// compareValues is cmp or cmpl, of words or doublewords.
func (c *vcpu) compareValues(i insn, a, b uint64, logical bool) {
	if i.rt()&1 == 0 { // L: words
		if logical {
			a, b = uint64(uint32(a)), uint64(uint32(b))
		} else {
			a, b = uint64(int64(int32(a))), uint64(int64(int32(b)))
		}
	}
	less := int64(a) < int64(b)
	if logical {
		less = a < b
	}
	c.compare(i.rt()>>2, less, a == b)
}

func (c *vcpu) compareImmediate(i insn) {
	if i.op() == 10 {
		c.compareValues(i, c.gpr[i.ra()], i.ui(), true)
	} else {
		c.compareValues(i, c.gpr[i.ra()], i.si(), false)
	}
}

func (c *vcpu) carryAdd(rt uint32, a, b, carry uint64) {
	sum, out := bits.Add64(a, b, carry)
	c.gpr[rt], c.ca = sum, out != 0
}

func (c *vcpu) logicalImmediate(i insn) {
	v := i.ui()
	if i.op()&1 != 0 {
		v <<= 16
	}
	s := c.gpr[i.rt()]
	switch i.op() &^ 1 {
	case 24:
		s |= v
	case 26:
		s ^= v
	case 28:
		s &= v
		c.record(true, s)
	}
	c.gpr[i.ra()] = s
}

// mask has ones from bit mb to bit me, numbered from the top, around the end if
// mb is greater.
func mask(mb, me uint32) uint64 {
	m := ^uint64(0)>>mb ^ (^uint64(0)>>1)>>me
	if mb > me {
		return ^m
	}
	return m
}

func (c *vcpu) rotateWord(i insn) {
	s := uint64(bits.RotateLeft32(uint32(c.gpr[i.rt()]), int(i.rb())))
	s |= s << 32
	m := mask(i.bits(21, 25)+32, i.bits(26, 30)+32)
	v := s & m
	if i.op() == 20 {
		v |= c.gpr[i.ra()] &^ m
	}
	c.gpr[i.ra()] = v
	c.record(i.rc(), v)
}

func (c *vcpu) rotateDouble(i insn) bool {
	sh := i.rb() | i.bits(30, 30)<<5
	m := i.bits(21, 25) | i.bits(26, 26)<<5
	s := bits.RotateLeft64(c.gpr[i.rt()], int(sh))
	var v uint64
	switch i.bits(27, 29) {
	case 0: // rldicl
		v = s & mask(m, 63)
	case 1: // rldicr
		v = s & mask(0, m)
	case 2: // rldic
		v = s & mask(m, 63-sh)
	case 3: // rldimi
		k := mask(m, 63-sh)
		v = s&k | c.gpr[i.ra()]&^k
	default:
		return false
	}
	c.gpr[i.ra()] = v
	c.record(i.rc(), v)
	return true
}

// access sizes and updates of the displacement forms, by opcode.
var loadSize = map[uint32]uint{32: 4, 33: 4, 34: 1, 35: 1, 40: 2, 41: 2, 42: 2, 43: 2, 58: 8}
var storeSize = map[uint32]uint{36: 4, 37: 4, 38: 1, 39: 1, 44: 2, 45: 2, 62: 8}

func (c *vcpu) loads(i insn, next uint64) uint64 {
	size, ea, update := loadSize[i.op()], c.base(i)+i.si(), i.op()&1 != 0
	signed := i.op() >= 42 && i.op() <= 43
	if i.op() == 58 {
		ea, update = c.base(i)+i.si()&^3, i&3 == 1
		if i&3 == 2 {
			size, signed = 4, true
		}
	}
	v, ok := c.load(ea, size)
	if !ok {
		return c.pc
	}
	if signed {
		v = extend(v, size)
	}
	c.gpr[i.rt()] = v
	if update {
		c.gpr[i.ra()] = ea
	}
	return next
}

func (c *vcpu) stores(i insn, next uint64) uint64 {
	ea, update := c.base(i)+i.si(), i.op()&1 != 0
	if i.op() == 62 {
		ea, update = c.base(i)+i.si()&^3, i&3 == 1
	}
	if !c.store(ea, storeSize[i.op()], c.gpr[i.rt()]) {
		return c.pc
	}
	if update {
		c.gpr[i.ra()] = ea
	}
	return next
}

func extend(v uint64, size uint) uint64 {
	shift := 64 - 8*size
	return uint64(int64(v<<shift) >> shift)
}

// extended are the forms of opcode 31.
func (c *vcpu) extended(i insn, next uint64) (uint64, bool) {
	if size, ok := indexed[i.xo()]; ok {
		return c.indexed(i, size, next), true
	}
	if c.arithmetic(i) || c.logical(i) || c.moves(i) {
		return next, true
	}
	return c.system(i, next)
}

// indexed lists the sizes of the storage accesses by RA|0 + RB.
var indexed = map[uint32]uint{
	21: 8, 23: 4, 87: 1, 279: 2, 341: 4, 343: 2, // ldx lwzx lbzx lhzx lwax lhax
	149: 8, 151: 4, 215: 1, 407: 2, // stdx stwx stbx sthx
	84: 8, 214: 8, // ldarx stdcx.
}

func (c *vcpu) indexed(i insn, size uint, next uint64) uint64 {
	ea := c.base(i) + c.gpr[i.rb()]
	ok := true
	switch i.xo() {
	case 149, 151, 215, 407:
		ok = c.store(ea, size, c.gpr[i.rt()])
	case 84:
		ok = c.loadReserved(ea, i.rt())
	case 214:
		ok = c.storeConditional(ea, c.gpr[i.rt()])
	default:
		var v uint64
		if v, ok = c.load(ea, size); ok {
			if i.xo() == 341 || i.xo() == 343 {
				v = extend(v, size)
			}
			c.gpr[i.rt()] = v
		}
	}
	if !ok {
		return c.pc
	}
	return next
}

func (c *vcpu) loadReserved(ea uint64, rt uint32) bool {
	ra, ok := c.translate(ea, pte.Read, 8)
	if ok {
		c.reserved, c.reservedAt = 1, ra
		c.reval = c.ram[ra/8].Load()
		c.gpr[rt] = c.reval
	}
	return ok
}

// storeConditional stores if the doubleword still holds what was loaded with
// reservation. That another store put the same value there goes unseen.
func (c *vcpu) storeConditional(ea, v uint64) bool {
	ra, ok := c.translate(ea, pte.Write, 8)
	if !ok {
		return false
	}
	done := c.reserved != 0 && c.reservedAt == ra && c.ram[ra/8].CompareAndSwap(c.reval, v)
	c.reserved = 0
	c.compare(0, false, done)
	if !done {
		c.cr &^= 0xf << 28
	}
	return true
}

// arithmetic are the XO forms.
func (c *vcpu) arithmetic(i insn) bool {
	a, b := c.gpr[i.ra()], c.gpr[i.rb()]
	var v uint64
	switch i.bits(22, 30) {
	case 266: // add
		v = a + b
	case 40: // subf
		v = b - a
	case 104: // neg
		v = -a
	case 136: // subfe
		c.carryAdd(i.rt(), ^a, b, bit(c.ca))
		v = c.gpr[i.rt()]
	case 8: // subfc
		c.carryAdd(i.rt(), ^a, b, 1)
		v = c.gpr[i.rt()]
	case 202: // addze
		c.carryAdd(i.rt(), a, 0, bit(c.ca))
		v = c.gpr[i.rt()]
	case 233: // mulld
		v = a * b
	case 235: // mullw
		v = uint64(int64(int32(a)) * int64(int32(b)))
	case 9: // mulhdu
		v, _ = bits.Mul64(a, b)
	case 457: // divdu
		if b != 0 {
			v = a / b
		}
	default:
		return false
	}
	c.gpr[i.rt()] = v
	c.record(i.rc(), v)
	return true
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// logical are the X forms that compute RA from RS and RB, and compares.
func (c *vcpu) logical(i insn) bool {
	s, b := c.gpr[i.rt()], c.gpr[i.rb()]
	var v uint64
	switch i.xo() {
	case 0: // cmp
		c.compareValues(i, c.gpr[i.ra()], b, false)
		return true
	case 32: // cmpl
		c.compareValues(i, c.gpr[i.ra()], b, true)
		return true
	case 444: // or
		v = s | b
	case 28: // and
		v = s & b
	case 60: // andc
		v = s &^ b
	case 316: // xor
		v = s ^ b
	case 124: // nor
		v = ^(s | b)
	case 27: // sld
		v = s << (b & 127)
	case 539: // srd
		v = s >> (b & 127)
	case 986: // extsw
		v = extend(s, 4)
	case 922: // extsh
		v = extend(s, 2)
	case 954: // extsb
		v = extend(s, 1)
	case 58: // cntlzd
		v = uint64(bits.LeadingZeros64(s))
	default:
		return false
	}
	c.gpr[i.ra()] = v
	c.record(i.rc(), v)
	return true
}
