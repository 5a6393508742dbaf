package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// ram is real storage as a map of doublewords, and the tables in it.
type ram struct {
	words  map[pte.RA]uint64
	tables map[pte.RA]*hpt.Table
}

func (m *ram) Load64(ra pte.RA) (uint64, bool) {
	v, ok := m.words[ra]
	return v, ok
}

func (m *ram) Table(ra pte.RA, order int, f hpt.Format) *hpt.Table {
	if t := m.tables[ra]; t != nil && t.Order() == order && t.Format() == f {
		return t
	}
	return nil
}

func (m *ram) add(t *testing.T, ra pte.RA, order int, f hpt.Format) *hpt.Table {
	tab, err := hpt.New(hpt.Config{Order: order, Format: f})
	require.NoError(t, err)
	m.tables[ra] = tab
	return tab
}

func newRAM() *ram { return &ram{map[pte.RA]uint64{}, map[pte.RA]*hpt.Table{}} }

// withStorage is a rig like r, quirks and profile the same, over storage.
func withStorage(r rig, m *ram) rig {
	cfg := r.Config()
	cfg.Table, cfg.Storage = nil, m
	c, err := mmu.New(cfg)
	require.NoError(r.t, err)
	return rig{c, r.t, nil}
}

// A POWER8 finds its table by SDR1.
func TestSDR1(t *testing.T) {
	m := newRAM()
	tab := m.add(t, 0x3fe00000, 20, hpt.Format2)
	r := withStorage(newRig(t, mmu.Config{Profile: mmu.POWER8}), m)
	require.Nil(t, r.Table())
	r.SetMSR(on)
	r.slb(0, plainEA, plainWord)
	require.EqualValues(t, mmu.StatusNoPTE, r.Translate(plainEA, pte.Read).Status)
	r.SetSDR1(0x3fe00002)
	require.Same(t, tab, r.Table())
	r.tab = tab
	r.insert(plainKey(), 0x7000, pte.Page4K, rw())
	require.EqualValues(t, 0x7678, r.Translate(plainEA, pte.Read).RA)
	r.SetSDR1(0x3fe00003) // twice the size: another table, not there
	require.Nil(t, r.Table())
}

// partitions fills a partition table at 0x10000: LPID 0 with a table of order
// 18, LPID 3 with one of order 19, LPID 4 radix.
func partitions(t *testing.T, m *ram) {
	m.add(t, 0x100000, 18, hpt.Format3)
	m.add(t, 0x200000, 19, hpt.Format3)
	for lpid := range pte.RA(256) {
		m.words[0x10000+lpid*16], m.words[0x10008+lpid*16] = 0, 0
	}
	m.words[0x10000] = 0x100000
	m.words[0x10030] = 0x200001 | 5<<5 // VRMA of 64K pages
	m.words[0x10040] = 1 << 63
}

// tableOfHypervisor tells for which LPID's table hypervisor state with LPIDR=3
// translates.
func tableOfHypervisor(r rig) any {
	m := newRAM()
	partitions(r.t, m)
	r = withStorage(r, m)
	r.SetPTCR(0x10000)
	r.SetLPIDR(3)
	r.SetMSR(on)
	require.Equal(r.t, 19, r.Table().Order())
	r.SetMSR(on | mmu.MSRHV)
	return map[int]int{18: 0, 19: 3}[r.Table().Order()]
}

// SetTable puts its table in force for both states, even where one has it already.
func TestSetTableIsForBoth(t *testing.T) {
	for _, ra := range []pte.RA{0x100000, 0x200000} {
		m := newRAM()
		partitions(t, m)
		r := withStorage(newRig(t, mmu.Config{Profile: mmu.POWER9}), m)
		r.SetPTCR(0x10000)
		r.SetLPIDR(3)
		r.SetTable(m.tables[ra])
		for _, msr := range []uint64{on, on | mmu.MSRHV} {
			r.SetMSR(msr)
			require.Same(t, m.tables[ra], r.Table())
		}
	}
}

