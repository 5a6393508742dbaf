package tlb

// TTEFormat is the layout of a SPARC translation table entry.
type TTEFormat uint8

const (
	TTE4u TTEFormat = iota // UltraSPARC I and II
	TTE4v                  // sun4v (UltraSPARC T1 and later)
)

// SparcParams is what tells one SPARC part from another.
type SparcParams struct {
	Entries int // of each TLB, 1 to 1024
	Format  TTEFormat
	TSB     int // entries of the TSB that software keeps; 0 if the profile has none
}

var sparcProfiles = []Profile{
	{Name: "ultrasparc", Family: UltraSPARC, // I, II and IIi
		MultiHit: MultiHit{Lookup: OrBits, Undefined: true},
		Sparc:    SparcParams{Entries: 64}},
	{Name: "sun4v", Family: UltraSPARC,
		MultiHit: MultiHit{Write: Displace},
		Sparc:    SparcParams{Entries: 64, Format: TTE4v}},
	{Name: "sparc64-tsb", Family: UltraSPARC, // ultrasparc with Linux's table in memory
		MultiHit: MultiHit{Lookup: OrBits, Undefined: true},
		Sparc:    SparcParams{Entries: 64, TSB: 512}},
}

func (p *Profile) checkSparc(f TTEFormat) error {
	s := &p.Sparc
	switch {
	case p.Family != UltraSPARC:
		return p.bad("Family", p.Family, "not ultrasparc")
	case s.Entries < 1 || s.Entries > 1024:
		return p.bad("Sparc.Entries", s.Entries, "not in 1..1024")
	case s.Format != f:
		return p.bad("Sparc.Format", s.Format, "the layout of the other architecture")
	case s.TSB != 0 && !tsbSize(s.TSB):
		return p.bad("Sparc.TSB", s.TSB, "not a power of two in 512..65536")
	}
	return p.checkMultiHit(policies(FirstMatch, OrBits, Miss, CheckMachine), policies(FirstMatch), policies(FirstMatch, Displace))
}

// tte is a translation table entry, decoded.
type tte struct {
	pa, size             uint64
	locked, used, global bool
	write, priv, exec    bool
	sideEffect, noFault  bool
	invertEndian         bool
	shift                uint8
}

// Bits of a TTE in the sun4u layout. Bits 58:50 and 12:7 are software's.
const (
	tteValid  = 1 << 63
	tteNFO4u  = 1 << 60
	tteIE4u   = 1 << 59
	tteUsed   = 1 << 41
	tteLock4u = 1 << 6
	tteCV4u   = 1 << 4
	tteE4u    = 1 << 3
	tteP4u    = 1 << 2
	tteW4u    = 1 << 1
	tteG4u    = 1 << 0
	ttePA4u   = 1<<41 - 1<<13
	tteSoft4u = (1<<59 - 1<<50) | (1<<13 - 1<<7)
)

// Bits of a TTE in the sun4v layout. L is known to hyperprivileged code only.
const (
	tteNFO4v  = 1 << 62
	tteLock4v = 1 << 61
	tteIE4v   = 1 << 12
	tteE4v    = 1 << 11
	tteP4v    = 1 << 8
	tteX4v    = 1 << 7
	tteW4v    = 1 << 6
	ttePA4v   = 1<<56 - 1<<13
)

// decode reads the 64 bits of a TTE. The used bit of the sun4v layout, which
// has none, is kept outside the TTE.
func (f TTEFormat) decode(v uint64) tte {
	is := func(bit uint64) bool { return v&bit != 0 }
	if f == TTE4v {
		t := tte{
			locked: is(tteLock4v), noFault: is(tteNFO4v), invertEndian: is(tteIE4v),
			sideEffect: is(tteE4v), priv: is(tteP4v), exec: is(tteX4v), write: is(tteW4v),
			shift: 13 + 3*uint8(min(v&0xf, 7)),
		}
		t.size = 1 << t.shift
		t.pa = v & ttePA4v &^ (t.size - 1)
		return t
	}
	t := tte{
		locked: is(tteLock4u), used: is(tteUsed), global: is(tteG4u), noFault: is(tteNFO4u),
		invertEndian: is(tteIE4u), sideEffect: is(tteE4u), priv: is(tteP4u), exec: true, write: is(tteW4u),
		shift: 13 + 3*uint8(v>>61&3),
	}
	t.size = 1 << t.shift
	t.pa = v & ttePA4u &^ (t.size - 1)
	return t
}

// SparcEntry is one entry as it was stored.
type SparcEntry struct {
	Tag  uint64 // VA 63:13, context 12:0
	TTE  uint64
	Used bool // set by use, cleared when replacement finds no other victim
}

// contextBits of a tag; the rest is the page address.
const contextBits = 0x1fff

// sparcTLB is one fully associative TLB, for instructions or for data.
type sparcTLB struct {
	format  TTEFormat
	entries []SparcEntry
	decoded []tte // of entries, for the hit path
	merged  tte   // what the last multiple match made together
	tags    array
	micro   microTLB
}

