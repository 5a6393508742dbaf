package tlbtest

import "github.com/hashmmu/ppc64/tlb"

// modelE500 is a core of the e500 line written for reading: every TLB is a
// list, every search a loop over all of it. It has the documented behaviour
// only, no quirks, and no hardware walk. Registers are assumed to be written
// without reserved bits.
type modelE500 struct {
	Profile tlb.Profile
	TLB0    [][]tlb.E500Entry // by set, then by way
	TLB1    []tlb.E500Entry
	NV      []int // per set of TLB0
	Threads []modelE500Thread
}

// modelE500Thread is the registers of one thread.
type modelE500Thread struct {
	MSR, ESR, MCSR uint32
	DEAR           uint64
	Reg            map[tlb.E500Reg]uint64

	held   bool // reservation of tlbsrx.
	heldEA uint64
	heldBy asked
}

// asked is what an access or a search looks for beside the address.
type asked struct {
	pids     []uint64
	space    bool
	guest    bool
	lpid     uint64
	indirect bool
}

// newModelE500 returns the model of a profile.
func newModelE500(p tlb.Profile) *modelE500 {
	g := p.E500
	m := &modelE500{
		Profile: p,
		TLB0:    make([][]tlb.E500Entry, g.TLB0.Entries/g.TLB0.Ways),
		TLB1:    make([]tlb.E500Entry, g.TLB1.Entries),
		NV:      make([]int, g.TLB0.Entries/g.TLB0.Ways),
		Threads: make([]modelE500Thread, g.Threads),
	}
	for i := range m.TLB0 {
		m.TLB0[i] = make([]tlb.E500Entry, g.TLB0.Ways)
	}
	for i := range m.Threads {
		m.Threads[i].Reg = map[tlb.E500Reg]uint64{}
	}
	return m
}

// place is where an entry sits.
type place struct{ tlb, set, way int }

func (m *modelE500) at(p place) *tlb.E500Entry {
	if p.tlb == 0 {
		return &m.TLB0[p.set][p.way]
	}
	return &m.TLB1[p.way]
}

// all calls f for every place, TLB0 first, by set, then by way.
func (m *modelE500) all(f func(place)) {
	for s := range m.TLB0 {
		for w := range m.TLB0[s] {
			f(place{0, s, w})
		}
	}
	for w := range m.TLB1 {
		f(place{1, 0, w})
	}
}

func bytes500(p place, e *tlb.E500Entry) uint64 {
	if p.tlb == 0 {
		return 4096
	}
	return 1024 << (e.MAS1 >> 7 & 31)
}

func (m *modelE500) matches(p place, ea uint64, a asked) bool {
	e := m.at(p)
	size := bytes500(p, e)
	tid := uint64(e.MAS1 >> 16 & 0x3fff)
	mine := tid == 0
	for _, pid := range a.pids {
		mine = mine || tid == pid
	}
	if e.MAS1>>31 == 0 || !mine || e.MAS1>>12&1 == 1 != a.space || ea/size != e.MAS2/4096*4096/size {
		return false
	}
	if m.Profile.E500.Indirect && e.MAS1>>13&1 == 1 != a.indirect {
		return false
	}
	lpid := uint64(e.MAS8 & 0xfff)
	return !m.Profile.E500.Hypervisor || e.MAS8>>31 == 1 == a.guest && (lpid == 0 || lpid == a.lpid)
}

func (m *modelE500) find(ea uint64, a asked) (list []place) {
	m.all(func(p place) {
		if p.tlb == 0 && p.set != int(ea/4096)%len(m.TLB0) {
			return
		}
		if m.matches(p, ea, a) {
			list = append(list, p)
		}
	})
	return list
}

func (m *modelE500) cut(t *modelE500Thread, ea uint64) uint64 {
	if m.Profile.E500.Is64 && t.MSR>>31 == 1 {
		return ea
	}
	return ea & 0xffffffff
}

