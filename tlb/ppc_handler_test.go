package tlb_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// ppcCPU is one CPU or thread with its kernel, whatever the part.
type ppcCPU struct {
	name      string
	translate func(acc tlb.Access, ea uint64) tlb.Result
	miss      func(acc tlb.Access, ea uint64) tlb.Fault
	preload   func(ea uint64) tlb.Fault // nil if the kernel never does
	changed   func(ea uint64) tlb.Fault
	flush     func(ea uint64)
	reports   []tlb.Report
	pages     map[uint64]tlb.Page // the page table, by 4 KiB page number
}

func (c *ppcCPU) walk(ea uint64) (tlb.Page, bool) {
	p, ok := c.pages[ea>>12]
	p.EA = ea
	return p, ok
}

func (c *ppcCPU) hook(r *tlb.Reports) {
	r.OnWrite = func(r tlb.Report) { c.reports = append(c.reports, r) }
	r.OnLookup = r.OnWrite
}

// newPPC makes a CPU of a named profile with kernel g.
func newPPC(t testing.TB, name string, g tlb.Guards) *ppcCPU {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	c := &ppcCPU{name: name, pages: map[uint64]tlb.Page{}}
	switch p.Family {
	case tlb.PPC603:
		m, err := tlb.New603(p)
		require.NoError(t, err)
		m.MSR = tlb.MSRIR | tlb.MSRDR | tlb.MSRPR
		m.SR[0] = 0x20000005 // Kp, VSID 5
		c.hook(&m.Reports)
		k := &tlb.PPC603Handlers{MMU: m, Guards: g, Walk: c.walk}
		c.translate, c.miss, c.changed, c.flush = m.Translate, k.Miss, k.Changed, k.FlushPage
	case tlb.E500:
		core, err := tlb.NewE500(p)
		require.NoError(t, err)
		c.hook(&core.Reports)
		return c.thread(core, 0, tlb.NewE500Shared(2), g)
	default:
		m, err := tlb.NewPPC4xx(p)
		require.NoError(t, err)
		m.MSR, m.PID, m.ZPR = tlb.MSRIS|tlb.MSRDS|tlb.MSRPR, 3, 0x10000000
		c.hook(&m.Reports)
		k := &tlb.PPC4xxHandlers{MMU: m, Guards: g, Pinned: 2, Walk: c.walk}
		c.translate, c.miss, c.preload, c.changed = m.Translate, k.Miss, k.Preload, k.Changed
		c.flush = func(ea uint64) { k.FlushPage(ea) }
	}
	return c
}

// thread makes c the kernel on one thread of a core.
func (c *ppcCPU) thread(core *tlb.E500Core, n int, shared *tlb.E500Shared, g tlb.Guards) *ppcCPU {
	th := core.Thread(n)
	th.MSR = tlb.MSRIS | tlb.MSRDS | tlb.MSRPR
	th.Write(tlb.PID0, 3)
	th.Write(tlb.MAS4, 2<<7)
	k := &tlb.E500Handlers{Thread: th, Shared: shared, Guards: g, Walk: c.walk}
	c.translate, c.miss, c.preload, c.changed = th.Translate, k.Miss, k.Preload, k.Changed
	c.flush = func(ea uint64) { k.FlushPage(ea) }
	return c
}

// touch makes an access and lets the kernel answer its faults: a page that is
// not mapped is mapped read-only, or writable on a store; a store to a
// read-only page replaces it by another, writable one, as a break of
// copy-on-write does.
func (c *ppcCPU) touch(t testing.TB, acc tlb.Access, ea, pa uint64) tlb.Result {
	t.Helper()
	for range 6 {
		r := c.translate(acc, ea)
		switch r.Fault {
		case tlb.TLBMiss:
			if c.miss(acc, ea) == tlb.TLBMiss {
				c.mapPage(acc, ea, pa)
			}
		case tlb.Protection:
			c.mapPage(acc, ea, pa)
		default:
			return r
		}
	}
	return c.translate(acc, ea)
}

// mapPage is do_page_fault: it changes the page table, and then what the TLB
// may hold of the old one.
func (c *ppcCPU) mapPage(acc tlb.Access, ea, pa uint64) {
	_, had := c.pages[ea>>12]
	c.pages[ea>>12] = tlb.Page{PA: pa, Shift: 12, Prot: tlb.Load | tlb.Fetch | acc, User: true}
	if had {
		c.changed(ea)
	}
}