func TestPartitionTable(t *testing.T) {
	m := newRAM()
	partitions(t, m)
	r := withStorage(newRig(t, mmu.Config{Profile: mmu.POWER9}), m)
	r.SetPTCR(0x10000)
	r.SetLPIDR(3)

	// The VRMA has the page size of the partition table entry.
	r.tab = m.tables[0x200000]
	ea := pte.EA(0x34567)
	h, err := sizes.Encode(pte.MakeKey(0x1ffffff, ea, pte.Seg1T, pte.Page64K), 0x50000, pte.Page64K, rw())
	require.NoError(t, err)
	_, err = r.tab.Insert(pte.MakeKey(0x1ffffff, ea, pte.Seg1T, pte.Page64K), h)
	require.NoError(t, err)
	x := r.Translate(ea, pte.Read)
	require.Equal(t, pte.RA(0x54567), x.RA)
	require.Equal(t, pte.Page64K, x.PageShift)

	// A radix partition and one beyond the table.
	r.SetMSR(on)
	r.slb(0, plainEA, plainWord)
	r.SetLPIDR(4)
	require.EqualValues(t, mmu.StatusUnsupported, r.Translate(plainEA, pte.Read).Status)
	r.SetLPIDR(1 << 20)
	require.EqualValues(t, mmu.StatusNoPTE, r.Translate(plainEA, pte.Read).Status)
	m.words[0x11000], m.words[0x11008] = 0x100000, 0
	r.SetLPIDR(256)
	require.Nil(t, r.Table(), "the first one beyond")
	r.SetLPIDR(3)
	require.NotNil(t, r.Table())
	for _, ra := range []pte.RA{0x10030, 0x10038} {
		was := m.words[ra]
		delete(m.words, ra)
		r.SetLPIDR(0)
		r.SetLPIDR(3)
		require.Nil(t, r.Table(), "half of the entry is not in storage")
		m.words[ra] = was
	}

	// A changed entry is seen after tlbie with RIC=2.
	r.SetLPIDR(4)
	m.words[0x10040] = 0x100000
	require.Nil(t, r.Table())
	require.True(t, r.TLBIE(mmu.TLBIE{RIC: 2, RB: 2 << 10, RS: 4}))
	require.Equal(t, 18, r.Table().Order())
}

// segmentTable lays out a process table and a segment table for PID 2 of
// partition 0, and one page of one segment.
//
//	process table   VSID 0x70, 4K pages, at 0x300000
//	segment table   VSID 0x80 of 256M at offset 0x4000, one page, at 0x301000
func segmentTable(t *testing.T, m *ram) {
	partitions(t, m)
	tab := m.tables[0x100000]
	put := func(vsid pte.VSID, ea pte.EA, seg pte.SegSize, ra pte.RA) {
		k := pte.MakeKey(vsid, ea, seg, pte.Page4K)
		h, err := sizes.Encode(k, ra, pte.Page4K, pte.Attr{PP: pte.PPSupervisorR, WIMG: pte.Memory})
		require.NoError(t, err)
		_, err = tab.Insert(k, h)
		require.NoError(t, err)
	}
	m.words[0x10008] = 0x70 << 25
	put(0x70, 0, pte.Seg1T, 0x300000)
	put(0x80, 0x4000, pte.Seg256M, 0x301000)
	for i := range pte.RA(512) {
		m.words[0x300000+i*8], m.words[0x301000+i*8] = 0, 0
	}
	origin := uint64(0x80)<<16 | 0x4
	m.words[0x300020], m.words[0x300028] = origin>>4, origin<<60|1
	k := plainKey()
	h, err := sizes.Encode(k, 0x7000, pte.Page4K, rw())
	require.NoError(t, err)
	_, err = tab.Insert(k, h)
	require.NoError(t, err)
}

// ste enters plainEA's segment into a group of the segment table.
func (m *ram) ste(group, index uint64, word uint64) {
	at := pte.RA(0x301000 + group*128 + index*16)
	m.words[at] = uint64(plainEA)&^0xfffffff | 0x08000000
	m.words[at+8] = word
}

