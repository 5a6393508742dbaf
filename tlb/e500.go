package tlb

// E500Core is the TLBs of one e500, e500mc, e5500 or e6500 core: TLB0 for 4 KiB
// pages and TLB1 for pages of any supported size. Its threads, two on an e6500,
// share both; each has its own registers.
//
// Sources: e500 core reference manual chapter 12, EREF, Power ISA 2.06 Book
// III-E chapter 6.
//
// A core and its threads have one owner: no method is safe for concurrent use.
// Two threads run by two goroutines need a lock around each instruction.
// Not modelled: LRAT, parity, the L1 TLBs, and the corruption of entries that
// the e500v2 manual threatens on a multiple hit.
type E500Core struct {
	Reports

	prof    Profile
	multi   MultiHit
	tlb0    array
	tlb1    array
	micro   microTLB
	entries []E500Entry // TLB0 by set, then by way; then TLB1
	crossed int         // pairs of live entries, one in each array, that overlap
	victim  []uint8     // per set of TLB0: the next victim NV
	counter uint8       // the one next victim of QuirkE500OneVictim
	threads []E500Thread
	domain  []*E500Core // cores that a tlbivax here reaches, this one included

	// Memory reads a doubleword of guest real memory for the hardware walk of
	// an indirect entry. Without it an indirect entry never answers.
	Memory func(ra uint64) (value uint64, ok bool)
}

// E500Entry is one entry in the layout of the MAS registers.
type E500Entry struct {
	MAS1  uint32 // V, IPROT, TID, IND, TS, TSIZE
	MAS2  uint64 // EPN, attributes
	MAS73 uint64 // MAS7 above MAS3: RPN, U0-U3, permissions
	MAS8  uint32 // TGS, VF, TLPID
}

// Fields of the MAS registers.
const (
	mas0TLBSel  = 0x30000000
	mas0ESel    = 0x0fff0000
	mas0HES     = 0x4000
	mas0WQ      = 0x3000
	mas0NV      = 0xfff
	mas1Valid   = 0x80000000
	mas1IProt   = 0x40000000
	mas1TID     = 0x3fff0000
	mas1Ind     = 0x2000
	mas1TS      = 0x1000
	mas1TSize   = 0xf80
	mas2Attrs   = 0x7f
	mas2WIMGE   = 0x1f
	mas3Perms   = 0x3f
	mas4TIDSel  = 0x30000
	mas4Ind     = 0x8000
	mas5SGS     = 0x80000000
	mas6SInd    = 0x2
	mas6SAS     = 0x1
	mas8TGS     = 0x80000000
	mas8TLPID   = 0xfff
	tidShift    = 16
	tsizeShift  = 7
	eselShift   = 16
	tlbselShift = 28
)

// NewE500 returns the core that profile p describes, every entry and register zero.
func NewE500(p Profile) (*E500Core, error) {
	if err := p.checkE500(); err != nil {
		return nil, err
	}
	g := &p.E500
	if p.Quirks.Has(QuirkE500Page16G) {
		g.PageSizes |= sizes16G
	}
	c := &E500Core{
		prof:    p,
		multi:   p.multiHit(),
		tlb0:    newArray(g.TLB0.Entries/g.TLB0.Ways, g.TLB0.Ways),
		tlb1:    newArray(1, g.TLB1.Entries),
		micro:   newMicroTLB(g.TLB0.Entries + g.TLB1.Entries),
		entries: make([]E500Entry, g.TLB0.Entries+g.TLB1.Entries),
		victim:  make([]uint8, g.TLB0.Entries/g.TLB0.Ways),
		threads: make([]E500Thread, g.Threads),
	}
	c.domain = []*E500Core{c}
	for i := range c.threads {
		c.threads[i].core = c
	}
	return c, nil
}

