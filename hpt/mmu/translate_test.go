package mmu_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

var accessOf = map[byte]pte.Access{'R': pte.Read, 'W': pte.Write, 'X': pte.Exec}

// build makes the CPU and table that a reference machine describes.
func build(t require.TestingT, m *refMachine, cfg mmu.Config) (*mmu.CPU, *hpt.Table) {
	tab, err := hpt.New(hpt.Config{Order: 18, Format: m.format})
	require.NoError(t, err)
	m.groups = tab.Groups()
	for s, h := range m.hptes {
		tab.StoreRaw(pte.Slot(s), h)
	}
	cfg.Profile, cfg.Table, cfg.Paravirtual, cfg.Quirks = m.profile, tab, m.pseries, m.quirks
	c, err := mmu.New(cfg)
	require.NoError(t, err)
	c.SetRegisters(m.regs)
	for slot := range m.profile.SLB {
		e, ok := m.slb[slot]
		if ok && !c.SLBMTE(e[0]|uint64(slot), e[1]) {
			delete(m.slb, slot) // operands that are none: not entered
		}
	}
	return c, tab
}

func answerOf(r mmu.Result) refAnswer {
	return refAnswer{
		RA: uint64(r.RA), Shift: int(r.PageShift), Prot: r.Prot, Fault: r.Fault, Status: r.Status,
		DAR: uint64(r.DAR), Slot: uint64(r.Slot), Second: r.Secondary, SetR: r.SetR, SetC: r.SetC,
	}
}

// source gives the numbers that a machine is drawn from.
type source func(name string) uint64

// drawMachine draws a machine in which matches are likely: entries are made for
// the segments and pages that the access may use, then bent a little.
func drawMachine(n source) (m *refMachine, ea uint64, acc byte) {
	profiles := []mmu.Profile{mmu.POWER7, mmu.POWER8, mmu.POWER9, mmu.POWER10}
	m = &refMachine{
		profile: profiles[n("profile")%4], pseries: n("pseries")%4 == 0,
		groups: 2048, slb: map[int][2]uint64{}, hptes: map[uint64]pte.HPTE{},
	}
	if n("format")%2 == 0 {
		m.format = hpt.Format3
	}
	switch n("quirks") % 4 {
	case 0:
		m.quirks = mmu.QEMU72
	case 1:
		m.quirks = mmu.QEMU72PSeries
	}
	m.regs = mmu.Registers{
		MSR:   n("msr") & (mmu.MSRHV | mmu.MSRPR | mmu.MSRIR | mmu.MSRDR),
		LPCR:  n("lpcr") & n("lpcr2") & (0xf000<<48 | mmu.LPCRVRMASD | mmu.LPCRRMLS | mmu.LPCRTC),
		AMR:   n("amr") & n("amr2") & n("amr3"),
		IAMR:  n("iamr") & n("iamr2") & n("iamr3"),
		HRMOR: n("hrmor") << 20, RMOR: n("rmor") << 20 & (1<<50 - 1), AMOR: ^uint64(0),
	}
	if n("on")%4 != 0 {
		m.regs.MSR |= mmu.MSRIR | mmu.MSRDR
	}
	ea = n("ea")
	for i := range n("segments")%3 + 1 {
		llp := []uint64{0, 0x110, 0x100, 0x120, 0x130}[n("llp")%10/2]
		b := n("b") % 2
		vsid := n("vsid") % 64 << 12
		if b == 1 {
			vsid = vsid<<12 | n("low")%8/7<<12
		}
		word := b<<62 | vsid | llp | n("flags")&0xe80
		esid := ea &^ (1<<28 - 1)
		if n("elsewhere")%4 == 0 {
			esid ^= 1 << (28 + n("where")%20)
		}
		m.slb[int(i)*7] = [2]uint64{esid | 0x08000000, word}
		m.drawEntries(n, word, ea)
	}
	return m, ea, "RWX"[n("acc")%3]
}