// With a software TLB, a changed segment table entry is seen after slbieg.
func TestSegmentTableCached(t *testing.T) {
	r, m := segmentRig(newRig(t, mmu.Config{Profile: mmu.POWER9, TLB: 4}))
	group := uint64(plainEA) >> 28 % 32
	m.ste(group, 0, plainWord)
	r.Translate(plainEA, pte.Read)
	require.True(t, r.Translate(plainEA, pte.Read).Cached)
	m.ste(group, 0, 0x999<<12)
	r.SLBIEG(2<<32, uint64(plainEA))
	require.EqualValues(t, mmu.StatusNoPTE, r.Translate(plainEA, pte.Read).Status)

	m.ste(group, 0, plainWord)
	r.Translate(plainEA, pte.Read)
	require.Equal(t, 1, r.Live())
	for name, do := range map[string]func(){
		"PIDR":   func() { r.SetPIDR(3); r.SetPIDR(2) },
		"slbia":  func() { r.SLBIA(4) },
		"slbiag": func() { r.SLBIAG(2<<32, false) },
		"tlbie":  func() { r.TLBIE(mmu.TLBIE{RB: 2 << 10, RIC: 2, PRS: true, Local: true}) },
		"slbmte": func() { r.slb(0, plainEA, 0x999<<12); r.SLBIE(uint64(plainEA)) },
	} {
		r.Translate(plainEA, pte.Read)
		require.Equal(t, 1, r.Live(), name)
		do()
		require.Zero(t, r.Live(), name)
	}
}

func segmentRig(r rig) (rig, *ram) {
	m := newRAM()
	segmentTable(r.t, m)
	r = withStorage(r, m)
	r.SetPTCR(0x10000)
	r.SetPIDR(2)
	r.SetLPCR(mmu.LPCRUPRT)
	r.SetMSR(on)
	return r, m
}

func walkOneSegment(r rig) any {
	r, m := segmentRig(r)
	m.ste(uint64(plainEA)>>28%32, 3, plainWord)
	return r.Translate(plainEA, pte.Read).Fault
}

func TestSegmentTable(t *testing.T) {
	r, m := segmentRig(newRig(t, mmu.Config{Profile: mmu.POWER9}))
	esid := uint64(plainEA) >> 28
	require.Equal(t, mmu.DataSegment, r.Translate(plainEA, pte.Write).Fault)
	require.Equal(t, mmu.InstSegment, r.Translate(plainEA, pte.Exec).Fault)

	m.ste(^esid%32, 7, plainWord) // secondary group
	x := r.Translate(plainEA, pte.Write)
	require.EqualValues(t, 0x7678, x.RA)
	require.EqualValues(t, plainWord, x.ASDR)
	require.Contains(t, r.Explain(plainEA, pte.Read).String(), "segment table: 256M segment, VSID 0x123")

	m.ste(esid%32, 0, plainWord|0x200) // primary group comes first: no execute
	require.EqualValues(t, mmu.StatusNoExec, r.Translate(plainEA, pte.Exec).Status)
	m.ste(esid%32, 0, 1<<62|0x123<<24) // of the wrong size for where it is
	require.True(t, func() bool { x := r.Translate(plainEA, pte.Exec); return x.OK() }())

	r.slb(0, plainEA, 0x999<<12) // the SLB comes before the table
	require.EqualValues(t, mmu.StatusNoPTE, r.Translate(plainEA, pte.Read).Status)
	r.SLBIE(uint64(plainEA))

	// What goes wrong on the way has its own status bit.
	r.SetPIDR(256)
	require.EqualValues(t, mmu.StatusTable, r.Translate(plainEA, pte.Read).Status)
	r.SetPIDR(3) // not valid
	require.EqualValues(t, mmu.StatusTable|mmu.StatusStore, r.Translate(plainEA, pte.Write).Status)
	r.SetPIDR(2)
	_, _, ok := m.tables[0x100000].InvalidateKey(pte.MakeKey(0x80, 0x4000, pte.Seg256M, pte.Page4K))
	require.True(t, ok)
	x = r.Translate(plainEA, pte.Exec)
	require.Equal(t, mmu.InstStorage, x.Fault)
	require.EqualValues(t, mmu.StatusTable|mmu.StatusNoPTE, x.Status)
}

