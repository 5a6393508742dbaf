package tlb

// Translate looks up ea for one access and updates DEAR and ESR on a fault.
// Faults: TLBMiss (data or instruction TLB error), Protection (data or
// instruction storage), MachineCheck if the profile's MultiHit says so. Bits of
// ea above the low 32 are ignored.
func (m *PPC4xxMMU) Translate(acc Access, ea uint64) Result {
	va := uint32(ea)
	tag, ctx := microTag(uint64(va), acc, microMSR(m.MSR)), uint64(m.ZPR)<<32|uint64(m.PID)
	at := m.micro.at(tag)
	if at.is(tag, ctx, m.tags.gen) {
		return at.result(uint64(va))
	}
	r := m.translate(acc, va)
	if m.stale == nil && m.tags.fine == 0 {
		at.keep(tag, ctx, m.tags.gen, r, 0)
	}
	return r
}

func (m *PPC4xxMMU) translate(acc Access, va uint32) Result {
	space := m.space(acc)
	ctx := uint64(m.PID & m.layout.tid)
	if m.layout.zoned {
		if !space {
			return untranslated(uint64(va))
		}
	} else if space {
		ctx |= ctx4xxSpace
	}
	if m.stale != nil {
		if r, ok := m.cached(acc, va); ok {
			return r
		}
	}
	h := m.search(va, ctx, ^uint64(0))
	if h.N == 0 {
		return m.missed(h, va, acc)
	}
	if h.N > 1 {
		return m.several(h, va, ctx, acc)
	}
	e := &m.entries[h.First]
	prot, zone := m.permits(e, m.MSR&MSRPR != 0)
	if prot&acc == 0 {
		return m.denied(h, va, acc, zone)
	}
	r := translated(m.real(e, va), h, m.shift(e), prot)
	if m.stale != nil {
		m.remember(acc, va, r)
	}
	return r
}

// space is the MSR bit that counts for the access: IS or DS (405: IR or DR).
func (m *PPC4xxMMU) space(acc Access) bool {
	if acc == Fetch {
		return m.MSR&MSRIS != 0
	}
	return m.MSR&MSRDS != 0
}

// search returns the entries that match; care takes bits of the context out
// of the comparison.
func (m *PPC4xxMMU) search(va uint32, ctx, care uint64) Hit {
	if m.layout.hashed {
		return m.searchHashed(va, ctx, care)
	}
	if care == ^uint64(0) {
		return m.tags.lookup(0, uint64(va), ctx|ctxLive)
	}
	return m.tags.scanCare(0, uint64(va), ctx|ctxLive, care, noHit)
}

// scanCare is scan with bits of the context taken out of the comparison. The
// matches are added to h.
func (a *array) scanCare(set int, va, ctx, care uint64, h Hit) Hit {
	base := set * a.ways
	for i := range a.cells[base : base+a.ways] {
		c := &a.cells[base+i]
		if (va^c.va)&c.mask|(ctx^c.ctx)&c.ctxMask&care == 0 {
			h.add(base + i)
		}
	}
	return h
}

// several answers an access that more than one entry matches.
func (m *PPC4xxMMU) several(h Hit, va uint32, ctx uint64, acc Access) Result {
	m.lookup(OnLookup, h, uint64(va))
	switch m.multi.Lookup {
	case Miss:
		return m.missed(h, va, acc)
	case CheckMachine:
		return failed(h, MachineCheck)
	}
	r, zone := m.combine(h, va, ctx, acc)
	r.Hit = h
	if r.Prot&acc == 0 {
		return m.denied(h, va, acc, zone)
	}
	return r
}

// combine answers from several entries: from all of them at once, from the
// first, or on the recorded 405 from the first that permits the access.
func (m *PPC4xxMMU) combine(h Hit, va uint32, ctx uint64, acc Access) (r Result, zone bool) {
	problem := m.MSR&MSRPR != 0
	use := func(i int) {
		e := &m.entries[i]
		prot, z := m.permits(e, problem)
		r.PA |= m.real(e, va)
		r.Prot |= prot
		r.Shift = max(r.Shift, m.shift(e))
		zone = zone || z
	}
	permitting := m.profile.Quirks.Has(Quirk405PermittingEntry)
	if m.multi.Lookup == FirstMatch && !permitting {
		use(int(h.First))
		return r, zone
	}
	for i := range m.entries {
		if !m.tags.cells[i].matches(uint64(va), ctx|ctxLive) {
			continue
		}
		if m.multi.Lookup == FirstMatch {
			r, zone = Result{}, false
		}
		use(i)
		if m.multi.Lookup == FirstMatch && r.Prot&acc != 0 {
			break
		}
	}
	return r, zone
}

// missed is a data or instruction TLB error.
func (m *PPC4xxMMU) missed(h Hit, va uint32, acc Access) Result {
	if acc != Fetch || m.profile.Quirks.Has(QuirkFetchMissDEAR) {
		m.DEAR, m.ESR = va, storeBit(acc)
	}
	return failed(h, TLBMiss)
}

// denied is a data or instruction storage interrupt.
func (m *PPC4xxMMU) denied(h Hit, va uint32, acc Access, zone bool) Result {
	m.ESR = storeBit(acc)
	if zone {
		m.ESR |= ESRZone
	}
	if acc != Fetch {
		m.DEAR = va
	}
	return failed(h, Protection)
}

func storeBit(acc Access) uint32 {
	if acc == Store {
		return ESRStore
	}
	return 0
}

// notFound is what tlbsx leaves in its target without a match; the manuals
// leave it undefined and set CR0 instead.
const notFound = ^uint32(0)

// TLBSX is tlbsx: the entry that translates ea for MMUCR[STID] and
// MMUCR[STS], or for PID on the 405, in the form that TLBRE and TLBWE take, and
// all ones if there is none. Several matches are answered as the profile's
// MultiHit.Probe says.
func (m *PPC4xxMMU) TLBSX(ea uint32) (ra uint32, h Hit, f Fault) {
	ctx, care := uint64(m.stid()), ^uint64(0)
	switch {
	case m.layout.zoned: // one address space
	case m.profile.Quirks.Has(Quirk440ProbeIgnoresTS):
		care &^= ctx4xxSpace
	case m.MMUCR&mmucrSTS != 0:
		ctx |= ctx4xxSpace
	}
	h = m.search(ea, ctx, care)
	if h.N == 0 {
		return notFound, h, NoFault
	}
	if h.N == 1 {
		return m.operand(int(h.First)), h, NoFault
	}
	m.lookup(OnProbe, h, uint64(ea))
	switch m.multi.Probe {
	case Miss:
		return notFound, h, NoFault
	case CheckMachine:
		return notFound, h, MachineCheck
	case OrBits:
		return m.operand(int(h.First)) | m.operand(int(h.Second)), h, NoFault
	}
	return m.operand(int(h.First)), h, NoFault
}

// mmucrSTS is the address space that tlbsx searches.
const mmucrSTS = 0x10000
