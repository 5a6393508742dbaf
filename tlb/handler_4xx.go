package tlb

// PPC4xxHandlers is the TLB code of Linux for the 405, 440 and 476 (head_40x.S,
// head_44x.S, nohash/tlb_low.S, 44x.c).
//
// A miss writes the next entry in turn without looking: interrupts are off,
// the TLB is the CPU's own, and the miss itself has shown that nothing matches.
// A changed page is flushed, never rewritten, so its next entry comes from a
// miss as well. Only Preload writes without a miss, and therefore probes.
type PPC4xxHandlers struct {
	MMU *PPC4xxMMU
	// Next is the entry that the next miss replaces (tlb_44x_index). The last
	// Pinned entries are never replaced (above tlb_44x_hwater). The 476 chooses
	// the way itself and pins by bolting.
	Next, Pinned int
	Guards       Guards
	Yield        Yield
	// Walk finds the page of an address in the page table.
	Walk func(ea uint64) (p Page, ok bool)
}

// Miss is the data or instruction TLB error handler. The result is TLBMiss if
// the page table does not allow the access: the kernel then takes a page fault.
func (k *PPC4xxHandlers) Miss(acc Access, ea uint64) Fault {
	p, ok := k.Walk(ea)
	if !ok || !p.allows(acc, k.MMU.MSR&MSRPR != 0) {
		return TLBMiss
	}
	k.load(&p)
	return NoFault
}

// Preload puts in an entry for a page just mapped, before it is missed, unless
// there is one.
func (k *PPC4xxHandlers) Preload(ea uint64) Fault {
	p, ok := k.Walk(ea)
	if !ok {
		return TLBMiss
	}
	if !k.Guards.NoProbe {
		k.searchFor(&p)
		k.Yield.at("tlbsx")
		if ra, _, f := k.MMU.TLBSX(uint32(ea)); ra != notFound || f != NoFault {
			return f
		}
	}
	k.load(&p)
	return NoFault
}

// Changed follows a change of the page table (ptep_set_access_flags, zap): the
// old entry goes, and the next access misses. Without demapping it is the hash
// table's way instead: the new entry is written at once, beside the old one.
func (k *PPC4xxHandlers) Changed(ea uint64) Fault {
	if !k.Guards.NoDemap {
		return k.FlushPage(ea)
	}
	p, ok := k.Walk(ea)
	if !ok {
		return TLBMiss
	}
	k.load(&p)
	return NoFault
}

// FlushPage is _tlbil_va: search, and write the entry found without V.
func (k *PPC4xxHandlers) FlushPage(ea uint64) Fault {
	m := k.MMU
	m.MMUCR = k.mmucr(m.PID)
	k.Yield.at("tlbsx")
	ra, _, f := m.TLBSX(uint32(ea))
	if ra == notFound {
		return f
	}
	k.Yield.at("tlbwe")
	if m.layout.hashed { // the set depends on the page
		_ = m.TLBWE(ra|explicitWay47x, 0, m.TLBRE(ra, 0)&^m.layout.valid)
		return NoFault
	}
	_ = m.TLBWE(ra, 0, ra) // an index has no V
	return NoFault
}

// FlushAll is _tlbil_all: every entry that is not pinned.
func (k *PPC4xxHandlers) FlushAll() {
	m := k.MMU
	for i := m.tags.next(0); i >= 0; i = m.tags.next(i + 1) {
		if m.entries[i].bolted || !m.layout.hashed && i >= m.Len()-k.Pinned {
			continue
		}
		k.Yield.at("tlbwe")
		m.invalidate(i)
	}
}

// FlushPageAll is _tlbivax_bcast of the 476: the page goes on all of the CPUs,
// which one goroutine must own.
func (k *PPC4xxHandlers) FlushPageAll(ea uint64, cpus []*PPC4xxMMU) {
	k.Yield.at("tlbivax")
	for _, m := range cpus {
		m.TLBIVAX(uint32(ea), k.MMU.PID, k.MMU.MSR&MSRDS != 0)
	}
}

// searchFor loads MMUCR (PID on the 405 is loaded already) for a page.
func (k *PPC4xxHandlers) searchFor(p *Page) {
	pid := k.MMU.PID
	if p.Global {
		pid = 0
	}
	k.MMU.MMUCR = k.mmucr(pid)
}

// mmucr: STID is pid, STS the address space of data at the interrupt; Linux runs
// with one address space for both.
func (k *PPC4xxHandlers) mmucr(pid uint32) uint32 {
	v := pid & k.MMU.layout.tid
	if k.MMU.MSR&MSRDS != 0 {
		v |= mmucrSTS
	}
	return v
}

// load writes the words of an entry, the one with V last on the 405 and first
// on the others, as the handlers do.
func (k *PPC4xxHandlers) load(p *Page) {
	m := k.MMU
	k.searchFor(p)
	ra := k.victim()
	word := m.words(p)
	k.Yield.at("tlbwe")
	if m.layout.zoned {
		pid := m.PID
		if p.Global {
			m.PID = 0
		}
		_ = m.TLBWE(ra, 1, word[1])
		_ = m.TLBWE(ra, 0, word[0])
		m.PID = pid
		return
	}
	for w, v := range word {
		_ = m.TLBWE(ra, w, v)
	}
}

// victim is the operand of the entry to replace.
func (k *PPC4xxHandlers) victim() uint32 {
	if k.MMU.layout.hashed {
		return 0 // no explicit way
	}
	i := k.Next
	if k.Next++; k.Next >= k.MMU.Len()-k.Pinned {
		k.Next = 0
	}
	return uint32(i)
}

// words makes the words of a page's entry. A size that the part does not have
// becomes the next smaller one: the page is then loaded piece by piece.
func (m *PPC4xxMMU) words(p *Page) (word [3]uint32) {
	l := m.layout
	size, shift := 0, uint8(0)
	for code, s := range l.shifts {
		if s <= p.Shift && s > shift {
			size, shift = code, s
		}
	}
	in := uint64(1)<<p.Shift - 1
	pa := p.PA&^in | p.EA&in // the piece's own address
	page := ^uint32(0) << shift
	word[0] = uint32(p.EA)&page&l.epn | l.valid | uint32(size)<<l.sizeShift
	if l.ts != 0 && m.MSR&MSRDS != 0 {
		word[0] |= l.ts
	}
	word[1] = uint32(pa)&page&l.rpn | uint32(pa>>32)&l.erpn
	if l.zoned {
		word[1] |= uint32(p.Prot)<<7&(write405|exec405) | p.WIMGE>>1&0xf | zone405(p.User)<<4
		return word
	}
	perms := uint32(p.Prot)
	if p.User {
		perms |= uint32(p.Prot) << 3
	}
	word[2] = perms | p.WIMGE<<7
	return word
}

// zone405: Linux gives user pages zone 1 and kernel pages zone 0, with ZPR
// 0x10000000: programs see what the entry permits, or nothing.
func zone405(user bool) uint32 {
	if user {
		return 1
	}
	return 0
}
