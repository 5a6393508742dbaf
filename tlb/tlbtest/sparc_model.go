package tlbtest

import (
	"github.com/hashmmu/ppc64/tlb"
)

// sparcModel is one UltraSPARC TLB written for reading: a list of entries that
// every question goes through from the start.
type sparcModel struct {
	v4    bool // sun4v layout
	hit   tlb.MultiHit
	entry []sparcEntry
}

// sparcEntry has the fields of a TTE apart.
type sparcEntry struct {
	tag, tte                 uint64 // as stored, without the used bit
	va, ctx, size, pa        uint64
	valid, locked, used      bool
	global, nfo, ie, e, p, w bool
	x                        bool
}

// parse splits tag and TTE into fields.
func (m *sparcModel) parse(tag, tte uint64) sparcEntry {
	bit := func(n uint) bool { return tte>>n&1 == 1 }
	s := sparcEntry{tag: tag, tte: tte, va: tag >> 13 << 13, ctx: tag & 0x1fff, valid: bit(63)}
	if m.v4 {
		sizes := []uint64{8 << 10, 64 << 10, 512 << 10, 4 << 20, 32 << 20, 256 << 20, 2 << 30, 16 << 30}
		s.size = sizes[min(tte&15, 7)]
		s.pa = tte << 8 >> 21 << 13 / s.size * s.size
		s.nfo, s.locked, s.ie, s.e, s.p, s.x, s.w = bit(62), bit(61), bit(12), bit(11), bit(8), bit(7), bit(6)
		return s
	}
	s.size = []uint64{8 << 10, 64 << 10, 512 << 10, 4 << 20}[tte>>61&3]
	s.pa = tte << 23 >> 36 << 13 / s.size * s.size
	s.nfo, s.ie, s.used, s.locked = bit(60), bit(59), bit(41), bit(6)
	s.e, s.p, s.w, s.global, s.x = bit(3), bit(2), bit(1), bit(0), true
	if s.used {
		s.tte -= 1 << 41
	}
	return s
}

func (s sparcEntry) matches(va, ctx uint64) bool {
	return s.valid && s.va/s.size == va/s.size && (s.global || s.ctx == ctx)
}

func (s sparcEntry) overlaps(o sparcEntry) bool {
	size := max(s.size, o.size)
	return s.valid && o.valid && s.va/size == o.va/size && (s.global || o.global || s.ctx == o.ctx)
}

func (m *sparcModel) matching(va, ctx uint64) (all []int) {
	for i, s := range m.entry {
		if s.matches(va, ctx) {
			all = append(all, i)
		}
	}
	return all
}

// victim is the rule of the manual, one sentence per loop.
func (m *sparcModel) victim() int {
	for i, s := range m.entry {
		if !s.valid {
			return i
		}
	}
	for i, s := range m.entry {
		if !s.used && !s.locked {
			return i
		}
	}
	for i := range m.entry {
		m.entry[i].used = false
	}
	for i, s := range m.entry {
		if !s.locked {
			return i
		}
	}
	return len(m.entry) - 1
}

// store puts an entry in and says whether another overlaps it.
func (m *sparcModel) store(i int, s sparcEntry) (overlap bool) {
	for j, o := range m.entry {
		if j != i && s.overlaps(o) {
			overlap = true
		}
	}
	m.entry[i] = s
	return overlap
}

func (m *sparcModel) displace(s sparcEntry) {
	for j, o := range m.entry {
		if s.overlaps(o) {
			m.entry[j] = sparcEntry{}
		}
	}
}

func (m *sparcModel) demap(gone func(sparcEntry) bool) (n int) {
	for i, s := range m.entry {
		if s.valid && gone(s) {
			m.entry[i] = sparcEntry{}
			n++
		}
	}
	return n
}

// answer is the entry that translates, made up if several drive it together.
func (m *sparcModel) answer(va, ctx uint64) (s sparcEntry, all []int, fault tlb.Fault) {
	all = m.matching(va, ctx)
	if len(all) == 0 {
		return s, all, tlb.TLBMiss
	}
	s = m.entry[all[0]]
	if len(all) == 1 {
		return s, all, tlb.NoFault
	}
	switch m.hit.Lookup {
	case tlb.Miss:
		return s, all, tlb.TLBMiss
	case tlb.CheckMachine:
		return s, all, tlb.MachineCheck
	case tlb.OrBits:
		for _, i := range all[1:] {
			o := m.entry[i]
			s.pa |= o.pa
			s.size = max(s.size, o.size)
			s.w, s.p, s.x, s.e, s.nfo, s.ie = s.w || o.w, s.p || o.p, s.x || o.x, s.e || o.e, s.nfo || o.nfo, s.ie || o.ie
		}
	}
	return s, all, tlb.NoFault
}
