package tlb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// lo is an EntryLo image.
func lo(pa uint64, valid, dirty bool) uint64 {
	v := pa >> 12 << 6
	if valid {
		v |= 2
	}
	if dirty {
		v |= 4
	}
	return v
}

func mipsOf(t testing.TB, name string, quirks tlb.Quirk) *tlb.MIPSMMU {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	p.Quirks = quirks
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	return c
}

// mipsMachine is a CPU with its kernel, a page table of pairs, and the reports
// that came up.
type mipsMachine struct {
	cpu     *tlb.MIPSMMU
	kernel  *tlb.MIPSHandlers
	ptes    map[uint64][2]uint64
	reports []tlb.Report
}

func newMIPSMachine(t testing.TB, name string, g tlb.Guards) *mipsMachine {
	m := &mipsMachine{cpu: mipsOf(t, name, 0), ptes: map[uint64][2]uint64{}}
	m.cpu.OnWrite = func(r tlb.Report) { m.reports = append(m.reports, r) }
	m.cpu.OnLookup = m.cpu.OnWrite
	m.kernel = &tlb.MIPSHandlers{CPU: m.cpu, Guards: g, Walk: func(va uint64) (uint64, uint64, bool) {
		p, ok := m.ptes[va&^0x1fff]
		return p[0], p[1], ok
	}}
	return m
}

// touch makes an access and runs the kernel's handlers until it succeeds or
// something else than a TLB exception happens. A page fault maps the page.
func (m *mipsMachine) touch(acc tlb.Access, va, pa uint64) tlb.Fault {
	for range 4 {
		r := m.cpu.Translate(tlb.MIPSUser, acc, va)
		f := tlb.NoFault
		switch r.Fault {
		case tlb.TLBMiss:
			f = m.kernel.Refill(va)
			if f == tlb.TLBMiss { // do_page_fault: make the entry, then load it
				m.ptes[va&^0x1fff] = [2]uint64{lo(pa, true, acc == tlb.Store), lo(pa+0x1000, true, acc == tlb.Store)}
				f = m.kernel.Update(va)
			}
		case tlb.EntryInvalid, tlb.Modified:
			m.ptes[va&^0x1fff] = [2]uint64{lo(pa, true, true), lo(pa+0x1000, true, true)}
			f = m.kernel.Invalid(va)
		default:
			return r.Fault
		}
		if f != tlb.NoFault {
			return f
		}
	}
	return tlb.NoFault
}

var mipsNames = []string{"r4000", "mips32r2", "mips32r5", "mips32r6", "mips64r1", "mips64r2", "mips64r6", "mips64r6-mmid"}

// TestMIPSHandlersMakeNoDuplicate is the founding scenario on MIPS: a page is
// read, a store to it faults on the live read-only entry, the kernel replaces
// the page, and later removes it. With every guard in place no second entry
// ever exists.
func TestMIPSHandlersMakeNoDuplicate(t *testing.T) {
	for _, name := range mipsNames {
		t.Run(name, func(t *testing.T) {
			m := newMIPSMachine(t, name, tlb.Guards{})
			require.Equal(t, tlb.NoFault, m.kernel.Uniquify())
			for i := range uint64(200) {
				va := 0x10000 + i%7*0x2000
				require.Equal(t, tlb.NoFault, m.touch(tlb.Load, va, 0x100000))
				require.Equal(t, tlb.NoFault, m.touch(tlb.Store, va, 0x200000))
				if i%3 == 0 {
					delete(m.ptes, va)
					require.Equal(t, tlb.NoFault, m.kernel.FlushPage(va))
					require.Equal(t, tlb.TLBMiss, m.cpu.Translate(tlb.MIPSUser, tlb.Load, va).Fault)
				}
			}
			require.Empty(t, m.reports)
		})
	}
}