var ppcNames = []string{"ppc405", "ppc440", "ppc476", "ppc603", "e500v2", "e500mc", "e5500", "e6500"}

// TestPPCHandlersMakeNoDuplicate is the founding scenario on every PowerPC part:
// a page is read, written through a copy, removed and mapped again. With the
// guards in place no second entry ever exists, and no old page is reached.
func TestPPCHandlersMakeNoDuplicate(t *testing.T) {
	for _, name := range ppcNames {
		t.Run(name, func(t *testing.T) {
			c := newPPC(t, name, tlb.Guards{})
			for i := range uint64(600) {
				ea := 0x10000 + i%150*0x1000
				r := c.touch(t, tlb.Load, ea, 0x100000)
				require.True(t, r.OK())
				r = c.touch(t, tlb.Store, ea, 0x200000+i<<12)
				require.True(t, r.OK())
				require.Equal(t, c.pages[ea>>12].PA, r.PA)
				require.EqualValues(t, 1, r.Hit.N)
				if c.preload != nil {
					require.Equal(t, tlb.NoFault, c.preload(ea))
				}
				if i%3 == 0 {
					delete(c.pages, ea>>12)
					c.flush(ea)
					require.Equal(t, tlb.TLBMiss, c.translate(tlb.Load, ea).Fault)
				}
			}
			require.Empty(t, c.reports)
		})
	}
}

// consequences of two entries, by part.
var ppcConsequence = map[string]tlb.Fault{
	"e500mc": tlb.MachineCheck, "e5500": tlb.MachineCheck, "e6500": tlb.MachineCheck,
	"ppc603": tlb.TLBMiss, // the ways do not agree; a miss stands in for the undefined outcome
}

// TestPPCWithoutDemap: an entry loaded for a changed page, as a hash table's
// would be, sits beside the old one; the part does what its manual says.
func TestPPCWithoutDemap(t *testing.T) {
	for _, name := range ppcNames {
		t.Run(name, func(t *testing.T) {
			c := newPPC(t, name, tlb.Guards{NoDemap: true})
			const ea = 0x10000
			c.touch(t, tlb.Load, ea, 0x100000)
			require.Empty(t, c.reports)
			require.Equal(t, tlb.Protection, func() tlb.Fault {
				if r := c.translate(tlb.Store, ea); r.Fault != tlb.TLBMiss {
					return r.Fault // 603: C=0 comes after PP
				}
				return tlb.Protection
			}())
			c.mapPage(tlb.Store, ea, 0x200000)
			require.Len(t, c.reports, 1)
			require.Equal(t, tlb.OnWrite, c.reports[0].When)
			require.NotEqual(t, c.reports[0].First, c.reports[0].Second)
			r := c.translate(tlb.Load, ea)
			require.EqualValues(t, 2, r.Hit.N)
			require.Equal(t, tlb.OnLookup, c.reports[1].When)
			require.Equal(t, ppcConsequence[name], r.Fault)
			if r.OK() {
				require.Equal(t, uint64(0x300000), r.PA, "neither page: the OR of both entries")
			}
		})
	}
}

// TestPPCPreloadWithoutProbe: a large page put in without a miss and without a
// search gets a second entry if it had one.
func TestPPCPreloadWithoutProbe(t *testing.T) {
	for _, name := range ppcNames {
		c := newPPC(t, name, tlb.Guards{NoProbe: true})
		if c.preload == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			const ea = 0x400000
			c.pages[ea>>12] = tlb.Page{PA: 0x800000, Shift: 22, Prot: tlb.Load, User: true}
			require.True(t, c.touch(t, tlb.Load, ea, 0).OK())
			require.Empty(t, c.reports)
			require.Equal(t, tlb.NoFault, c.preload(ea))
			require.Len(t, c.reports, 1)
		})
	}
}

