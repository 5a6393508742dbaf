package tlbtest

import "github.com/hashmmu/ppc64/tlb"

// model4xx is a 405, 440 or 476 written for reading: a list of entries and a
// loop. It has the documented behaviour only, no quirks.
type model4xx struct {
	PID, MMUCR, ZPR, MSR, DEAR, ESR uint32

	Profile tlb.Profile
	Entries []model4xxEntry

	bolt    [6]int // entry plus one bolted in each slot, 0 if none
	turn    []int  // per set, where replacement goes on
	current int
}

// model4xxEntry is an entry with its fields apart.
type model4xxEntry struct {
	Word [3]uint32
	TID  uint32
}

// newModel4xx returns the model of a profile.
func newModel4xx(p tlb.Profile) *model4xx {
	return &model4xx{
		Profile: p,
		Entries: make([]model4xxEntry, p.PPC4xx.Entries),
		turn:    make([]int, p.PPC4xx.Entries/p.PPC4xx.Ways),
	}
}

func (m *model4xx) is(f tlb.Family) bool { return m.Profile.Family == f }

// page returns the entry's fields; bytes is 0 if it cannot match.
func (m *model4xx) page(e model4xxEntry) (epn uint32, bytes uint64, ts bool) {
	w := e.Word[0]
	switch {
	case m.is(tlb.PPC405):
		if w&0x40 != 0 {
			bytes = 1024 << (2 * (w >> 7 & 7))
		}
	case m.is(tlb.PPC44x):
		switch code := w >> 4 & 15; code {
		case 0, 1, 2, 3, 4, 5, 7, 9:
			if w&0x200 != 0 {
				bytes = 1024 << (2 * code)
			}
		}
		ts = w&0x100 != 0
	default:
		sizes := map[uint32]uint64{0: 4 << 10, 1: 16 << 10, 3: 64 << 10, 7: 1 << 20, 15: 16 << 20, 31: 256 << 20, 63: 1 << 30}
		if w&0x800 != 0 {
			bytes = sizes[w>>4&63]
		}
		ts = w&0x400 != 0
	}
	if bytes != 0 {
		epn = uint32(uint64(w) / bytes * bytes)
	}
	return epn, bytes, ts
}

// Matches lists the entries that match, smallest page first on a 476.
func (m *model4xx) Matches(ea, pid uint32, space bool) (list []int) {
	find := func(only uint64) {
		for i, e := range m.Entries {
			epn, bytes, ts := m.page(e)
			if bytes == 0 || only != 0 && bytes != only {
				continue
			}
			if ea >= epn && uint64(ea) < uint64(epn)+bytes && ts == space && (e.TID == 0 || e.TID == pid) {
				list = append(list, i)
			}
		}
	}
	if !m.is(tlb.PPC47x) {
		find(0)
		return list
	}
	for _, bytes := range []uint64{4 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30} {
		find(bytes)
	}
	return list
}

// place is the entry that a tlbwe goes to.
func (m *model4xx) place(ra uint32, word int, value uint32) int {
	if !m.is(tlb.PPC47x) {
		return int(ra % uint32(len(m.Entries)))
	}
	if word != 0 {
		return m.current
	}
	ways := m.Profile.PPC4xx.Ways
	set := m.hash(value)
	slot := int(ra>>24) & 7
	bolting := ra&0x08000000 != 0 && slot < m.Profile.PPC4xx.Bolts
	way := 0
	switch {
	case bolting:
	case ra&0x80000000 != 0:
		way = int(ra>>29&3) % ways
	default:
		way = m.victim(set)
	}
	i := set*ways + way
	for s := range m.bolt {
		if m.bolt[s] == i+1 || bolting && s == slot {
			m.bolt[s] = 0
		}
	}
	if bolting {
		m.bolt[slot] = i + 1
	}
	m.current = i
	return i
}

// hash folds the page number into a set, digit by digit.
func (m *model4xx) hash(word0 uint32) int {
	_, bytes, _ := m.page(model4xxEntry{Word: [3]uint32{word0 | 0x800}})
	if bytes == 0 {
		bytes = 4096
	}
	set := 0
	for page := uint64(word0&0xfffff000) / bytes; page > 0; page /= uint64(len(m.turn)) {
		set ^= int(page % uint64(len(m.turn)))
		if len(m.turn) == 1 {
			break
		}
	}
	return set
}

// Bolted reports whether replacement spares entry i.
func (m *model4xx) Bolted(i int) bool {
	for _, b := range m.bolt {
		if b == i+1 {
			return true
		}
	}
	return false
}

func (m *model4xx) victim(set int) int {
	ways := m.Profile.PPC4xx.Ways
	for way := range ways {
		if _, bytes, _ := m.page(m.Entries[set*ways+way]); bytes == 0 && !m.Bolted(set*ways+way) {
			return way
		}
	}
	way := m.turn[set]
	if m.Bolted(set*ways + way) {
		way = (way + 1) % ways
	}
	m.turn[set] = (way + 1) % ways
	return way
}