// TestMIPSWithoutProbe: the modified exception comes from an entry that is
// there; a handler that writes without tlbp puts a second one beside it, and the part does what its manual says.
func TestMIPSWithoutProbe(t *testing.T) {
	consequence := map[string]struct {
		at    tlb.When
		fault tlb.Fault
	}{
		"r4000":         {tlb.OnWrite, tlb.Shutdown},     // reported at the write, TLB shut down at the access
		"mips64r1":      {tlb.OnWrite, tlb.MachineCheck}, // reported at the write, machine check at the access
		"mips64r2":      {tlb.OnWrite, tlb.MachineCheck},
		"mips32r2":      {tlb.OnWrite, tlb.MachineCheck},
		"mips32r5":      {tlb.OnWrite, tlb.MachineCheck},
		"mips32r6":      {tlb.OnWrite, tlb.MachineCheck},
		"mips64r6":      {tlb.OnWrite, tlb.MachineCheck},
		"mips64r6-mmid": {tlb.OnWrite, tlb.MachineCheck},
	}
	for _, name := range mipsNames {
		t.Run(name, func(t *testing.T) {
			m := newMIPSMachine(t, name, tlb.Guards{NoProbe: true})
			require.Equal(t, tlb.NoFault, m.touch(tlb.Load, 0x10000, 0x100000))
			require.Empty(t, m.reports)
			want := consequence[name]
			require.Equal(t, want.fault, m.touch(tlb.Store, 0x10000, 0x200000))
			require.Equal(t, want.at, m.reports[0].When)
			first, second := m.cpu.Entry(m.reports[0].First), m.reports[0].Second
			require.Equal(t, uint64(0x10000), first.VPN, "the entry that was there")
			require.NotEqual(t, m.reports[0].First, second)
			require.NotZero(t, m.cpu.Read(tlb.Status)&(1<<21), "Status.TS")
		})
	}
}

// TestMIPSWriteCheckPreventsTheWrite: a part that checks on write raises the
// machine check instead of writing, so lookups go on unharmed.
func TestMIPSWriteCheckPreventsTheWrite(t *testing.T) {
	m := newMIPSMachine(t, "mips32r2", tlb.Guards{NoProbe: true})
	m.touch(tlb.Load, 0x10000, 0x100000)
	require.Equal(t, tlb.MachineCheck, m.touch(tlb.Store, 0x10000, 0x200000))
	r := m.cpu.Translate(tlb.MIPSUser, tlb.Load, 0x10000)
	require.True(t, r.OK())
	require.EqualValues(t, 1, r.Hit.N)
	require.Equal(t, uint64(0x100000), r.PA)
}

// TestR4000ShutdownLastsUntilReset: after a multiple match nothing translates,
// nothing can be written or probed, and software cannot clear TS.
func TestR4000ShutdownLastsUntilReset(t *testing.T) {
	m := newMIPSMachine(t, "r4000", tlb.Guards{NoProbe: true})
	m.touch(tlb.Load, 0x10000, 0x100000)
	require.Equal(t, tlb.Shutdown, m.touch(tlb.Store, 0x10000, 0x200000))
	m.cpu.Write(tlb.Status, 0)
	require.Equal(t, tlb.Shutdown, m.cpu.Translate(tlb.MIPSUser, tlb.Load, 0x40000).Fault)
	require.Equal(t, tlb.Shutdown, m.cpu.TLBWI())
	_, f := m.cpu.TLBP()
	require.Equal(t, tlb.Shutdown, f)
	require.True(t, m.cpu.Translate(tlb.MIPSKernel, tlb.Load, 0xffffffff80001000).OK(), "unmapped segments do not use the TLB")
	m.cpu.Reset()
	require.Equal(t, tlb.TLBMiss, m.cpu.Translate(tlb.MIPSUser, tlb.Load, 0x10000).Fault)
}

