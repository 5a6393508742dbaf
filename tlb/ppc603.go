package tlb

// PPC603MMU is the segment registers and the two TLBs of a 603 (602, 603e,
// 8240, G2, e300), which software fills from a hashed page table: a miss
// loads the missed address, the compare word and the two group addresses into
// registers, and the handler puts the page table entry back with tlbld or tlbli.
//
// Sources: MPC603e user's manual 5.5, PEM chapter 7.
//
// One goroutine owns it. BATs and direct-store segments (SR[T]) are not modelled.
type PPC603MMU struct {
	Reports

	MSR  uint32 // MSRIR, MSRDR, MSRPR
	SDR1 uint32
	SR   [16]uint32

	// The registers of a miss, loaded for the handler.
	DMISS, DCMP, IMISS, ICMP uint32
	HASH1, HASH2             uint32
	RPA                      uint32 // written by the handler before tlbld, tlbli
	SRR1                     uint32 // SRR1* bits: of the miss, and read by tlbld, tlbli
	DAR, DSISR               uint32

	prof  Profile
	multi MultiHit
	side  [2]side603 // data, instructions
	last  uint8      // way of the last load anywhere
}

// side603 is one of the two TLBs.
type side603 struct {
	tags    array
	micro   microTLB
	entries []PPC603Entry
	lru     []uint8 // per set: the least recently used way
}

// PPC603Entry is one entry: the page, and the two words of a page table entry.
type PPC603Entry struct {
	EPN uint32 // effective page address
	CMP uint32 // V, VSID, H, API
	RPA uint32 // RPN, R, C, WIMG, PP
}

// Bits of the 603's registers.
const (
	MSRIR = 0x20 // instruction translation
	MSRDR = 0x10 // data translation

	SRR1Key   = 0x80000 // the key of the access
	SRR1Fetch = 0x40000 // an instruction miss
	SRR1Way   = 0x20000 // the way to load
	SRR1Store = 0x10000 // a data miss on a store

	SRR1NoExec  = 0x10000000 // ISI: no-execute segment
	SRR1Protect = 0x08000000 // ISI: page protection

	DSISRProtect = 0x08000000
	DSISRStore   = 0x02000000

	srKs     = 0x40000000
	srKp     = 0x20000000
	srNoExec = 0x10000000
	srVSID   = 0x00ffffff

	cmpValid = 0x80000000
	cmpH     = 0x40
	rpaRef   = 0x100
	rpaChg   = 0x80
	rpaPP    = 0x3
)

// The two sides.
const (
	Data603  = 0
	Instr603 = 1
)

// New603 returns the MMU that profile p describes, everything zero.
func New603(p Profile) (*PPC603MMU, error) {
	if err := p.check603(); err != nil {
		return nil, err
	}
	m := &PPC603MMU{prof: p, multi: p.multiHit()}
	sets := p.PPC603.Entries / p.PPC603.Ways
	for s := range m.side {
		m.side[s] = side603{
			tags:    newArray(sets, p.PPC603.Ways),
			micro:   newMicroTLB(p.PPC603.Entries),
			entries: make([]PPC603Entry, p.PPC603.Entries),
			lru:     make([]uint8, sets),
		}
	}
	return m, nil
}

// Profile returns the profile the MMU was made from.
func (m *PPC603MMU) Profile() Profile { return m.prof }

// Len is the number of entries of each TLB.
func (m *PPC603MMU) Len() int { return m.prof.PPC603.Entries }

// Entry returns entry i, way i mod Ways of set i / Ways, of side Data603 or Instr603.
func (m *PPC603MMU) Entry(side, i int) PPC603Entry { return m.side[side].entries[i] }

// SetEntry replaces an entry, whatever it held.
func (m *PPC603MMU) SetEntry(side, i int, e PPC603Entry) {
	s := &m.side[side]
	s.entries[i] = e
	if e.CMP&cmpValid == 0 {
		s.tags.clear(i)
		return
	}
	s.tags.store(i, m.tag(e))
}

// tag is what an entry compares. The page is compared whole and the VSID with
// the API; H says by which hash the page table entry was found and is not part
// of the address.
func (m *PPC603MMU) tag(e PPC603Entry) cell {
	t := cell{va: uint64(e.EPN), mask: 0xfffff000, ctx: uint64(e.CMP &^ cmpValid), ctxMask: 0x7fffffff}
	if !m.prof.Quirks.Has(Quirk603PrimaryOnly) {
		t.ctxMask &^= cmpH
		t.ctx &^= cmpH
	}
	return t
}

// set is the congruence class of a page: EA bits 15-19.
func (m *PPC603MMU) set(ea uint32) int {
	return int(ea>>12) & (len(m.side[0].lru) - 1)
}

// compare is the word that a matching entry has in CMP.
func (m *PPC603MMU) compare(ea uint32) uint32 {
	return cmpValid | m.SR[ea>>28]&srVSID<<7 | ea>>22&0x3f
}

// TLBLD is tlbld: it loads DCMP and RPA into the way SRR1Way of the data TLB
// for the page of ea.
func (m *PPC603MMU) TLBLD(ea uint32) { m.load(Data603, ea, m.DCMP) }

// TLBLI is tlbli: it loads ICMP and RPA into the instruction TLB.
func (m *PPC603MMU) TLBLI(ea uint32) { m.load(Instr603, ea, m.ICMP) }

func (m *PPC603MMU) load(side int, ea, cmp uint32) {
	s := &m.side[side]
	ways := s.tags.ways
	set := m.set(ea)
	way := int(m.SRR1>>17&1) % ways
	i := set*ways + way
	e := PPC603Entry{EPN: ea &^ 0xfff, CMP: cmp, RPA: m.RPA}
	if m.prof.Quirks.Has(Quirk603LoadEvicts) {
		for k := set * ways; k < (set+1)*ways; k++ {
			if old := s.entries[k]; old.CMP&cmpValid != 0 && old.EPN == e.EPN {
				m.invalidate(side, k)
			}
		}
	}
	m.SetEntry(side, i, e)
	s.lru[set] = uint8(ways-1) &^ uint8(way)
	m.last = uint8(way)
	if s.tags.isLive(i) {
		other, _ := s.tags.overlap(i, s.tags.cells[i])
		m.write(other, i, uint64(e.EPN))
	}
}

// TLBIE is tlbie: it invalidates the congruence class of ea, both ways in both
// TLBs, whatever page they hold.
func (m *PPC603MMU) TLBIE(ea uint32) {
	set := m.set(ea)
	for side := range m.side {
		ways := m.side[side].tags.ways
		for k := set * ways; k < (set+1)*ways; k++ {
			m.invalidate(side, k)
		}
	}
}

func (m *PPC603MMU) invalidate(side, i int) {
	s := &m.side[side]
	s.entries[i].CMP &^= cmpValid
	s.tags.clear(i)
}
