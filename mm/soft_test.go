package mm_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// softMachine is a machine without a hash table, a private page mapped at 256M.
func softMachine(t *testing.T, part string, cfg mm.SoftConfig) (*mm.Machine, *mm.AddressSpace, *mm.SoftTLB) {
	return softMachineOf(t, part, cfg, mm.Config{})
}

// softMachineOf is one of other size.
func softMachineOf(t *testing.T, part string, cfg mm.SoftConfig, of mm.Config) (*mm.Machine, *mm.AddressSpace, *mm.SoftTLB) {
	var err error
	cfg.Profile, err = tlb.ByName(part)
	require.NoError(t, err)
	make, err := mm.NewSoftTLB(cfg)
	require.NoError(t, err)
	var soft *mm.SoftTLB
	of.Policy = batch.AtFinish()
	of.Backend = func(m *mm.Machine) mm.Backend {
		b := make(m)
		soft, _ = b.(*mm.SoftTLB)
		return b
	}
	m, err := mm.New(of)
	require.NoError(t, err)
	as := m.NewAddressSpace(7)
	require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(base, 1), Prot: rw}))
	return m, as, soft
}

// TestSoftTLBOfItsOwn: no hash table is needed; what goes wrong is a typed error.
func TestSoftTLBOfItsOwn(t *testing.T) {
	m, as, soft := softMachine(t, "e5500", mm.SoftConfig{})
	require.NoError(t, m.CPU(0).Store(as, base, 42))
	v, err := m.CPU(1).Load(as, base)
	require.NoError(t, err)
	require.EqualValues(t, 42, v)
	soft.PowerOn()
	v, err = m.CPU(0).Load(as, base)
	require.NoError(t, err)
	require.EqualValues(t, 42, v)
	require.NoError(t, m.Check())
	_, err = m.CPU(0).Load(as, 1<<31)
	require.ErrorIs(t, err, mm.ErrReach)

	for i := range uint64(300) { // more spaces than context numbers
		_, err = m.CPU(0).Load(m.NewAddressSpace(1000+i), base)
		require.Error(t, err)
	}
	require.ErrorIs(t, err, mm.ErrReach)
}

func TestSoftTLBBadConfig(t *testing.T) {
	p, err := tlb.ByName("ppc440")
	require.NoError(t, err)
	_, err = mm.NewSoftTLB(mm.SoftConfig{Profile: p, Tasks: -1})
	require.ErrorIs(t, err, mm.ErrConfig)
	p.PPC4xx.Entries = 0
	_, err = mm.NewSoftTLB(mm.SoftConfig{Profile: p})
	require.ErrorIs(t, err, tlb.ErrProfile)
}

// TestSoftTLBNoticesTwoEntries: without the probe the first page fault makes two
// entries, and the part that notices ends the access.
func TestSoftTLBNoticesTwoEntries(t *testing.T) {
	for _, part := range []string{"r4000", "mips32r2"} {
		m, as, soft := softMachine(t, part, mm.SoftConfig{Guards: tlb.Guards{NoProbe: true}})
		_, err := m.CPU(0).Load(as, base)
		require.ErrorIs(t, err, mm.ErrMultiHit, part)
		c, ok := soft.Collision()
		require.True(t, ok)
		require.Equal(t, tlb.OnWrite, c.Report.When)
		dup, _ := as.Duplicate(base)
		require.True(t, dup)
		require.ErrorIs(t, m.Check(), mm.ErrDuplicate)
	}
}

// TestSecondEntry: a page that is loaded again without the old entry flushed ends
// as the part's manual says.
func TestSecondEntry(t *testing.T) {
	for _, c := range []struct {
		part     string
		noticed  bool
		conflict bool // the two do not translate alike
	}{
		{"ppc405", false, true},
		{"ppc603", false, false}, // both have the PTE's rights, and one is for stores
		{"e500v2", false, true},
		{"e5500", true, true},
		{"ultrasparc", false, true},
	} {
		m, as, soft := softMachine(t, c.part, mm.SoftConfig{Guards: tlb.Guards{NoDemap: true}})
		_, err := m.CPU(0).Load(as, base) // the page of zeroes
		require.NoError(t, err, c.part)
		for range 2 { // a machine check does not pass
			if err = m.CPU(0).Store(as, base, 42); c.noticed {
				require.ErrorIs(t, err, mm.ErrMultiHit, c.part)
			} else {
				require.NoError(t, err, c.part)
			}
		}
		dup, conflict := as.Duplicate(base)
		require.True(t, dup, c.part)
		require.Equal(t, c.conflict, conflict, c.part)
		seen, _ := soft.Collision()
		require.Equal(t, !c.conflict, seen.Agree, c.part)
		require.Equal(t, c.noticed, seen.Write == tlb.MachineCheck, c.part)
		require.ErrorIs(t, m.Check(), mm.ErrDuplicate, c.part)
	}
}