// TestMIPSWithoutUniqueEntryHi: entries emptied to one and the same page are
// duplicates of each other from the second one on.
func TestMIPSWithoutUniqueEntryHi(t *testing.T) {
	for _, name := range mipsNames {
		t.Run(name, func(t *testing.T) {
			m := newMIPSMachine(t, name, tlb.Guards{NoUnique: true})
			f := m.kernel.FlushAll()
			require.NotEmpty(t, m.reports)
			require.Equal(t, tlb.OnWrite, m.reports[0].When)
			if p := m.cpu.Profile(); p.MultiHit.Write == tlb.CheckMachine {
				require.Equal(t, tlb.MachineCheck, f)
				return
			}
			require.Equal(t, tlb.NoFault, f)
			f = m.touch(tlb.Load, 0, 0x100000)
			require.Contains(t, []tlb.Fault{tlb.MachineCheck, tlb.Shutdown}, f)
		})
	}
}

// TestMIPSRandomResetFitsTheBus: the contents are random page frames of the part.
func TestMIPSRandomResetFitsTheBus(t *testing.T) {
	p, err := tlb.ByName("mips32r2")
	require.NoError(t, err)
	p.MIPS.Reset, p.MIPS.Seed = tlb.ResetRandom, 7
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	seen := map[uint64]bool{}
	for i := range c.Len() {
		for _, h := range c.Entry(i).Half {
			require.Zero(t, h.PA&^0xfffff000)
			seen[h.PA] = true
		}
	}
	require.Greater(t, len(seen), c.Len())
}

// TestMIPSUniquifyAfterAnyReset: whatever a board hands over, the boot code
// makes it unique without a machine check or shutdown on the way.
func TestMIPSUniquifyAfterAnyReset(t *testing.T) {
	for _, name := range mipsNames {
		for reset := tlb.ResetUnique; reset <= tlb.ResetRandom; reset++ {
			p, err := tlb.ByName(name)
			require.NoError(t, err)
			p.MIPS.Reset, p.MIPS.Seed = reset, 7
			c, err := tlb.NewMIPS(p)
			if reset == tlb.ResetEHINV && !p.MIPS.EHINV {
				require.ErrorIs(t, err, tlb.ErrProfile)
				continue
			}
			require.NoError(t, err)
			k := &tlb.MIPSHandlers{CPU: c, Walk: func(uint64) (uint64, uint64, bool) { return 0, 0, false }}
			require.Equal(t, tlb.NoFault, k.Uniquify(), "%s, reset contents %d", name, reset)
			seen := map[uint64]bool{}
			for i := range c.Len() {
				e := c.Entry(i)
				require.False(t, !e.EHINV && seen[e.VPN], "%s: entry %d is a duplicate", name, i)
				seen[e.VPN] = true
			}
		}
	}
}

// TestMIPSHiddenEntriesMatchOnceWritten: the hidden valid bit of a reset entry
// keeps it out of lookups and overlap checks until it is written.
func TestMIPSHiddenEntriesMatchOnceWritten(t *testing.T) {
	p, err := tlb.ByName("mips32r2")
	require.NoError(t, err)
	p.MIPS.Reset = tlb.ResetHidden
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	require.Zero(t, c.Translate(tlb.MIPSUser, tlb.Load, 0).Hit.N)
	require.Equal(t, tlb.NoFault, c.TLBWI(), "page 0 into entry 0")
	require.EqualValues(t, 1, c.Translate(tlb.MIPSUser, tlb.Load, 0).Hit.N)
	c.Write(tlb.Index, 1)
	require.Equal(t, tlb.MachineCheck, c.TLBWI(), "the same again into entry 1")
}

// sparcMachine is a CPU with its kernel, TSB and page table.
type sparcMachine struct {
	mmu     *tlb.Sun4u
	kernel  *tlb.SparcHandlers
	ptes    map[uint64]uint64
	reports []tlb.Report
}

const (
	tteV = 1 << 63
	tteW = 2
)

