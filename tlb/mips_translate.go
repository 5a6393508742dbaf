package tlb

// MIPSMode is the operating mode of an access.
type MIPSMode uint8

const (
	MIPSKernel MIPSMode = iota
	MIPSSupervisor
	MIPSUser
	MIPSError // kernel with Status.ERL=1: useg is unmapped
)

// MIPSResult is a translation, and on a fault where the processor goes. The
// registers the exception loaded are read with Read.
type MIPSResult struct {
	Result
	C uint8 // cache attribute of the page
	MIPSException
}

// MIPSException is an exception in one word: the offset of its vector, a multiple
// of 0x80, with Cause.ExcCode below; 0 if there is none, or none that has a code.
type MIPSException uint16

// Vector is the offset from the exception base.
func (e MIPSException) Vector() uint16 { return uint16(e) &^ 0x7f }

// ExcCode is Cause.ExcCode.
func (e MIPSException) ExcCode() uint8 { return uint8(e) & 0x7f }

// Cause.ExcCode values.
const (
	excMod    = 1
	excTLBL   = 2
	excTLBS   = 3
	excAdEL   = 4
	excAdES   = 5
	excTLBRI  = 19
	excTLBXI  = 20
	excMCheck = 24

	generalVector = 0x180
	xtlbVector    = 0x80
)

// Translate is one access at va. The result is a value, nothing is allocated;
// a fault also loads BadVAddr, EntryHi, Context and XContext.
func (c *MIPSMMU) Translate(mode MIPSMode, acc Access, va uint64) MIPSResult {
	if !c.wide {
		va &= 0xffffffff
	}
	tag, ctx := microTag(va, acc, uint64(mode)), c.status<<32|c.current()
	m := c.micro.at(tag)
	if m.is(tag, ctx, c.tags.gen) {
		return MIPSResult{Result: m.result(va), C: m.attr}
	}
	r := c.translate(mode, acc, va)
	m.keep(tag, ctx, c.tags.gen, r.Result, r.C)
	return r
}

func (c *MIPSMMU) translate(mode MIPSMode, acc Access, va uint64) MIPSResult {
	pa, space := c.segment(mode, va)
	switch space {
	case refused:
		return c.addressError(acc, va)
	case direct:
		return MIPSResult{Result: untranslated(pa)}
	}
	if c.shut() {
		return MIPSResult{Result: failed(noHit, Shutdown)}
	}
	h := c.tags.lookup(0, va&c.segMask, c.current()|ctxLive)
	if h.N > 1 {
		return c.multiple(acc, va, h)
	}
	if h.N == 0 {
		return c.miss(acc, va, h)
	}
	e := &c.entries[h.First]
	return c.use(acc, va, h, e.pageShift(), e.Half[e.odd(va)])
}

// odd is 1 if va is in the upper page of the pair.
func (e *MIPSEntry) odd(va uint64) int {
	if va&((e.pairMask()+1)>>1) != 0 {
		return 1
	}
	return 0
}

// use applies the checks of the page that matched, in the architected order.
func (c *MIPSMMU) use(acc Access, va uint64, h Hit, shift uint8, page MIPSHalf) MIPSResult {
	switch {
	case page.Flags&MIPSValid == 0:
		return c.fault(acc, va, h, EntryInvalid)
	case acc == Fetch && page.Flags&MIPSExecInhibit != 0:
		return c.fault(acc, va, h, ExecInhibit)
	case acc == Load && page.Flags&MIPSReadInhibit != 0:
		return c.fault(acc, va, h, ReadInhibit)
	case acc == Store && page.Flags&MIPSDirty == 0:
		return c.fault(acc, va, h, Modified)
	}
	var prot Access
	if page.Flags&MIPSReadInhibit == 0 || c.prof.Quirks.Has(QuirkMIPSReadDespiteRI) {
		prot = Load
	}
	if page.Flags&MIPSDirty != 0 {
		prot |= Store
	}
	if page.Flags&MIPSExecInhibit == 0 {
		prot |= Fetch
	}
	pa := page.PA | va&(1<<shift-1)
	return MIPSResult{Result: translated(pa, h, shift, prot), C: page.Flags.C()}
}

// multiple is an access that several entries match.
func (c *MIPSMMU) multiple(acc Access, va uint64, h Hit) MIPSResult {
	c.Reports.lookup(OnLookup, h, va)
	first := &c.entries[h.First]
	switch c.hit.Lookup {
	case Miss:
		return c.miss(acc, va, h)
	case CheckMachine:
		c.status |= statusTS
		return MIPSResult{Result: failed(h, MachineCheck), MIPSException: generalVector | excMCheck}
	case ShutDown:
		c.status |= statusTS
		return MIPSResult{Result: failed(h, Shutdown)}
	case OrBits:
		return c.use(acc, va, h, first.pageShift(), c.orHalves(va))
	}
	return c.use(acc, va, h, first.pageShift(), first.Half[first.odd(va)])
}

