package tlb

// access500 is what one access or search compares.
type access500 struct {
	ea   uint64
	ctxs [3]uint64 // one context per PID register in use
	n    int
	as   bool
	user bool
	ext  bool   // external PID access
	epid uint64 // its PID
}

// Translate looks up ea for one access and, on a fault, loads the registers
// that the interrupt loads. Faults: TLBMiss (data or instruction TLB error,
// MAS registers proposed), Protection (data or instruction storage; ESR[PT] if
// a hardware walk found no page), MachineCheck as the profile's MultiHit says.
func (t *E500Thread) Translate(acc Access, ea uint64) Result {
	ea = t.truncate(ea)
	tag := microTag(ea, acc, microMSR(t.MSR))
	ctx := t.regs[PID0]&0x3fff | t.regs[PID1]&0x3fff<<14 | t.regs[PID2]&0x3fff<<28 | t.regs[LPIDR]&mas8TLPID<<42
	c := t.core
	at := c.micro.at(tag)
	if at.is(tag, ctx, c.gen()) {
		return at.result(ea)
	}
	r := t.access(acc, ea)
	if c.tlb1.fine == 0 {
		at.keep(tag, ctx, c.gen(), r, 0)
	}
	return r
}

// gen goes up with every change of either TLB.
func (c *E500Core) gen() uint64 { return c.tlb0.gen + c.tlb1.gen }

// access is Translate without the micro-TLB.
func (t *E500Thread) access(acc Access, ea uint64) Result {
	as := t.MSR&MSRDS != 0
	if acc == Fetch {
		as = t.MSR&MSRIS != 0
	}
	a := access500{ea: ea, as: as, user: t.MSR&MSRPR != 0}
	high := t.context(as, t.MSR&MSRGS != 0, t.regs[LPIDR])
	a.ctxs[0], a.n = high|t.regs[PID0]&0x3fff, 1
	for _, r := range [...]E500Reg{PID1, PID2} {
		if pid := t.regs[r] & 0x3fff; pid != 0 {
			a.ctxs[a.n] = high | pid
			a.n++
		}
	}
	return t.translate(acc, &a)
}

// TranslateExternal is Translate for an external PID load or store (lwepx,
// stwepx, ...): address space, privilege and PID come from EPLC or EPSC.
func (t *E500Thread) TranslateExternal(acc Access, ea uint64) Result {
	epc := t.regs[EPLC]
	if acc == Store {
		epc = t.regs[EPSC]
	}
	a := access500{ea: t.truncate(ea), as: epc&epcAS != 0, user: epc&epcPR != 0, ext: true, epid: epc & 0x3fff}
	if t.core.prof.Quirks.Has(QuirkE500EPID8) {
		a.epid &= 0xff
	}
	a.ctxs[0] = t.context(a.as, epc&epcGS != 0, epc>>16&mas8TLPID) | a.epid
	a.n = 1
	return t.translate(acc, &a)
}

// truncate: in 32-bit mode, and on a 32-bit core, an effective address has 32 bits.
func (t *E500Thread) truncate(ea uint64) uint64 {
	if t.core.prof.E500.Is64 && t.MSR&MSRCM != 0 {
		return ea
	}
	return ea & 0xffffffff
}

// context is the bits above the TID of a context.
func (t *E500Thread) context(as, guest bool, lpid uint64) (ctx uint64) {
	if as {
		ctx |= ctxTS
	}
	if t.core.guests() {
		ctx |= lpid & mas8TLPID << ctxLPIDShift
		if guest {
			ctx |= ctxGS
		}
	}
	return ctx
}

func (t *E500Thread) translate(acc Access, a *access500) Result {
	c := t.core
	h := c.find(a, 0)
	if h.N == 0 && c.indirect() {
		var r Result
		if h, r = t.walk(acc, a); r.Fault != NoFault {
			return r
		}
	}
	switch {
	case h.N == 0:
		return t.missed(acc, a, h)
	case h.N > 1:
		return t.several(acc, a, h)
	}
	i := int(h.First)
	prot := c.entries[i].permits(a.user)
	if prot&acc == 0 {
		return t.denied(acc, a, h, 0)
	}
	return translated(c.real(i, a.ea), h, c.shift(i), prot)
}

