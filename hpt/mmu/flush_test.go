package mmu_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// A write that changes nothing flushes nothing.
func TestNoOpWrites(t *testing.T) {
	r := newRig(t, mmu.Config{Profile: mmu.POWER9})
	regs := mmu.Registers{
		MSR: on | mmu.MSRHV, LPCR: 0x123 | mmu.LPCRVPM1, AMR: 1, IAMR: 2, UAMOR: 3, AMOR: ^uint64(0),
		HRMOR: 1 << 30, LPIDR: 3, PIDR: 4, PTCR: 0x10000,
	}
	r.SetRegisters(regs)
	r.slb(3, plainEA, plainWord)
	require.NotEmpty(t, r.Drain(nil))
	r.SetRegisters(regs)
	r.SetMSR(regs.MSR ^ 0x8000) // not a bit of translation
	r.SetMSR(regs.MSR)
	r.SetLPCR(regs.LPCR)
	r.SetLPCR(0x555 | mmu.LPCRVPM1) // other bits of LPCR
	r.SetAMR(regs.AMR)
	r.SetIAMR(regs.IAMR)
	r.SetUAMOR(regs.UAMOR)
	r.SetAMOR(regs.AMOR)
	r.SetHRMOR(regs.HRMOR)
	r.SetRMOR(regs.RMOR)
	r.SetLPIDR(regs.LPIDR)
	r.SetPIDR(regs.PIDR)
	r.SetPTCR(regs.PTCR)
	r.SetSDR1(regs.SDR1)
	r.SetTable(r.tab)
	r.slb(3, plainEA, plainWord)
	r.SLBIE(uint64(plainEA) + 1<<28)
	r.SLBIA(7)
	r.SLBIA(3) // no entry has class 1
	require.False(t, r.Pending())
	require.Empty(t, r.Drain(nil))
}

// Writes that change something flush what depends on it, and no more.
func TestRegisterFlushes(t *testing.T) {
	for _, x := range []struct {
		name string
		do   func(r rig)
		want []mmu.Flush
	}{
		{"LPCR", func(r rig) { r.SetLPCR(mmu.LPCRVPM1) }, []mmu.Flush{{Kind: mmu.FlushAll}}},
		{"AMR", func(r rig) { r.SetAMR(3 << 52); r.SetAMR(3<<52 | 1) }, []mmu.Flush{{Kind: mmu.FlushKeys, Keys: 1<<5 | 1<<31}}},
		{"AMR and IAMR by the same bits", func(r rig) {
			regs := r.Registers()
			regs.AMR, regs.IAMR = 1<<52, 1<<52
			r.SetRegisters(regs)
		}, []mmu.Flush{{Kind: mmu.FlushKeys, Keys: 1 << 5}}},
		{"HRMOR", func(r rig) { r.SetHRMOR(1 << 30) }, []mmu.Flush{{Kind: mmu.FlushReal}}},
		{"LPIDR", func(r rig) { r.SetLPIDR(1) }, []mmu.Flush{{Kind: mmu.FlushTranslated}}},
		{"table", func(r rig) { r.SetTable(nil) }, []mmu.Flush{{Kind: mmu.FlushTranslated}}},
		{"PIDR without segment tables", func(r rig) { r.SetPIDR(1) }, nil},
		{"a new segment", func(r rig) { r.slb(1, plainEA+1<<28, plainWord) }, nil},
		{"another segment for it", func(r rig) { r.slb(0, plainEA, plainWord+1<<12) },
			[]mmu.Flush{{Kind: mmu.FlushSegment, EA: 0x10000000}}},
		{"a second entry for it", func(r rig) { r.slb(9, plainEA, 1<<62) },
			[]mmu.Flush{{Kind: mmu.FlushSegment, Seg: pte.Seg1T}}},
		{"slbie", func(r rig) { r.SLBIE(uint64(plainEA)) }, []mmu.Flush{{Kind: mmu.FlushSegment, EA: 0x10000000}}},
		{"slbia", func(r rig) { r.slb(5, 1<<40, 1<<62); r.SLBIA(0) }, []mmu.Flush{{Kind: mmu.FlushSegment, Seg: pte.Seg1T, EA: 1 << 40}}},
		{"tlbie twice", func(r rig) { r.TLBIE(mmu.TLBIE{RB: 0x5000}); r.TLBIE(mmu.TLBIE{RB: 0x5000}) },
			[]mmu.Flush{{Kind: mmu.FlushPage, Base: 12, Actual: 12, VPN: 5, Global: true}}},
		{"tlbie, then its partition", func(r rig) { r.TLBIE(mmu.TLBIE{RB: 0x5000}); r.TLBIE(mmu.TLBIE{RB: 2 << 10}) },
			[]mmu.Flush{{Kind: mmu.FlushLPID, Global: true}}},
		{"tlbia, then a page", func(r rig) { r.TLBIA(); r.TLBIE(mmu.TLBIE{RB: 0x5000}) }, []mmu.Flush{{Kind: mmu.FlushTranslated}}},
	} {
		r := newRig(t, mmu.Config{})
		r.slb(0, plainEA, plainWord)
		r.Drain(nil)
		x.do(r)
		require.Equal(t, x.want, append([]mmu.Flush(nil), r.Drain(nil)...), x.name)
	}
}

