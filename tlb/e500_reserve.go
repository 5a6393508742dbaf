package tlb

// reservation is what tlbsrx. leaves behind: the page a thread means to load.
type reservation struct {
	held    bool
	ea, ctx uint64
}

// TLBSRX is tlbsrx. of the e6500: it searches ea for MAS1[TID], MAS1[TS] and
// MAS1[IND] and takes a reservation that MAS0[WQ] = 1 makes the next tlbwe
// depend on. Any write or invalidation that concerns the page, by either
// thread, ends it. So two threads that miss on one page cannot both load it:
// one write goes through and ends the reservation of the other. On a core
// without tlbsrx. it only searches.
func (t *E500Thread) TLBSRX(ea uint64) (found bool) {
	c := t.core
	mas1 := t.regs[MAS1]
	ctx := t.context(mas1&mas1TS != 0, t.regs[MAS5]&mas5SGS != 0, t.regs[MAS5]) | mas1&mas1TID>>tidShift
	if c.indirect() && mas1&mas1Ind != 0 {
		ctx |= ctxInd
	}
	ea = t.truncate(ea)
	h := c.search(ea, ctx)
	t.reserved = reservation{held: c.prof.E500.Indirect, ea: ea, ctx: ctx}
	return h.N > 0
}

// breakReservations ends the reservations for the page of entry i, just written.
func (c *E500Core) breakReservations(i int) {
	if !c.prof.E500.Indirect {
		return
	}
	written := c.tag(i)
	written.ctx |= ctxLive
	for k := range c.threads {
		r := &c.threads[k].reserved
		if r.held && written.matches(r.ea, r.ctx|ctxLive) {
			r.held = false
		}
	}
}

// dropReservations ends all: an invalidation may concern any page.
func (c *E500Core) dropReservations() {
	for k := range c.threads {
		c.threads[k].reserved.held = false
	}
}
