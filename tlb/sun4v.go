package tlb

// Sun4v is the MMU of one sun4v strand as its kernel sees it: mappings go in
// and out through hypervisor calls, and a fault leaves its description in
// memory. A mapping that overlaps others replaces them (automatic demap), so
// two entries cannot match.
//
// Source: UltraSPARC Virtual Machine Specification, MMU services and fault
// status area. A Sun4v has one owner: no method is safe for concurrent use.
type Sun4v struct {
	Reports

	PrimaryContext, SecondaryContext uint64 // 13 bits are used

	prof Profile
	hit  MultiHit
	side [2]sparcTLB
	last [2]FaultStatus
}

// FaultStatus is one half of the MMU fault status area.
type FaultStatus struct {
	Type    FaultType
	Addr    uint64
	Context uint64
}

// FaultType is the fault type code of the fault status area.
type FaultType uint64

const (
	FaultFastMiss       FaultType = 1
	FaultFastProtection FaultType = 2
	FaultPrivilege      FaultType = 5
	FaultProtection     FaultType = 6
	FaultNFO            FaultType = 7
	FaultNFOSideEffect  FaultType = 8
	FaultInvalidVA      FaultType = 9
)

// NewSun4v returns an MMU without mappings.
func NewSun4v(p Profile) (*Sun4v, error) {
	if err := p.checkSparc(TTE4v); err != nil {
		return nil, err
	}
	v := &Sun4v{prof: p, hit: p.multiHit()}
	for s := range v.side {
		v.side[s] = newSparcTLB(&p)
	}
	return v, nil
}

// Profile returns what the MMU was made from.
func (v *Sun4v) Profile() Profile { return v.prof }

// Len is the number of entries of each TLB.
func (v *Sun4v) Len() int { return v.prof.Sparc.Entries }

// Entry returns an entry as stored and changes nothing.
func (v *Sun4v) Entry(s SparcSide, i int) SparcEntry { return v.side[s&1].entries[i] }

// SetEntry puts e into entry i as a debugger does; no overlap is noticed.
func (v *Sun4v) SetEntry(s SparcSide, i int, e SparcEntry) { v.side[s&1].set(i, e) }

// FaultStatus returns what the last fault of a side left.
func (v *Sun4v) FaultStatus(s SparcSide) FaultStatus { return v.last[s&1] }

// MapAddr enters a mapping (mmu_map_addr) and returns its entry: the TTE for
// the page of va in a context. With automatic demap, what it overlaps goes first.
func (v *Sun4v) MapAddr(s SparcSide, va, context, tte uint64) (entry int) {
	m := &v.side[s&1]
	e := SparcEntry{Tag: va&^contextBits | context&contextBits, TTE: tte}
	if v.hit.Write == Displace && tte&tteValid != 0 {
		m.displace(e)
	}
	entry = m.victim()
	v.Reports.write(m.overlap(entry, e), entry, va&^contextBits)
	m.set(entry, e)
	return entry
}

// DemapPage removes the mappings of a page (mmu_unmap_addr, mmu_demap_page)
// and returns how many there were.
func (v *Sun4v) DemapPage(s SparcSide, va, context uint64) int {
	return v.side[s&1].demapPage(va, context)
}

// DemapContext removes the mappings of a context (mmu_demap_ctx).
func (v *Sun4v) DemapContext(s SparcSide, context uint64) int {
	return v.side[s&1].demapContext(context)
}

// DemapAll removes every mapping that is not locked (mmu_demap_all).
func (v *Sun4v) DemapAll(s SparcSide) (n int) {
	m := &v.side[s&1]
	for i := m.tags.next(0); i >= 0; i = m.tags.next(i + 1) {
		if !m.decoded[i].locked {
			m.set(i, SparcEntry{})
			n++
		}
	}
	return n
}

// Translate is one access at va; noFault makes a load a no-fault load. A hit
// sets the used bit, a fault fills the fault status area. Nothing is allocated.
func (v *Sun4v) Translate(mode Sun4uMode, acc Access, noFault bool, va uint64) Sun4uResult {
	s, context := DMMU, v.PrimaryContext
	switch {
	case mode == Nucleus:
		context = 0
	case mode.secondary() && acc != Fetch:
		context = v.SecondaryContext
	}
	if acc == Fetch {
		s, noFault = IMMU, false
	}
	context &= contextBits
	m := &v.side[s]
	tag := sparcTag(mode, acc, noFault, va)
	at := m.micro.at(tag)
	if at.is(tag, context, m.tags.gen) {
		return sparcAgain(at, va)
	}
	r := v.translate(mode, acc, noFault, va, context, s)
	at.keep(tag, context, m.tags.gen, r.Result, uint8(mark(r.InvertEndian, 1)))
	return r
}

func (v *Sun4v) translate(mode Sun4uMode, acc Access, noFault bool, va, context uint64, s SparcSide) Sun4uResult {
	if hole(va) {
		return v.fault(s, va, context, unmapped, AddressError, FaultInvalidVA)
	}
	m := &v.side[s]
	h := m.lookup(va, context)
	v.Reports.lookup(OnLookup, h, va)
	t, f := m.resolve(v.hit.Lookup, h, va, context)
	switch {
	case f == TLBMiss:
		return v.fault(s, va, context, h, TLBMiss, FaultFastMiss)
	case f == MachineCheck:
		return Sun4uResult{Result: failed(h, MachineCheck)}
	case t.priv && mode.user():
		return v.fault(s, va, context, h, AccessFault, FaultPrivilege)
	case acc == Fetch && !t.exec:
		return v.fault(s, va, context, h, Protection, FaultProtection)
	case acc != Fetch && t.sideEffect && noFault:
		return v.fault(s, va, context, h, AccessFault, FaultNFOSideEffect)
	case acc != Fetch && t.noFault && !noFault:
		return v.fault(s, va, context, h, AccessFault, FaultNFO)
	case acc == Store && !t.write:
		return v.fault(s, va, context, h, Protection, FaultFastProtection)
	}
	m.entries[h.First].Used = true
	return Sun4uResult{
		Result:       translated(t.pa|va&(t.size-1), h, t.shift, t.prot(acc)),
		InvertEndian: t.invertEndian && s == DMMU,
	}
}

func (v *Sun4v) fault(s SparcSide, va, context uint64, h Hit, f Fault, typ FaultType) Sun4uResult {
	v.last[s] = FaultStatus{typ, va, context}
	return Sun4uResult{Result: failed(h, f)}
}

// CopyFrom makes v equal to src, an MMU with as many entries; profile and
// reports stay. It reports whether the sizes agree.
func (v *Sun4v) CopyFrom(src *Sun4v) bool {
	if v.Len() != src.Len() {
		return false
	}
	v.PrimaryContext, v.SecondaryContext, v.last = src.PrimaryContext, src.SecondaryContext, src.last
	for s := range v.side {
		v.side[s].copyFrom(&src.side[s])
	}
	return true
}
