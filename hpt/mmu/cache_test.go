package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// twin is two CPUs with tables of the same content: one has a software TLB, the
// other has not. A guest changes both as the architecture asks: an entry is
// invalidated, then tlbie, then a new one is made.
type twin struct {
	cpu [2]*mmu.CPU
	tab [2]*hpt.Table
	// keys that have an entry, with its size: one entry per page, no duplicates
	pages map[pte.Key]pte.PageSize
	hits  int // answers of the software TLB
}

func newTwin(t *rapid.T) *twin {
	w := &twin{pages: map[pte.Key]pte.PageSize{}}
	profile := rapid.SampledFrom([]mmu.Profile{mmu.POWER8, mmu.POWER9}).Draw(t, "profile")
	var domain mmu.Domain
	for i := range w.cpu {
		var err error
		w.tab[i], err = hpt.New(hpt.Config{Format: profile.Format})
		require.NoError(t, err)
		w.cpu[i], err = mmu.New(mmu.Config{
			Profile: profile, Table: w.tab[i], Domain: &domain,
			TLB: i * rapid.SampledFrom([]int{1, 3, 8}).Draw(t, "tlb"),
		})
		require.NoError(t, err)
	}
	return w
}

// tlbie flushes on both CPUs: each for itself, or the first for all.
func (w *twin) tlbie(t *rapid.T, op mmu.TLBIE) {
	if op.Local = rapid.Bool().Draw(t, "local"); op.Local {
		w.both(func(c *mmu.CPU) { require.True(t, c.TLBIE(op)) })
		return
	}
	require.True(t, w.cpu[0].TLBIE(op))
	w.cpu[1].Drain(nil)
	require.True(t, w.cpu[0].Synced())
}

// both does the same to both CPUs.
func (w *twin) both(f func(c *mmu.CPU)) {
	for _, c := range w.cpu {
		f(c)
	}
}

// Few addresses, segments and pages, so that operations meet.
var (
	twinEAs   = []pte.EA{0, 0x1000, 0x10000, 0x11000, 0x1000000, 0x10000000, 1 << 40, 1<<40 | 0x2000}
	twinWords = []uint64{0x11 << 12, 0x11<<12 | 0xc00, 0x12<<12 | 0x110 | 0x400, 0x13<<12 | 0x200, 1<<62 | 0x11<<24, 1<<62 | 0x12<<24 | 0x110}
)

func drawEA(t *rapid.T) pte.EA { return rapid.SampledFrom(twinEAs).Draw(t, "ea") }

// translate makes one kind of access to every address, twice.
func (w *twin) translate(t *rapid.T) {
	acc := rapid.SampledFrom([]pte.Access{pte.Read, pte.Write, pte.Exec, pte.Read | pte.Write}).Draw(t, "acc")
	for i := range 2 * len(twinEAs) {
		ea := twinEAs[i/2] + 8
		a, b := w.cpu[0].Translate(ea, acc), w.cpu[1].Translate(ea, acc)
		require.False(t, a.Cached)
		if b.Cached {
			w.hits++
		}
		b.Cached = false
		require.Equal(t, a, b)
	}
}

// remap changes the page at an address of a segment: out, tlbie, in.
func (w *twin) remap(t *rapid.T) {
	word := rapid.SampledFrom(append(twinWords, 1<<62|0x1ffffff<<24)).Draw(t, "word")
	base, _ := sizes.Base(word)
	seg := pte.SegSize(word >> 62)
	vsid := pte.VSID(word & (1<<62 - 1) >> 12)
	if seg == pte.Seg1T {
		vsid >>= 12
	}
	k := pte.MakeKey(vsid, drawEA(t), seg, base)
	if actual, ok := w.pages[k]; ok {
		delete(w.pages, k)
		for _, tab := range w.tab {
			_, _, ok := tab.InvalidateKey(k)
			require.True(t, ok)
		}
		// Of the table's every owner: the partition, and LPID 0 for the hypervisor.
		rb, ok := mmu.EncodeTLBIE(sizes, k, actual)
		require.True(t, ok)
		r := w.cpu[0].Registers()
		for _, lpid := range []uint64{0, r.LPIDR} {
			for _, hv := range []uint64{0, mmu.MSRHV} {
				w.both(func(c *mmu.CPU) { c.SetMSR(r.MSR&^mmu.MSRHV | hv) })
				w.tlbie(t, mmu.TLBIE{RB: rb, RS: lpid})
			}
		}
		w.both(func(c *mmu.CPU) { c.SetMSR(r.MSR) })
	}
	if rapid.Bool().Draw(t, "out") {
		return
	}
	actual := base
	if rapid.Bool().Draw(t, "16M") && base != pte.Page16G {
		actual = pte.Page16M
	}
	h, err := sizes.Encode(k, pte.RA(rapid.Uint64Range(0, 7).Draw(t, "ra"))<<24, actual, pte.Attr{
		PP: rapid.SampledFrom([]uint8{0, 1, 2, 3, 6}).Draw(t, "pp"), Key: rapid.SampledFrom([]uint8{0, 5}).Draw(t, "key"),
		WIMG: rapid.SampledFrom([]uint8{2, 5}).Draw(t, "wimg"), NoExec: rapid.Bool().Draw(t, "n"),
	})
	require.NoError(t, err)
	w.pages[k] = actual
	for _, tab := range w.tab {
		_, err := tab.Insert(k, h)
		require.NoError(t, err)
	}
}