// TestNothingAnswers: two entries of a part that takes the bits of both can come to an
// address without memory, which is a machine check.
func TestNothingAnswers(t *testing.T) {
	m, as, soft := softMachineOf(t, "ppc405", mm.SoftConfig{Guards: tlb.Guards{NoDemap: true}}, mm.Config{Frames: 3})
	c := m.CPU(0)
	require.NoError(t, c.Store(as, base, 42)) // frame 1
	_, err := c.Fork(ctx, as, m.NewAddressSpace(8))
	require.NoError(t, err)
	soft.PowerOn()
	_, err = c.Load(as, base)
	require.NoError(t, err)
	err = c.Store(as, base, 43) // a copy in frame 2; there is no frame 3
	require.ErrorIs(t, err, mm.ErrMultiHit)
}

// TestSoftTLBCheck: an entry that says something else than the PTE is found, in a TLB
// and in the TSB.
func TestSoftTLBCheck(t *testing.T) {
	m, as, soft := softMachine(t, "sparc64-tsb", mm.SoftConfig{})
	require.NoError(t, m.CPU(0).Store(as, base, 42))
	l, p := m.Kernel().Layout, as.PTE(base)
	gone, other := p&^l.Present, l.WithRA(p, l.RA(p)+0x1000)
	require.NoError(t, soft.Check(as, base, p))
	for _, wrong := range []pte.LinuxPTE{gone, other, p &^ l.Write} {
		require.ErrorIs(t, soft.Check(as, base, wrong), mm.ErrStale, "%#x", wrong)
	}
	soft.PowerOn() // the TSB is in memory, and stays
	require.NoError(t, soft.Check(as, base, p))
	for _, wrong := range []pte.LinuxPTE{gone, other} {
		require.ErrorIs(t, soft.Check(as, base, wrong), mm.ErrOrphan, "%#x", wrong)
	}
}

// TestProcessors: tasks share a processor, threads a core.
func TestProcessors(t *testing.T) {
	for _, c := range []struct {
		part                           string
		cpus, tasks, processors, cores int
	}{
		{"e5500", 4, 0, 4, 4},
		{"e5500", 4, 2, 2, 2},
		{"e5500", 3, 2, 2, 2},
		{"e6500", 4, 1, 4, 2},
		{"e6500", 3, 1, 3, 2},
	} {
		_, as, soft := softMachineOf(t, c.part, mm.SoftConfig{Tasks: c.tasks}, mm.Config{CPUs: c.cpus})
		processors, cores := map[mm.Loc]bool{}, map[mm.Loc]bool{}
		for _, l := range soft.Locations(as.Key(base)) {
			switch {
			case l.Loc.Kind == mm.LocIRQ:
				processors[l.Loc] = true
			case l.Lock:
				cores[l.Loc] = true
			}
		}
		require.Len(t, processors, c.processors, "%+v", c)
		require.Len(t, cores, c.cores, "%+v", c)
	}
}

// TestPostedCalls: a flush that does not wait leaves the other CPU with the old
// page; the call is taken when that CPU enters the kernel next.
func TestPostedCalls(t *testing.T) {
	m, as, _ := softMachine(t, "sparc64-tsb", mm.SoftConfig{PostCalls: true})
	for i := range 2 {
		require.NoError(t, m.CPU(i).Store(as, base, 42))
	}
	_, err := m.CPU(0).ZapPageRange(ctx, as, mm.Pages(base, 1))
	require.NoError(t, err)
	_, err = m.CPU(1).Load(as, base)
	require.NoError(t, err)
	require.ErrorIs(t, m.Check(), mm.ErrUseAfterFree, "the frame was free")
	v, err := m.CPU(1).Load(as, base)
	require.NoError(t, err)
	require.Zero(t, v, "the page of zeroes: Check has had the call taken")

	// A processor that has never run anything takes its calls too.
	m, as, _ = softMachine(t, "sparc64-tsb", mm.SoftConfig{PostCalls: true})
	require.NoError(t, m.CPU(0).Store(as, base, 42))
	m.CPU(1).Join(as)
	_, err = m.CPU(0).ZapPageRange(ctx, as, mm.Pages(base, 1))
	require.NoError(t, err)
	require.NoError(t, m.Check())
}

