package tlb

import "errors"

// ErrUnmodelled is returned by a write that the recorded machine cannot take:
// it stops there instead. Only a profile with the quirk that says so returns it.
var ErrUnmodelled = errors.New("tlb: the recorded machine stops here")

// TLBWE is tlbwe RS,RA,WS: it writes one word of the entry that ra selects. On
// the 405 and 440 ra is the index, taken modulo the number of entries; on the
// 476 it is an operand as TLBWE476 has it. A word the part does not have is
// ignored (the manuals leave it undefined).
//
// Word 0 also takes the TID, from MMUCR[STID] or, on the 405, from PID. It
// makes the entry match, so an overlap with another entry is reported then.
func (m *PPC4xxMMU) TLBWE(ra uint32, word int, value uint32) error {
	if word < 0 || word >= m.layout.words {
		return nil
	}
	q := m.profile.Quirks
	value &= m.layout.keep[word]
	if word == 0 && m.layout.zoned && q.Has(Quirk405Pages) {
		if value>>m.layout.sizeShift&7 == 0 || value&endian405 != 0 {
			return ErrUnmodelled
		}
	}
	i := m.target(ra, word, value)
	e := &m.entries[i]
	m.rewritten(e, word, value)
	m.drop(i)
	e.word[word] = value
	switch {
	case word == 0:
		e.tid = uint16(m.stid())
		if m.layout.zoned { // the 405 takes the page number without its low bits
			e.word[0] &= ^uint32(0)<<m.shift(e) | ^m.layout.epn
		}
	case word == 1 && m.layout.zoned && q.Has(Quirk405LowClearsValid):
		e.word[0] &^= valid405
	}
	if q.Has(Quirk4xxNoEndian) {
		e.word[0] &^= m.noEndian(0)
		e.word[m.layout.attrs] &^= m.noEndian(m.layout.attrs)
	}
	m.install(i)
	if word == 0 && m.tags.isLive(i) && m.OnWrite != nil {
		m.write(m.overlapping(i), i, m.tags.cells[i].va)
	}
	return nil
}

// noEndian is the little-endian bit (and the 405's U0 beside it) of a word.
func (m *PPC4xxMMU) noEndian(word int) uint32 {
	switch {
	case m.layout.zoned && word == 0:
		return endian405 | user405
	case !m.layout.zoned && word == 2:
		return endian44x
	}
	return 0
}

// stid is the TID that a write takes and a search compares.
func (m *PPC4xxMMU) stid() uint32 {
	if m.layout.zoned {
		return m.PID & m.layout.tid
	}
	return m.MMUCR & m.layout.tid
}

// drop takes entry i out of the search.
func (m *PPC4xxMMU) drop(i int) {
	if m.tags.isLive(i) {
		m.sized[m.shift(&m.entries[i])]--
		m.tags.clear(i)
	}
}

// install puts entry i back into the search.
func (m *PPC4xxMMU) install(i int) {
	e := &m.entries[i]
	c, ok := m.tag(e)
	if !ok {
		return
	}
	m.tags.store(i, c)
	m.sized[m.shift(e)]++
}

// overlapping returns the first live entry that overlaps entry i, -1 if none.
// Overlapping pages of different sizes sit in different sets of a 476, so all
// live entries are looked at.
func (m *PPC4xxMMU) overlapping(i int) int {
	for j := m.tags.next(0); j >= 0; j = m.tags.next(j + 1) {
		if j != i && m.tags.cells[j].overlaps(m.tags.cells[i]) {
			return j
		}
	}
	return -1
}

// TLBRE is tlbre RT,RA,WS: it returns one word of the entry that ra selects.
// Reading word 0 also loads its TID into MMUCR[STID], or PID on the 405.
func (m *PPC4xxMMU) TLBRE(ra uint32, word int) uint32 {
	if word < 0 || word >= m.layout.words {
		return 0
	}
	e := &m.entries[m.indexOf(ra)]
	v := e.word[word]
	switch {
	case word == 0 && m.layout.zoned:
		m.PID = uint32(e.tid)
	case word == 0:
		m.MMUCR = m.MMUCR&^m.layout.tid | uint32(e.tid)
		if e.bolted {
			v |= bolted47x
		}
	case word == 1 && m.layout.zoned && m.profile.Quirks.Has(Quirk405ReadLow):
		v &= 0xfffffc00 | exec405 | write405
	}
	return v
}

// TLBIA is tlbia of the 405: every entry becomes invalid. It costs what the
// live entries cost.
func (m *PPC4xxMMU) TLBIA() {
	for i := m.tags.next(0); i >= 0; i = m.tags.next(i + 1) {
		m.invalidate(i)
	}
}

// invalidate clears the valid bit of entry i.
func (m *PPC4xxMMU) invalidate(i int) {
	m.drop(i)
	m.entries[i].word[0] &^= m.layout.valid
	m.unbolt(i)
}
