package tlb

// The TLB instructions. TLBWI, TLBWR and TLBP return MachineCheck when the part
// notices a second entry there; Status.TS says so too.

// tag is what entry e compares: VPN above the page pair, and the ASID unless G.
func (c *MIPSMMU) tag(e *MIPSEntry) cell {
	mask := c.segMask &^ e.pairMask()
	t := cell{va: e.VPN & mask, mask: mask, ctx: ctxLive, ctxMask: ctxLive}
	if !e.G {
		t.ctx |= uint64(e.ASID)
		t.ctxMask |= 0xffffffff
	}
	return t
}

// shut: the TLB has been switched off by a multiple match.
func (c *MIPSMMU) shut() bool { return c.status&statusTS != 0 && c.shutBit() != 0 }

// TLBWI writes the entry that Index names.
func (c *MIPSMMU) TLBWI() Fault { return c.writeEntry(int(c.index & (probeFail - 1))) }

// TLBWR writes the entry that Random names and returns its number.
func (c *MIPSMMU) TLBWR() (entry int, f Fault) {
	entry = int(c.random)
	f = c.writeEntry(entry)
	c.advanceRandom()
	return entry, f
}

// writeEntry writes entry i from EntryHi, EntryLo0, EntryLo1 and PageMask.
func (c *MIPSMMU) writeEntry(i int) Fault {
	if c.shut() {
		return Shutdown
	}
	e := c.image()
	if !e.EHINV {
		t := c.tag(&e)
		if old, n := c.tags.overlap(i, t); n > 0 {
			c.Reports.write(old, i, e.VPN)
			switch c.hit.Write {
			case CheckMachine:
				c.status |= statusTS
				return MachineCheck
			case ShutDown:
				c.status |= statusTS
				return Shutdown
			case Displace:
				c.displace(i, t)
			}
		}
	}
	c.SetEntry(i, e)
	return NoFault
}

// displace makes the entries that t overlaps match nothing.
func (c *MIPSMMU) displace(i int, t cell) {
	for n := 1; n > 0; {
		var old int
		if old, n = c.tags.overlap(i, t); n > 0 {
			c.tags.clear(old)
			c.entries[old] = MIPSEntry{Hidden: true}
		}
	}
	c.status |= statusTS
}

// image is the entry that the registers describe.
func (c *MIPSMMU) image() MIPSEntry {
	if c.prof.MIPS.EHINV && c.entryHi&ehinvBit != 0 {
		return MIPSEntry{EHINV: true}
	}
	e := MIPSEntry{
		VPN:      c.entryHi & c.vpnMask(),
		PageMask: c.pageMask,
		ASID:     uint32(c.current()),
		G:        c.entryLo0&c.entryLo1&1 != 0,
	}
	e.Half[0] = c.half(c.entryLo0)
	e.Half[1] = c.half(c.entryLo1)
	return e
}

// half decodes EntryLo. PFN bits within the page are cleared.
func (c *MIPSMMU) half(lo uint64) MIPSHalf {
	inhibit, pfn := lo>>62, lo<<2>>8
	if !c.wide {
		inhibit, pfn = lo>>30&3, lo>>6&0xffffff|lo>>32<<24
	}
	flags := MIPSFlags(lo>>1&1) | MIPSFlags(lo>>2&1)<<1 | MIPSFlags(inhibit)<<2 | MIPSFlags(lo>>3&7)<<4
	return MIPSHalf{PA: (pfn &^ (c.pageMask >> 13)) << 12, Flags: flags}
}

// lo encodes a half as EntryLo.
func (c *MIPSMMU) lo(h MIPSHalf, g bool) uint64 {
	pfn := h.PA >> 12
	v := uint64(h.Flags&MIPSValid)<<1 | uint64(h.Flags&MIPSDirty)<<1 | uint64(h.Flags.C())<<3
	if g {
		v |= 1
	}
	inhibit := uint64(h.Flags >> 2 & 3)
	if c.wide {
		return v | pfn<<6 | inhibit<<62
	}
	return v | pfn&0xffffff<<6 | inhibit<<30 | pfn>>24<<32
}

// TLBP searches for EntryHi and loads Index with the match, or sets its bit 31;
// the other bits then keep their value, which the architecture leaves open.
func (c *MIPSMMU) TLBP() (Hit, Fault) {
	if c.shut() {
		c.index |= probeFail
		return noHit, Shutdown
	}
	vpn := c.entryHi & c.vpnMask()
	h := c.tags.lookup(0, vpn, c.current()|ctxLive)
	c.Reports.lookup(OnProbe, h, vpn)
	if h.N > 1 {
		switch c.hit.Probe {
		case CheckMachine:
			c.status |= statusTS
			return h, MachineCheck
		case ShutDown:
			c.status |= statusTS
			return h, Shutdown
		case Miss:
			c.index |= probeFail
			return h, NoFault
		case OrBits:
			c.index = c.orIndex(vpn)
			return h, NoFault
		}
	}
	if h.N == 0 {
		c.index |= probeFail
	} else {
		c.index = uint64(h.First)
	}
	return h, NoFault
}

// orIndex is what an encoder without priority gives for several match lines.
func (c *MIPSMMU) orIndex(vpn uint64) (index uint64) {
	for i := c.tags.next(0); i >= 0; i = c.tags.next(i + 1) {
		if c.tags.cells[i].matches(vpn, c.current()|ctxLive) {
			index |= uint64(i)
		}
	}
	return index % uint64(len(c.entries))
}

// TLBR reads the entry that Index names into EntryHi, PageMask, EntryLo0,
// EntryLo1 and, where MMIDs are in use, MemoryMapID.
func (c *MIPSMMU) TLBR() {
	e := &c.entries[c.index&(probeFail-1)]
	if e.EHINV {
		c.entryHi, c.pageMask, c.entryLo0, c.entryLo1 = ehinvBit, 0, 0, 0
		return
	}
	c.entryHi = e.VPN
	if !c.prof.Quirks.Has(QuirkMIPSVPNUnderMask) {
		c.entryHi &^= e.pairMask()
	}
	if c.usesMMID() {
		c.mmid = uint64(e.ASID)
	} else {
		c.entryHi |= uint64(e.ASID)
	}
	c.pageMask = e.PageMask
	c.entryLo0, c.entryLo1 = c.lo(e.Half[0], e.G), c.lo(e.Half[1], e.G)
}

// TLBINV invalidates every entry of the current ASID or MMID that is not
// global, wired ones too. Parts without EHINV do nothing.
func (c *MIPSMMU) TLBINV() {
	if !c.prof.MIPS.EHINV {
		return
	}
	cur := uint32(c.current())
	for i := c.tags.next(0); i >= 0; i = c.tags.next(i + 1) {
		if e := &c.entries[i]; !e.G && e.ASID == cur {
			c.SetEntry(i, MIPSEntry{EHINV: true})
		}
	}
}

// TLBINVF invalidates every entry. Parts without EHINV do nothing.
func (c *MIPSMMU) TLBINVF() {
	if !c.prof.MIPS.EHINV {
		return
	}
	for i := c.tags.next(0); i >= 0; i = c.tags.next(i + 1) {
		c.SetEntry(i, MIPSEntry{EHINV: true})
	}
}