func (m *modelE500) selected(t *modelE500Thread) (place, bool) {
	esel := int(t.Reg[tlb.MAS0] >> 16 & 0xfff)
	switch t.Reg[tlb.MAS0] >> 28 & 3 {
	case 0:
		return place{0, int(t.Reg[tlb.MAS2]/4096) % len(m.TLB0), esel % m.Profile.E500.TLB0.Ways}, true
	case 1:
		return place{1, 0, esel % len(m.TLB1)}, true
	}
	return place{}, false
}

// TLBWE is tlbwe of thread n.
func (m *modelE500) TLBWE(n int) tlb.E500Outcome {
	t, g := &m.Threads[n], m.Profile.E500
	if g.Hypervisor && t.MSR&0x10000000 != 0 {
		return tlb.GuestPrivilege
	}
	mas0, mas1 := t.Reg[tlb.MAS0], uint32(t.Reg[tlb.MAS1])
	if g.Indirect && mas0>>12&3 != 0 {
		held := t.held
		t.held = false
		if mas0>>12&3 != 1 || !held {
			return tlb.NotWritten
		}
	}
	p, ok := m.selected(t)
	if !ok || p.tlb == 1 && mas1>>31 == 1 && g.PageSizes>>(mas1>>7&31)&1 == 0 {
		return tlb.NotWritten
	}
	if p.tlb == 0 {
		if g.Indirect && mas0&0x4000 != 0 {
			p.way = m.NV[p.set]
			m.NV[p.set] = (p.way + 1) % g.TLB0.Ways
		} else {
			m.NV[p.set] = int(mas0&0xfff) % g.TLB0.Ways
		}
		mas1 = mas1&^0x40000f80 | 0x100
	}
	e := tlb.E500Entry{MAS1: mas1, MAS73: t.Reg[tlb.MAS7]<<32 | t.Reg[tlb.MAS3]}
	if g.Hypervisor {
		e.MAS8 = uint32(t.Reg[tlb.MAS8])
	}
	size := max(bytes500(p, &e), 4096)
	e.MAS2 = m.cut(t, t.Reg[tlb.MAS2])/size*size | t.Reg[tlb.MAS2]&0x7f
	*m.at(p) = e
	for k := range m.Threads {
		u := &m.Threads[k]
		valid := e
		valid.MAS1 |= 1 << 31 // writing an invalid entry for the page counts too
		old := *m.at(p)
		*m.at(p) = valid
		if u.held && m.matches(p, u.heldEA, u.heldBy) {
			u.held = false
		}
		*m.at(p) = old
	}
	return tlb.Written
}

func (m *modelE500) show(t *modelE500Thread, p place) {
	e := m.at(p)
	nv := 0
	if p.tlb == 0 {
		nv = m.NV[p.set]
	}
	t.Reg[tlb.MAS0] = uint64(p.tlb<<28 | p.way<<16 | nv)
	t.Reg[tlb.MAS1], t.Reg[tlb.MAS2] = uint64(e.MAS1), e.MAS2
	t.Reg[tlb.MAS3], t.Reg[tlb.MAS7] = e.MAS73&0xffffffff, e.MAS73>>32
	if m.Profile.E500.Hypervisor {
		t.Reg[tlb.MAS8] = uint64(e.MAS8)
	}
}

// TLBRE is tlbre of thread n.
func (m *modelE500) TLBRE(n int) {
	t := &m.Threads[n]
	if p, ok := m.selected(t); ok {
		m.show(t, p)
		return
	}
	t.Reg[tlb.MAS1] = 0
}

func (m *modelE500) propose(t *modelE500Thread, ea, mas1 uint64) {
	mas4 := t.Reg[tlb.MAS4]
	t.Reg[tlb.MAS0] = mas4 & 0x30000000
	if mas4&0x30000000 == 0 {
		way := m.NV[int(ea/4096)%len(m.TLB0)]
		t.Reg[tlb.MAS0] = uint64(way<<16 | (way+1)%m.Profile.E500.TLB0.Ways)
	}
	t.Reg[tlb.MAS1] = mas1 | mas4&0xf80
	if m.Profile.E500.Indirect {
		t.Reg[tlb.MAS1] |= mas4 & 0x8000 >> 2
	}
	t.Reg[tlb.MAS2] = ea/4096*4096 | mas4&0x7f
	t.Reg[tlb.MAS3], t.Reg[tlb.MAS7] = 0, 0
}

