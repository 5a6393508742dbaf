package tlb

// stalePages is the page cache of Quirk440StalePages: translations that were
// used stay in use until something that the recorded machine takes for a change
// of the entry drops them all. The part has no such cache beside its shadow
// TLBs, which a context synchronising instruction empties.
type stalePages map[stalePage]Result

// stalePage is what a cached translation is found by.
type stalePage struct {
	page, pid      uint32
	space, problem bool
}

// stalePage is what an access is found by.
func (m *PPC4xxMMU) stalePage(acc Access, va uint32) stalePage {
	return stalePage{va &^ 0xfff, m.PID & m.layout.tid, m.space(acc), m.MSR&MSRPR != 0}
}

// cached answers an access from the page cache; only permitted accesses are.
func (m *PPC4xxMMU) cached(acc Access, va uint32) (Result, bool) {
	r, ok := m.stale[m.stalePage(acc, va)]
	if !ok || r.Prot&acc == 0 {
		return Result{}, false
	}
	r.PA |= uint64(va & 0xfff)
	return r, true
}

// remember keeps a translation; a page smaller than 4 KiB is looked up each time.
func (m *PPC4xxMMU) remember(acc Access, va uint32, r Result) {
	if r.Shift < 12 {
		return
	}
	r.PA &^= 0xfff
	m.stale[m.stalePage(acc, va)] = r
}

// rewritten drops the page cache if the recorded machine would when a word of
// the entry old becomes value: it looks at EPN, V, a larger size and the real
// page, of a valid entry, and overlooks the rest.
func (m *PPC4xxMMU) rewritten(old *entry4xx, word int, value uint32) {
	l := m.layout
	if old.word[0]&l.valid == 0 {
		return
	}
	drop := false
	switch word {
	case 0:
		next := entry4xx{word: [3]uint32{value}}
		drop = (old.word[0]^value)&l.epn != 0 || value&l.valid == 0 || m.shift(&next) > m.shift(old)
	case 1:
		drop = old.word[1] != value
	}
	if drop {
		clear(m.stale)
	}
}
