package tlb

import "slices"

// SetEntry replaces entry i, whatever it held: Word and TID of e count, the
// other fields are ignored. It reports nothing.
func (m *PPC4xxMMU) SetEntry(i int, e Entry4xx) {
	m.unbolt(i)
	m.put(i, entry4xx{word: e.Word, tid: e.TID})
}

func (m *PPC4xxMMU) put(i int, e entry4xx) {
	clear(m.stale)
	m.drop(i)
	m.entries[i] = e
	m.install(i)
}

// CopyFrom takes over the registers, entries and replacement state of an MMU
// of the same shape; false, and nothing done, if the shapes differ.
func (m *PPC4xxMMU) CopyFrom(src *PPC4xxMMU) bool {
	if m.layout != src.layout || !slices.Equal(m.shape(), src.shape()) {
		return false
	}
	m.PID, m.MMUCR, m.ZPR, m.MSR, m.DEAR, m.ESR = src.PID, src.MMUCR, src.ZPR, src.MSR, src.DEAR, src.ESR
	for i, e := range src.entries {
		if m.entries[i] != e {
			m.put(i, e)
		}
	}
	m.bolt.slot, m.bolt.current = src.bolt.slot, src.bolt.current
	copy(m.bolt.next, src.bolt.next)
	return true
}

// MarshalBinary returns a snapshot; see snapshot.go for its layout.
func (m *PPC4xxMMU) MarshalBinary() ([]byte, error) { return marshal(m), nil }

// UnmarshalBinary restores a snapshot of an MMU of the same shape.
func (m *PPC4xxMMU) UnmarshalBinary(b []byte) error { return unmarshal(m, b) }

func (m *PPC4xxMMU) shape() []uint32 {
	return []uint32{uint32(len(m.entries)), uint32(m.tags.ways)}
}

func (m *PPC4xxMMU) visit(c *codec) {
	for _, r := range [...]*uint32{&m.PID, &m.MMUCR, &m.ZPR, &m.MSR, &m.DEAR, &m.ESR} {
		c.u32(r)
	}
	for set := range m.bolt.next {
		c.number(&m.bolt.next[set], m.tags.ways)
	}
	m.bolt.visit(c, len(m.entries))
	for i := range m.entries {
		e := m.entries[i]
		tid := uint32(e.tid)
		for w := range e.word {
			c.u32(&e.word[w])
			e.word[w] &= m.layout.keep[w]
		}
		c.u32(&tid)
		e.tid = uint16(tid & m.layout.tid)
		if c.reading {
			e.bolted = slices.Contains(m.bolt.slot[:], i)
			m.put(i, e)
		}
	}
}

// visit: the last word 0's entry, and the bolted entries plus one, 0 for none.
func (b *bolts) visit(c *codec, entries int) {
	current := uint32(b.current)
	c.u32(&current)
	b.current = int(current % uint32(entries))
	for s := range b.slot {
		bolted := uint32(b.slot[s] + 1)
		c.u32(&bolted)
		b.slot[s] = int(bolted%uint32(entries+1)) - 1
	}
}