func (t *modelE500Thread) search() asked {
	mas5, mas6 := t.Reg[tlb.MAS5], t.Reg[tlb.MAS6]
	return asked{pids: []uint64{mas6 >> 16 & 0x3fff}, space: mas6&1 != 0, guest: mas5>>31 == 1,
		lpid: mas5 & 0xfff, indirect: mas6&2 != 0}
}

// TLBSX is tlbsx of thread n.
func (m *modelE500) TLBSX(n int, ea uint64) (matches int, f tlb.Fault) {
	t := &m.Threads[n]
	ea = m.cut(t, ea)
	list := m.find(ea, t.search())
	policy := m.Profile.MultiHit.Probe
	switch {
	case len(list) > 1 && policy == tlb.CheckMachine:
		t.MCSR |= 0x08000000
		return len(list), tlb.MachineCheck
	case len(list) == 0, len(list) > 1 && policy == tlb.Miss:
		m.propose(t, ea, t.Reg[tlb.MAS6]&0x3fff0000|t.Reg[tlb.MAS6]&1<<12)
	case len(list) > 1 && policy == tlb.OrBits:
		or := map[tlb.E500Reg]uint64{}
		for _, p := range list {
			m.show(t, p)
			for _, r := range []tlb.E500Reg{tlb.MAS0, tlb.MAS1, tlb.MAS2, tlb.MAS3, tlb.MAS7} {
				or[r] |= t.Reg[r]
			}
		}
		for r, v := range or {
			t.Reg[r] = v
		}
	default:
		m.show(t, list[0])
	}
	return len(list), tlb.NoFault
}

// TLBSRX is tlbsrx. of thread n.
func (m *modelE500) TLBSRX(n int, ea uint64) bool {
	t := &m.Threads[n]
	mas1, mas5 := t.Reg[tlb.MAS1], t.Reg[tlb.MAS5]
	a := asked{pids: []uint64{mas1 >> 16 & 0x3fff}, space: mas1>>12&1 == 1, guest: mas5>>31 == 1,
		lpid: mas5 & 0xfff, indirect: mas1>>13&1 == 1}
	t.held, t.heldEA, t.heldBy = m.Profile.E500.Indirect, m.cut(t, ea), a
	return len(m.find(t.heldEA, a)) > 0
}

// flush invalidates what is wanted and not protected, and ends reservations.
func (m *modelE500) flush(wanted func(p place, e *tlb.E500Entry) bool) {
	m.all(func(p place) {
		e := m.at(p)
		if e.MAS1>>31 == 1 && e.MAS1>>30&1 == 0 && wanted(p, e) {
			e.MAS1 &^= 1 << 31
		}
	})
	for i := range m.Threads {
		m.Threads[i].held = false
	}
}

// holds reports whether the page of e holds ea; TLB0 is looked at in one set only.
func (m *modelE500) holds(p place, e *tlb.E500Entry, ea uint64) bool {
	size := bytes500(p, e)
	return ea/size == e.MAS2/4096*4096/size && (p.tlb == 1 || p.set == int(ea/4096)%len(m.TLB0))
}

// TLBIVAX is tlbivax of thread n, on this core.
func (m *modelE500) TLBIVAX(n int, ea uint64) {
	which := int(ea >> 3 & 1)
	page := m.cut(&m.Threads[n], ea)
	m.flush(func(p place, e *tlb.E500Entry) bool {
		return p.tlb == which && (ea&4 != 0 || m.holds(p, e, page))
	})
}