func (w *twin) registers(t *rapid.T) {
	r := w.cpu[0].Registers()
	v := rapid.Uint64().Draw(t, "v")
	switch rapid.IntRange(0, 5).Draw(t, "register") {
	case 0:
		r.LPCR = v & (mmu.LPCRVPM0 | mmu.LPCRVPM1 | mmu.LPCRISL | mmu.LPCRTC)
	case 1:
		r.AMR = v & (3<<52 | 3<<62)
	case 2:
		r.IAMR = v & (1<<52 | 1<<62)
	case 3:
		r.LPIDR = v % 3
	default:
		r.MSR = v & (mmu.MSRHV | mmu.MSRPR | mmu.MSRIR | mmu.MSRDR)
	}
	w.both(func(c *mmu.CPU) { c.SetRegisters(r) })
}

// T2: a result does not depend on what is cached.
func TestCacheTransparent(t *testing.T) {
	hits := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newTwin(t)
		defer w.tab[0].Close()
		defer w.tab[1].Close()
		w.both(func(c *mmu.CPU) {
			c.SetMSR(on)
			require.True(t, c.SLBMTE(0x08000000, twinWords[0]))
			require.True(t, c.SLBMTE(1<<40|0x08000001, twinWords[4]))
		})
		for range 8 {
			w.remap(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"translate":      w.translate,
			"translate more": w.translate,
			"remap":          w.remap,
			"registers":      w.registers,
			"slbmte": func(t *rapid.T) {
				word := rapid.SampledFrom(twinWords).Draw(t, "word")
				rb := uint64(drawEA(t))&^(pte.SegSize(word>>62).Bytes()-1) | rapid.Uint64Range(0, 3).Draw(t, "slot")
				rb |= rapid.SampledFrom([]uint64{0x08000000, 0x08000000, 0}).Draw(t, "v")
				w.both(func(c *mmu.CPU) { require.True(t, c.SLBMTE(rb, word)) })
			},
			"slbie": func(t *rapid.T) {
				rb := uint64(drawEA(t))
				w.both(func(c *mmu.CPU) { c.SLBIE(rb) })
			},
			"slbia": func(t *rapid.T) {
				ih := rapid.Uint64Range(0, 7).Draw(t, "ih")
				w.both(func(c *mmu.CPU) { c.SLBIA(ih) })
			},
			"flush": func(t *rapid.T) {
				w.tlbie(t, mmu.TLBIE{RB: rapid.Uint64Range(2, 3).Draw(t, "is") << 10})
			},
			"slbieg": func(t *rapid.T) {
				rs, rb := rapid.Uint64Range(0, 2).Draw(t, "lpid"), uint64(drawEA(t))
				w.cpu[0].SLBIEG(rs, rb)
				w.cpu[1].Drain(nil)
				require.Equal(t, w.cpu[0].AppendSLB(nil), w.cpu[1].AppendSLB(nil))
			},
			"": func(t *rapid.T) {
				require.Equal(t, w.tab[0].Digest(), w.tab[1].Digest(), "R and C are set alike")
			},
		})
		hits += w.hits
	})
	if !t.Failed() {
		require.Positive(t, hits, "the TLB has not been used")
	}
}

// The cost of a flush follows the lines in use: an empty TLB has none to look at.
func TestCacheLive(t *testing.T) {
	r := newRig(t, mmu.Config{TLB: 20})
	r.SetMSR(on)
	r.slb(0, 0, plainWord)
	for i := range pte.EA(100) {
		r.insert(pte.MakeKey(0x123, i<<12, pte.Seg256M, pte.Page4K), pte.RA(i)<<12, pte.Page4K, rw())
		r.Translate(i<<12, pte.Read)
	}
	live := r.Live()
	require.Greater(t, live, 90)
	rb, _ := mmu.EncodeTLBIE(sizes, pte.MakeKey(0x123, 0x5000, pte.Seg256M, pte.Page4K), pte.Page4K)
	r.TLBIE(mmu.TLBIE{RB: rb})
	require.Equal(t, live-1, r.Live())
	r.SetAMR(1)
	r.SetHRMOR(1 << 30)
	require.Equal(t, live-1, r.Live(), "neither keys nor real mode touch it")
	r.SLBIE(0)
	require.Zero(t, r.Live())
}

