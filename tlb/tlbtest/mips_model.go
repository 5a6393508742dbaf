package tlbtest

import (
	"math/bits"

	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// mipsModel is a MIPS TLB written for reading: registers by name, entries as
// the four register images they were written from, and every question answered
// by going through all of them.
type mipsModel struct {
	p     tlb.MIPSParams
	hit   tlb.MultiHit
	wide  bool
	reg   map[tlb.MIPSReg]uint64
	entry []mipsImage

	overlaps int // writes that met another entry, to be reported
}

// mipsImage is an entry. Absent ones (EHINV) match nothing.
type mipsImage struct {
	absent bool
	vpn    uint64
	mask   uint64
	asid   uint64
	global bool
	lo     [2]uint64
}

func newMIPSModel(p tlb.Profile) *mipsModel {
	m := &mipsModel{p: p.MIPS, hit: p.MultiHit, wide: p.MIPS.SegBits > 32, reg: map[tlb.MIPSReg]uint64{}}
	m.reg[tlb.PageGrain] = p.MIPS.PageGrain
	m.reg[tlb.RandomReg] = uint64(p.MIPS.Entries - 1)
	for i := range p.MIPS.Entries {
		e := mipsImage{absent: true}
		if p.MIPS.Reset == tlb.ResetUnique {
			e = mipsImage{vpn: m.pageBits(0xffffffff80000000 + uint64(i)*0x2000)}
		}
		m.entry = append(m.entry, e)
	}
	return m
}

// significant are the address bits a part compares at all.
func (m *mipsModel) significant(va uint64) uint64 {
	if !m.wide {
		return va & 0xffffffff
	}
	return va>>62<<62 | va<<(64-m.p.SegBits)>>(64-m.p.SegBits)
}

func (m *mipsModel) pageBits(va uint64) uint64 { return m.significant(va) >> 13 << 13 }

func (m *mipsModel) asid() uint64 {
	if m.p.MMIDMask != 0 {
		return m.reg[tlb.MemoryMapID]
	}
	return m.reg[tlb.EntryHi] & m.p.ASIDMask
}

// matches compares page pair numbers, in units of the entry's pair.
func (m *mipsModel) matches(e mipsImage, va uint64) bool {
	pair := e.mask + 0x2000
	return !e.absent && (e.global || e.asid == m.asid()) && m.significant(va)/pair == e.vpn/pair
}

func (m *mipsModel) matching(va uint64) (all []int) {
	for i, e := range m.entry {
		if m.matches(e, va) {
			all = append(all, i)
		}
	}
	return all
}

// overlapping lists the other entries that some access matches together with e.
func (m *mipsModel) overlapping(i int, e mipsImage) (all []int) {
	for j, o := range m.entry {
		pair := max(e.mask, o.mask) + 0x2000
		if j != i && !o.absent && !e.absent && (e.global || o.global || e.asid == o.asid) && e.vpn/pair == o.vpn/pair {
			all = append(all, j)
		}
	}
	return all
}

func (m *mipsModel) shut() bool {
	return m.reg[tlb.Status]>>21&1 == 1 && m.hit.Lookup == tlb.ShutDown
}

func (m *mipsModel) stop() { m.reg[tlb.Status] |= 1 << 21 }

// write is tlbwi or tlbwr.
func (m *mipsModel) write(i int) tlb.Fault {
	if m.shut() {
		return tlb.Shutdown
	}
	hi := m.reg[tlb.EntryHi]
	e := mipsImage{absent: true}
	if !m.p.EHINV || hi>>10&1 == 0 {
		lo0, lo1 := m.reg[tlb.EntryLo0]|m.reg[tlb.EntryLo0H]<<32, m.reg[tlb.EntryLo1]|m.reg[tlb.EntryLo1H]<<32
		e = mipsImage{vpn: m.pageBits(hi), mask: m.reg[tlb.PageMask], asid: m.asid(), global: lo0&lo1&1 == 1, lo: [2]uint64{lo0, lo1}}
	}
	others := m.overlapping(i, e)
	m.overlaps += min(len(others), 1)
	if len(others) > 0 {
		switch m.hit.Write {
		case tlb.CheckMachine:
			m.stop()
			return tlb.MachineCheck
		case tlb.Displace:
			m.stop()
			for _, o := range others {
				m.entry[o] = mipsImage{absent: true}
			}
		}
	}
	m.entry[i] = e
	return tlb.NoFault
}

func (m *mipsModel) probe() tlb.Fault {
	const failed = 1 << 31
	if m.shut() {
		m.reg[tlb.Index] |= failed
		return tlb.Shutdown
	}
	all := m.matching(m.reg[tlb.EntryHi])
	switch {
	case len(all) > 1 && m.hit.Probe == tlb.CheckMachine:
		m.stop()
		return tlb.MachineCheck
	case len(all) > 1 && m.hit.Probe == tlb.ShutDown:
		m.stop()
		return tlb.Shutdown
	case len(all) == 0 || len(all) > 1 && m.hit.Probe == tlb.Miss:
		m.reg[tlb.Index] |= failed
	case m.hit.Probe == tlb.OrBits:
		m.reg[tlb.Index] = 0
		for _, i := range all {
			m.reg[tlb.Index] |= uint64(i)
		}
		m.reg[tlb.Index] %= uint64(len(m.entry))
	default:
		m.reg[tlb.Index] = uint64(all[0])
	}
	return tlb.NoFault
}

// half says what EntryLo image lo gives a page of pairs with that mask.
func (m *mipsModel) half(lo, mask uint64) (pa uint64, c uint8, d, v, ri, xi bool) {
	if m.wide {
		pa, ri, xi = lo<<2>>8<<12, lo>>63 == 1, lo>>62&1 == 1
	} else {
		pa, ri, xi = lo>>6<<40>>40<<12|lo>>32<<36, lo>>31&1 == 1, lo>>30&1 == 1
	}
	return pa &^ (mask >> 1 &^ 0xfff), uint8(lo >> 3 & 7), lo>>2&1 == 1, lo>>1&1 == 1, ri, xi
}

type mipsOutcome struct {
	fault tlb.Fault
	pa    uint64
	prot  tlb.Access
	n     int
}

// translate is the lookup of a mapped address.
func (m *mipsModel) translate(acc tlb.Access, va uint64) mipsOutcome {
	if m.shut() {
		return mipsOutcome{fault: tlb.Shutdown}
	}
	all := m.matching(va)
	out := mipsOutcome{n: len(all)}
	if len(all) > 1 {
		switch m.hit.Lookup {
		case tlb.CheckMachine:
			m.stop()
			out.fault = tlb.MachineCheck
			return out
		case tlb.ShutDown:
			m.stop()
			out.fault = tlb.Shutdown
			return out
		case tlb.Miss:
			all = nil
		}
	}
	if len(all) == 0 {
		out.fault = tlb.TLBMiss
		m.faulted(va)
		return out
	}
	size := (m.entry[all[0]].mask + 0x2000) / 2
	if m.hit.Lookup != tlb.OrBits {
		all = all[:1]
	}
	var pa uint64
	var dirty, valid, ri, xi bool
	for _, i := range all { // one, or all that drive the answer together
		e := m.entry[i]
		p, _, d, v, r, x := m.half(e.lo[va/((e.mask+0x2000)/2)%2], e.mask)
		pa |= p
		dirty, valid, ri, xi = dirty || d, valid || v, ri || r, xi || x
	}
	switch {
	case !valid:
		out.fault = tlb.EntryInvalid
	case acc == tlb.Fetch && xi:
		out.fault = tlb.ExecInhibit
	case acc == tlb.Load && ri:
		out.fault = tlb.ReadInhibit
	case acc == tlb.Store && !dirty:
		out.fault = tlb.Modified
	}
	if out.fault != tlb.NoFault {
		m.faulted(va)
		return out
	}
	out.pa = pa | va%size
	for _, x := range []struct {
		ok  bool
		acc tlb.Access
	}{{!ri, tlb.Load}, {dirty, tlb.Store}, {!xi, tlb.Fetch}} {
		if x.ok {
			out.prot |= x.acc
		}
	}
	return out
}

func (m *mipsModel) faulted(va uint64) {
	m.reg[tlb.BadVAddr] = va
	m.reg[tlb.EntryHi] = m.pageBits(va) | m.reg[tlb.EntryHi]&(m.p.ASIDMask*m.noMMID()|m.ehinv())
	m.reg[tlb.Context] = m.reg[tlb.Context]>>23<<23 | va>>13&0x7ffff<<4
	if m.wide {
		vpn := va << (64 - m.p.SegBits) >> (64 - m.p.SegBits) >> 13
		m.reg[tlb.XContext] = m.reg[tlb.XContext]>>(m.p.SegBits-7)<<(m.p.SegBits-7) | va>>62<<(m.p.SegBits-9) | vpn<<4
	}
}

func (m *mipsModel) noMMID() uint64 {
	if m.p.MMIDMask != 0 {
		return 0
	}
	return 1
}

func (m *mipsModel) ehinv() uint64 {
	if m.p.EHINV {
		return 0x400
	}
	return 0
}

// legalMask draws a PageMask the part accepts.
func (m *mipsModel) legalMask(t *rapid.T) uint64 {
	largest := bits.OnesCount64(m.p.PageMask) / 2
	pairs := rapid.SampledFrom([]int{0, 0, 0, 1, 2, largest}).Draw(t, "page size")
	return (1<<(2*min(pairs, largest)) - 1) << 13
}