func newSparcMachine(t testing.TB, g tlb.Guards) *sparcMachine {
	p, err := tlb.ByName("sparc64-tsb")
	require.NoError(t, err)
	mmu, err := tlb.NewSun4u(p)
	require.NoError(t, err)
	tsb, err := tlb.NewTSB(tlb.TSBConfig{Entries: p.Sparc.TSB})
	require.NoError(t, err)
	m := &sparcMachine{mmu: mmu, ptes: map[uint64]uint64{}}
	mmu.OnWrite = func(r tlb.Report) { m.reports = append(m.reports, r) }
	mmu.OnLookup = mmu.OnWrite
	mmu.Write(tlb.DMMU, tlb.PrimaryContext, 5)
	m.kernel = &tlb.SparcHandlers{MMU: mmu, TSB: tsb, Guards: g, Walk: func(va uint64) (uint64, bool) {
		tte, ok := m.ptes[va>>13]
		return tte, ok
	}}
	return m
}

// touch makes an access and runs the handlers; a page fault maps or upgrades.
func (m *sparcMachine) touch(t testing.TB, acc tlb.Access, va, pa uint64) tlb.Sun4uResult {
	for range 4 {
		r := m.mmu.Translate(tlb.UserPrimary, acc, false, va)
		switch r.Fault {
		case tlb.NoFault:
			return r
		case tlb.TLBMiss:
			if m.kernel.Miss(va) == tlb.TLBMiss {
				m.ptes[va>>13] = tteV | pa
				require.Equal(t, tlb.NoFault, m.kernel.Update(va))
			}
		case tlb.Protection:
			m.ptes[va>>13] = tteV | pa | tteW
			require.Equal(t, tlb.NoFault, m.kernel.Update(va))
		default:
			t.Fatalf("%v", r.Fault)
		}
	}
	return m.mmu.Translate(tlb.UserPrimary, acc, false, va)
}