// A first store goes to the table, to set C; then the line is writable.
func TestCacheChanged(t *testing.T) {
	r := newRig(t, mmu.Config{TLB: 4})
	r.SetMSR(on)
	r.slb(0, plainEA, plainWord)
	r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	require.Equal(t, pte.Read|pte.Exec, r.Translate(plainEA, pte.Read).Prot)
	require.True(t, r.Translate(plainEA, pte.Read).Cached)
	x := r.Translate(plainEA, pte.Write)
	require.True(t, x.SetC && !x.Cached)
	x = r.Translate(plainEA, pte.Write)
	require.True(t, x.Cached)
	require.Equal(t, pte.Read|pte.Write|pte.Exec, x.Prot)
}

// What a line depends on besides its page: the context, the partition, and the
// keys as they are now.
func TestCacheContext(t *testing.T) {
	r := newRig(t, mmu.Config{TLB: 6})
	r.slb(0, plainEA, plainWord) // Ks=0, Kp=1
	a := rw()
	a.PP, a.Key = pte.PPSupervisorRW, 5
	r.insert(plainKey(), 0x7000, pte.Page4K, a)
	warm := func() {
		r.SetMSR(on)
		r.Translate(plainEA, pte.Write)
		require.True(t, r.Translate(plainEA, pte.Write).Cached)
	}
	warm()
	r.SetMSR(on | mmu.MSRPR)
	require.EqualValues(t, mmu.StatusProtection, r.Translate(plainEA, pte.Read).Status)

	warm()
	r.SetAMR(2 << (62 - 2*5))
	require.EqualValues(t, mmu.StatusKey|mmu.StatusStore, r.Translate(plainEA, pte.Write).Status)
	x := r.Translate(plainEA, pte.Read)
	require.True(t, x.Cached)
	require.Equal(t, pte.Read|pte.Exec, x.Prot)
	r.SetAMR(0)
	require.True(t, r.Translate(plainEA, pte.Write).Cached, "a key that opens again needs no walk")

	warm()
	r.SetLPIDR(3)
	require.Zero(t, r.Live())
	warm()
	r.TLBIE(mmu.TLBIE{RB: 2 << 10, Local: true})
	require.Zero(t, r.Live())
	warm()
	r.SetMSR(on | mmu.MSRHV)
	r.TLBIE(mmu.TLBIE{RB: 2 << 10, RS: 2})
	require.Equal(t, 1, r.Live(), "another partition's")
	r.TLBIE(mmu.TLBIE{RB: 2 << 10, RS: 3})
	require.Zero(t, r.Live())
}

// The hypervisor and a partition have different tables from ISA 3.0 on.
func TestCacheHypervisor(t *testing.T) {
	m := newRAM()
	partitions(t, m)
	r := withStorage(newRig(t, mmu.Config{Profile: mmu.POWER9, TLB: 6}), m)
	r.SetPTCR(0x10000)
	r.SetLPIDR(3)
	r.slb(0, plainEA, plainWord)
	for ra, at := range map[pte.RA]pte.RA{0x7000: 0x100000, 0x8000: 0x200000} {
		r.tab = m.tables[at]
		r.insert(plainKey(), ra, pte.Page4K, rw())
	}
	both := func() {
		for range 2 {
			r.SetMSR(on)
			require.EqualValues(t, 0x8678, r.Translate(plainEA, pte.Read).RA)
			r.SetMSR(on | mmu.MSRHV)
			require.EqualValues(t, 0x7678, r.Translate(plainEA, pte.Read).RA)
		}
		require.Equal(t, 2, r.Live())
	}
	both()
	r.TLBIE(mmu.TLBIE{RB: 2 << 10, RS: 0})
	require.Equal(t, 1, r.Live())
	both()
	r.TLBIE(mmu.TLBIE{RB: 2 << 10, RS: 3})
	require.Equal(t, 1, r.Live())
	require.True(t, r.Translate(plainEA, pte.Read).Cached)
}

// A global tlbie empties another CPU's line when its owner drains.
func TestCacheDomain(t *testing.T) {
	d := &mmu.Domain{}
	a, b := newRig(t, mmu.Config{Domain: d}), newRig(t, mmu.Config{Domain: d, TLB: 4})
	b.SetMSR(on)
	b.slb(0, plainEA, plainWord)
	b.insert(plainKey(), 0x7000, pte.Page4K, rw())
	b.Translate(plainEA, pte.Read)
	rb, _ := mmu.EncodeTLBIE(sizes, plainKey(), pte.Page4K)
	a.TLBIE(mmu.TLBIE{RB: rb})
	require.Equal(t, 1, b.Live())
	b.Drain(nil)
	require.Zero(t, b.Live())
}

// The software TLB holds what the VRMA translates, too.
func TestVRMACached(t *testing.T) {
	r := newRig(t, mmu.Config{TLB: 4})
	r.SetLPCR(mmu.LPCRVPM0)
	r.insert(pte.MakeKey(0x1ffffff, 0x5000, pte.Seg1T, pte.Page4K), 0x7000, pte.Page4K, rw())
	first, second := r.Translate(0x5678, pte.Read), r.Translate(0x5678, pte.Read)
	require.EqualValues(t, 0x7678, first.RA)
	require.True(t, second.Cached)
	require.Equal(t, first.RA, second.RA)
}
