package tlb

// E500Outcome is what a tlbwe came to.
type E500Outcome uint8

const (
	Written        E500Outcome = iota
	NotWritten                 // by MAS0[WQ], or an undefined form
	IllegalWrite               // program interrupt, nothing written
	GuestPrivilege             // embedded hypervisor privilege: tlbwe in guest state
)

var e500OutcomeNames = [...]string{"written", "not written", "illegal", "guest privilege"}

func (o E500Outcome) String() string { return name(e500OutcomeNames[:], int(o)) }

// selected is the entry that MAS0 and MAS2 select; i is -1 if MAS0[TLBSEL]
// names a TLB that does not exist.
func (t *E500Thread) selected() (i int) {
	c := t.core
	esel := int(t.regs[MAS0] & mas0ESel >> eselShift)
	switch t.regs[MAS0] & mas0TLBSel >> tlbselShift {
	case 0:
		return c.set0(t.regs[MAS2])*c.tlb0.ways + esel%c.tlb0.ways
	case 1:
		return len(c.tlb0.cells) + esel%len(c.tlb1.cells)
	}
	return -1
}

// TLBWE is tlbwe: it writes MAS1, MAS2, MAS3 and MAS7 (and MAS8) into the entry
// that MAS0 and MAS2 select. It returns the entry selected, -1 if there is none.
func (t *E500Thread) TLBWE() (entry int, o E500Outcome) {
	c := t.core
	q := c.prof.Quirks
	i := t.selected()
	if c.guests() && t.MSR&MSRGS != 0 {
		return i, GuestPrivilege
	}
	if !t.qualified() {
		return i, NotWritten
	}
	if i < 0 || !c.sizeSupported(i, uint32(t.regs[MAS1])) {
		if q.Has(QuirkE500IllegalWrite) {
			return i, IllegalWrite
		}
		return i, NotWritten
	}
	if i < len(c.tlb0.cells) && !q.Has(QuirkE500OneVictim) {
		i = t.moveVictim(i)
	}
	c.SetEntry(i, t.image(i))
	c.reportWrite(i)
	c.breakReservations(i)
	return i, Written
}

// sizeSupported: TLB0 has one page size and ignores TSIZE.
func (c *E500Core) sizeSupported(i int, mas1 uint32) bool {
	if i < len(c.tlb0.cells) || mas1&mas1Valid == 0 {
		return true
	}
	if c.prof.E500.MAV2 && c.prof.Quirks.Has(QuirkE500AnySize) {
		return true
	}
	return c.prof.E500.PageSizes>>(mas1&mas1TSize>>tsizeShift)&1 != 0
}

// qualified reports whether MAS0[WQ] lets the write through: 0 always, 1 with
// the reservation of tlbsrx., 2 only clears the reservation, 3 is reserved.
func (t *E500Thread) qualified() bool {
	wq := t.regs[MAS0] & mas0WQ >> 12
	switch {
	case t.core.prof.Quirks.Has(QuirkE500NoReservation):
		return wq < 2
	case !t.core.prof.E500.Indirect || wq == 0:
		return true
	}
	held := t.reserved.held
	t.reserved.held = false
	return wq == 1 && held
}

// moveVictim advances the next victim of TLB0 entry i's set: to MAS0[NV], or,
// where hardware chooses the entry (MAS0[HES]), past its choice, which it returns.
func (t *E500Thread) moveVictim(i int) int {
	c := t.core
	set, ways := i/c.tlb0.ways, uint8(c.tlb0.ways)
	if c.prof.E500.Indirect && t.regs[MAS0]&mas0HES != 0 && !c.prof.Quirks.Has(QuirkE500NoReservation) {
		way := c.victim[set]
		c.victim[set] = (way + 1) % ways
		return set*c.tlb0.ways + int(way)
	}
	c.victim[set] = uint8(t.regs[MAS0]&mas0NV) % ways
	return i
}

// image is the entry that tlbwe makes of the MAS registers.
func (t *E500Thread) image(i int) E500Entry {
	e := E500Entry{
		MAS1:  uint32(t.regs[MAS1]),
		MAS73: t.regs[MAS7]<<32 | t.regs[MAS3],
	}
	if t.core.guests() {
		e.MAS8 = uint32(t.regs[MAS8])
	}
	shift := uint8(10 + e.MAS1&mas1TSize>>tsizeShift)
	if i < len(t.core.tlb0.cells) {
		shift = 12
		e.MAS1 = e.MAS1&^(mas1TSize|mas1IProt) | 2<<tsizeShift
	}
	e.MAS2 = t.truncate(t.regs[MAS2])&^0xfff&(^uint64(0)<<shift) | t.regs[MAS2]&mas2Attrs
	return e
}

// TLBRE is tlbre: it shows the entry that MAS0 and MAS2 select.
func (t *E500Thread) TLBRE() {
	i := t.selected()
	if i < 0 {
		t.regs[MAS1] = 0
		return
	}
	t.load(i)
}

// TLBSX is tlbsx: it searches ea for MAS6[SPID], MAS6[SAS] (and MAS5, and
// MAS6[SIND]) and shows the entry found; without one it proposes a new entry
// with MAS1[V] = 0. Several matches are answered as MultiHit.Probe says.
func (t *E500Thread) TLBSX(ea uint64) (Hit, Fault) {
	c := t.core
	ea = t.truncate(ea)
	ctx := t.searchContext()
	h := c.search(ea, ctx)
	c.lookup(OnProbe, h, ea)
	switch {
	case h.N == 0 || h.N > 1 && c.multi.Probe == Miss:
		t.searchMissed(ea)
	case h.N > 1 && c.multi.Probe == CheckMachine:
		t.MCSR |= MCSRMultiHit
		return h, MachineCheck
	case h.N > 1 && c.multi.Probe == OrBits:
		t.loadOr(ea, ctx, h)
	default:
		t.load(int(h.First))
	}
	return h, NoFault
}

// searchContext is what tlbsx, tlbsrx. and tlbilx compare.
func (t *E500Thread) searchContext() uint64 {
	mas5, mas6 := t.regs[MAS5], t.regs[MAS6]
	ctx := t.context(mas6&mas6SAS != 0, mas5&mas5SGS != 0, mas5) | mas6&mas1TID>>tidShift
	if t.core.indirect() && mas6&mas6SInd != 0 {
		ctx |= ctxInd
	}
	return ctx
}

func (t *E500Thread) searchMissed(ea uint64) {
	mas1 := t.regs[MAS6] & mas1TID
	if t.regs[MAS6]&mas6SAS != 0 {
		mas1 |= mas1TS
	}
	epn := ea
	if t.core.prof.Quirks.Has(QuirkE500ProbeMissEPN) {
		epn = 0
	}
	t.propose(ea, mas1, epn)
}

// loadOr shows the OR of all entries that match.
func (t *E500Thread) loadOr(ea, ctx uint64, h Hit) {
	c := t.core
	var sum [numE500Regs]uint64
	for i := int(h.First); i < len(c.entries); i++ {
		if arr, k := c.locate(i); arr.cells[k].matches(ea, ctx|ctxLive) {
			t.load(i)
			for _, r := range [...]E500Reg{MAS0, MAS1, MAS2, MAS3, MAS7} {
				sum[r] |= t.regs[r]
			}
		}
	}
	for _, r := range [...]E500Reg{MAS0, MAS1, MAS2, MAS3, MAS7} {
		t.regs[r] = sum[r]
	}
}