// TestSparcHandlersMakeNoDuplicate is the founding scenario on sparc64.
func TestSparcHandlersMakeNoDuplicate(t *testing.T) {
	m := newSparcMachine(t, tlb.Guards{})
	for i := range uint64(300) {
		va := 0x40000000 + i%9*0x2000
		require.True(t, m.touch(t, tlb.Load, va, 0x100000).OK())
		r := m.touch(t, tlb.Store, va, 0x200000)
		require.True(t, r.OK())
		require.Equal(t, uint64(0x200000), r.PA)
		if i%4 == 0 {
			delete(m.ptes, va>>13)
			m.kernel.FlushTSB(va)
			m.kernel.FlushPage(va)
			require.Equal(t, tlb.TLBMiss, m.mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
		}
	}
	require.Empty(t, m.reports)
}

// TestSparcWithoutDemap: Data In does not replace the entry that faulted. Two
// match, and until they are demapped an access gets what both drive together.
func TestSparcWithoutDemap(t *testing.T) {
	m := newSparcMachine(t, tlb.Guards{NoDemap: true})
	const va = 0x40000000
	m.touch(t, tlb.Load, va, 0x100000)
	require.Empty(t, m.reports)
	r := m.touch(t, tlb.Store, va, 0x200000)
	require.Equal(t, tlb.Report{When: tlb.OnWrite, First: 0, Second: 1, Addr: va}, m.reports[0])
	require.EqualValues(t, 2, r.Hit.N)
	require.Equal(t, uint64(0x300000), r.PA, "neither page")
	require.True(t, m.mmu.Profile().MultiHit.Undefined)
	m.kernel.FlushPage(va)
	require.Equal(t, tlb.TLBMiss, m.mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
}

// TestSparcStaleUntilCrossCall: TSB and local TLB are flushed, another CPU goes
// on using the old page until its cross call is delivered: no duplicate, but
// stale, which is what waiting for the cross calls (2013) is about.
func TestSparcStaleUntilCrossCall(t *testing.T) {
	cpus := []*sparcMachine{newSparcMachine(t, tlb.Guards{}), newSparcMachine(t, tlb.Guards{})}
	cpus[1].kernel.TSB, cpus[1].ptes = cpus[0].kernel.TSB, cpus[0].ptes
	cpus[1].kernel.Walk = cpus[0].kernel.Walk
	calls := tlb.NewShootdown(len(cpus))
	const va = 0x40000000
	for _, m := range cpus {
		require.True(t, m.touch(t, tlb.Load, va, 0x100000).OK())
	}
	delete(cpus[0].ptes, va>>13)
	cpus[0].kernel.FlushTSB(va)
	cpus[0].kernel.FlushPage(va)
	calls.Post(0, va)
	require.Equal(t, 1, calls.Pending())
	require.True(t, cpus[1].mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).OK(), "stale")
	require.Equal(t, 1, calls.Deliver(1, cpus[1].kernel.FlushPage))
	require.Zero(t, calls.Pending())
	require.Equal(t, tlb.TLBMiss, cpus[1].mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
	require.Empty(t, append(cpus[0].reports, cpus[1].reports...))
}

// TestSparcYieldNamesEveryStep pins the points at which another CPU can come between.
func TestSparcYieldNamesEveryStep(t *testing.T) {
	m := newSparcMachine(t, tlb.Guards{})
	var points []string
	m.kernel.Yield = func(p string) { points = append(points, p) }
	m.touch(t, tlb.Load, 0x2000, 0x100000)
	m.kernel.FlushTSB(0x2000)
	m.kernel.FlushPage(0x2000)
	require.Equal(t, []string{"tsb-lookup", "tsb-lock", "walk", "tsb-unlock", "tsb-insert", "demap", "tsb-lookup", "data-in", "tsb-flush", "demap"}, points)
}

// TestSparcMissFillsTheTSB: what the page table walk found is in the TSB for
// the next CPU; while another CPU writes the slot, the miss is taken again.
func TestSparcMissFillsTheTSB(t *testing.T) {
	m := newSparcMachine(t, tlb.Guards{})
	const va = 0x40002000
	m.ptes[va>>13] = tteV | 0x100000
	require.True(t, m.kernel.TSB.Lock(va))
	require.Equal(t, tlb.TLBMiss, m.mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
	require.Equal(t, tlb.NoFault, m.kernel.Miss(va))
	require.Equal(t, tlb.TLBMiss, m.mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault, "not loaded yet")
	m.kernel.TSB.Write(va, tteV|0x300000)
	m.kernel.TSB.Flush(va)
	require.Equal(t, tlb.NoFault, m.kernel.Miss(va))
	require.Equal(t, uint64(0x100000), m.mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).PA)
	tte, ok := m.kernel.TSB.Lookup(va)
	require.True(t, ok)
	require.Equal(t, uint64(tteV|0x100000), tte)
	require.Equal(t, tlb.TLBMiss, m.kernel.Miss(0x50000000), "no page table entry")
	require.Equal(t, tlb.TLBMiss, m.kernel.Update(0x50000000))
}

// TestTSBReadsUnderTheLock: a flush that follows a change of the page table waits
// for a handler that has read it before, and removes what that writes.
func TestTSBReadsUnderTheLock(t *testing.T) {
	m := newSparcMachine(t, tlb.Guards{})
	const va = 0x40002000
	m.ptes[va>>13] = tteV | 0x100000
	flushed := false
	m.kernel.Yield = func(point string) {
		if point != "tsb-write" || flushed { // the page table has been read
			return
		}
		flushed = true
		delete(m.ptes, va>>13)
		done, _ := m.kernel.TSB.TryFlush(va)
		require.False(t, done, "the slot is locked: the flush waits")
	}
	require.Equal(t, tlb.TLBMiss, m.mmu.Translate(tlb.UserPrimary, tlb.Load, false, va).Fault)
	require.Equal(t, tlb.NoFault, m.kernel.Miss(va))
	require.True(t, flushed)
	require.True(t, m.kernel.TSB.Flush(va))
	_, ok := m.kernel.TSB.Lookup(va)
	require.False(t, ok)
}

// TestMIPSHandlersStopWithTheTLB: after a shutdown every handler says so.
func TestMIPSHandlersStopWithTheTLB(t *testing.T) {
	m := newMIPSMachine(t, "r4000", tlb.Guards{NoProbe: true})
	m.touch(tlb.Load, 0x10000, 0x100000)
	m.touch(tlb.Store, 0x10000, 0x200000)
	m.kernel.Guards = tlb.Guards{}
	for name, f := range map[string]tlb.Fault{
		"refill":    m.kernel.Refill(0x10000),
		"invalid":   m.kernel.Invalid(0x10000),
		"flush":     m.kernel.FlushPage(0x10000),
		"flush all": m.kernel.FlushAll(),
		"uniquify":  m.kernel.Uniquify(),
	} {
		require.Equal(t, tlb.Shutdown, f, name)
	}
	require.Equal(t, tlb.TLBMiss, m.kernel.Refill(0x70000), "no page table entry")
	require.Equal(t, tlb.TLBMiss, m.kernel.Invalid(0x70000))
}

// TestMIPSUniquifyAvoidsWhatIsHeld: an entry moves to a page of kseg0 only if no other
// entry holds it.
func TestMIPSUniquifyAvoidsWhatIsHeld(t *testing.T) {
	p, err := tlb.ByName("mips64r2")
	require.NoError(t, err)
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	n := c.Len()
	reset := make([]tlb.MIPSEntry, n)
	for i := range reset {
		reset[i] = c.Entry(i)
	}
	for i := range reset { // backwards: entry 0 would like the page of the last one
		c.SetEntry(i, reset[n-1-i])
	}
	c.OnWrite = func(r tlb.Report) { require.Fail(t, "two entries", "%+v", r) }
	k := &tlb.MIPSHandlers{CPU: c}
	require.Equal(t, tlb.NoFault, k.Uniquify())
	require.Zero(t, c.Read(tlb.Wired))
}

func mipsWith(t testing.TB, name string, change func(p *tlb.Profile)) *tlb.MIPSMMU {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	if change != nil {
		change(&p)
	}
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	return c
}

// TestMIPSSegmentLimits: the last address of each segment and the first of the next.
func TestMIPSSegmentLimits(t *testing.T) {
	const ux, sx, kx = 1 << 5, 1 << 6, 1 << 7
	for _, x := range []struct {
		name string
		mode tlb.MIPSMode
		va   uint64
		want tlb.Fault
	}{
		{"mips32r2", tlb.MIPSUser, 0x7fffffff, tlb.TLBMiss},
		{"mips32r2", tlb.MIPSUser, 0x80000000, tlb.AddressError},
		{"mips32r2", tlb.MIPSKernel, 0x80000000, tlb.NoFault},
		{"mips32r2", tlb.MIPSKernel, 0xbfffffff, tlb.NoFault},
		{"mips32r2", tlb.MIPSSupervisor, 0xbfffffff, tlb.AddressError},
		{"mips32r2", tlb.MIPSSupervisor, 0xc0000000, tlb.TLBMiss},
		{"mips32r2", tlb.MIPSSupervisor, 0xdfffffff, tlb.TLBMiss},
		{"mips32r2", tlb.MIPSSupervisor, 0xe0000000, tlb.AddressError},
		{"mips32r2", tlb.MIPSKernel, 0xe0000000, tlb.TLBMiss},
		{"mips64r2", tlb.MIPSKernel, 0xffffffff80000000, tlb.NoFault},
		{"mips64r2", tlb.MIPSKernel, 0xffffffff7fffffff, tlb.AddressError},
		{"mips64r2", tlb.MIPSKernel, 0xc0000000_00000000 + 1<<40 - 1<<31 - 1, tlb.TLBMiss},
		{"mips64r2", tlb.MIPSKernel, 0xc0000000_00000000 + 1<<40 - 1<<31, tlb.AddressError},
	} {
		c := mipsWith(t, x.name, func(p *tlb.Profile) {
			if x.name == "mips64r2" {
				p.MIPS.SegBits = 40
			}
		})
		c.Write(tlb.Status, ux|sx|kx)
		require.Equal(t, x.want, c.Translate(x.mode, tlb.Load, x.va).Fault, "%s, mode %v, %#x", x.name, x.mode, x.va)
	}
}

// TestMIPSXContext: a fault writes region and page, software the base of its table.
func TestMIPSXContext(t *testing.T) {
	c := mipsWith(t, "mips64r2", func(p *tlb.Profile) { p.MIPS.SegBits = 40 })
	c.Write(tlb.Status, 1<<5|1<<6)
	const va = 1<<62 | 0x12_3456_6000 // xsseg
	const tables, index = (1<<31 - 1) << 33, 1<<31 | va&(1<<40-1)>>13<<4
	require.Equal(t, tlb.TLBMiss, c.Translate(tlb.MIPSSupervisor, tlb.Load, va).Fault)
	require.Equal(t, uint64(index), c.Read(tlb.XContext))
	c.Write(tlb.XContext, ^uint64(0))
	require.Equal(t, uint64(tables)|index, c.Read(tlb.XContext))
	require.Equal(t, tlb.TLBMiss, c.Translate(tlb.MIPSSupervisor, tlb.Load, 1<<62).Fault)
	require.Equal(t, uint64(tables)|1<<31, c.Read(tlb.XContext))
}

// TestMIPSRegisterLimits: numbers beyond the last entry, and bits of one release alone.
func TestMIPSRegisterLimits(t *testing.T) {
	c := mipsWith(t, "mips32r2", nil)
	n := uint64(c.Len())
	c.Write(tlb.Index, n-1)
	c.Write(tlb.Index, n)
	require.Equal(t, n-1, c.Read(tlb.Index))
	c.Write(tlb.Wired, n-1)
	require.Equal(t, n-1, c.Read(tlb.Wired))
	c.Write(tlb.Wired, n)
	require.Zero(t, c.Read(tlb.Wired))

	six := mipsWith(t, "mips64r6", nil)
	six.Write(tlb.Wired, 3)
	six.Write(tlb.Wired, uint64(six.Len()))
	require.EqualValues(t, 3, six.Read(tlb.Wired))
	two := mipsWith(t, "mips64r2", nil)
	for c, want := range map[*tlb.MIPSMMU]uint64{six: 0, two: 2} {
		c.Write(tlb.EntryHi, 2<<62)
		require.Equal(t, want, c.Read(tlb.EntryHi)>>62, "the reserved region")
	}

	other := mipsWith(t, "mips32r2", func(p *tlb.Profile) { p.MIPS.Entries /= 2 })
	require.False(t, c.CopyFrom(other))
	require.True(t, c.CopyFrom(mipsWith(t, "mips32r2", nil)))
	for _, mask := range []uint64{0xa000, 0x3fffe000} {
		p, err := tlb.ByName("mips32r2")
		require.NoError(t, err)
		p.MIPS.PageMask = mask
		_, err = tlb.NewMIPS(p)
		require.ErrorIs(t, err, tlb.ErrProfile, "%#x", mask)
	}
}

// TestMIPSInvalidateAll: tlbinvf leaves no entry, the first and the last included.
func TestMIPSInvalidateAll(t *testing.T) {
	c := mipsWith(t, "mips32r6", nil)
	for i := range c.Len() {
		c.SetEntry(i, tlb.MIPSEntry{VPN: uint64(i) << 13})
	}
	c.TLBINVF()
	for i := range c.Len() {
		require.True(t, c.Entry(i).EHINV, "entry %d", i)
		require.Zero(t, c.Translate(tlb.MIPSUser, tlb.Load, uint64(i)<<13).Hit.N)
	}
}
