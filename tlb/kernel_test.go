package tlb_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

var kernelNames = []string{"ppc405", "ppc440", "ppc476", "ppc603", "e500v2", "e500mc", "e5500", "e6500",
	"r4000", "mips32r2", "mips64r2", "ultrasparc", "sun4v", "sparc64-tsb"}

// kernelUnderTest is a CPU of any part over a page table of one address space,
// its addresses in pages.
type kernelUnderTest struct {
	tlb.Kernel
	pages   map[uint64]tlb.Page
	reports []tlb.Report
}

func newKernel(t testing.TB, name string, g tlb.Guards) *kernelUnderTest {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	k := &kernelUnderTest{pages: map[uint64]tlb.Page{}}
	ks, err := tlb.NewKernels(1, tlb.KernelConfig{Profile: p, Guards: g,
		Walk: func(_ int, ea uint64) (tlb.Page, bool) {
			pg, ok := k.pages[ea>>k.PageShift()]
			pg.EA = ea
			return pg, ok
		},
		Reports: func(_ int, r tlb.Report) { k.reports = append(k.reports, r) },
	})
	require.NoError(t, err)
	k.Kernel = ks[0]
	k.SetContext(3)
	return k
}

// access makes an access; a page fault maps the page or makes it writable.
func (k *kernelUnderTest) access(t testing.TB, acc tlb.Access, page, frame uint64) tlb.Result {
	s := k.PageShift()
	for range 8 {
		r := k.Translate(acc, page<<s)
		if r.OK() {
			return r
		}
		if f := k.Handle(r.Fault, acc, page<<s); f == tlb.TLBMiss {
			k.pages[page] = tlb.Page{PA: frame << s, Shift: s, Prot: tlb.Load | tlb.Fetch | acc, User: true}
			require.Equal(t, tlb.NoFault, k.Changed(page<<s))
			require.Equal(t, tlb.NoFault, k.Update(page<<s))
			require.Equal(t, tlb.NoFault, k.Preload(page<<s))
		} else if f != tlb.NoFault {
			r.Fault = f
			return r
		}
	}
	t.Fatal("the access is never done")
	return tlb.Result{}
}

// TestKernels: every part behind the common calls reads, writes through a page
// that was read-only, and forgets what is flushed, with one entry at most.
func TestKernels(t *testing.T) {
	for _, name := range kernelNames {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, name, tlb.Guards{})
			s := k.PageShift()
			for i := range uint64(300) {
				page := 0x10000 + i%23*2
				require.Equal(t, (0x100+page%64)<<s, k.access(t, tlb.Load, page, 0x100+page%64).PA)
				require.Equal(t, (0x100+page%64)<<s, k.access(t, tlb.Store, page, 0x100+page%64).PA)
				require.EqualValues(t, 1, k.Peek(3, page<<s).Hit.N)
				if i%3 == 0 {
					delete(k.pages, page)
					require.Equal(t, tlb.NoFault, k.FlushPage(page<<s))
					require.Zero(t, k.Peek(3, page<<s).Hit.N)
				}
			}
			require.Empty(t, k.reports)
			require.Equal(t, tlb.NoFault, k.FlushContext())
			for i := range uint64(23) {
				require.Zero(t, k.Peek(3, (0x10000+i*2)<<s).Hit.N)
			}
		})
	}
}

// TestKernelSnapshots: a snapshot brings a CPU back, its handlers' choices too.
func TestKernelSnapshots(t *testing.T) {
	for _, name := range kernelNames {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, name, tlb.Guards{})
			for i := range uint64(7) {
				k.access(t, tlb.Load, 0x10000+i, 0x100+i)
			}
			then, err := k.MarshalBinary()
			require.NoError(t, err)
			k.access(t, tlb.Store, 0x10007, 0x100)
			after, err := k.MarshalBinary()
			require.NoError(t, err)
			require.NotEqual(t, then, after)
			require.NoError(t, k.UnmarshalBinary(then))
			delete(k.pages, 0x10007)
			k.access(t, tlb.Store, 0x10007, 0x100)
			again, err := k.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, after, again)
			require.ErrorIs(t, k.UnmarshalBinary(nil), tlb.ErrSnapshot)
		})
	}
}