// TLBWE is tlbwe.
func (m *model4xx) TLBWE(ra uint32, word int, value uint32) {
	keep := map[tlb.Family][3]uint32{
		tlb.PPC405: {0xfffffff0, 0xffffffff, 0},
		tlb.PPC44x: {0xfffffff0, 0xfffffc0f, 0xffbf},
		tlb.PPC47x: {0xfffffff0, 0xfffff3ff, 0x3ffbf},
	}[m.Profile.Family]
	value &= keep[word]
	e := &m.Entries[m.place(ra, word, value)]
	e.Word[word] = value
	if word != 0 {
		return
	}
	e.TID = m.searchPID()
	if m.is(tlb.PPC405) {
		bytes := uint32(1024) << (2 * (value >> 7 & 7))
		e.Word[0] = value&0xfffffc00/bytes*bytes | value&0x3ff
	}
}

func (m *model4xx) searchPID() uint32 {
	switch m.Profile.Family {
	case tlb.PPC405:
		return m.PID & 0xff
	case tlb.PPC44x:
		return m.MMUCR & 0xff
	}
	return m.MMUCR & 0xffff
}

// index is the entry that a tlbre operand names.
func (m *model4xx) index(ra uint32) int {
	if m.is(tlb.PPC47x) {
		return int(ra>>16&0xff)*m.Profile.PPC4xx.Ways + int(ra>>29&3)
	}
	return int(ra % uint32(len(m.Entries)))
}

// TLBRE is tlbre.
func (m *model4xx) TLBRE(ra uint32, word int) uint32 {
	i := m.index(ra)
	e := m.Entries[i]
	v := e.Word[word]
	if word == 0 {
		switch m.Profile.Family {
		case tlb.PPC405:
			m.PID = e.TID
		case tlb.PPC44x:
			m.MMUCR = m.MMUCR&^0xff | e.TID
		default:
			m.MMUCR = m.MMUCR&^0xffff | e.TID
			if m.Bolted(i) {
				v |= 8
			}
		}
	}
	return v
}

// TLBIA is tlbia.
func (m *model4xx) TLBIA() {
	for i := range m.Entries {
		if _, bytes, _ := m.page(m.Entries[i]); bytes != 0 {
			m.Entries[i].Word[0] &^= 0x40
		}
	}
}

// answer is what an access came to.
type answer struct {
	Fault   tlb.Fault
	PA      uint64
	Prot    tlb.Access
	Matches int // -1 if the TLB was not consulted
}

// Translate is one access.
func (m *model4xx) Translate(acc tlb.Access, ea uint32) answer {
	space := m.MSR&0x10 != 0
	if acc == tlb.Fetch {
		space = m.MSR&0x20 != 0
	}
	pid := m.PID
	switch {
	case m.is(tlb.PPC405) && !space:
		return answer{PA: uint64(ea), Prot: 7, Matches: -1}
	case m.is(tlb.PPC405):
		pid, space = pid&0xff, false
	case m.is(tlb.PPC44x):
		pid &= 0xff
	default:
		pid &= 0xffff
	}
	list := m.Matches(ea, pid, space)
	a := answer{Matches: len(list)}
	policy := m.Profile.MultiHit.Lookup
	if len(list) > 1 && policy == tlb.CheckMachine {
		a.Fault = tlb.MachineCheck
		return a
	}
	if len(list) == 0 || len(list) > 1 && policy == tlb.Miss {
		a.Fault = tlb.TLBMiss
		if acc != tlb.Fetch {
			m.DEAR, m.ESR = ea, store(acc)
		}
		return a
	}
	if policy != tlb.OrBits {
		list = list[:1]
	}
	zone := false
	for _, i := range list {
		prot, z := m.permits(m.Entries[i])
		zone = zone || z
		a.Prot |= prot
		a.PA |= m.real(m.Entries[i], ea)
	}
	if a.Prot&acc == 0 {
		m.ESR = store(acc)
		if zone {
			m.ESR |= 0x400000
		}
		if acc != tlb.Fetch {
			m.DEAR = ea
		}
		return answer{Fault: tlb.Protection, Matches: a.Matches}
	}
	return a
}

func store(acc tlb.Access) uint32 {
	if acc == tlb.Store {
		return 0x800000
	}
	return 0
}

func (m *model4xx) real(e model4xxEntry, ea uint32) uint64 {
	_, bytes, _ := m.page(e)
	rpn, high := uint64(e.Word[1]&0xfffffc00), uint64(0)
	switch m.Profile.Family {
	case tlb.PPC44x:
		high = uint64(e.Word[1] & 0xf)
	case tlb.PPC47x:
		rpn, high = uint64(e.Word[1]&0xfffff000), uint64(e.Word[1]&0x3ff)
	}
	return high<<32 + rpn/bytes*bytes + uint64(ea)%bytes
}

func (m *model4xx) permits(e model4xxEntry) (prot tlb.Access, zoneFault bool) {
	user := m.MSR&0x4000 != 0
	if !m.is(tlb.PPC405) {
		if user {
			return tlb.Access(e.Word[2] / 8 % 8), false
		}
		return tlb.Access(e.Word[2] % 8), false
	}
	lo := e.Word[1]
	prot = tlb.Load
	if lo&0x100 != 0 {
		prot |= tlb.Store
	}
	if lo&0x200 != 0 {
		prot |= tlb.Fetch
	}
	switch zone := m.ZPR >> (30 - 2*(lo>>4&15)) & 3; {
	case user && zone == 0:
		return 0, true
	case zone == 3, zone == 2 && !user:
		prot = 7
	}
	if lo&1 != 0 { // guarded
		prot &^= tlb.Fetch
	}
	return prot, false
}