// TestSoftOutcomes: a trace tells a page without an entry from one that denies the
// access. A page fault enters the page unless Preload is off, or no kernel does so.
func TestSoftOutcomes(t *testing.T) {
	for _, c := range []struct {
		part      string
		noPreload bool
		load      []mm.Outcome
	}{
		{"e5500", false, []mm.Outcome{mm.Miss}},
		{"e5500", true, []mm.Outcome{mm.Miss, mm.Miss}},
		{"ultrasparc", false, []mm.Outcome{mm.Miss, mm.Miss}},
	} {
		var seen []mm.Outcome
		m, as, _ := softMachineOf(t, c.part, mm.SoftConfig{}, mm.Config{NoPreload: c.noPreload, Trace: mm.Trace{
			Missed: func(_ *mm.CPU, _ pte.EA, _ pte.Access, o mm.Outcome) { seen = append(seen, o) }}})
		_, err := m.CPU(0).Load(as, base)
		require.NoError(t, err)
		require.Equal(t, c.load, seen, c.part)
		seen = nil
		require.NoError(t, m.CPU(0).Store(as, base, 5))
		require.Equal(t, mm.Denied, seen[0], c.part)
	}
}

// TestOtherThreadHasFilled: the entry that an access missed is there when its handler
// begins, so nothing is loaded, not even by one that does not look.
func TestOtherThreadHasFilled(t *testing.T) {
	m, as, soft := softMachine(t, "e6500", mm.SoftConfig{Guards: tlb.Guards{NoProbe: true}})
	c, sameSet := m.CPU(0), base+1<<19
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(sameSet, 1), Prot: rw}))
	for _, ea := range []pte.EA{base, sameSet} {
		require.NoError(t, c.Store(as, ea, 42))
	}
	soft.PowerOn()
	_, o := soft.Walk(c, as.Key(base), pte.Read)
	require.Equal(t, mm.Miss, o)
	holds(t, m.CPU(1), as, sameSet, 42) // where the entry of base would have gone
	holds(t, m.CPU(1), as, base, 42)
	handled, err := soft.Miss(c, as, base, pte.Read, o)
	require.NoError(t, err)
	require.True(t, handled)
	require.NoError(t, m.Check())
}

// TestMachineCheckStays: a processor that has noticed two entries in kernel code does
// no access any more, of whatever page, until its TLB is reset. Others go on.
func TestMachineCheckStays(t *testing.T) {
	m, as, soft := softMachineOf(t, "mips32r2", mm.SoftConfig{Guards: tlb.Guards{NoProbe: true}}, mm.Config{Patience: 8})
	other, far := m.CPU(1), base+1<<16
	_, err := m.CPU(0).Load(as, base)
	require.ErrorIs(t, err, mm.ErrMultiHit)
	require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(far, 1), Prot: rw}))
	require.NoError(t, other.Fault(as, far, pte.Read))
	holds(t, other, as, base, 0)
	_, err = other.ZapPageRange(ctx, as, mm.Pages(base, 1)) // CPU 0 flushes it too
	require.NoError(t, err)
	for _, ea := range []pte.EA{far, base} {
		_, err = m.CPU(0).Load(as, ea)
		require.ErrorIs(t, err, mm.ErrMultiHit, "%v", ea)
	}
	soft.PowerOn()
	require.NoError(t, m.Check())
}

// TestFirstCollision: what is reported is the first second entry.
func TestFirstCollision(t *testing.T) {
	m, as, soft := softMachine(t, "e500v2", mm.SoftConfig{Guards: tlb.Guards{NoDemap: true}})
	c, next := m.CPU(0), base+1<<12
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(next, 1), Prot: rw}))
	for _, ea := range []pte.EA{next, base} {
		_, err := c.Load(as, ea)
		require.NoError(t, err)
		require.NoError(t, c.Store(as, ea, 42))
		first, ok := soft.Collision()
		require.True(t, ok)
		require.EqualValues(t, next, first.Report.Addr)
	}
}