// TestKernelsMeet: what two entries come to is asked without changing anything.
func TestKernelsMeet(t *testing.T) {
	for name, want := range map[string]tlb.Fault{"r4000": tlb.Shutdown, "e500mc": tlb.MachineCheck, "ppc440": tlb.NoFault, "ultrasparc": tlb.NoFault} {
		k := newKernel(t, name, tlb.Guards{NoProbe: name == "r4000", NoDemap: true})
		s := k.PageShift()
		k.access(t, tlb.Load, 0x10000, 0x100)
		k.pages[0x10000] = tlb.Page{PA: 0x200 << s, Shift: s, Prot: tlb.Load | tlb.Store, User: true}
		if len(k.reports) == 0 { // without a probe the page fault of the load has made two already
			require.Equal(t, tlb.NoFault, k.Changed(0x10000<<s), name)
			require.Equal(t, tlb.NoFault, k.Update(0x10000<<s), name)
		}
		require.NotEmpty(t, k.reports, name)
		before, err := k.MarshalBinary()
		require.NoError(t, err)
		r := k.Meet(k.reports[0])
		require.Equal(t, want, r.Fault, name)
		require.Equal(t, name == "r4000", k.SameFrame(k.reports[0].First, k.reports[0].Second), name)
		require.False(t, k.Agree(k.reports[0].First, k.reports[0].Second) && name != "r4000", name)
		if r.OK() {
			require.Equal(t, uint64(0x300)<<s, r.PA, "%s: neither page", name)
		}
		after, err := k.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, before, after, name)
	}
}

// refusal makes accesses until the handlers send one to the page fault handler.
func (k *kernelUnderTest) refusal(t testing.TB, acc tlb.Access, page uint64) {
	for range 8 {
		r := k.Translate(acc, page<<k.PageShift())
		require.False(t, r.OK(), "access %v of %+v", acc, k.pages[page])
		if k.Handle(r.Fault, acc, page<<k.PageShift()) == tlb.TLBMiss {
			return
		}
	}
	t.Fatal("no page fault")
}

// TestKernelsGrantWhatThePageTableDoes: handlers load nothing that the page table
// does not permit, and all that it does.
func TestKernelsGrantWhatThePageTableDoes(t *testing.T) {
	for _, name := range kernelNames {
		t.Run(name, func(t *testing.T) {
			p, err := tlb.ByName(name)
			require.NoError(t, err)
			k := newKernel(t, name, tlb.Guards{})
			s := k.PageShift()
			k.pages[0x10001] = tlb.Page{PA: 0x101 << s, Shift: s, User: true} // PROT_NONE
			k.pages[0x10002] = tlb.Page{PA: 0x102 << s, Shift: s, User: true, Prot: tlb.Load}
			k.pages[0x10003] = tlb.Page{PA: 0x103 << s, Shift: s, Prot: tlb.Load | tlb.Store | tlb.Fetch}
			k.pages[0x10004] = tlb.Page{PA: 0x104 << s, Shift: s, User: true, Prot: tlb.Load | tlb.Store | tlb.Fetch}
			for _, acc := range []tlb.Access{tlb.Load, tlb.Store} {
				k.refusal(t, acc, 0x10000)
				k.refusal(t, acc, 0x10001)
			}
			k.refusal(t, tlb.Store, 0x10002)
			if p.Family != tlb.MIPS { // whose pages are all executable
				k.refusal(t, tlb.Fetch, 0x10002)
			}
			if p.Family != tlb.MIPS && p.Family != tlb.UltraSPARC { // whose kernels have addresses of their own
				k.refusal(t, tlb.Load, 0x10003)
			}
			for _, acc := range []tlb.Access{tlb.Load, tlb.Fetch, tlb.Store} {
				require.Equal(t, uint64(0x104)<<s, k.access(t, acc, 0x10004, 0).PA)
			}
			require.Empty(t, k.reports)
		})
	}
}

