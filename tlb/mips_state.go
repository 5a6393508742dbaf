package tlb

// MarshalBinary returns a snapshot: the common form of the package with, as
// registers, EntryHi, EntryLo0, EntryLo1, PageMask, PageGrain, MemoryMapID,
// Index, Wired, Random, Status, BadVAddr, Context, XContext and the state of the
// random generator, 8 bytes each; and per entry VPN (8), PageMask, ASID and
// marks (4 each), then for both halves address (8) and flags (4).
func (c *MIPSMMU) MarshalBinary() ([]byte, error) { return marshal(c), nil }

// UnmarshalBinary restores a snapshot of a processor of the same geometry.
func (c *MIPSMMU) UnmarshalBinary(b []byte) error { return unmarshal(c, b) }

func (c *MIPSMMU) shape() []uint32 {
	m := &c.prof.MIPS
	return []uint32{uint32(m.Entries), uint32(m.SegBits), uint32(m.PABits), uint32(m.ASIDMask), uint32(m.MMIDMask)}
}

// Marks of an entry in a snapshot.
const (
	markGlobal = 1 << iota
	markEHINV
	markHidden
)

func (c *MIPSMMU) visit(s *codec) {
	for _, r := range [...]*uint64{&c.entryHi, &c.entryLo0, &c.entryLo1, &c.pageMask, &c.pageGrain, &c.mmid,
		&c.index, &c.wired, &c.random, &c.status, &c.badVAddr, &c.context, &c.xcontext, &c.rnd.state} {
		s.u64(r)
	}
	if s.reading {
		c.sanitize()
	}
	for i := range c.entries {
		c.visitEntry(s, i)
	}
}

// sanitize keeps registers within what the part can hold.
func (c *MIPSMMU) sanitize() {
	n := uint64(len(c.entries))
	c.index = c.index&probeFail | c.index&(probeFail-1)%n
	c.wired %= n
	c.random %= n
	c.pageMask = pageMaskRun(c.pageMask & largestMIPSPage)
	c.mmid &= c.mmidMask()
	m := &c.prof.MIPS
	c.pageGrain = m.PageGrain&^m.GrainMask | c.pageGrain&m.GrainMask
}

func (c *MIPSMMU) visitEntry(s *codec, i int) {
	e := c.entries[i]
	mask := uint32(e.PageMask)
	marks := mark(e.G, markGlobal) | mark(e.EHINV, markEHINV) | mark(e.Hidden, markHidden)
	s.u64(&e.VPN)
	s.u32(&mask)
	s.u32(&e.ASID)
	s.u32(&marks)
	for h := range e.Half {
		flags := uint32(e.Half[h].Flags)
		s.u64(&e.Half[h].PA)
		s.u32(&flags)
		e.Half[h].Flags = MIPSFlags(flags)
	}
	if !s.reading {
		return
	}
	e.VPN &= c.vpnMask()
	e.PageMask = pageMaskRun(uint64(mask) & largestMIPSPage)
	e.ASID &= uint32(c.contextMask())
	e.G, e.EHINV, e.Hidden = marks&markGlobal != 0, marks&markEHINV != 0 && c.prof.MIPS.EHINV, marks&markHidden != 0
	c.SetEntry(i, e)
}

func mark(on bool, bit uint32) uint32 {
	if on {
		return bit
	}
	return 0
}