// TestNoDemapIsOfOneCore: without the demap, the TLB of the core that flushes keeps
// its entry. Other cores still flush theirs.
func TestNoDemapIsOfOneCore(t *testing.T) {
	for part, kept := range map[string]uint64{"e5500": 0, "e6500": 42} {
		m, as, _ := softMachine(t, part, mm.SoftConfig{Guards: tlb.Guards{NoDemap: true}})
		require.NoError(t, m.CPU(0).Store(as, base, 42))
		holds(t, m.CPU(1), as, base, 42)
		_, err := m.CPU(0).ZapPageRange(ctx, as, mm.Pages(base, 1))
		require.NoError(t, err)
		v, err := m.CPU(1).Load(as, base)
		require.NoError(t, err)
		require.Equal(t, kept == 42, v != 0, part)
	}
}

// TestFlushWaitsForHandlers: a processor with interrupts off flushes when its handler is
// done, also one that shares the TLB of whoever asks: what the handler has read of the
// page table does not come to the TLB afterwards.
func TestFlushWaitsForHandlers(t *testing.T) {
	far := base + 1<<24 // with another PTE page lock
	for _, part := range []string{"e5500", "e6500", "ppc440"} {
		for in, handler := range map[mm.Step]func(t *testing.T, c *mm.CPU, as *mm.AddressSpace){
			mm.StepPTERead: func(t *testing.T, c *mm.CPU, as *mm.AddressSpace) { // the miss handler
				_, err := c.Load(as, base)
				require.NoError(t, err)
			},
			mm.StepIRQSave: func(t *testing.T, c *mm.CPU, as *mm.AddressSpace) { // after a page fault
				require.NoError(t, c.Fault(as, far, pte.Read))
			},
		} {
			st := new(mmtest.Stepper)
			m, as, soft := softMachineOf(t, part, mm.SoftConfig{}, mm.Config{Stepper: st})
			require.NoError(t, m.CPU(0).Map(as, mm.VMA{Range: mm.Pages(far, 1), Prot: rw}))
			for i := range 2 {
				require.NoError(t, m.CPU(i).Store(as, base, 42))
			}
			soft.PowerOn()
			trace, err := st.Run([]mmtest.Leg{{CPU: 0, Through: in}, {CPU: 1}, {CPU: 0}},
				func() { handler(t, m.CPU(0), as) },
				func() {
					_, err := m.CPU(1).ZapPageRange(ctx, as, mm.Pages(base, 1))
					require.NoError(t, err)
				})
			require.NoError(t, err)
			steps := stepsOf(trace)
			require.Less(t, slices.Index(steps, "tlbwe"), slices.Index(steps, mm.StepIPI), "%s: %s", part, mmtest.FormatTrace(trace))
			require.NoError(t, m.Check(), "%s, %s", part, in)
		}
	}
}

// TestInterruptsComeOn: no access leaves them off.
func TestInterruptsComeOn(t *testing.T) {
	m, as, soft := softMachine(t, "e5500", mm.SoftConfig{})
	require.NoError(t, m.CPU(0).Store(as, base, 42))
	for _, l := range soft.Locations(as.Key(base)) {
		if l.Loc.Kind == mm.LocIRQ {
			require.Zero(t, l.Value(), l.Name)
		}
	}
}

// TestBeyondReach: page tables may map what no TLB translates; an address that is the
// same to a part with less address bits is not taken for it.
func TestBeyondReach(t *testing.T) {
	m, as, soft := softMachine(t, "ppc440", mm.SoftConfig{})
	c, alias := m.CPU(0), base+1<<32
	require.NoError(t, c.Store(as, base, 42))
	require.NoError(t, c.Map(as, mm.VMA{Range: mm.Pages(alias, 1), Prot: rw}))
	require.NoError(t, c.Fault(as, alias, pte.Read))
	_, err := c.Load(as, alias)
	require.ErrorIs(t, err, mm.ErrReach)
	n, _ := soft.Valid(as.Key(alias))
	require.Zero(t, n)
	require.NoError(t, m.Check())
}
