package tlb

// Fields of a page table entry that hardware walks (Power ISA 2.06 Book III-E,
// page table entry): RPN 63:24, WIMGE 22:18, R, C, PS 11:8, BAP 7:2 in the order of MAS3, V.
const (
	pteValid    = 0x1
	pteBAPShift = 2
	pteRef      = 0x20000
	pteChanged  = 0x1000
	ptePSShift  = 8
	pteAttr     = 18
)

// walk answers an access that no direct entry matches from an indirect one: it
// reads the page table entry and loads it into TLB0. An access without an
// indirect entry, or with a core without Memory, is a miss (h.N = 0).
func (t *E500Thread) walk(acc Access, a *access500) (h Hit, r Result) {
	c := t.core
	h = c.find(a, ctxInd)
	if h.N == 0 || c.Memory == nil {
		return noHit, Result{}
	}
	if h.N > 1 && c.multi.Lookup == CheckMachine {
		return h, t.several(acc, a, h)
	}
	ind := c.entries[h.First]
	// MAS3[SPSIZE], bits 5:1 of an indirect entry, is the page size of the
	// table's entries; the table holds one for each such page of the entry.
	size, page := c.shift(int(h.First)), uint8(10+ind.MAS73>>1&0x1f)
	if page > size {
		return noHit, Result{}
	}
	index := a.ea & (uint64(1)<<size - 1) >> page
	pte, ok := c.Memory(ind.MAS73&^0xfff + index*8)
	if !ok || pte&pteValid == 0 {
		return h, t.denied(acc, a, h, ESRPT)
	}
	if 10+pte>>ptePSShift&0xf != 12 {
		return h, t.denied(acc, a, h, ESRTLBI)
	}
	return c.loadPTE(a, &ind, pte), Result{}
}

// loadPTE makes a TLB0 entry of a page table entry, in the set's next victim.
// BAP permissions count only with R, stores only with C set.
func (c *E500Core) loadPTE(a *access500, ind *E500Entry, pte uint64) Hit {
	set := c.set0(a.ea)
	way := c.victim[set]
	c.victim[set] = (way + 1) % uint8(c.tlb0.ways)
	perms := pte >> pteBAPShift & mas3Perms
	if pte&pteChanged == 0 {
		perms &^= 0xc // UW SW
	}
	if pte&pteRef == 0 {
		perms = 0
	}
	i := set*c.tlb0.ways + int(way)
	c.SetEntry(i, E500Entry{
		MAS1:  ind.MAS1&(mas1Valid|mas1TID|mas1TS) | 2<<tsizeShift,
		MAS2:  a.ea&^0xfff | pte>>pteAttr&mas2WIMGE,
		MAS73: pte>>24<<12 | perms,
		MAS8:  ind.MAS8,
	})
	c.reportWrite(i)
	c.breakReservations(i)
	h := noHit
	h.add(i)
	return h
}
