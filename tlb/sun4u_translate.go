package tlb

// Sun4uMode says on whose behalf an access is made.
type Sun4uMode uint8

const (
	UserPrimary Sun4uMode = iota
	UserSecondary
	KernelPrimary
	KernelSecondary
	Nucleus // trap level above zero
)

func (m Sun4uMode) user() bool      { return m <= UserSecondary }
func (m Sun4uMode) secondary() bool { return m == UserSecondary || m == KernelSecondary }

// Sun4uResult is a translation; the registers a fault loaded are read with
// Read, TSBPointers and TagTarget.
type Sun4uResult struct {
	Result
	InvertEndian bool // TTE.IE; the instruction MMU has no such bit
}

// SFSR bits.
const (
	sfsrValid      = 1 << 0
	sfsrOverwrite  = 1 << 1
	sfsrWrite      = 1 << 2
	sfsrPrivileged = 1 << 3
	sfsrSecondary  = 1 << 4
	sfsrNucleus    = 1 << 5
	sfsrPrivFault  = 1 << 7
	sfsrSpeculate  = 1 << 8
	sfsrNFOFault   = 1 << 11
	sfsrRangeFault = 1 << 12
	sfsrNoFault    = 1 << 24
)

// context is the context that an access in mode m is made in. Instructions
// have no secondary context.
func (u *Sun4u) context(m Sun4uMode, acc Access) uint64 {
	switch {
	case m == Nucleus:
		return 0
	case m.secondary() && acc != Fetch:
		return u.secondary
	}
	return u.primary
}

// Translate is one access at va; noFault makes a load a no-fault load. A hit
// sets the used bit, a fault or miss loads Tag Access, and a fault SFSR and
// SFAR. Nothing is allocated.
func (u *Sun4u) Translate(mode Sun4uMode, acc Access, noFault bool, va uint64) Sun4uResult {
	s := DMMU
	if acc == Fetch {
		s, noFault = IMMU, false
	}
	m := &u.side[s]
	context := u.context(mode, acc)
	tag := sparcTag(mode, acc, noFault, va)
	at := m.micro.at(tag)
	if at.is(tag, context, m.tags.gen) {
		return sparcAgain(at, va)
	}
	r := u.translate(mode, acc, noFault, va, context, s)
	at.keep(tag, context, m.tags.gen, r.Result, uint8(mark(r.InvertEndian, 1)))
	return r
}

// sparcTag is the micro-TLB's tag of an access.
func sparcTag(mode Sun4uMode, acc Access, noFault bool, va uint64) uint64 {
	own := uint64(mode) << 1
	if noFault {
		own |= 1
	}
	return microTag(va, acc, own)
}

// sparcAgain answers from the micro-TLB. The used bit is set already: only a
// replacement clears one, and that changes an entry.
func sparcAgain(m *microHit, va uint64) Sun4uResult { return Sun4uResult{m.result(va), m.attr != 0} }

func (u *Sun4u) translate(mode Sun4uMode, acc Access, noFault bool, va, context uint64, s SparcSide) Sun4uResult {
	m := &u.side[s]
	if hole(va) && !u.prof.Quirks.Has(QuirkSun4uNoVAHole) {
		return u.fault(mode, acc, noFault, va, unmapped, AddressError, sfsrRangeFault)
	}
	h := m.lookup(va, context)
	u.Reports.lookup(OnLookup, h, va)
	t, f := m.resolve(u.hit.Lookup, h, va, context)
	switch f {
	case TLBMiss:
		m.tagAccess = va&^contextBits | context
		return Sun4uResult{Result: failed(h, TLBMiss)}
	case MachineCheck:
		return Sun4uResult{Result: failed(h, MachineCheck)}
	}
	if why := t.refuses(mode.user(), acc, noFault); why != 0 {
		return u.fault(mode, acc, noFault, va, h, AccessFault, why)
	}
	if acc == Store && !t.write {
		return u.fault(mode, acc, noFault, va, h, Protection, 0)
	}
	m.entries[h.First].Used = true
	return Sun4uResult{
		Result:       translated(t.pa|va&(t.size-1), h, t.shift, t.prot(acc)),
		InvertEndian: t.invertEndian && s == DMMU,
	}
}

// hole: an address between the halves of the 44-bit virtual address space.
func hole(va uint64) bool { return uint64(int64(va)<<20>>20) != va }

// refuses returns the fault type bits, several of which may be set.
func (t *tte) refuses(user bool, acc Access, noFault bool) (why uint64) {
	if t.priv && user {
		why |= sfsrPrivFault
	}
	if acc == Fetch {
		return why
	}
	if t.sideEffect && noFault {
		why |= sfsrSpeculate
	}
	if t.noFault && !noFault {
		why |= sfsrNFOFault
	}
	return why
}

// prot is what the entry permits to the kind of access that found it.
func (t *tte) prot(acc Access) Access {
	switch {
	case acc == Fetch:
		return Fetch
	case t.write:
		return Load | Store
	}
	return Load
}

// fault loads Tag Access, SFSR and, on the DMMU, SFAR.
func (u *Sun4u) fault(mode Sun4uMode, acc Access, noFault bool, va uint64, h Hit, f Fault, why uint64) Sun4uResult {
	s := DMMU
	if acc == Fetch {
		s = IMMU
		if f != AddressError {
			why = sfsrPrivFault
		}
	}
	m := &u.side[s]
	m.tagAccess = va&^contextBits | u.context(mode, acc)
	sfsr := why | sfsrValid | m.sfsr&sfsrValid<<1
	if !mode.user() {
		sfsr |= sfsrPrivileged
	}
	switch {
	case mode == Nucleus:
		sfsr |= sfsrNucleus
	case mode.secondary() && acc != Fetch:
		sfsr |= sfsrSecondary
	}
	if acc == Store {
		sfsr |= sfsrWrite
	}
	if noFault {
		sfsr |= sfsrNoFault
	}
	if !u.prof.Quirks.Has(QuirkSun4uNoASI) {
		sfsr |= mode.asi(acc, noFault) << 16
	}
	m.sfsr = sfsr
	if s == DMMU {
		m.sfar = va
		if u.prof.Quirks.Has(QuirkSun4uSFARPage) {
			m.sfar &^= contextBits
		}
	}
	return Sun4uResult{Result: failed(h, f)}
}

// asi is the address space identifier of an access (SPARC V9 6.3.1.3).
func (m Sun4uMode) asi(acc Access, noFault bool) uint64 {
	const nucleus, primary, noFaultBit = 0x04, 0x80, 0x02
	if m == Nucleus {
		return nucleus
	}
	asi := uint64(primary)
	if m.secondary() && acc != Fetch {
		asi |= 1
	}
	if noFault {
		asi |= noFaultBit
	}
	return asi
}