// orHalves is the page that all matching entries drive together.
func (c *MIPSMMU) orHalves(va uint64) (page MIPSHalf) {
	for i := c.tags.next(0); i >= 0; i = c.tags.next(i + 1) {
		if !c.tags.cells[i].matches(va&c.segMask, c.current()|ctxLive) {
			continue
		}
		e := &c.entries[i]
		h := e.Half[e.odd(va)]
		page.PA |= h.PA
		page.Flags |= h.Flags
	}
	return page
}

// miss is the refill exception, which has a vector of its own.
func (c *MIPSMMU) miss(acc Access, va uint64, h Hit) MIPSResult {
	r := c.fault(acc, va, h, TLBMiss)
	if c.status&statusEXL != 0 {
		return r
	}
	r.MIPSException &^= generalVector
	if region := va >> 62; c.wide && (region != 0 || c.status&statusUX != 0) && (region != 3 || c.status&statusKX != 0) {
		r.MIPSException |= xtlbVector
	}
	return r
}

// fault takes a TLB exception through the general vector.
func (c *MIPSMMU) fault(acc Access, va uint64, h Hit, f Fault) MIPSResult {
	c.badVAddr = va
	c.loadFaultPage(va)
	code := MIPSException(excTLBL)
	own := c.pageGrain&grainIEC != 0 // RI and XI have codes of their own
	switch {
	case f == Modified:
		code = excMod
	case f == ReadInhibit && own:
		code = excTLBRI
	case f == ExecInhibit && own:
		code = excTLBXI
	case acc == Store:
		code = excTLBS
	}
	return MIPSResult{Result: failed(h, f), MIPSException: generalVector | code}
}

func (c *MIPSMMU) addressError(acc Access, va uint64) MIPSResult {
	c.badVAddr = va
	if c.prof.Quirks.Has(QuirkMIPSAddressErrorLoads) {
		c.loadFaultPage(va)
	}
	code := MIPSException(excAdEL)
	if acc == Store {
		code = excAdES
	}
	return MIPSResult{Result: failed(unmapped, AddressError), MIPSException: generalVector | code}
}

// loadFaultPage puts the page into EntryHi, where the handler's tlbwr or tlbp
// finds it, and into Context and XContext, its page table index.
func (c *MIPSMMU) loadFaultPage(va uint64) {
	c.entryHi = c.entryHi&(c.asidMask()|ehinvBit) | va&c.vpnMask()
	c.context = c.context&^0x7ffff0 | va>>13&0x7ffff<<4
	if c.wide {
		s := c.prof.MIPS.SegBits
		c.xcontext = c.xcontext>>(s-7)<<(s-7) | va>>62<<(s-9) | va&(1<<s-1)>>13<<4
	}
}

// space says how a segment treats an address.
type space uint8

const (
	mapped space = iota
	direct
	refused
)

// segment looks the address up in the fixed map of the architecture and
// returns the physical address if the segment is unmapped.
func (c *MIPSMMU) segment(mode MIPSMode, va uint64) (pa uint64, s space) {
	kernel := mode == MIPSKernel || mode == MIPSError
	low := va & 0xffffffff
	upper := uint64(0)
	if c.wide {
		upper = ^uint64(0xffffffff)
	}
	switch {
	case va < 0x80000000: // useg
		if mode == MIPSError {
			return va, direct
		}
		return 0, mapped
	case va < upper|0x80000000:
		return c.wideSegment(mode, va)
	case low < 0xc0000000: // kseg0, kseg1
		return va & 0x1fffffff, allow(kernel, direct)
	case low < 0xe0000000: // ksseg
		return 0, allow(mode != MIPSUser, mapped)
	}
	return 0, allow(kernel, mapped) // kseg3
}

// wideSegment is the part of the map that only 64-bit addressing reaches.
func (c *MIPSMMU) wideSegment(mode MIPSMode, va uint64) (pa uint64, s space) {
	kernel := mode == MIPSKernel || mode == MIPSError
	segBits := c.prof.MIPS.SegBits
	offset := va &^ (3 << 62)
	inside := offset>>segBits == 0
	switch va >> 62 {
	case 0: // xuseg
		return 0, allow(inside && c.status&statusUX != 0, mapped)
	case 1: // xsseg
		return 0, allow(inside && mode != MIPSUser && c.status&statusSX != 0, mapped)
	case 2: // xkphys
		pa = va & (1<<59 - 1)
		return pa, allow(kernel && c.status&statusKX != 0 && pa>>c.paBits() == 0, direct)
	}
	inside = offset < 1<<segBits-1<<31                                  // the top is where the 32-bit segments fold in
	return 0, allow(inside && kernel && c.status&statusKX != 0, mapped) // xkseg
}

func allow(ok bool, s space) space {
	if ok {
		return s
	}
	return refused
}