// Test603WithoutWay: the store to a page with C=0 is a miss with an entry
// present. A handler that loads a way of its own choice makes two, which agree
// but for C, so the hardware can live with them.
func Test603WithoutWay(t *testing.T) {
	for _, g := range []tlb.Guards{{}, {NoWay: true}} {
		c := newPPC(t, "ppc603", g)
		c.pages[0x10] = tlb.Page{PA: 0x100000, Shift: 12, Prot: tlb.Load | tlb.Store, User: true}
		require.True(t, c.touch(t, tlb.Load, 0x10000, 0).OK())
		require.Equal(t, tlb.TLBMiss, c.translate(tlb.Store, 0x10000).Fault, "C is still 0")
		require.Equal(t, tlb.NoFault, c.miss(tlb.Store, 0x10000))
		r := c.translate(tlb.Load, 0x10000)
		require.True(t, r.OK())
		require.Equal(t, g.NoWay, r.Hit.N == 2)
		require.Equal(t, g.NoWay, len(c.reports) > 0)
	}
}

// twoThreads are the kernels of an e6500's threads, which share a page table
// and the TLBs. at stops the first thread before the named step of its handler,
// once, and lets other run.
func twoThreads(t testing.TB, g tlb.Guards, at string, other func(second *ppcCPU)) (first *ppcCPU, run func(ea uint64) tlb.Fault) {
	p, err := tlb.ByName("e6500")
	require.NoError(t, err)
	core, err := tlb.NewE500(p)
	require.NoError(t, err)
	first = &ppcCPU{name: "first", pages: map[uint64]tlb.Page{}}
	first.hook(&core.Reports)
	shared := tlb.NewE500Shared(2)
	second := (&ppcCPU{name: "second", pages: first.pages}).thread(core, 1, shared, g)
	first.thread(core, 0, shared, g)
	stopped := false
	k := &tlb.E500Handlers{Thread: core.Thread(0), Shared: shared, Guards: g, Walk: first.walk, Yield: func(point string) {
		if point == at && !stopped {
			stopped = true
			other(second)
		}
	}}
	return first, func(ea uint64) tlb.Fault { return k.Miss(tlb.Load, ea) }
}

// TestE6500SharedTLB: both threads miss on one large page, which goes to TLB1
// in turn. Lock and search together keep the second entry out; each alone does not.
func TestE6500SharedTLB(t *testing.T) {
	const ea = 0x10000000
	for _, c := range []struct {
		name      string
		guards    tlb.Guards
		at        string // where the second thread comes in
		duplicate bool
	}{
		{"in place", tlb.Guards{}, "lock", false},
		{"no lock, before the search", tlb.Guards{NoCoreLock: true}, "tlbsx", false},
		{"no lock, before the write", tlb.Guards{NoCoreLock: true}, "tlbwe", true},
		{"no search", tlb.Guards{NoProbe: true}, "lock", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, run := twoThreads(t, c.guards, c.at, func(second *ppcCPU) {
				require.Equal(t, tlb.TLBMiss, second.translate(tlb.Load, ea).Fault)
				require.Equal(t, tlb.NoFault, second.miss(tlb.Load, ea))
			})
			first.pages[ea>>12] = tlb.Page{PA: 0x40000000, Shift: 21, Prot: tlb.Load, User: true}
			require.Equal(t, tlb.TLBMiss, first.translate(tlb.Load, ea).Fault)
			require.Equal(t, tlb.NoFault, run(ea))
			r := first.translate(tlb.Load, ea)
			if !c.duplicate {
				require.Empty(t, first.reports)
				require.True(t, r.OK())
				require.Equal(t, uint64(0x40000000), r.PA)
				return
			}
			require.Equal(t, tlb.OnWrite, first.reports[0].When)
			require.Equal(t, tlb.MachineCheck, r.Fault)
		})
	}
}

// TestE6500Lock: the handler holds the lock over search and write.
func TestE6500Lock(t *testing.T) {
	core := e500Of(t, "e6500", 0)
	shared := tlb.NewE500Shared(0)
	var points []string
	k := &tlb.E500Handlers{Thread: core.Thread(0), Shared: shared, Walk: func(ea uint64) (tlb.Page, bool) {
		return tlb.Page{EA: ea, PA: 0x5000, Shift: 12, Prot: tlb.Load}, true
	}, Yield: func(p string) {
		points = append(points, p)
		if p == "lock" {
			require.True(t, shared.Lock.(*sync.Mutex).TryLock())
			shared.Lock.Unlock()
			return
		}
		require.False(t, shared.Lock.(*sync.Mutex).TryLock(), p)
	}}
	require.Equal(t, tlb.NoFault, k.Miss(tlb.Load, 0x1000))
	require.Equal(t, []string{"lock", "tlbsx", "tlbwe"}, points)
	require.True(t, core.Thread(1).Translate(tlb.Load, 0x1000).OK(), "the TLB is shared")
}

