package tlb

import "slices"

// CopyFrom takes over the registers, entries and replacement state of a core
// of the same shape; false, and nothing done, if the shapes differ. Its cost is
// one comparison per entry and what the differing ones take.
func (c *E500Core) CopyFrom(src *E500Core) bool {
	if !slices.Equal(c.shape(), src.shape()) {
		return false
	}
	for i := range c.entries {
		if c.entries[i] != src.entries[i] {
			c.SetEntry(i, src.entries[i])
		}
	}
	copy(c.victim, src.victim)
	c.counter = src.counter
	for i := range c.threads {
		c.threads[i] = src.threads[i]
		c.threads[i].core = c
	}
	return true
}

// MarshalBinary returns a snapshot; see snapshot.go for its layout.
func (c *E500Core) MarshalBinary() ([]byte, error) { return marshal(c), nil }

// UnmarshalBinary restores a snapshot of a core of the same shape.
func (c *E500Core) UnmarshalBinary(b []byte) error { return unmarshal(c, b) }

func (c *E500Core) shape() []uint32 {
	g := &c.prof.E500
	return []uint32{uint32(g.TLB0.Entries), uint32(g.TLB0.Ways),
		uint32(g.TLB1.Entries), uint32(g.TLB1.Ways), uint32(g.Threads)}
}

func (c *E500Core) visit(s *codec) {
	for i := range c.threads {
		t := &c.threads[i]
		for _, r := range [...]*uint32{&t.MSR, &t.ESR, &t.MCSR} {
			s.u32(r)
		}
		s.u64(&t.DEAR)
		for r := range t.regs {
			s.u64(&t.regs[r])
		}
		s.flag(&t.reserved.held)
		s.u64(&t.reserved.ea)
		s.u64(&t.reserved.ctx)
	}
	s.number(&c.counter, c.tlb0.ways)
	for set := range c.victim {
		s.number(&c.victim[set], c.tlb0.ways)
	}
	c.visitEntries(s)
}

// visitEntries: the array of KVM_CAP_SW_TLB.
func (c *E500Core) visitEntries(s *codec) {
	for i := range c.entries {
		e := c.entries[i]
		s.u32(&e.MAS8)
		s.u32(&e.MAS1)
		s.u64(&e.MAS2)
		s.u64(&e.MAS73)
		if s.reading {
			c.SetEntry(i, e)
		}
	}
}

// SWTLB returns the entries alone, as the array that KVM_CAP_SW_TLB shares on
// a big-endian host: 24 bytes per entry, TLB0 by set, then by way, then TLB1.
func (c *E500Core) SWTLB() []byte {
	s := &codec{}
	c.visitEntries(s)
	return s.buf
}

// LoadSWTLB replaces all entries by those of such an array.
func (c *E500Core) LoadSWTLB(b []byte) error {
	if want := 24 * len(c.entries); len(b) != want {
		return wrongLength(b, want)
	}
	c.visitEntries(&codec{buf: b, reading: true})
	return nil
}
