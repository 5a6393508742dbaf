package tlb

// SparcSide selects the data or the instruction MMU.
type SparcSide uint8

const (
	DMMU SparcSide = iota
	IMMU
)

var sideNames = [...]string{"D", "I"}

func (s SparcSide) String() string { return name(sideNames[:], int(s)) }

// Sun4u is the MMUs of one UltraSPARC I, II or IIi: an instruction and a data
// TLB, the registers that a miss loads for its handler, and the TSB pointers.
//
// Source: UltraSPARC User's Manual chapter 6. A Sun4u has one owner: no method
// is safe for concurrent use.
type Sun4u struct {
	Reports

	prof Profile
	hit  MultiHit
	side [2]sun4uSide

	primary, secondary uint64 // context registers of both MMUs
}

type sun4uSide struct {
	sparcTLB
	tsb, tagAccess, sfsr, sfar uint64
}

// NewSun4u returns MMUs whose TLBs and registers are zero.
func NewSun4u(p Profile) (*Sun4u, error) {
	if err := p.checkSparc(TTE4u); err != nil {
		return nil, err
	}
	u := &Sun4u{prof: p, hit: p.multiHit()}
	for s := range u.side {
		u.side[s].sparcTLB = newSparcTLB(&p)
	}
	return u, nil
}

// Profile returns what the MMUs were made from.
func (u *Sun4u) Profile() Profile { return u.prof }

// Sun4uReg names an MMU register.
type Sun4uReg uint8

const (
	PrimaryContext   Sun4uReg = iota // of both MMUs
	SecondaryContext                 // of both MMUs
	TSBBase
	TagAccess
	SFSR
	SFAR // DMMU only
)

// Read returns a register.
func (u *Sun4u) Read(s SparcSide, r Sun4uReg) uint64 {
	m := &u.side[s&1]
	switch r {
	case PrimaryContext:
		return u.primary
	case SecondaryContext:
		return u.secondary
	case TSBBase:
		return m.tsb
	case TagAccess:
		return m.tagAccess
	case SFSR:
		return m.sfsr
	case SFAR:
		return m.sfar
	}
	return 0
}

// Write stores to a register. Storing zero to the DMMU's SFSR also clears SFAR.
func (u *Sun4u) Write(s SparcSide, r Sun4uReg, v uint64) {
	m := &u.side[s&1]
	switch r {
	case PrimaryContext:
		u.primary = v & contextBits
	case SecondaryContext:
		u.secondary = v & contextBits
	case TSBBase:
		m.tsb = v
	case TagAccess:
		m.tagAccess = v
	case SFSR:
		m.sfsr = v
		if v == 0 {
			m.sfar = 0
		}
	case SFAR:
		m.sfar = v
	}
}

// Len is the number of entries of each TLB.
func (u *Sun4u) Len() int { return u.prof.Sparc.Entries }

// Entry returns an entry as stored and changes nothing.
func (u *Sun4u) Entry(s SparcSide, i int) SparcEntry { return u.side[s&1].entries[i] }

// SetEntry puts e into entry i as a debugger does; no overlap is noticed.
func (u *Sun4u) SetEntry(s SparcSide, i int, e SparcEntry) { u.side[s&1].set(i, e) }

// DataIn stores a TTE with the tag of Tag Access into an entry of the MMU's
// choice and returns its number. It does not look for an entry of the same
// page: software has demapped that before, or two match.
func (u *Sun4u) DataIn(s SparcSide, tte uint64) (entry int) {
	m := &u.side[s&1]
	return u.store(s, m.victim(), tte)
}

// DataAccess stores a TTE with the tag of Tag Access into entry i; numbers
// beyond the TLB wrap around.
func (u *Sun4u) DataAccess(s SparcSide, i int, tte uint64) {
	u.store(s, int(uint(i)%uint(u.Len())), tte)
}

func (u *Sun4u) store(s SparcSide, i int, tte uint64) int {
	m := &u.side[s&1]
	e := SparcEntry{Tag: m.tagAccess, TTE: tte &^ tteUsed, Used: tte&tteUsed != 0}
	if old := m.overlap(i, e); old >= 0 {
		u.Reports.write(old, i, e.Tag&^contextBits)
		if u.hit.Write == Displace {
			m.displace(e)
		}
	}
	m.set(i, e)
	return i
}

// ReadData is a Data Access load of entry i.
func (u *Sun4u) ReadData(s SparcSide, i int) uint64 {
	e := u.side[s&1].entries[uint(i)%uint(u.Len())]
	v := e.TTE
	if e.Used {
		v |= tteUsed
	}
	if u.prof.Quirks.Has(QuirkSun4uSoftBits) {
		return v
	}
	const diag = 1<<50 - 1<<42
	size := [4]uint64{0, 1, 3, 7}[v>>61&3]
	v = v&^(tteSoft4u|diag) | size<<42 | size<<45
	if s == IMMU {
		v &^= tteNFO4u | tteIE4u | tteCV4u
	}
	return v
}

// ReadTag is a Tag Read load of entry i.
func (u *Sun4u) ReadTag(s SparcSide, i int) uint64 {
	return u.side[s&1].entries[uint(i)%uint(u.Len())].Tag
}

// Demap removes entries as a store to the demap ASI at addr does: VA in bits
// 63:13, bit 6 selects a whole context, bits 5:4 say which. Locked entries go
// too. It returns how many were removed. Several matches of a page demap are
// an error condition with undefined results; here all of them are removed.
func (u *Sun4u) Demap(s SparcSide, addr uint64) int {
	context := uint64(0)
	switch addr >> 4 & 3 {
	case 0:
		context = u.primary
	case 1:
		context = u.secondary
	case 3:
		return 0
	}
	m := &u.side[s&1]
	if addr&0x40 != 0 {
		return m.demapContext(context)
	}
	return m.demapPage(addr&^contextBits, context)
}

// TSBPointers returns where the handler finds the TSB entries of the page in
// Tag Access, as an 8K and as a 64K page.
func (u *Sun4u) TSBPointers(s SparcSide) (p8k, p64k uint64) {
	m := &u.side[s&1]
	return tsbPointer(m.tsb, m.tagAccess, 0), tsbPointer(m.tsb, m.tagAccess, 1)
}

// tsbPointer is the pointer of page size p, 0 for 8K and 1 for 64K
// (UltraSPARC User's Manual 6.9.7).
func tsbPointer(tsb, tagAccess uint64, p uint) uint64 {
	const split = 1 << 12
	size := uint(tsb & 0xf)
	base := ^uint64(0x1fff) << size
	v := tagAccess >> (9 + 3*p)
	if tsb&split != 0 {
		v = v&^(1<<(13+size)) | uint64(p)<<(13+size)
		base <<= 1
	}
	return (tsb&base | v&^base) &^ 15
}

// TagTarget is what the handler compares with the tag of the TSB entry.
func (u *Sun4u) TagTarget(s SparcSide) uint64 {
	t := u.side[s&1].tagAccess
	return t&contextBits<<48 | t>>22
}

// CopyFrom makes registers and TLBs equal to those of src, a part with as
// many entries; profile and reports stay. It reports whether the sizes agree.
func (u *Sun4u) CopyFrom(src *Sun4u) bool {
	if u.Len() != src.Len() {
		return false
	}
	u.primary, u.secondary = src.primary, src.secondary
	for s := range u.side {
		m, from := &u.side[s], &src.side[s]
		m.sparcTLB.copyFrom(&from.sparcTLB)
		m.tsb, m.tagAccess, m.sfsr, m.sfar = from.tsb, from.tagAccess, from.sfsr, from.sfar
	}
	return true
}