func newSparcTLB(p *Profile) sparcTLB {
	n := p.Sparc.Entries
	return sparcTLB{format: p.Sparc.Format, entries: make([]SparcEntry, n), decoded: make([]tte, n), tags: newArray(1, n), micro: newMicroTLB(n)}
}

func (t *sparcTLB) cell(e SparcEntry) cell {
	d := t.format.decode(e.TTE)
	mask := ^(d.size - 1)
	c := cell{va: e.Tag & mask, mask: mask, ctxMask: ctxLive, ctx: ctxLive}
	if !d.global {
		c.ctx |= e.Tag & contextBits
		c.ctxMask |= contextBits
	}
	return c
}

// set puts e into entry i, whatever it overlaps.
func (t *sparcTLB) set(i int, e SparcEntry) {
	t.entries[i] = e
	t.decoded[i] = t.format.decode(e.TTE)
	if e.TTE&tteValid == 0 {
		t.tags.clear(i)
		return
	}
	t.tags.store(i, t.cell(e))
}

// overlap returns the first valid entry other than i that e overlaps, or -1.
func (t *sparcTLB) overlap(i int, e SparcEntry) int {
	if e.TTE&tteValid == 0 {
		return -1
	}
	old, _ := t.tags.overlap(i, t.cell(e))
	return old
}

// displace demaps what e overlaps, wherever it is to go.
func (t *sparcTLB) displace(e SparcEntry) {
	c := t.cell(e)
	for i := t.tags.next(0); i >= 0; i = t.tags.next(i + 1) {
		if t.tags.cells[i].overlaps(c) {
			t.set(i, SparcEntry{})
		}
	}
}

// victim is the entry that an automatic replacement takes: the lowest invalid
// one; else the lowest that is neither locked nor used; else, with all used
// bits cleared, the lowest not locked; else the last (UltraSPARC User's Manual
// 6.11 and 6.2).
func (t *sparcTLB) victim() int {
	for i := range t.entries {
		if !t.tags.isLive(i) {
			return i
		}
	}
	for pass := 0; pass < 2; pass++ {
		for i := range t.entries {
			if !t.entries[i].Used && !t.decoded[i].locked {
				return i
			}
		}
		for i := range t.entries {
			t.entries[i].Used = false
		}
	}
	return len(t.entries) - 1
}

// lookup searches for a page in a context.
func (t *sparcTLB) lookup(va, context uint64) Hit {
	return t.tags.lookup(0, va, context&contextBits|ctxLive)
}

// or is the entry that all matching ones drive together.
func (t *sparcTLB) or(va, context uint64) (all tte) {
	for i := t.tags.next(0); i >= 0; i = t.tags.next(i + 1) {
		if !t.tags.cells[i].matches(va, context&contextBits|ctxLive) {
			continue
		}
		d := &t.decoded[i]
		all.pa |= d.pa
		all.shift = max(all.shift, d.shift)
		all.write = all.write || d.write
		all.priv = all.priv || d.priv
		all.exec = all.exec || d.exec
		all.sideEffect = all.sideEffect || d.sideEffect
		all.noFault = all.noFault || d.noFault
		all.invertEndian = all.invertEndian || d.invertEndian
	}
	all.size = 1 << all.shift
	return all
}

// resolve turns a hit into the entry that answers. Fault is MachineCheck or
// TLBMiss if several entries match on a part that says so.
func (t *sparcTLB) resolve(p Policy, h Hit, va, context uint64) (*tte, Fault) {
	switch {
	case h.N == 0 || h.N > 1 && p == Miss:
		return nil, TLBMiss
	case h.N > 1 && p == CheckMachine:
		return nil, MachineCheck
	case h.N > 1 && p == OrBits:
		t.merged = t.or(va, context)
		return &t.merged, NoFault
	}
	return &t.decoded[h.First], NoFault
}

// demapPage removes every entry that matches, locked ones too.
func (t *sparcTLB) demapPage(va, context uint64) (n int) {
	for i := t.tags.next(0); i >= 0; i = t.tags.next(i + 1) {
		if t.tags.cells[i].matches(va, context&contextBits|ctxLive) {
			t.set(i, SparcEntry{})
			n++
		}
	}
	return n
}

// demapContext removes the entries of a context, global ones excepted.
func (t *sparcTLB) demapContext(context uint64) (n int) {
	for i := t.tags.next(0); i >= 0; i = t.tags.next(i + 1) {
		c := t.tags.cells[i]
		if c.ctxMask&contextBits != 0 && c.ctx&contextBits == context&contextBits {
			t.set(i, SparcEntry{})
			n++
		}
	}
	return n
}

func (t *sparcTLB) copyFrom(src *sparcTLB) {
	copy(t.entries, src.entries)
	copy(t.decoded, src.decoded)
	t.tags.copyFrom(&src.tags)
}