// find searches for every PID in use; extra is added to each context.
func (c *E500Core) find(a *access500, extra uint64) Hit {
	if a.n == 1 {
		return c.search(a.ea, a.ctxs[0]|extra)
	}
	h := noHit
	base := c.set0(a.ea) * c.tlb0.ways
	for k := base; k < base+c.tlb0.ways; k++ {
		if a.matches(c.tlb0.cells[k], extra) {
			h.add(k)
		}
	}
	for k := c.tlb1.next(0); k >= 0; k = c.tlb1.next(k + 1) {
		if a.matches(c.tlb1.cells[k], extra) {
			h.add(len(c.tlb0.cells) + k)
		}
	}
	return h
}

func (a *access500) matches(t cell, extra uint64) bool {
	for _, ctx := range a.ctxs[:a.n] {
		if t.matches(a.ea, ctx|extra|ctxLive) {
			return true
		}
	}
	return false
}

// permits returns the accesses that the entry permits. MAS3 interleaves user
// and supervisor bits: UX SX UW SW UR SR.
func (e *E500Entry) permits(user bool) Access {
	bits := e.MAS73
	if user {
		bits >>= 1
	}
	return Access(bits&1 | bits>>1&2 | bits>>2&4)
}

// real returns the real address that entry i maps ea to.
func (c *E500Core) real(i int, ea uint64) uint64 {
	mask := ^uint64(0) << c.shift(i)
	return c.entries[i].MAS73&^0xfff&mask | ea&^mask
}

// several answers an access that more than one entry matches.
func (t *E500Thread) several(acc Access, a *access500, h Hit) Result {
	c := t.core
	c.lookup(OnLookup, h, a.ea)
	r := Result{Hit: h}
	switch c.multi.Lookup {
	case Miss:
		return t.missed(acc, a, h)
	case CheckMachine:
		t.MCSR |= MCSRMultiHit
		r.Fault = MachineCheck
		return r
	case OrBits:
		for i := int(h.First); i < len(c.entries); i++ {
			if arr, k := c.locate(i); a.matches(arr.cells[k], 0) {
				r.PA |= c.real(i, a.ea)
				r.Prot |= c.entries[i].permits(a.user)
				r.Shift = max(r.Shift, c.shift(i))
			}
		}
	default:
		i := int(h.First)
		r.PA, r.Prot, r.Shift = c.real(i, a.ea), c.entries[i].permits(a.user), c.shift(i)
	}
	if r.Prot&acc == 0 {
		return t.denied(acc, a, h, 0)
	}
	return r
}

// missed is a data or instruction TLB error.
func (t *E500Thread) missed(acc Access, a *access500, h Hit) Result {
	c := t.core
	pid := t.regs[PID0]
	tid := pid
	switch {
	case a.ext:
		pid, tid = a.epid, a.epid
	default:
		switch t.regs[MAS4] & mas4TIDSel >> 16 {
		case 1:
			tid = t.regs[PID1]
		case 2:
			tid = t.regs[PID2]
		case 3:
			tid = 0
		}
	}
	mas1 := mas1Valid | tid<<tidShift
	mas6 := pid << tidShift
	if a.as {
		mas1 |= mas1TS
		mas6 |= mas6SAS
	}
	t.propose(a.ea, mas1, a.ea)
	t.regs[MAS6] = mas6
	if acc != Fetch || c.prof.Quirks.Has(QuirkFetchMissDEAR) {
		t.DEAR, t.ESR = a.ea, a.status(acc)
	}
	return failed(h, TLBMiss)
}

// denied is a data or instruction storage interrupt.
func (t *E500Thread) denied(acc Access, a *access500, h Hit, why uint32) Result {
	t.ESR = a.status(acc) | why
	if acc != Fetch {
		t.DEAR = a.ea
	}
	return failed(h, Protection)
}

func (a *access500) status(acc Access) uint32 {
	esr := storeBit(acc)
	if a.ext {
		esr |= ESREPID
	}
	return esr
}
