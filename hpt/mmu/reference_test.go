package mmu_test

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// This file says once more what a translation is, slowly and bit by bit, in the
// Power ISA's numbering (bit 0 is the most significant). It shares no code with
// the package but the names of registers and outcomes.

// field returns bits a to b of a doubleword.
func field(x uint64, a, b int) uint64 {
	var v uint64
	for i := a; i <= b; i++ {
		v = v*2 + x>>(63-i)&1
	}
	return v
}

// bitsOf returns the low n bits of x, most significant first.
func bitsOf(x uint64, n int) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		if n-1-i < 64 {
			v[i] = x >> (n - 1 - i) & 1
		}
	}
	return v
}

// refPage is one line of the page-size table.
type refPage struct {
	base, actual int
	l            uint64
	lp, lpMask   uint64 // in units of 4 KiB
	slb          uint64 // L || LP
}

var refPages = []refPage{
	{12, 12, 0, 0, 0, 0},
	{12, 16, 1, 0x7, 0xf, 0},
	{12, 24, 1, 0x38, 0xfff, 0},
	{16, 16, 1, 0x1, 0xf, 5},
	{16, 24, 1, 0x8, 0xfff, 5},
	{24, 24, 1, 0x0, 0xfff, 4},
	{34, 34, 1, 0x3, 0x3fffff, 6},
}

// refBase returns the base page size of L || LP, 0 if none.
func refBase(llp uint64) int {
	for _, p := range refPages {
		if p.slb == llp {
			return p.base
		}
	}
	return 0
}

// refMachine is everything that an access depends on.
type refMachine struct {
	regs    mmu.Registers
	profile mmu.Profile
	quirks  mmu.Quirks
	pseries bool
	format  hpt.Format
	groups  uint64
	slb     map[int][2]uint64
	hptes   map[uint64]pte.HPTE // as memory has them
}

// refAnswer is what comes out.
type refAnswer struct {
	RA     uint64
	Shift  int
	Prot   pte.Access
	Fault  mmu.Fault
	Status uint32
	DAR    uint64
	Slot   uint64 // all ones: none
	Second bool
	SetR   bool
	SetC   bool
}

func (m *refMachine) msr(bit int) bool  { return field(m.regs.MSR, bit, bit) == 1 }
func (m *refMachine) lpcr(bit int) bool { return field(m.regs.LPCR, bit, bit) == 1 }

// translate answers an access: 'R', 'W' or 'X'.
func (m *refMachine) translate(ea uint64, acc byte, probe bool) refAnswer {
	on := m.msr(59)
	if acc == 'X' {
		on = m.msr(58)
	}
	if on {
		return m.segment(ea, acc, probe)
	}
	return m.real(ea, acc, probe)
}

func (m *refMachine) real(ea uint64, acc byte, probe bool) refAnswer {
	ra := field(ea, 4, 63)
	ok := refAnswer{Shift: 12, Prot: 7, Slot: ^uint64(0)}
	switch {
	case m.pseries:
		ok.RA = ra
		return ok
	case m.msr(3): // hypervisor
		ok.RA = ra
		if field(ea, 0, 0) == 0 {
			ok.RA |= m.regs.HRMOR
		}
		return ok
	case !m.profile.ISA300 && !m.lpcr(0):
		limits := map[uint64]uint64{0: 38, 1: 34, 2: 30, 3: 26, 4: 28, 7: 27, 8: 25}
		shift, exists := limits[field(m.regs.LPCR, 34, 37)]
		if !exists || ra>>shift != 0 {
			return m.storage(ea, acc, 1<<(63-36), false, false)
		}
		ok.RA = ra | m.regs.RMOR
		return ok
	}
	llp := field(m.regs.LPCR, 12, 12)<<2 | field(m.regs.LPCR, 15, 16)
	isl := m.lpcr(2)
	if m.profile.ISA300 || isl && !m.quirks.ISLAlways {
		llp = 0
	}
	base := refBase(llp)
	if base == 0 {
		return refAnswer{Fault: mmu.MachineCheck, Slot: ^uint64(0)}
	}
	if isl {
		base = 12
	}
	return m.page(refSegment{size: 40, vsid: 0x1ffffff, base: base}, ea, acc, probe, true)
}

