package tlb

import "encoding/binary"

// MarshalBinary returns a snapshot: the common form of the package with, as
// registers, the primary and secondary context and, first for the data then
// for the instruction MMU, TSB base, Tag Access, SFSR and SFAR, 8 bytes each;
// entries as of SparcEntry: tag and TTE (8 each), used (4), data TLB first.
func (u *Sun4u) MarshalBinary() ([]byte, error) { return marshal(u), nil }

// UnmarshalBinary restores a snapshot of MMUs with as many entries.
func (u *Sun4u) UnmarshalBinary(b []byte) error { return unmarshal(u, b) }

func (u *Sun4u) shape() []uint32 { return u.prof.sparcShape() }

func (u *Sun4u) visit(c *codec) {
	c.u64(&u.primary)
	c.u64(&u.secondary)
	u.primary &= contextBits
	u.secondary &= contextBits
	for s := range u.side {
		m := &u.side[s]
		for _, r := range [...]*uint64{&m.tsb, &m.tagAccess, &m.sfsr, &m.sfar} {
			c.u64(r)
		}
	}
	for s := range u.side {
		u.side[s].visit(c)
	}
}

// MarshalBinary returns a snapshot: the common form of the package with, as
// registers, the primary and secondary context and both fault statuses (type,
// address, context), 8 bytes each; entries as of Sun4u.
func (v *Sun4v) MarshalBinary() ([]byte, error) { return marshal(v), nil }

// UnmarshalBinary restores a snapshot of an MMU with as many entries.
func (v *Sun4v) UnmarshalBinary(b []byte) error { return unmarshal(v, b) }

func (v *Sun4v) shape() []uint32 { return v.prof.sparcShape() }

func (v *Sun4v) visit(c *codec) {
	c.u64(&v.PrimaryContext)
	c.u64(&v.SecondaryContext)
	for s := range v.last {
		f := &v.last[s]
		c.u64((*uint64)(&f.Type))
		c.u64(&f.Addr)
		c.u64(&f.Context)
	}
	for s := range v.side {
		v.side[s].visit(c)
	}
}

// sparcShape: the layout of the TTE is part of the shape.
func (p *Profile) sparcShape() []uint32 {
	return []uint32{uint32(p.Sparc.Entries), uint32(p.Sparc.Format)}
}

func (t *sparcTLB) visit(c *codec) {
	for i := range t.entries {
		e := t.entries[i]
		c.u64(&e.Tag)
		c.u64(&e.TTE)
		c.flag(&e.Used)
		if c.reading {
			t.set(i, e)
		}
	}
}

// MarshalBinary returns the table as it lies in memory: 16 bytes per slot,
// tag then TTE, big-endian. It is no snapshot under concurrent change.
func (t *TSB) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 16*len(t.slots))
	for i := range t.slots {
		tag, tte := t.Entry(i)
		b = binary.BigEndian.AppendUint64(b, tag)
		b = binary.BigEndian.AppendUint64(b, tte)
	}
	return b, nil
}

// UnmarshalBinary loads such a table of the same size; nobody else may use the
// TSB meanwhile. A slot that was locked comes back invalid: its writer is gone.
func (t *TSB) UnmarshalBinary(b []byte) error {
	if len(b) != 16*len(t.slots) {
		return wrongLength(b, 16*len(t.slots))
	}
	for i := range t.slots {
		tag := binary.BigEndian.Uint64(b[16*i:])
		if tag&TSBLock != 0 {
			tag = TSBInvalid
		}
		t.slots[i].tag.Store(tag)
		t.slots[i].tte.Store(binary.BigEndian.Uint64(b[16*i+8:]))
	}
	return nil
}
