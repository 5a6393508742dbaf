package tlb

// Translate looks up ea for one access and, on a fault, loads the registers
// that the exception loads. Faults: TLBMiss (IMISS or DMISS, ICMP or DCMP,
// HASH1, HASH2 and SRR1), also for a store to a page whose C is still 0;
// Protection (DSI: DAR and DSISR, ISI: SRR1). Bits of ea above the low 32 are
// ignored.
func (m *PPC603MMU) Translate(acc Access, ea uint64) Result {
	va := uint32(ea)
	side := Data603
	if acc == Fetch {
		side = Instr603
	}
	s := &m.side[side]
	tag, ctx := microTag(uint64(va), acc, microMSR(m.MSR)), uint64(m.SR[va>>28])
	at := s.micro.at(tag)
	if at.is(tag, ctx, s.tags.gen) {
		m.touch(s, va, int(at.entry))
		return at.result(uint64(va))
	}
	r := m.translate(acc, va, s)
	at.keep(tag, ctx, s.tags.gen, r, 0)
	return r
}

func (m *PPC603MMU) translate(acc Access, va uint32, s *side603) Result {
	on := uint32(MSRDR)
	if acc == Fetch {
		on = MSRIR
	}
	if m.MSR&on == 0 {
		return untranslated(uint64(va))
	}
	sr := m.SR[va>>28]
	if acc == Fetch && sr&srNoExec != 0 {
		m.SRR1 = SRR1NoExec
		return failed(noHit, Protection)
	}
	set := m.set(va)
	h := s.tags.lookup(set, uint64(va), uint64(m.compare(va)&^cmpValid)|ctxLive)
	if h.N > 1 {
		m.lookup(OnLookup, h, uint64(va))
		if f := m.disagreement(s, h); f != NoFault {
			if f == TLBMiss {
				return m.missed(acc, va, h, s.lru[set])
			}
			return failed(h, f)
		}
	}
	if h.N == 0 {
		return m.missed(acc, va, h, s.lru[set])
	}
	return m.use(acc, va, s, h)
}

// use translates through the entries found.
func (m *PPC603MMU) use(acc Access, va uint32, s *side603, h Hit) Result {
	e := &s.entries[h.First]
	rpa := e.RPA
	if h.N > 1 && m.multi.Lookup == OrBits {
		rpa |= s.entries[h.Second].RPA
	}
	prot := m.permits(m.SR[va>>28], rpa)
	automatic := m.prof.Quirks.Has(Quirk603SetsRC)
	if automatic {
		e.RPA |= rpaRef
	}
	if prot&acc == 0 {
		return m.denied(acc, va, h)
	}
	way := uint8(int(h.First) % s.tags.ways)
	switch {
	case rpa&rpaChg != 0:
	case acc != Store:
		prot &^= Store
	case automatic:
		e.RPA |= rpaChg
		s.tags.gen++ // the entry answers loads with more rights now
	default:
		// The handler reloads the entry that is there: another way would
		// hold the page twice.
		return m.missed(acc, va, h, way)
	}
	m.touch(s, va, int(h.First))
	return translated(uint64(rpa&^0xfff|va&0xfff), h, 12, prot)
}

// touch makes entry i, which was used, the one that replacement takes last.
func (m *PPC603MMU) touch(s *side603, va uint32, i int) {
	s.lru[m.set(va)] = uint8(s.tags.ways-1) &^ uint8(i%s.tags.ways)
}

// key is the storage key of an access through segment register sr.
func (m *PPC603MMU) key(sr uint32) bool {
	if m.MSR&MSRPR != 0 {
		return sr&srKp != 0
	}
	return sr&srKs != 0
}

// permits returns the accesses that PP permits under the key.
func (m *PPC603MMU) permits(sr, rpa uint32) Access {
	var prot Access
	pp := rpa & rpaPP
	switch {
	case pp == 2 || pp < 2 && !m.key(sr):
		prot = Load | Store
	case pp != 0:
		prot = Load
	}
	if sr&srNoExec == 0 && (prot != 0 || m.prof.Quirks.Has(Quirk603FetchAny)) {
		prot |= Fetch
	}
	return prot
}

// disagreement says what two matching ways come to: nothing if they agree in
// all but R and C, else what MultiHit.Lookup says.
func (m *PPC603MMU) disagreement(s *side603, h Hit) Fault {
	a, b := s.entries[h.First].RPA, s.entries[h.Second].RPA
	if (a^b)&^(rpaRef|rpaChg) == 0 {
		return NoFault
	}
	switch m.multi.Lookup {
	case Miss:
		return TLBMiss
	case CheckMachine:
		return MachineCheck
	}
	return NoFault
}

// missed loads the registers of a miss; way is the one to load.
func (m *PPC603MMU) missed(acc Access, va uint32, h Hit, way uint8) Result {
	sr := m.SR[va>>28]
	cmp := m.compare(va)
	hash := sr&srVSID ^ va>>12&0xffff
	mask := m.SDR1&0x1ff<<16 | 0xffff
	m.HASH1 = m.SDR1&0xffff0000 + hash<<6&mask
	m.HASH2 = m.SDR1&0xffff0000 + ^hash<<6&mask
	if m.prof.Quirks.Has(Quirk603LastWay) {
		way = m.last + 1
	}
	m.SRR1 = uint32(way&1) << 17
	if m.key(sr) {
		m.SRR1 |= SRR1Key
	}
	switch acc {
	case Fetch:
		m.IMISS, m.ICMP = va, cmp
		m.SRR1 |= SRR1Fetch
	case Store:
		m.SRR1 |= SRR1Store
		fallthrough
	default:
		m.DMISS, m.DCMP = va, cmp
	}
	return failed(h, TLBMiss)
}

// denied is a data or instruction storage interrupt.
func (m *PPC603MMU) denied(acc Access, va uint32, h Hit) Result {
	if acc == Fetch {
		m.SRR1 = SRR1Protect
		return failed(h, Protection)
	}
	m.DAR, m.DSISR = va, DSISRProtect
	if acc == Store {
		m.DSISR |= DSISRStore
	}
	return failed(h, Protection)
}
