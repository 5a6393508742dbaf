package tlb

// Bits of the tlbivax operand beside the page.
const (
	ivaxAll  = 0x4
	ivaxTLB1 = 0x8
)

// TLBIVAX is tlbivax: every core of the domain invalidates the entries of one
// TLB (TLB1 if ea has bit 0x8, else TLB0) whose page holds ea, whatever their
// TID and TS, or all of that TLB if ea has bit 0x4. IPROT protects an entry.
func (t *E500Thread) TLBIVAX(ea uint64) {
	for _, c := range t.core.domain {
		switch {
		case ea&ivaxAll != 0:
			c.flushArray(ea&ivaxTLB1 != 0)
		default:
			c.flushPage(t.truncate(ea), ea&ivaxTLB1 != 0, func(int) bool { return true })
		}
		c.dropReservations()
	}
}

// TLBILX is tlbilx T,ea: on this core only, T=0 invalidates everything of the
// partition, T=1 the entries of MAS6[SPID], T=3 those of both TLBs whose page
// holds ea with TID 0 or MAS6[SPID] and IND = MAS6[SIND], in any address
// space. IPROT protects an entry. The partition is MAS5[SLPID].
func (t *E500Thread) TLBILX(T int, ea uint64) {
	c := t.core
	spid := uint32(t.regs[MAS6]) & mas1TID
	switch T {
	case 0:
		c.flushEach(t.inPartition)
	case 1:
		c.flushEach(func(i int) bool {
			return c.entries[i].MAS1&mas1TID == spid && t.inPartition(i)
		})
	case 3:
		wanted := func(i int) bool {
			e := &c.entries[i]
			tid := e.MAS1 & mas1TID
			ind := e.MAS1&mas1Ind != 0 == (t.regs[MAS6]&mas6SInd != 0)
			return (tid == 0 || tid == spid) && ind && t.inPartition(i)
		}
		c.flushPage(t.truncate(ea), false, wanted)
		c.flushPage(t.truncate(ea), true, wanted)
	}
	c.dropReservations()
}

// inPartition reports whether entry i belongs to the partition in MAS5.
func (t *E500Thread) inPartition(i int) bool {
	c := t.core
	if !c.guests() {
		return true
	}
	return uint64(c.entries[i].MAS8&mas8TLPID) == t.regs[MAS5]&mas8TLPID
}

// MMUCSR0 is a write of MMUCSR0: bit 0x4 flushes TLB0, bit 0x2 TLB1.
func (t *E500Thread) MMUCSR0(v uint32) {
	if v&0x4 != 0 {
		t.core.flushArray(false)
	}
	if v&0x2 != 0 {
		t.core.flushArray(true)
	}
	t.core.dropReservations()
}

// flushArray invalidates one array; the cost is that of its live entries.
func (c *E500Core) flushArray(tlb1 bool) {
	c.flushEach(func(i int) bool { return i >= len(c.tlb0.cells) == tlb1 })
}

// flushEach invalidates the live entries that are wanted and not protected.
func (c *E500Core) flushEach(wanted func(i int) bool) {
	base := 0
	for _, a := range [...]*array{&c.tlb0, &c.tlb1} {
		for k := a.next(0); k >= 0; k = a.next(k + 1) {
			if wanted(base + k) {
				c.invalidate(base + k)
			}
		}
		base = len(c.tlb0.cells)
	}
}

// flushPage invalidates the wanted entries of one array whose page holds ea.
func (c *E500Core) flushPage(ea uint64, tlb1 bool, wanted func(i int) bool) {
	a, first, last, base := &c.tlb0, c.set0(ea)*c.tlb0.ways, 0, 0
	last = first + c.tlb0.ways
	if tlb1 {
		a, first, last, base = &c.tlb1, 0, len(c.tlb1.cells), len(c.tlb0.cells)
	}
	for k := a.next(first); k >= 0 && k < last; k = a.next(k + 1) {
		if (a.cells[k].va^ea)&a.cells[k].mask == 0 && wanted(base+k) {
			c.invalidate(base + k)
		}
	}
}

// invalidate clears V of entry i unless it is protected; the rest stays.
func (c *E500Core) invalidate(i int) {
	if c.entries[i].MAS1&mas1IProt == 0 {
		c.drop(i)
		c.entries[i].MAS1 &^= mas1Valid
	}
}