// A segment's group is that of its low ESID bits, and there is no table without
// LPCR[UPRT].
func TestSegmentTableGroup(t *testing.T) {
	r, m := segmentRig(newRig(t, mmu.Config{Profile: mmu.POWER9}))
	ea := plainEA + 21<<28 // ESID 22
	m.words[0x301000+22*128], m.words[0x301008+22*128] = uint64(ea)&^0xfffffff|0x08000000, plainWord
	require.EqualValues(t, 0x7678, r.Translate(ea, pte.Read).RA)
	require.Equal(t, mmu.DataSegment, r.Translate(0x5678, pte.Read).Fault, "an entry of zeros is none")

	m.words[0x300028] |= 1 << 4 // two pages of segment table
	r.tab = m.tables[0x100000]
	r.insert(pte.MakeKey(0x80, 0x5000, pte.Seg256M, pte.Page4K), 0x303000, pte.Page4K, pte.Attr{WIMG: pte.Memory})
	ea = plainEA + 39<<28
	m.words[0x303000+8*128], m.words[0x303008+8*128] = uint64(ea)&^0xfffffff|0x08000000, plainWord
	require.EqualValues(t, 0x7678, r.Translate(ea, pte.Read).RA)
	r.SetLPCR(0)
	require.Equal(t, mmu.DataSegment, r.Translate(ea, pte.Read).Fault)
}

// The segment table may lie in a segment of 1T.
func TestSegmentTableIn1T(t *testing.T) {
	r, m := segmentRig(newRig(t, mmu.Config{Profile: mmu.POWER9}))
	m.ste(uint64(plainEA)>>28%32, 3, plainWord)
	origin := uint64(0x81)<<28 | 0x4
	m.words[0x300020], m.words[0x300028] = 1<<62|origin>>4, origin<<60|1
	r.tab = m.tables[0x100000]
	r.insert(pte.MakeKey(0x81, 0x4000, pte.Seg1T, pte.Page4K), 0x301000, pte.Page4K, pte.Attr{WIMG: pte.Memory})
	require.EqualValues(t, 0x7678, r.Translate(plainEA, pte.Read).RA)
	m.words[0x300020] = 2<<62 | origin>>4
	require.EqualValues(t, mmu.StatusTable, r.Translate(plainEA, pte.Read).Status, "no such segment size")
}

// PRTS is log2 of the process table's size, from 4K on.
func TestProcessTableSize(t *testing.T) {
	r, m := segmentRig(newRig(t, mmu.Config{Profile: mmu.POWER9}))
	m.ste(uint64(plainEA)>>28%32, 3, plainWord)
	r.tab = m.tables[0x100000]
	r.insert(pte.MakeKey(0x70, 0x1000, pte.Seg1T, pte.Page4K), 0x302000, pte.Page4K, pte.Attr{WIMG: pte.Memory})
	m.words[0x302020], m.words[0x302028] = m.words[0x300020], m.words[0x300028]
	r.SetPIDR(256 + 2)
	require.EqualValues(t, mmu.StatusTable, r.Translate(plainEA, pte.Read).Status)
	m.words[0x10008] |= 1
	require.True(t, r.TLBIE(mmu.TLBIE{RIC: 2, RB: 2 << 10}))
	require.EqualValues(t, 0x7678, r.Translate(plainEA, pte.Read).RA)
}

// A Probe sets no R, not even in the entries that map the segment table.
func TestSegmentTableProbe(t *testing.T) {
	r, m := segmentRig(newRig(t, mmu.Config{Profile: mmu.POWER9}))
	m.ste(uint64(plainEA)>>28%32, 3, plainWord)
	x := r.Probe(plainEA, pte.Read)
	require.True(t, x.OK())
	for s, h := range m.tables[0x100000].All() {
		require.False(t, h.Attr().Ref, "slot %d", s)
	}
	r.Translate(plainEA, pte.Read)
	for s, h := range m.tables[0x100000].All() {
		require.True(t, h.Attr().Ref, "slot %d", s)
	}
}

// TestPATE reads a partition table entry with every field in use; bits 63:60
// are no part of the table's address.
func TestPATE(t *testing.T) {
	p := mmu.PATE{DW0: 0x1500a12557f92ca1}
	base, order := p.Table()
	require.Equal(t, pte.RA(0x0500a12557f80000), base)
	require.Equal(t, 19, order)
	require.EqualValues(t, 0x110, p.VRMA())
	require.False(t, p.Radix())
	require.True(t, mmu.PATE{DW0: 1 << 63}.Radix())
	require.EqualValues(t, 4096, mmu.PTCR(0x3ffe0004).Entries())
}