// TestKernelsCompareEntries: what Agree and SameFrame say of two entries.
func TestKernelsCompareEntries(t *testing.T) {
	for _, name := range kernelNames {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, name, tlb.Guards{})
			s := k.PageShift()
			const ro, rw = tlb.Load, tlb.Load | tlb.Store
			entry := func(page, frame uint64, prot tlb.Access) func() int {
				k.pages[page] = tlb.Page{PA: frame << s, Shift: s, User: true, Prot: prot}
				acc := prot &^ ro
				if prot == ro {
					acc = ro
				}
				k.access(t, acc, page, frame)
				return func() int {
					r := k.Translate(acc, page<<s)
					require.True(t, r.OK())
					return int(r.Hit.First)
				}
			}
			a, like := entry(0x10000, 0x100, rw), entry(0x10010, 0x100, rw)
			locked, moved := entry(0x10020, 0x100, ro), entry(0x10030, 0x200, rw)
			for _, c := range []struct {
				other            func() int
				agree, sameFrame bool
			}{{like, true, true}, {locked, false, true}, {moved, false, false}} {
				require.Equal(t, c.agree, k.Agree(a(), c.other()))
				require.Equal(t, c.sameFrame, k.SameFrame(a(), c.other()))
			}
		})
	}
}

// TestKernelsAreNumbered: walks, steps and locks carry the number of their CPU; two
// threads of an e6500 share a core.
func TestKernelsAreNumbered(t *testing.T) {
	for name, threads := range map[string]int{"e6500": 2, "e500mc": 1, "ppc440": 1, "ppc603": 1, "mips32r2": 1, "ultrasparc": 1, "sun4v": 1} {
		p, err := tlb.ByName(name)
		require.NoError(t, err)
		require.Equal(t, threads, p.SharedBy(), name)
		now, walked := 0, false
		same := func(cpu int) { walked = true; require.Equal(t, now, cpu, name) }
		ks, err := tlb.NewKernels(5, tlb.KernelConfig{Profile: p,
			Walk: func(cpu int, ea uint64) (tlb.Page, bool) {
				same(cpu)
				return tlb.Page{EA: ea, PA: 0x100000, Shift: 13, Prot: tlb.Load, User: true}, true
			},
			Yield: func(cpu int, _ string) { same(cpu) },
			Lock: func(cpu int) sync.Locker {
				return lockOf(func() { same(cpu) })
			},
		})
		require.NoError(t, err)
		require.Len(t, ks, 5)
		for now = range ks {
			ea := 0x20000 + uint64(now)<<20 // threads of a core see each other's entries
			ks[now].SetContext(3)
			walked = false
			for range 4 {
				if r := ks[now].Translate(tlb.Load, ea); !r.OK() {
					require.Equal(t, tlb.NoFault, ks[now].Handle(r.Fault, tlb.Load, ea), name)
				}
			}
			require.True(t, ks[now].Translate(tlb.Load, ea).OK(), name)
			require.True(t, walked, name)
		}
	}
}

// lockOf is a lock that nobody waits for.
type lockOf func()

func (l lockOf) Lock()   { l() }
func (l lockOf) Unlock() { l() }

// TestKernelSnapshotsKeepTurns: the way or entry that a handler takes next comes back.
func TestKernelSnapshotsKeepTurns(t *testing.T) {
	for _, name := range []string{"e500v2", "e500mc", "e6500", "ppc603"} {
		k := newKernel(t, name, tlb.Guards{NoWay: true})
		touch := func(page uint64) {
			k.pages[page] = tlb.Page{PA: page << 12, Shift: 22, Prot: tlb.Load, User: true}
			require.True(t, k.access(t, tlb.Load, page, 0).OK())
		}
		touch(0x10000)
		then, err := k.MarshalBinary()
		require.NoError(t, err)
		touch(0x20000)
		after, err := k.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, k.UnmarshalBinary(then))
		touch(0x20000)
		again, err := k.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, after, again, name)
	}
}

// TestMIPSKernelMeetsAtKernelAddresses: two entries that match in a segment of the
// kernel's are met by the kernel, others by a program.
func TestMIPSKernelMeetsAtKernelAddresses(t *testing.T) {
	k := newKernel(t, "mips32r2", tlb.Guards{})
	for ea, want := range map[uint64]tlb.Fault{0x80000000: tlb.NoFault, 0xc0000000: tlb.TLBMiss, 0x10000: tlb.TLBMiss} {
		require.Equal(t, want, k.Meet(tlb.Report{First: 0, Second: 1, Addr: ea}).Fault, "%#x", ea)
	}
}