// An event makes way for one that covers it, and for no other.
func TestFlushCovers(t *testing.T) {
	const is2 = 2 << 10
	real := func(r rig) { r.SetHRMOR(r.Registers().HRMOR + 1<<30) }
	keys := func(r rig) { r.SetAMR(r.Registers().AMR ^ 1<<52) }
	lpid := func(r rig) { r.TLBIE(mmu.TLBIE{RB: is2}) }
	segment := func(r rig) { r.SLBIE(uint64(plainEA)) }
	segments := func(r rig) { r.TLBIE(mmu.TLBIE{RB: is2, RIC: 2, PRS: true}) }
	many := func(ric uint8) func(r rig) { // more than the queue holds
		return func(r rig) {
			for i := range uint64(64) {
				r.TLBIE(mmu.TLBIE{RB: is2, RS: 1 + i, RIC: ric})
			}
		}
	}
	var (
		aReal     = mmu.Flush{Kind: mmu.FlushReal}
		aKeys     = mmu.Flush{Kind: mmu.FlushKeys, Keys: 1 << 5}
		anLPID    = mmu.Flush{Kind: mmu.FlushLPID, Global: true}
		aSegment  = mmu.Flush{Kind: mmu.FlushSegment, EA: 0x10000000}
		aSegments = mmu.Flush{Kind: mmu.FlushSegments, Global: true, Tables: true}
	)
	for _, x := range []struct {
		name string
		do   []func(r rig)
		want []mmu.Flush
	}{
		{"real twice", []func(r rig){real, real}, []mmu.Flush{aReal}},
		{"real, then a segment", []func(r rig){real, segment}, []mmu.Flush{aReal, aSegment}},
		{"real, then a partition", []func(r rig){real, lpid}, []mmu.Flush{aReal, anLPID}},
		{"real, then segments", []func(r rig){real, segments}, []mmu.Flush{aReal, aSegments}},
		{"keys twice", []func(r rig){keys, keys}, []mmu.Flush{aKeys}},
		{"keys, then real", []func(r rig){keys, real}, []mmu.Flush{aKeys, aReal}},
		{"a partition twice", []func(r rig){lpid, lpid}, []mmu.Flush{anLPID}},
		{"a segment, then segments", []func(r rig){segment, segments}, []mmu.Flush{aSegments}},
		{"segments twice", []func(r rig){segments, segments}, []mmu.Flush{aSegments}},
		{"real among many", []func(r rig){real, many(0)}, []mmu.Flush{{Kind: mmu.FlushAll, Global: true}}},
		{"all, then many with tables", []func(r rig){func(r rig) { r.SetLPCR(mmu.LPCRVPM1) }, many(2)},
			[]mmu.Flush{{Kind: mmu.FlushAll, Global: true, Tables: true}}},
	} {
		r := newRig(t, mmu.Config{Profile: mmu.POWER9})
		r.SetMSR(mmu.MSRHV)
		r.slb(0, plainEA, plainWord)
		r.Drain(nil)
		for _, do := range x.do {
			do(r)
		}
		require.Equal(t, x.want, append([]mmu.Flush(nil), r.Drain(nil)...), x.name)
	}
}

// TestAMRMasks: mtspr writes where the state lets it.
func TestAMRMasks(t *testing.T) {
	c, err := mmu.New(mmu.Config{})
	require.NoError(t, err)
	c.SetMSR(mmu.MSRHV)
	c.SetAMOR(0xff00)
	c.SetMSR(0)
	c.SetAMR(^uint64(0))
	c.SetIAMR(^uint64(0))
	c.SetUAMOR(^uint64(0))
	require.Equal(t, mmu.Registers{AMR: 0xff00, IAMR: 0xff00, UAMOR: 0xff00, AMOR: 0xff00}, c.Registers())
	c.SetAMOR(^uint64(0))
	c.SetUAMOR(0x0f00)
	c.SetMSR(mmu.MSRPR)
	c.SetAMR(0)
	require.EqualValues(t, 0xf000, c.Registers().AMR)
}

// names reports whether one of the events tells to drop the page, through a
// table of LPID 0, that is at ea.
func names(fs []mmu.Flush, k pte.Key, actual pte.PageSize, ea pte.EA) bool {
	for _, f := range fs {
		switch f.Kind {
		case mmu.FlushAll, mmu.FlushTranslated, mmu.FlushSegments:
			return true
		case mmu.FlushLPID:
			if f.LPID == 0 {
				return true
			}
		}
		if f.HasPage(k.VPN(), k.Base, actual, k.Seg, 0) || f.HasEA(ea) {
			return true
		}
	}
	return false
}