// drawEntries puts entries for ea in a segment into their groups.
func (m *refMachine) drawEntries(n source, word, ea uint64) {
	base := pte.PageSize(refBase(word>>8&1<<2 | word>>4&3))
	if base == 0 || n("isl")%4 == 0 {
		base = pte.Page4K
	}
	seg := pte.SegSize(word >> 62)
	vsid := pte.VSID(word & (1<<62 - 1) >> 12)
	if seg == pte.Seg1T {
		vsid >>= 12
	}
	if n("vrma")%8 == 0 {
		vsid, seg = 0x1ffffff, pte.Seg1T
	}
	key := pte.MakeKey(vsid, pte.EA(ea), seg, base)
	for range n("entries") % 4 {
		var fit []refPage
		for _, p := range refPages {
			if p.base == int(base) {
				fit = append(fit, p)
			}
		}
		p := fit[n("size")%uint64(len(fit))]
		h := pte.HPTE{V: key.AVPN() | p.l<<2 | 1, R: n("r")}
		h.R = h.R&^(p.lpMask<<12|0xf<<60) | p.lp<<12 | n("hi")&n("hi2")&(0xb<<60)
		second := n("second")%2 == 1
		if second {
			h.V |= 2
		}
		if n("bend")%8 == 0 {
			h.V ^= 1 << (n("bit") % 64)
		}
		if m.format == hpt.Format3 {
			h = h.To3()
			h.V |= n("ignored") << 52
		}
		m.hptes[key.Hash().Group(second, m.groups-1)*8+n("slot")%8] = h
	}
}

// compare checks one access against the reference, with the table after it.
func compare(t require.TestingT, m *refMachine, ea uint64, acc byte, probe bool) {
	c, tab := build(t, m, mmu.Config{})
	want := m.translate(ea, acc, probe)
	do := c.Translate
	if probe {
		do = c.Probe
	}
	x := c.Explain(pte.EA(ea), accessOf[acc])
	got := do(pte.EA(ea), accessOf[acc])
	require.Equal(t, want, answerOf(got), "%v", x)
	if got.Fault == mmu.FaultNone {
		require.Equal(t, got.RA, x.Result.RA)
	}
	require.Equal(t, got.Fault, x.Result.Fault)
	require.Equal(t, got.Status, x.Result.Status)
	for s, h := range m.hptes {
		if s == want.Slot && want.SetR {
			h.R |= pte.RRef
		}
		if s == want.Slot && want.SetC {
			h.R |= pte.RChg
		}
		require.Equal(t, h, tab.LoadRaw(pte.Slot(s)), "slot %d", s)
	}
	require.NoError(t, tab.Close())
}

// TestTranslateReference compares drawn accesses with the reference.
func TestTranslateReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, ea, acc := drawMachine(func(name string) uint64 { return rapid.Uint64().Draw(t, name) })
		compare(t, m, ea, acc, rapid.Bool().Draw(t, "probe"))
	})
}

// words draws from the fuzzer's bytes; when they run out it goes on with numbers
// made of the last.
func words(data []byte) source {
	state := uint64(len(data))
	return func(string) uint64 {
		if len(data) >= 8 {
			state = binary.BigEndian.Uint64(data)
			data = data[8:]
			return state
		}
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
}

// FuzzTranslate runs accesses over arbitrary SLB, entry and register contents.
// Nothing may panic, and the reference must agree.
func FuzzTranslate(f *testing.F) {
	for i := range 64 {
		seed := make([]byte, 8*(i%9))
		for j := range seed {
			seed[j] = byte(i*37 + j*11)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := words(data)
		m, ea, acc := drawMachine(n)
		// And some contents that mean nothing.
		for range n("wild") % 4 {
			m.slb[int(n("slot")%32)] = [2]uint64{n("esid") &^ 0x7ffffff, n("word")}
			m.hptes[n("ptex")%(2048*8)] = pte.HPTE{V: n("v"), R: n("r")}
		}
		if n("lpcr")%4 == 0 {
			m.regs.LPCR = n("lpcr")
		}
		compare(t, m, ea, acc, n("probe")%2 == 0)
	})
}

// TestMany is the reference comparison over a fixed long sequence, in which every
// answer must come up for the comparison to mean something.
func TestMany(t *testing.T) {
	rounds := 20000
	if testing.Short() {
		rounds = 2000
	}
	seen := map[mmu.Fault]int{}
	var n source = words([]byte("12345678"))
	for range rounds {
		m, ea, acc := drawMachine(n)
		probe := n("probe")%4 == 0
		compare(t, m, ea, acc, probe)
		seen[m.translate(ea, acc, probe).Fault]++
	}
	for f := mmu.FaultNone; f <= mmu.MachineCheck; f++ {
		require.Positive(t, seen[f], fmt.Sprint(seen))
	}
}

// The first address beyond the limit of LPCR[RMLS] is refused, the last below not.
func TestRealModeLimit(t *testing.T) {
	r := newRig(t, mmu.Config{})
	r.SetLPCR(8 << 26) // 32M
	require.EqualValues(t, 32<<20-1, r.Translate(32<<20-1, pte.Read).RA)
	require.EqualValues(t, mmu.StatusProtection, r.Translate(32<<20, pte.Read).Status)
}

func TestFaultNames(t *testing.T) {
	require.Equal(t, "MCHECK", mmu.MachineCheck.String())
	require.Equal(t, "Fault(8)", (mmu.MachineCheck + 1).String())
}