// TestPPC476Broadcast: tlbivax takes the page from every CPU, of one PID.
func TestPPC476Broadcast(t *testing.T) {
	cpus := []*tlb.PPC4xxMMU{ppc4xxOf(t, "ppc476", 0), ppc4xxOf(t, "ppc476", 0)}
	for _, m := range cpus {
		for _, m.MMUCR = range []uint32{3, 4} {
			put44x(m, 0, 0x1000|0x800, 0x5000, all44)
		}
	}
	k := &tlb.PPC4xxHandlers{MMU: cpus[0]}
	cpus[0].PID = 3
	k.FlushPageAll(0x1000, cpus)
	for _, m := range cpus {
		m.PID = 3
		require.Equal(t, tlb.TLBMiss, m.Translate(tlb.Load, 0x1000).Fault)
		m.PID = 4
		require.True(t, m.Translate(tlb.Load, 0x1000).OK())
	}
}

// TestE500Broadcast: tlbivax reaches every core of the domain, tlbilx its own.
func TestE500Broadcast(t *testing.T) {
	a, b := e500Of(t, "e500mc", 0), e500Of(t, "e500mc", 0)
	tlb.JoinE500(a, b)
	for _, c := range []*tlb.E500Core{a, b} {
		putE500(c.Thread(0), 0, ts4k, 0x1000, all50|0x5000)
	}
	a.Thread(0).TLBILX(3, 0x1000)
	require.Equal(t, tlb.TLBMiss, a.Thread(0).Translate(tlb.Load, 0x1000).Fault)
	require.True(t, b.Thread(0).Translate(tlb.Load, 0x1000).OK())
	a.Thread(0).TLBIVAX(0x1000)
	require.Equal(t, tlb.TLBMiss, b.Thread(0).Translate(tlb.Load, 0x1000).Fault)
}

// TestPPCPreload: a page put in ahead of its first access is not missed, and one that
// is there already is left alone.
func TestPPCPreload(t *testing.T) {
	for _, name := range ppcNames {
		c := newPPC(t, name, tlb.Guards{})
		if c.preload == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tlb.TLBMiss, c.preload(0x10000), "not in the page table")
			c.pages[0x10] = tlb.Page{PA: 0x100000, Shift: 12, Prot: tlb.Load, User: true}
			for range 2 {
				require.Equal(t, tlb.NoFault, c.preload(0x10000))
				r := c.translate(tlb.Load, 0x10000)
				require.True(t, r.OK())
				require.EqualValues(t, 1, r.Hit.N)
			}
			require.Empty(t, c.reports)
		})
	}
}

// TestPPCLargePages: a large page is loaded by the largest size that the part has and
// that fits, piece by piece, each at its own real address.
func TestPPCLargePages(t *testing.T) {
	for _, c := range []struct {
		name           string
		shift          uint8
		pieces, misses uint64
	}{
		{"ppc405", 12, 1, 1}, {"ppc405", 21, 2, 2}, {"ppc405", 22, 1, 1}, {"ppc405", 24, 1, 1},
		{"ppc440", 16, 1, 1}, {"ppc440", 20, 1, 1}, {"ppc440", 22, 4, 4}, {"ppc440", 28, 1, 1},
		{"ppc476", 16, 1, 1}, {"ppc476", 22, 4, 4}, {"ppc476", 28, 1, 1},
		{"ppc603", 16, 16, 16},
		{"e500v2", 14, 1, 1}, {"e500v2", 22, 1, 1}, {"e500v2", 21, 2, 2}, {"e500mc", 22, 1, 1}, {"e6500", 21, 1, 1}, {"e6500", 13, 1, 1},
	} {
		k := newPPC(t, c.name, tlb.Guards{})
		const ea, pa = 0x10000000, 0x40000000
		size := uint64(1) << c.shift
		for n := uint64(0); n < size; n += 1 << 12 {
			k.pages[(ea+n)>>12] = tlb.Page{PA: pa, Shift: c.shift, Prot: tlb.Load, User: true}
		}
		misses := uint64(0)
		for n := range c.pieces * 2 {
			at := ea + n*size/c.pieces/2 + 0x2bc
			r := k.translate(tlb.Load, at)
			if r.Fault == tlb.TLBMiss {
				misses++
				require.Equal(t, tlb.NoFault, k.miss(tlb.Load, at))
				r = k.translate(tlb.Load, at)
			}
			require.True(t, r.OK())
			require.Equal(t, pa+at-ea, r.PA, "%s, 2^%d bytes", c.name, c.shift)
		}
		require.Equal(t, c.misses, misses, "%s, 2^%d bytes", c.name, c.shift)
	}
}

