package tlb

import "slices"

// CopyFrom takes over the registers, entries and replacement state of an MMU
// of the same shape; false, and nothing done, if the shapes differ.
func (m *PPC603MMU) CopyFrom(src *PPC603MMU) bool {
	if !slices.Equal(m.shape(), src.shape()) {
		return false
	}
	own := *m
	*m = *src
	m.Reports, m.prof, m.multi, m.side = own.Reports, own.prof, own.multi, own.side
	for s := range m.side {
		from := &src.side[s]
		copy(m.side[s].lru, from.lru)
		for i, e := range from.entries {
			if m.side[s].entries[i] != e {
				m.SetEntry(s, i, e)
			}
		}
	}
	return true
}

// MarshalBinary returns a snapshot; see snapshot.go for its layout.
func (m *PPC603MMU) MarshalBinary() ([]byte, error) { return marshal(m), nil }

// UnmarshalBinary restores a snapshot of an MMU of the same shape.
func (m *PPC603MMU) UnmarshalBinary(b []byte) error { return unmarshal(m, b) }

func (m *PPC603MMU) shape() []uint32 {
	return []uint32{uint32(m.prof.PPC603.Entries), uint32(m.prof.PPC603.Ways)}
}

func (m *PPC603MMU) visit(c *codec) {
	for _, r := range [...]*uint32{&m.MSR, &m.SDR1, &m.DMISS, &m.DCMP, &m.IMISS, &m.ICMP,
		&m.HASH1, &m.HASH2, &m.RPA, &m.SRR1, &m.DAR, &m.DSISR} {
		c.u32(r)
	}
	for i := range m.SR {
		c.u32(&m.SR[i])
	}
	ways := m.prof.PPC603.Ways
	c.number(&m.last, 2)
	for s := range m.side {
		for set := range m.side[s].lru {
			c.number(&m.side[s].lru[set], ways)
		}
		for i := range m.side[s].entries {
			e := m.side[s].entries[i]
			c.u32(&e.EPN)
			c.u32(&e.CMP)
			c.u32(&e.RPA)
			if c.reading {
				m.SetEntry(s, i, e)
			}
		}
	}
}