// refSegment is an SLB entry in numbers.
type refSegment struct {
	size      int // 28 or 40
	vsid      uint64
	base      int
	ks, kp, n uint64
	low       uint64 // VSID bits that a 1T segment does not have
}

func (m *refMachine) segment(ea uint64, acc byte, probe bool) refAnswer {
	for slot := range m.profile.SLB {
		e, there := m.slb[slot]
		if !there || field(e[0], 36, 36) == 0 {
			continue
		}
		s := refSegment{size: 28, vsid: field(e[1], 2, 51)}
		if field(e[1], 0, 1) == 1 {
			s.size, s.vsid, s.low = 40, field(e[1], 2, 39), field(e[1], 40, 51)
			if m.quirks.ExactESID1T && field(e[0], 24, 35) != 0 {
				continue
			}
		}
		if field(ea, 0, 63-s.size) != field(e[0], 0, 63-s.size) {
			continue
		}
		s.ks, s.kp, s.n = field(e[1], 52, 52), field(e[1], 53, 53), field(e[1], 54, 54)
		s.base = refBase(field(e[1], 55, 55)<<2 | field(e[1], 58, 59))
		if m.lpcr(2) && (m.quirks.ISLAlways || !m.msr(3)) {
			s.base = 12
		}
		return m.page(s, ea, acc, probe, false)
	}
	if acc == 'X' {
		return refAnswer{Fault: mmu.InstSegment, Slot: ^uint64(0)}
	}
	return refAnswer{Fault: mmu.DataSegment, DAR: ea, Slot: ^uint64(0)}
}

// page searches the table for a page of a segment.
func (m *refMachine) page(s refSegment, ea uint64, acc byte, probe, vrma bool) refAnswer {
	if acc == 'X' && s.n == 1 {
		return m.storage(ea, acc, 1<<(63-35), vrma, false)
	}
	var pageIndex uint64
	if s.base < s.size {
		pageIndex = field(ea, 64-s.size, 63-s.base)
	}
	hash := bitsOf(s.vsid, 39)
	for i, b := range bitsOf(pageIndex, 39) {
		hash[i] ^= b
	}
	if s.size == 40 {
		for i, b := range bitsOf(s.vsid<<25, 39) {
			hash[i] ^= b
		}
	}
	for second := range 2 {
		if second == 1 && m.lpcr(54) && !m.quirks.IgnoreTC {
			break
		}
		var group uint64
		for i := range hash {
			group = group*2 + hash[i] ^ uint64(second)
		}
		group %= m.groups
		for slot := group * 8; slot < group*8+8; slot++ {
			h, there := m.hptes[slot]
			if !there || !m.matches(h, s, pageIndex, uint64(second)) {
				continue
			}
			if p, sized := m.size(h, s.base); sized {
				a := m.access(h, p, s, ea, acc, probe, vrma)
				a.Slot, a.Second = slot, second == 1
				return a
			}
		}
	}
	return m.storage(ea, acc, 1<<(63-33), vrma, false)
}

// matches compares B, AVPN, H and V.
func (m *refMachine) matches(h pte.HPTE, s refSegment, pageIndex, second uint64) bool {
	b := field(h.V, 0, 1)
	avpn := bitsOf(field(h.V, 2, 56), 55)
	if m.format == hpt.Format3 {
		b = field(h.R, 4, 5)
		avpn = bitsOf(field(h.V, 12, 56), 55)
	}
	va := append(bitsOf(s.vsid, 78-s.size), bitsOf(pageIndex, s.size-min(s.base, s.size))...)
	for len(va) < 78 {
		va = append(va, 0)
	}
	if m.quirks.LowVSID1T {
		for i, bit := range bitsOf(s.low, 12) {
			va[38+i] |= bit
		}
	}
	for i, bit := range avpn {
		if va[i] != bit {
			return false
		}
	}
	return b == uint64(s.size/40) && field(h.V, 62, 62) == second && field(h.V, 63, 63) == 1
}