func (p *Profile) checkE500() error {
	g := &p.E500
	sets := 0
	if g.TLB0.Ways > 0 && g.TLB0.Entries%g.TLB0.Ways == 0 {
		sets = g.TLB0.Entries / g.TLB0.Ways
	}
	switch {
	case p.Family != E500:
		return p.bad("Family", p.Family, "not e500")
	case g.TLB0.Entries > 4096 || g.TLB0.Ways > 32 || !isPowerOf2(sets):
		return p.bad("E500.TLB0", g.TLB0, "sets must be a power of two, at most 4096 entries of 32 ways")
	case g.TLB1.Entries < 1 || g.TLB1.Entries > 4096 || g.TLB1.Ways != g.TLB1.Entries:
		return p.bad("E500.TLB1", g.TLB1, "must be fully associative, 1 to 4096 entries")
	case g.PIDs != 1 && g.PIDs != 3:
		return p.bad("E500.PIDs", g.PIDs, "neither 1 nor 3")
	case g.PIDBits < 1 || g.PIDBits > 14:
		return p.bad("E500.PIDBits", g.PIDBits, "not in 1..14")
	case g.RABits < 32 || g.RABits > 64:
		return p.bad("E500.RABits", g.RABits, "not in 32..64")
	case g.Threads < 1 || g.Threads > 8:
		return p.bad("E500.Threads", g.Threads, "not in 1..8")
	}
	return p.checkMultiHitPPC()
}

// JoinE500 makes the cores one coherence domain: a tlbivax on one invalidates
// in all, which therefore have one owner together. Cores with owners of their
// own stay unjoined and pass flushes through a Shootdown.
func JoinE500(cores ...*E500Core) {
	for _, c := range cores {
		c.domain = append([]*E500Core(nil), cores...)
	}
}

// Profile returns the profile the core was made from.
func (c *E500Core) Profile() Profile { return c.prof }

// Thread returns thread i of the core, 0 to Threads-1.
func (c *E500Core) Thread(i int) *E500Thread { return &c.threads[i] }

// Len is the number of entries of both TLBs.
func (c *E500Core) Len() int { return len(c.entries) }

// Entry returns entry i: those of TLB0 by set, then by way, then those of TLB1.
func (c *E500Core) Entry(i int) E500Entry { return c.entries[i] }

// Place returns the TLB, set and way of entry i.
func (c *E500Core) Place(i int) (tlb, set, way int) {
	if n := len(c.tlb0.cells); i >= n {
		return 1, 0, i - n
	}
	return 0, i / c.tlb0.ways, i % c.tlb0.ways
}

// locate returns the array that holds entry i and i's index in it.
func (c *E500Core) locate(i int) (*array, int) {
	if n := len(c.tlb0.cells); i >= n {
		return &c.tlb1, i - n
	}
	return &c.tlb0, i
}

// set0 is the set of TLB0 that holds the page of ea.
func (c *E500Core) set0(ea uint64) int {
	return int(ea >> 12 & uint64(len(c.victim)-1))
}

// shift is log2 of entry i's page size.
func (c *E500Core) shift(i int) uint8 {
	if i < len(c.tlb0.cells) {
		return 12
	}
	return uint8(10 + c.entries[i].MAS1&mas1TSize>>tsizeShift)
}

// Context bits of a cell: TID 13:0, then these.
const (
	ctxTS        uint64 = 1 << 16
	ctxInd       uint64 = 1 << 17
	ctxGS        uint64 = 1 << 18
	ctxLPIDShift        = 20
)

// tag is what entry i compares.
func (c *E500Core) tag(i int) cell {
	e := &c.entries[i]
	mask := ^uint64(0) << c.shift(i)
	t := cell{va: e.MAS2 & mask, mask: mask, ctxMask: ctxTS}
	if e.MAS1&mas1TS != 0 {
		t.ctx |= ctxTS
	}
	if tid := e.MAS1 & mas1TID >> tidShift; tid != 0 {
		t.ctx |= uint64(tid)
		t.ctxMask |= mas1TID >> tidShift
	}
	if c.indirect() {
		t.ctxMask |= ctxInd
		if e.MAS1&mas1Ind != 0 {
			t.ctx |= ctxInd
		}
	}
	if c.guests() {
		t.ctxMask |= ctxGS
		if e.MAS8&mas8TGS != 0 {
			t.ctx |= ctxGS
		}
		if lpid := e.MAS8 & mas8TLPID; lpid != 0 {
			t.ctx |= uint64(lpid) << ctxLPIDShift
			t.ctxMask |= mas8TLPID << ctxLPIDShift
		}
	}
	return t
}

