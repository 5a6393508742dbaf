package tlbtest

import "github.com/hashmmu/ppc64/tlb"

// model603 is a 603 written for reading; documented behaviour only.
type model603 struct {
	MSR, SDR1 uint32
	SR        [16]uint32
	// Miss holds DMISS, DCMP, IMISS, ICMP, HASH1, HASH2.
	Miss             [6]uint32
	RPA, SRR1        uint32
	DAR, DSISR       uint32
	Policy           tlb.Policy // on ways that disagree
	TLB              [2][32][2]tlb.PPC603Entry
	leastRecentlyUse [2][32]int
}

// Load is tlbld (side 0) or tlbli (side 1).
func (m *model603) Load(side int, ea uint32) {
	way := int(m.SRR1 >> 17 & 1)
	set := ea >> 12 % 32
	m.TLB[side][set][way] = tlb.PPC603Entry{EPN: ea / 4096 * 4096, CMP: m.Miss[2*side+1], RPA: m.RPA}
	m.leastRecentlyUse[side][set] = 1 - way
}

// TLBIE is tlbie.
func (m *model603) TLBIE(ea uint32) {
	for side := range 2 {
		for way := range 2 {
			m.TLB[side][ea>>12%32][way].CMP &= 0x7fffffff
		}
	}
}

// Translate is one access.
func (m *model603) Translate(acc tlb.Access, ea uint32) answer {
	side := 0
	if acc == tlb.Fetch {
		side = 1
	}
	if m.MSR&[...]uint32{0x10, 0x20}[side] == 0 {
		return answer{PA: uint64(ea), Prot: 7, Matches: -1}
	}
	sr := m.SR[ea>>28]
	if acc == tlb.Fetch && sr&0x10000000 != 0 {
		m.SRR1 = 0x10000000
		return answer{Fault: tlb.Protection}
	}
	set := ea >> 12 % 32
	lru := &m.leastRecentlyUse[side][set]
	var hits []int
	for way, e := range m.TLB[side][set] {
		if e.CMP>>31 == 1 && e.CMP>>7&0xffffff == sr&0xffffff && e.CMP&0x3f == ea>>22&0x3f && e.EPN == ea/4096*4096 {
			hits = append(hits, way)
		}
	}
	a := answer{Matches: len(hits)}
	if len(hits) == 0 {
		return m.missed(a, side, acc, ea, *lru)
	}
	ways := &m.TLB[side][set]
	rpa := ways[hits[0]].RPA
	if len(hits) == 2 && (ways[0].RPA^ways[1].RPA)&^0x180 != 0 {
		switch m.Policy {
		case tlb.Miss:
			return m.missed(a, side, acc, ea, *lru)
		case tlb.CheckMachine:
			a.Fault = tlb.MachineCheck
			return a
		}
	}
	if len(hits) == 2 && m.Policy == tlb.OrBits {
		rpa |= ways[1].RPA
	}
	prot := m.permits(sr, rpa)
	if prot&acc == 0 {
		a.Fault = tlb.Protection
		if acc == tlb.Fetch {
			m.SRR1 = 0x08000000
			return a
		}
		m.DAR, m.DSISR = ea, 0x08000000
		if acc == tlb.Store {
			m.DSISR = 0x0a000000
		}
		return a
	}
	if rpa&0x80 == 0 {
		if acc == tlb.Store {
			return m.missed(a, side, acc, ea, hits[0])
		}
		prot &^= tlb.Store
	}
	*lru = 1 - hits[0]
	a.PA, a.Prot = uint64(rpa/4096*4096+ea%4096), prot
	return a
}

func (m *model603) key(sr uint32) bool {
	if m.MSR&0x4000 != 0 {
		return sr&0x20000000 != 0
	}
	return sr&0x40000000 != 0
}

// permits is the table of the manual: key and PP.
func (m *model603) permits(sr, rpa uint32) tlb.Access {
	table := [8]tlb.Access{
		3, 3, 3, 1, // key 0
		0, 1, 3, 1, // key 1
	}
	i := rpa & 3
	if m.key(sr) {
		i += 4
	}
	prot := table[i]
	if prot != 0 && sr&0x10000000 == 0 {
		prot |= tlb.Fetch
	}
	return prot
}

func (m *model603) missed(a answer, side int, acc tlb.Access, ea uint32, way int) answer {
	sr := m.SR[ea>>28]
	m.Miss[2*side] = ea
	m.Miss[2*side+1] = 1<<31 | sr&0xffffff<<7 | ea>>22&0x3f
	hash := uint64(sr&0xffffff ^ ea>>12&0xffff)
	origin, groups := uint64(m.SDR1&0xffff0000), (uint64(m.SDR1&0x1ff)+1)*1024
	m.Miss[4] = uint32(origin + hash%groups*64)
	m.Miss[5] = uint32(origin + (groups-1-hash%groups)*64)
	m.SRR1 = uint32(way) * 0x20000
	if m.key(sr) {
		m.SRR1 += 0x80000
	}
	switch acc {
	case tlb.Fetch:
		m.SRR1 += 0x40000
	case tlb.Store:
		m.SRR1 += 0x10000
	}
	a.Fault = tlb.TLBMiss
	return a
}