// TestCoalescing: whatever is merged, a page that any single event named is
// still named, and up to 64 pages nothing else is (the bound on over-flush).
func TestCoalescing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := mmu.New(mmu.Config{})
		require.NoError(t, err)
		pages := map[uint64]bool{}
		others := 0
		for range rapid.IntRange(1, 100).Draw(t, "n") {
			if rapid.IntRange(0, 60).Draw(t, "kind") == 0 {
				c.TLBIE(mmu.TLBIE{RB: 2 << 10})
				others++
				continue
			}
			p := rapid.Uint64Range(0, 80).Draw(t, "page")
			pages[p] = true
			c.TLBIE(mmu.TLBIE{RB: p << 12})
		}
		fs := c.Drain(nil)
		require.LessOrEqual(t, len(fs), 64)
		for p := range uint64(100) {
			k := pte.VPN(p).Key(pte.Seg256M, pte.Page4K)
			got := names(fs, k, pte.Page4K, 0)
			if pages[p] {
				require.True(t, got)
			} else if others == 0 && len(pages) <= 64 {
				require.False(t, got)
			}
		}
		require.Empty(t, c.Drain(nil))
	})
}

func TestFlushStrings(t *testing.T) {
	f := mmu.Flush{Kind: mmu.FlushPage, VPN: 5, Base: 16, Actual: 24, Seg: 1, LPID: 3, Global: true}
	require.Equal(t, "page 0x5 64K/16M/1T lpid 3 global", f.String())
	require.Equal(t, "segment 0x10000000/256M", mmu.Flush{Kind: mmu.FlushSegment, EA: 0x10000000}.String())
	require.Equal(t, "all", mmu.FlushAll.String())
	require.Equal(t, "FlushKind(9)", (mmu.FlushAll + 1).String())
}

// TestDomain: what one CPU sends, each other one finds at its own Drain.
func TestDomain(t *testing.T) {
	d := &mmu.Domain{}
	a, b := newRig(t, mmu.Config{Profile: mmu.POWER9, Domain: d}), newRig(t, mmu.Config{Profile: mmu.POWER9, Domain: d})
	b.slb(2, plainEA, plainWord)
	b.Drain(nil)
	require.True(t, a.Synced())

	require.True(t, a.TLBIE(mmu.TLBIE{RB: 0x5000, Local: true}))
	require.False(t, b.Pending())
	require.True(t, a.TLBIE(mmu.TLBIE{RB: 0x5000}))
	require.False(t, a.Synced())
	require.True(t, b.Pending())
	page := mmu.Flush{Kind: mmu.FlushPage, Base: 12, Actual: 12, VPN: 5, Global: true}
	require.Equal(t, []mmu.Flush{page}, b.Drain(nil))
	require.True(t, a.Synced())
	require.False(t, b.Pending())

	a.SLBIEG(0, uint64(plainEA))
	require.True(t, b.AppendSLB(nil)[0].Valid(), "the owner has not drained yet")
	require.Equal(t, []mmu.Flush{{Kind: mmu.FlushSegment, EA: 0x10000000}}, b.Drain(nil))
	require.False(t, b.AppendSLB(nil)[0].Valid())

	a.TLBIE(mmu.TLBIE{RB: 0x6000})
	b.Close()
	require.True(t, a.Synced(), "a CPU that has left is not waited for")
}

// TestDomainConcurrent: CPUs on their own goroutines send and drain at once; in
// the end everything sent has reached everyone.
func TestDomainConcurrent(t *testing.T) {
	const cpus, each = 4, 200
	d := &mmu.Domain{}
	var rigs [cpus]*mmu.CPU
	for i := range rigs {
		c, err := mmu.New(mmu.Config{Domain: d, TLB: 4})
		require.NoError(t, err)
		rigs[i] = c
	}
	var got [cpus]map[pte.VPN]bool
	var all [cpus]bool
	take := func(i int, fs []mmu.Flush) {
		for _, f := range fs {
			all[i] = all[i] || f.Kind == mmu.FlushTranslated
			got[i][f.VPN] = true
		}
	}
	var wg sync.WaitGroup
	for i := range rigs {
		got[i] = map[pte.VPN]bool{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			var buf []mmu.Flush
			for n := range each {
				rigs[i].TLBIE(mmu.TLBIE{RB: uint64(i*each+n) << 12})
				buf = rigs[i].Drain(buf[:0])
				take(i, buf)
			}
		}()
	}
	wg.Wait()
	for i, c := range rigs {
		take(i, c.Drain(nil))
	}
	for i := range rigs {
		for v := range pte.VPN(cpus * each) {
			require.True(t, all[i] || got[i][v], "cpu %d page %v", i, v)
		}
		require.True(t, rigs[i].Synced())
	}
}