// TestPPCKernelPages: a page of the kernel's is not open to programs while it is in
// the TLB, whatever the kernel may do there.
func TestPPCKernelPages(t *testing.T) {
	m := ppc603Of(t, 0)
	m.SR[0] = 0x20000005
	k := &tlb.PPC603Handlers{MMU: m, Walk: func(ea uint64) (tlb.Page, bool) {
		return tlb.Page{EA: ea, PA: 0x100000, Shift: 12, Prot: tlb.Load | tlb.Store}, true
	}}
	require.Equal(t, tlb.TLBMiss, m.Translate(tlb.Store, 0x1000).Fault)
	require.Equal(t, tlb.NoFault, k.Miss(tlb.Store, 0x1000))
	require.True(t, m.Translate(tlb.Store, 0x1000).OK())
	m.MSR |= tlb.MSRPR
	require.Equal(t, tlb.Protection, m.Translate(tlb.Load, 0x1000).Fault)
	require.Equal(t, tlb.TLBMiss, k.Miss(tlb.Load, 0x1000))

	th := e500Of(t, "e500mc", 0).Thread(0)
	e := &tlb.E500Handlers{Thread: th, Shared: tlb.NewE500Shared(0), Walk: k.Walk}
	require.Equal(t, tlb.TLBMiss, th.Translate(tlb.Load, 0x1000).Fault)
	require.Equal(t, tlb.NoFault, e.Miss(tlb.Load, 0x1000))
	th.MSR = tlb.MSRPR
	require.Equal(t, tlb.Protection, th.Translate(tlb.Load, 0x1000).Fault)
	require.Equal(t, tlb.TLBMiss, e.Miss(tlb.Load, 0x1000))

	b := ppc4xxOf(t, "ppc440", 0)
	f := &tlb.PPC4xxHandlers{MMU: b, Walk: k.Walk}
	require.Equal(t, tlb.TLBMiss, b.Translate(tlb.Load, 0x1000).Fault)
	require.Equal(t, tlb.NoFault, f.Miss(tlb.Load, 0x1000), "in address space 0")
	require.True(t, b.Translate(tlb.Load, 0x1000).OK())
	b.MSR = tlb.MSRPR
	require.Equal(t, tlb.Protection, b.Translate(tlb.Load, 0x1000).Fault)
	require.Equal(t, tlb.TLBMiss, f.Miss(tlb.Load, 0x1000))
}

// TestPPC440Pinned: misses go round the entries below the pinned ones, and FlushAll
// takes all of those.
func TestPPC440Pinned(t *testing.T) {
	m := ppc4xxOf(t, "ppc440", 0)
	k := &tlb.PPC4xxHandlers{MMU: m, Pinned: 2, Walk: func(ea uint64) (tlb.Page, bool) {
		return tlb.Page{EA: ea, PA: ea, Shift: 12, Prot: tlb.Load}, true
	}}
	put44x(m, 62, 0x20000000|rwx4k, 0x5000, all44)
	put44x(m, 63, 0x20001000|rwx4k, 0x6000, all44)
	for i := range uint64(130) {
		require.Equal(t, tlb.NoFault, k.Miss(tlb.Load, i<<12))
		r := m.Translate(tlb.Load, i<<12)
		require.EqualValues(t, i%62, r.Hit.First)
	}
	k.FlushAll()
	for i := range uint64(130) {
		require.Equal(t, tlb.TLBMiss, m.Translate(tlb.Load, i<<12).Fault)
	}
	require.True(t, m.Translate(tlb.Load, 0x20000000).OK())
	require.True(t, m.Translate(tlb.Load, 0x20001000).OK())
}