// size returns the page size that an entry has in a segment.
func (m *refMachine) size(h pte.HPTE, base int) (refPage, bool) {
	for _, p := range refPages {
		if m.quirks.No64KIn4K && p.base == 12 && p.actual == 16 {
			continue
		}
		lp := field(m.r(h), 4, 51) & p.lpMask
		if p.base == base && field(h.V, 61, 61) == p.l && lp == p.lp {
			return p, true
		}
	}
	return refPage{}, false
}

// r returns the second doubleword without B of format 3.
func (m *refMachine) r(h pte.HPTE) uint64 {
	if m.format == hpt.Format3 {
		return h.R &^ (3 << (63 - 5))
	}
	return h.R
}

// access judges protection and makes the answer.
func (m *refMachine) access(h pte.HPTE, p refPage, s refSegment, ea uint64, acc byte, probe, vrma bool) refAnswer {
	k := s.ks
	if m.msr(49) {
		k = s.kp
	}
	table := map[[2]uint64]string{
		{0, 0}: "RW", {0, 1}: "RW", {0, 2}: "RW", {0, 3}: "R", {0, 6}: "R",
		{1, 1}: "R", {1, 2}: "RW", {1, 3}: "R",
	}
	granted := table[[2]uint64{k, field(h.R, 0, 0)<<2 | field(h.R, 62, 63)}]
	noExec := field(h.R, 61, 61) == 1 || field(h.R, 60, 60) == 1
	if granted != "" && !noExec {
		granted += "X"
	}
	key := int(field(h.R, 2, 3)<<3 | field(h.R, 52, 54))
	forbidden := ""
	if !vrma || m.quirks.VRMAKeys {
		if field(m.regs.AMR, 2*key, 2*key) == 1 {
			forbidden += "W"
		}
		if field(m.regs.AMR, 2*key+1, 2*key+1) == 1 {
			forbidden += "R"
		}
		if m.profile.IAMR && field(m.regs.IAMR, 2*key+1, 2*key+1) == 1 {
			forbidden += "X"
		}
	}
	var status uint32
	switch {
	case acc == 'X' && noExec:
		status = 1 << (63 - 35)
	case !has(granted, acc):
		status = 1 << (63 - 36)
	}
	if has(forbidden, acc) {
		status |= 1 << (63 - 42)
	}
	if status != 0 {
		return m.storage(ea, acc, status, vrma, has(forbidden, acc))
	}
	a := refAnswer{Shift: p.actual}
	rpn := field(m.r(h), 4, 63-p.actual)
	a.RA = rpn<<p.actual | field(ea, 64-p.actual, 63)
	changed := field(h.R, 56, 56) == 1
	if !probe || m.quirks.ProbeUpdates {
		a.SetR = field(h.R, 55, 55) == 0
		a.SetC = acc == 'W' && !changed
		changed = changed || acc == 'W'
	}
	for i, c := range []byte("RWX") {
		if has(granted, c) && !has(forbidden, c) && (c != 'W' || changed) {
			a.Prot |= 1 << i
		}
	}
	return a
}

func has(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// storage makes a storage interrupt.
func (m *refMachine) storage(ea uint64, acc byte, status uint32, vrma, key bool) refAnswer {
	on := m.msr(59)
	if acc == 'X' {
		on = m.msr(58)
	}
	toHypervisor := vrma || on && m.lpcr(1) || key && m.lpcr(3) && !m.quirks.IgnoreKBV
	if m.msr(3) {
		toHypervisor = false
	}
	a := refAnswer{Status: status, Slot: ^uint64(0)}
	if acc == 'X' {
		a.Fault = mmu.InstStorage
		if toHypervisor {
			a.Fault = mmu.HypervisorInst
		}
		return a
	}
	a.DAR, a.Fault = ea, mmu.DataStorage
	if toHypervisor {
		a.Fault = mmu.HypervisorData
	}
	if acc == 'W' {
		a.Status |= 1 << (63 - 38)
	}
	return a
}