// indirect: entries with IND are page-table pointers, not translations.
func (c *E500Core) indirect() bool {
	return c.prof.E500.Indirect && !c.prof.Quirks.Has(QuirkE500PlainIndirect)
}

// guests: entries and searches carry guest state and LPID.
func (c *E500Core) guests() bool {
	return c.prof.E500.Hypervisor && !c.prof.Quirks.Has(QuirkE500NoGuest)
}

// SetEntry replaces entry i, whatever it held. It reports nothing.
func (c *E500Core) SetEntry(i int, e E500Entry) {
	c.drop(i)
	c.entries[i] = e
	if e.MAS1&mas1Valid != 0 {
		c.install(i)
	}
}

// drop takes entry i out of the search.
func (c *E500Core) drop(i int) {
	a, k := c.locate(i)
	if !a.isLive(k) {
		return
	}
	if c.crossed != 0 {
		_, n := c.crossings(i, a.cells[k])
		c.crossed -= n
	}
	a.clear(k)
}

// install puts entry i into the search.
func (c *E500Core) install(i int) {
	a, k := c.locate(i)
	t := c.tag(i)
	a.store(k, t)
	_, n := c.crossings(i, t)
	c.crossed += n
}

// reportWrite reports the first older entry that can match the same access as
// entry i, just written. On a core with several PID registers two TIDs can be
// current at once; that shows at an access only.
func (c *E500Core) reportWrite(i int) {
	a, k := c.locate(i)
	if c.OnWrite == nil || !a.isLive(k) {
		return
	}
	same, _ := a.overlap(k, a.cells[k])
	first, _ := c.crossings(i, a.cells[k])
	switch tlb1 := a == &c.tlb1; {
	case same >= 0 && tlb1 && first < 0:
		first = len(c.tlb0.cells) + same
	case same >= 0 && !tlb1:
		first = same
	}
	c.write(first, i, a.cells[k].va)
}

// crossings counts the live entries of the array that does not hold entry i
// which overlap t, and returns the first of them, -1 if there is none.
func (c *E500Core) crossings(i int, t cell) (first, n int) {
	first = -1
	t.ctx |= ctxLive
	t.ctxMask |= ctxLive
	other, base := &c.tlb0, 0
	if i < len(c.tlb0.cells) {
		other, base = &c.tlb1, len(c.tlb0.cells)
	}
	for k := other.next(0); k >= 0; k = other.next(k + 1) {
		if t.overlaps(other.cells[k]) {
			if n == 0 {
				first = base + k
			}
			n++
		}
	}
	return first, n
}

// search returns the entries that match: TLB0 ways in order, then TLB1.
func (c *E500Core) search(ea, ctx uint64) Hit {
	h := c.tlb0.lookup(c.set0(ea), ea, ctx|ctxLive)
	if h.N == 1 && c.crossed == 0 {
		return h
	}
	return c.merge(h, c.tlb1.lookup(0, ea, ctx|ctxLive))
}

// merge appends the matches of TLB1 to those of TLB0.
func (c *E500Core) merge(h, h1 Hit) Hit {
	if h1.N == 0 {
		return h
	}
	base := len(c.tlb0.cells)
	h1.First += int32(base)
	if h1.N > 1 {
		h1.Second += int32(base)
	}
	switch h.N {
	case 0:
		return h1
	case 1:
		h.Second = h1.First
	}
	h.N += h1.N
	return h
}