// TLBILX is tlbilx of thread n.
func (m *modelE500) TLBILX(n, kind int, ea uint64) {
	t := &m.Threads[n]
	a := t.search()
	ea = m.cut(t, ea)
	m.flush(func(p place, e *tlb.E500Entry) bool {
		tid := uint64(e.MAS1 >> 16 & 0x3fff)
		if m.Profile.E500.Hypervisor && uint64(e.MAS8&0xfff) != a.lpid {
			return false
		}
		switch kind {
		case 0:
			return true
		case 1:
			return tid == a.pids[0]
		case 3:
			return (tid == 0 || tid == a.pids[0]) && e.MAS1>>13&1 == 1 == a.indirect && m.holds(p, e, ea)
		}
		return false
	})
}

// MMUCSR0 is a write of MMUCSR0.
func (m *modelE500) MMUCSR0(v uint32) {
	m.flush(func(p place, _ *tlb.E500Entry) bool { return v>>(2-p.tlb)&1 == 1 })
}

// Translate is one access of thread n, with external PID if external is set.
func (m *modelE500) Translate(n int, acc tlb.Access, ea uint64, external bool) answer {
	t := &m.Threads[n]
	ea = m.cut(t, ea)
	a := asked{space: t.MSR&0x10 != 0, guest: t.MSR&0x10000000 != 0, lpid: t.Reg[tlb.LPIDR]}
	user, status := t.MSR&0x4000 != 0, store(acc)
	if acc == tlb.Fetch {
		a.space = t.MSR&0x20 != 0
	}
	a.pids = []uint64{t.Reg[tlb.PID0]}
	for _, r := range []tlb.E500Reg{tlb.PID1, tlb.PID2} {
		if t.Reg[r] != 0 {
			a.pids = append(a.pids, t.Reg[r])
		}
	}
	if external {
		epc := t.Reg[tlb.EPLC]
		if acc == tlb.Store {
			epc = t.Reg[tlb.EPSC]
		}
		a = asked{space: epc>>30&1 == 1, guest: epc>>29&1 == 1, lpid: epc >> 16 & 0xfff, pids: []uint64{epc & 0x3fff}}
		user, status = epc>>31 == 1, status|0x40
	}
	list := m.find(ea, a)
	ans := answer{Matches: len(list)}
	policy := m.Profile.MultiHit.Lookup
	if len(list) > 1 && policy == tlb.CheckMachine {
		t.MCSR |= 0x08000000
		ans.Fault = tlb.MachineCheck
		return ans
	}
	if len(list) == 0 || len(list) > 1 && policy == tlb.Miss {
		m.miss(t, acc, ea, a, external, status)
		ans.Fault = tlb.TLBMiss
		return ans
	}
	if policy != tlb.OrBits {
		list = list[:1]
	}
	for _, p := range list {
		e := m.at(p)
		size := bytes500(p, e)
		ans.PA |= e.MAS73/4096*4096/size*size + ea%size
		for bit, right := range []tlb.Access{tlb.Load, tlb.Store, tlb.Fetch} {
			shift := 2 * bit
			if user {
				shift++
			}
			if e.MAS73>>shift&1 == 1 {
				ans.Prot |= right
			}
		}
	}
	if ans.Prot&acc == 0 {
		t.ESR = status
		if acc != tlb.Fetch {
			t.DEAR = ea
		}
		return answer{Fault: tlb.Protection, Matches: ans.Matches}
	}
	return ans
}

func (m *modelE500) miss(t *modelE500Thread, acc tlb.Access, ea uint64, a asked, external bool, status uint32) {
	pid := a.pids[0]
	tid := pid
	if !external {
		tid = []uint64{pid, t.Reg[tlb.PID1], t.Reg[tlb.PID2], 0}[t.Reg[tlb.MAS4]>>16&3]
	}
	mas1, mas6 := 1<<31|tid<<16, pid<<16
	if a.space {
		mas1, mas6 = mas1|0x1000, mas6|1
	}
	m.propose(t, ea, mas1)
	t.Reg[tlb.MAS6] = mas6
	if acc != tlb.Fetch {
		t.DEAR, t.ESR = ea, status
	}
}