// TestE500LargePagesTakeTurns: large pages go round the ways of TLB1 above the pinned
// ones, small ones stay in TLB0 whatever MAS4 proposes.
func TestE500LargePagesTakeTurns(t *testing.T) {
	core := e500Of(t, "e500v2", 0)
	th, g := core.Thread(0), core.Profile()
	k := &tlb.E500Handlers{Thread: th, Shared: tlb.NewE500Shared(2), Walk: func(ea uint64) (tlb.Page, bool) {
		shift := uint8(22)
		if ea < 0x10000000 {
			shift = 12
		}
		return tlb.Page{EA: ea, PA: ea, Shift: shift, Prot: tlb.Load}, true
	}}
	turns := uint64(g.E500.TLB1.Entries - 2)
	for i := range 3 * turns {
		ea := 0x10000000 + i<<22
		require.Equal(t, tlb.TLBMiss, th.Translate(tlb.Load, ea).Fault)
		require.Equal(t, tlb.NoFault, k.Miss(tlb.Load, ea))
		require.EqualValues(t, uint64(g.E500.TLB0.Entries)+2+i%turns, th.Translate(tlb.Load, ea).Hit.First)
	}
	th.Write(tlb.MAS4, tlb1|2<<7)
	require.Equal(t, tlb.TLBMiss, th.Translate(tlb.Load, 0x5000).Fault)
	require.Equal(t, tlb.NoFault, k.Miss(tlb.Load, 0x5000))
	require.Less(t, int(th.Translate(tlb.Load, 0x5000).Hit.First), g.E500.TLB0.Entries)
}

// TestE500FlushOfAnAbsentPage: a flush that finds nothing writes nothing.
func TestE500FlushOfAnAbsentPage(t *testing.T) {
	core := e500Of(t, "e500v2", 0)
	th := core.Thread(0)
	th.Write(tlb.MAS4, 2<<7)
	k := &tlb.E500Handlers{Thread: th, Shared: tlb.NewE500Shared(2)}
	g := core.Profile().E500.TLB0
	sets := uint64(g.Entries / g.Ways)
	for way := range uint64(g.Ways) {
		putE500(th, way<<16, ts4k, way*sets<<12, all50|0x5000)
	}
	require.Equal(t, tlb.NoFault, k.FlushPage(sets*64<<12))
	for way := range uint64(g.Ways) {
		require.True(t, th.Translate(tlb.Load, way*sets<<12).OK(), "way %d", way)
	}
}

// TestE500ProbeOfSeveral: tlbsx shows the OR of all entries that match, where the part
// drives them together.
func TestE500ProbeOfSeveral(t *testing.T) {
	core := e500Of(t, "e500v2", 0)
	require.Equal(t, tlb.OrBits, core.Profile().MultiHit.Probe)
	th := core.Thread(0)
	putE500(th, 0, ts4k, 0x1000, 0x15000|0x11)
	putE500(th, 2<<16, ts4k, 0x1000, 0x26000|0x03)
	putE500(th, 3<<16, ts4k, 0x81000, 0x48000) // same set, another page
	h, f := th.TLBSX(0x1000)
	require.Equal(t, tlb.NoFault, f)
	require.EqualValues(t, 2, h.N)
	require.Equal(t, uint64(0x37013), th.Read(tlb.MAS3))
}

// TestE500ReservedRegisters: a register that the part does not have reads as zero, as
// do the bits it does not have.
func TestE500ReservedRegisters(t *testing.T) {
	for _, c := range []struct {
		name             string
		mas7, mas4, pid1 uint64
	}{
		{"e500v2", 0xf, 3<<28 | 0x30000 | 0xf00 | 0x7f, 0xff},
		{"e500mc", 0xf, 3<<28 | 0xf00 | 0x7f, 0},
		{"e6500", 0xff, 3<<28 | 0xf80 | 0x8000 | 0x7f, 0},
	} {
		th := e500Of(t, c.name, 0).Thread(0)
		for r := range 256 {
			r := tlb.E500Reg(r)
			th.Write(r, ^uint64(0))
			if r.String() == "unknown" {
				require.Zero(t, th.Read(r))
			}
		}
		require.Equal(t, []uint64{c.mas7, c.mas4, c.pid1, c.pid1},
			[]uint64{th.Read(tlb.MAS7), th.Read(tlb.MAS4), th.Read(tlb.PID1), th.Read(tlb.PID2)}, c.name)
	}
}
