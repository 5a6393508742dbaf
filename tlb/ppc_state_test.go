package tlb_test

import (
	"encoding/binary"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// newPPCState makes the MMU of a PowerPC profile.
func newPPCState(t require.TestingT, p tlb.Profile) binaryState {
	var m binaryState
	var err error
	switch p.Family {
	case tlb.PPC603:
		m, err = tlb.New603(p)
	case tlb.E500:
		m, err = tlb.NewE500(p)
	default:
		m, err = tlb.NewPPC4xx(p)
	}
	require.NoError(t, err)
	return m
}

func ppcProfiles() (list []tlb.Profile) {
	for _, p := range tlb.Profiles {
		if p.Family >= tlb.PPC405 {
			list = append(list, p)
		}
	}
	return list
}

// scramblePPC runs random operations, and returns what they showed.
func scramblePPC(t *rapid.T, m binaryState) (seen []any) {
	word := rapid.Uint32()
	for range rapid.IntRange(0, 60).Draw(t, "operations") {
		v, ea := word.Draw(t, "value"), uint64(word.Draw(t, "ea")&0xff0fffff)
		switch m := m.(type) {
		case *tlb.PPC4xxMMU:
			m.MMUCR, m.PID, m.MSR = v&0xffff, v>>16&3, v&0x4030
			_ = m.TLBWE(v<<24|v&0x3f, int(v%3), uint32(ea)|0xa50)
			seen = append(seen, m.Translate(tlb.Load, ea))
		case *tlb.PPC603MMU:
			m.MSR, m.RPA, m.SR[ea>>28] = tlb.MSRDR, v, v>>20
			seen = append(seen, m.Translate(tlb.Load, ea))
			m.TLBLD(uint32(ea))
		case *tlb.E500Core:
			th := m.Thread(int(v>>1) % m.Profile().E500.Threads)
			th.Write(tlb.E500Reg(v>>8%15), uint64(v)<<8)
			th.Write(tlb.MAS2, ea)
			th.TLBSRX(ea)
			th.TLBWE()
			seen = append(seen, th.Translate(tlb.Load, ea))
		}
	}
	return seen
}

// TestPPCSnapshotRoundTrip: a snapshot restores to an MMU whose snapshot is the
// same, and which goes on as the first one does.
func TestPPCSnapshotRoundTrip(t *testing.T) {
	for _, p := range ppcProfiles() {
		t.Run(p.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m, twin := newPPCState(t, p), newPPCState(t, p)
				scramblePPC(t, m)
				scramblePPC(t, twin)
				snap, err := m.MarshalBinary()
				require.NoError(t, err)
				require.NoError(t, twin.UnmarshalBinary(snap))
				again, _ := twin.MarshalBinary()
				require.Equal(t, snap, again)
				continueAlike(t, m, twin)
			})
		})
	}
}

// continueAlike runs the same operations on both.
func continueAlike(t *rapid.T, m, twin binaryState) {
	type op struct {
		v  uint32
		ea uint64
	}
	ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
		return op{rapid.Uint32().Draw(t, "v"), uint64(rapid.Uint32().Draw(t, "ea"))}
	}), 0, 20).Draw(t, "more")
	run := func(m binaryState) (seen []any) {
		for _, o := range ops {
			switch m := m.(type) {
			case *tlb.PPC4xxMMU:
				_ = m.TLBWE(o.v<<24, int(o.v%3), uint32(o.ea)|0xa50)
				seen = append(seen, m.Translate(tlb.Load, o.ea), m.TLBRE(o.v, 0))
			case *tlb.PPC603MMU:
				seen = append(seen, m.Translate(tlb.Store, o.ea), m.SRR1)
				m.TLBLD(uint32(o.ea))
			case *tlb.E500Core:
				th := m.Thread(0)
				seen = append(seen, th.Translate(tlb.Store, o.ea), th.Read(tlb.MAS0))
				th.TLBWE()
			}
		}
		return seen
	}
	require.Equal(t, run(m), run(twin))
}

// TestPPCCopyFrom: a copy goes on as the original, also one with other quirks'
// idea of which entries match.
func TestPPCCopyFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(ppcProfiles()).Draw(t, "profile")
		m, twin := newPPCState(t, p), newPPCState(t, p)
		scramblePPC(t, m)
		scramblePPC(t, twin)
		var ok bool
		switch m := m.(type) {
		case *tlb.PPC4xxMMU:
			ok = twin.(*tlb.PPC4xxMMU).CopyFrom(m)
		case *tlb.PPC603MMU:
			ok = twin.(*tlb.PPC603MMU).CopyFrom(m)
		case *tlb.E500Core:
			ok = twin.(*tlb.E500Core).CopyFrom(m)
		}
		require.True(t, ok)
		continueAlike(t, m, twin)
		a, _ := m.MarshalBinary()
		b, _ := twin.MarshalBinary()
		require.Equal(t, a, b)
	})
	require.False(t, e500Of(t, "e500mc", 0).CopyFrom(e500Of(t, "e500v2", 0)))
	require.False(t, ppc4xxOf(t, "ppc440", 0).CopyFrom(ppc4xxOf(t, "ppc405", 0)))
}

// TestPPCSnapshotRefusals: a snapshot that is damaged, of another version or
// of another shape changes nothing and says why.
func TestPPCSnapshotRefusals(t *testing.T) {
	profiles := ppcProfiles()
	for i, p := range profiles {
		m := newPPCState(t, p)
		before, _ := m.MarshalBinary()
		other, _ := newPPCState(t, profiles[(i+3)%len(profiles)]).MarshalBinary()
		damaged := append([]byte(nil), before...)
		damaged[len(damaged)/2] ^= 1
		for name, b := range map[string][]byte{
			"empty": nil, "short": before[:len(before)-1], "damaged": damaged, "another shape": other,
			"another version": resealed(before, 7, 2),
		} {
			err := m.UnmarshalBinary(b)
			require.ErrorIs(t, err, tlb.ErrSnapshot, "%s: %s", p.Name, name)
			var typed *tlb.SnapshotError
			require.ErrorAs(t, err, &typed)
			require.NotEmpty(t, typed.Error())
		}
		after, _ := m.MarshalBinary()
		require.Equal(t, before, after)
	}
}

// resealed is a snapshot with one byte changed and a good seal.
func resealed(b []byte, at int, v byte) []byte {
	c := append([]byte(nil), b[:len(b)-8]...)
	c[at] = v
	return binary.BigEndian.AppendUint64(c, xxhash.Sum64(c))
}

// FuzzPPCSnapshot: no snapshot, however made, is taken and then breaks the MMU.
func FuzzPPCSnapshot(f *testing.F) {
	f.Add(uint8(0), 50, byte(0xff))
	f.Add(uint8(2), 70, byte(0xff))
	f.Add(uint8(3), 40, byte(1))
	f.Add(uint8(7), 300, byte(0x80))
	f.Fuzz(func(t *testing.T, which uint8, at int, v byte) {
		profiles := ppcProfiles()
		m := newPPCState(t, profiles[int(which)%len(profiles)])
		b, _ := m.MarshalBinary()
		if at < 0 || at >= len(b)-8 {
			return
		}
		if err := m.UnmarshalBinary(resealed(b, at, v)); err != nil {
			require.ErrorIs(t, err, tlb.ErrSnapshot)
		}
		switch m := m.(type) {
		case *tlb.PPC4xxMMU:
			_ = m.TLBWE(0, 0, 0x1a50)
			_ = m.TLBWE(0, 1, 0)
			m.Translate(tlb.Load, 0x1000)
		case *tlb.PPC603MMU:
			m.MSR = tlb.MSRDR
			m.Translate(tlb.Load, 0)
			m.TLBLD(0)
		case *tlb.E500Core:
			m.Thread(0).Translate(tlb.Load, 0)
			m.Thread(0).TLBWE()
		}
	})
}

// TestE500SWTLB pins the layout of KVM_CAP_SW_TLB: 24 bytes per entry, MAS8,
// MAS1, MAS2, MAS7:MAS3; TLB0 by set, then by way; then TLB1.
func TestE500SWTLB(t *testing.T) {
	c := e500Of(t, "e500mc", 0)
	th := c.Thread(0)
	require.Equal(t, tlb.Written, putE500(th, 2<<16, ts4k, 0x5000, 0x7000|all50)) // set 5, way 2
	require.Equal(t, tlb.Written, putE500(th, tlb1|3<<16, 4<<7, 0x10000, 0x20000|all50))
	b := c.SWTLB()
	require.Len(t, b, 24*(512+64))
	at := func(i int) (mas8, mas1 uint32, mas2, mas73 uint64) {
		e := b[24*i:]
		return binary.BigEndian.Uint32(e), binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint64(e[8:]), binary.BigEndian.Uint64(e[16:])
	}
	_, mas1, mas2, mas73 := at(5*4 + 2)
	require.Equal(t, []uint64{1<<31 | ts4k, 0x5000, 0x703f}, []uint64{uint64(mas1), mas2, mas73})
	_, mas1, mas2, mas73 = at(512 + 3)
	require.Equal(t, []uint64{1<<31 | 4<<7, 0x10000, 0x2003f}, []uint64{uint64(mas1), mas2, mas73})

	d := e500Of(t, "e500mc", 0)
	require.NoError(t, d.LoadSWTLB(b))
	require.Equal(t, b, d.SWTLB())
	require.Equal(t, th.Translate(tlb.Load, 0x10123), d.Thread(0).Translate(tlb.Load, 0x10123))
	require.ErrorIs(t, d.LoadSWTLB(b[1:]), tlb.ErrSnapshot)
}

// TestPPCRefusesBadProfiles: the error names the field.
func TestPPCRefusesBadProfiles(t *testing.T) {
	for field, change := range map[string]func(p *tlb.Profile){
		"PPC4xx.Entries": func(p *tlb.Profile) { p.Name, p.PPC4xx.Entries = "ppc440", 0 },
		"PPC4xx.Ways":    func(p *tlb.Profile) { p.Name, p.PPC4xx.Ways = "ppc440", 4 },
		"PPC4xx.Bolts":   func(p *tlb.Profile) { p.Name, p.PPC4xx.Bolts = "ppc476", 7 },
		"PPC603.Ways":    func(p *tlb.Profile) { p.Name, p.PPC603.Ways = "ppc603", 4 },
		"PPC603.Entries": func(p *tlb.Profile) { p.Name, p.PPC603.Entries = "ppc603", 96 },
		"E500.TLB0":      func(p *tlb.Profile) { p.Name, p.E500.TLB0.Ways = "e500mc", 3 },
		"E500.TLB1":      func(p *tlb.Profile) { p.Name, p.E500.TLB1.Ways = "e500mc", 4 },
		"E500.PIDs":      func(p *tlb.Profile) { p.Name, p.E500.PIDs = "e500v2", 2 },
		"E500.PIDBits":   func(p *tlb.Profile) { p.Name, p.E500.PIDBits = "e500v2", 15 },
		"E500.RABits":    func(p *tlb.Profile) { p.Name, p.E500.RABits = "e500v2", 31 },
		"E500.Threads":   func(p *tlb.Profile) { p.Name, p.E500.Threads = "e6500", 0 },
		"MultiHit":       func(p *tlb.Profile) { p.Name, p.MultiHit.Lookup = "e500mc", tlb.ShutDown },
		"MultiHit.Write": func(p *tlb.Profile) { p.Name, p.MultiHit.Write = "e500mc", tlb.CheckMachine },
	} {
		var named tlb.Profile
		change(&named)
		p, err := tlb.ByName(named.Name)
		require.NoError(t, err)
		change(&p)
		switch p.Family {
		case tlb.PPC603:
			_, err = tlb.New603(p)
		case tlb.E500:
			_, err = tlb.NewE500(p)
		default:
			_, err = tlb.NewPPC4xx(p)
		}
		var typed *tlb.ProfileError
		require.ErrorAs(t, err, &typed, field)
		require.ErrorIs(t, err, tlb.ErrProfile)
		require.Equal(t, field, typed.Field)
	}
	p, _ := tlb.ByName("ppc603")
	_, err := tlb.NewE500(p)
	require.ErrorIs(t, err, tlb.ErrProfile)
	_, err = tlb.NewPPC4xx(p)
	require.ErrorIs(t, err, tlb.ErrProfile)
}

// TestE6500HardwareWalk: an indirect entry answers through the page table in
// memory, and leaves a TLB0 entry behind.
func TestE6500HardwareWalk(t *testing.T) {
	c := e500Of(t, "e6500", 0)
	th := c.Thread(0)
	memory := map[uint64]uint64{}
	reads := 0
	c.Memory = func(ra uint64) (uint64, bool) {
		reads++
		v, ok := memory[ra]
		return v, ok
	}
	const base, table = 0x10000000, 0x7000
	// IND, 2 MiB of 4 KiB pages: SPSIZE 2
	require.Equal(t, tlb.Written, putE500(th, tlb1, 11<<7|0x2000, base, table|2<<1))
	pte := func(rpn, flags uint64) uint64 { return rpn<<24 | 2<<8 | flags | 1 }
	const sr, sw, referenced, changed = 1 << 2, 1 << 4, 0x20000, 0x1000
	memory[table+5*8] = pte(0x123, sr|sw|referenced)
	r := th.Translate(tlb.Load, base+0x5678)
	require.True(t, r.OK())
	require.Equal(t, uint64(0x123678), r.PA)
	require.Equal(t, tlb.Load, r.Prot, "no store while C is 0")
	require.Equal(t, 1, reads)
	require.Equal(t, uint64(0x123abc), th.Translate(tlb.Load, base+0x5abc).PA)
	require.Equal(t, 1, reads, "the TLB0 entry answers")
	require.Equal(t, tlb.Protection, th.Translate(tlb.Store, base+0x5000).Fault)

	memory[table+6*8] = pte(0x124, sr|sw|referenced|changed)
	require.True(t, th.Translate(tlb.Store, base+0x6000).OK())

	r = th.Translate(tlb.Load, base+0x7000)
	require.Equal(t, tlb.Protection, r.Fault)
	require.Equal(t, uint32(tlb.ESRPT), th.ESR, "no valid page table entry")
	memory[table+8*8] = pte(0x125, sr|referenced)&^0xf00 | 4<<8 // 16 KiB
	th.Translate(tlb.Load, base+0x8000)
	require.Equal(t, uint32(tlb.ESRTLBI), th.ESR, "TLB0 cannot hold it")
	c.Memory = nil
	require.Equal(t, tlb.TLBMiss, th.Translate(tlb.Load, base+0x9000).Fault)
}

// TestE6500Reservation: of two threads that search and then write with
// MAS0[WQ]=1 only the first gets through.
func TestE6500Reservation(t *testing.T) {
	c := e500Of(t, "e6500", 0)
	a, b := c.Thread(0), c.Thread(1)
	const conditional = tlb1 | 0x1000
	for _, th := range []*tlb.E500Thread{a, b} {
		th.Write(tlb.MAS1, ts4k)
		require.False(t, th.TLBSRX(0x1000))
	}
	require.Equal(t, tlb.Written, putE500(a, conditional, ts4k, 0x1000, all50))
	require.Equal(t, tlb.NotWritten, putE500(b, conditional|1<<16, ts4k, 0x1000, all50))
	require.True(t, b.TLBSRX(0x1000))
	require.Equal(t, tlb.Written, putE500(a, tlb1|2<<16, ts4k, 0x8000, all50), "another page")
	require.Equal(t, tlb.Written, putE500(b, conditional, ts4k, 0x1000, all50))
	b.TLBSRX(0x1000)
	a.TLBILX(0, 0)
	require.Equal(t, tlb.NotWritten, putE500(b, conditional, ts4k, 0x1000, all50), "an invalidation ends it")
}

// TestPPC476Bolts: a bolted entry is noted in MMUBE, survives replacement and
// FlushAll, and goes when its way is written again.
func TestPPC476Bolts(t *testing.T) {
	m := ppc4xxOf(t, "ppc476", 0)
	const ea, bolt1 = 0xc0000000, 0x89000000
	words := []uint32{ea | 0x1f<<4 | 0x800, 0x10000000, 0x3f} // 256 MiB
	for w, v := range words {
		require.NoError(t, m.TLBWE(bolt1, w, v))
	}
	ra, h, _ := m.TLBSX(ea)
	require.EqualValues(t, 1, h.N)
	set := ra >> 16 & 0xff
	mmube0, _ := m.MMUBE()
	require.Equal(t, set<<16|2, mmube0, "slot 1: IBE1 and VBE1")
	require.NotZero(t, m.TLBRE(ra, 0)&8, "BOLTED reads as one")
	for i := range uint32(64) { // 4 KiB pages of the same set
		require.NoError(t, m.TLBWE(0, 0, i<<24|(set^i)<<12&0xff000|0x800))
	}
	require.Equal(t, uint64(0x10000123), m.Translate(tlb.Load, ea+0x123).PA)
	k := &tlb.PPC4xxHandlers{MMU: m}
	k.FlushAll()
	require.True(t, m.Translate(tlb.Load, ea).OK())
	m.TLBIVAX(ea, 0, false)
	require.Equal(t, tlb.TLBMiss, m.Translate(tlb.Load, ea).Fault)
	mmube0, _ = m.MMUBE()
	require.Zero(t, mmube0)
}

// TestPPC4xxWordsBeyondTheEntry: a word that the part does not have is neither written
// nor read.
func TestPPC4xxWordsBeyondTheEntry(t *testing.T) {
	for name, words := range map[string]int{"ppc405": 2, "ppc440": 3, "ppc476": 3} {
		m := ppc4xxOf(t, name, 0)
		for w := range words {
			require.NoError(t, m.TLBWE(0, w, ^uint32(0)))
		}
		before, err := m.MarshalBinary()
		require.NoError(t, err)
		for _, w := range []int{-1, words, words + 1} {
			require.NoError(t, m.TLBWE(0, w, 0), name)
			require.Zero(t, m.TLBRE(0, w), name)
		}
		after, err := m.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, before, after, name)
	}
}

// TestPPC476BoltSlots: where MMUBE0 and MMUBE1 have each slot, and that a slot taken
// again gives its old entry up.
func TestPPC476BoltSlots(t *testing.T) {
	m := ppc4xxOf(t, "ppc476", 0)
	bolt := func(slot uint32, ea uint32) uint32 {
		for w, v := range []uint32{ea | 0x1f<<4 | 0x800, ea, 0x3f} {
			require.NoError(t, m.TLBWE(0x88000000|slot<<24, w, v))
		}
		ra, h, _ := m.TLBSX(ea)
		require.EqualValues(t, 1, h.N)
		return ra >> 16 & 0xff
	}
	a, c, e, f := bolt(0, 0), bolt(2, 0x30000000), bolt(4, 0x50000000), bolt(5, 0x60000000)
	require.Zero(t, a, "the set of page 0, and its first way: entry 0")
	mmube0, mmube1 := m.MMUBE()
	require.Equal(t, a<<24|c<<8|4|1, mmube0)
	require.Equal(t, e<<16|f<<8|2|1, mmube1)
	b := bolt(0, 0x70000000)
	mmube0, _ = m.MMUBE()
	require.Equal(t, b<<24|c<<8|4|1, mmube0)
	require.Zero(t, m.TLBRE(a<<16, 0)&8, "no more bolted")
}

// TestE6500WalkTakesTurns: what a walk loads goes round the ways of its set, and takes
// no other set's.
func TestE6500WalkTakesTurns(t *testing.T) {
	c := e500Of(t, "e6500", 0)
	th, g := c.Thread(0), c.Profile().E500.TLB0
	sets := uint64(g.Entries / g.Ways)
	const base, table = 0x40000000, 0x100000
	valid := uint64(1)
	c.Memory = func(ra uint64) (uint64, bool) {
		return (ra-table)/8<<24 | 2<<8 | 1<<2 | 1<<4 | 0x20000 | 0x1000 | valid, true
	}
	require.Equal(t, tlb.Written, putE500(th, tlb1, 18<<7|0x2000, base, table|2<<1)) // 256 MiB of 4 KiB pages
	for turn := range 3 * uint64(g.Ways) {
		for set := range uint64(3) {
			page := turn*sets + set
			r := th.Translate(tlb.Load, base+page<<12)
			require.True(t, r.OK())
			require.Equal(t, page<<12, r.PA)
			require.EqualValues(t, set*uint64(g.Ways)+turn%uint64(g.Ways), r.Hit.First)
		}
	}
	valid = 0
	require.Equal(t, tlb.Protection, th.Translate(tlb.Load, base+0xffff000).Fault)
	require.Equal(t, uint32(tlb.ESRPT), th.ESR, "an entry that is not valid")
	valid = 1
	putE500(th, tlb1|1<<16, 2<<7|0x2000, 0x70000000, table|2<<1)
	require.True(t, th.Translate(tlb.Load, 0x70000000).OK(), "a table of one page")
	putE500(th, tlb1|2<<16, 18<<7|0x2000, base, table|2<<1)
	require.Equal(t, tlb.MachineCheck, th.Translate(tlb.Load, base+0xfffe000).Fault, "two tables")
}

// TestE500ReportsOfTLB1: entries of TLB1 are numbered after those of TLB0, at a write
// and at an access.
func TestE500ReportsOfTLB1(t *testing.T) {
	c := e500Of(t, "e500mc", 0)
	th, n := c.Thread(0), c.Profile().E500.TLB0.Entries
	var reports []tlb.Report
	c.OnWrite = func(r tlb.Report) { reports = append(reports, r) }
	c.OnLookup = c.OnWrite
	putE500(th, tlb1|3<<16, 4<<7, 0x10000, 0x20000|all50)
	require.Equal(t, tlb.Hit{N: 1, First: int32(n + 3), Second: -1}, th.Translate(tlb.Load, 0x11000).Hit)
	putE500(th, tlb1|5<<16, ts4k, 0x11000, 0x30000|all50)
	th.Translate(tlb.Load, 0x11000)
	require.Equal(t, []tlb.Report{
		{When: tlb.OnWrite, First: n + 3, Second: n + 5, Addr: 0x11000},
		{When: tlb.OnLookup, First: n + 3, Second: n + 5, Addr: 0x11000},
	}, reports)

	reports = nil
	putE500(th, 0, ts4k, 0x80000000, all50)
	putE500(th, tlb1|6<<16, ts4k, 0x80000000, all50)
	putE500(th, tlb1|7<<16, ts4k, 0x80000000, all50)
	require.Equal(t, []tlb.Report{
		{When: tlb.OnWrite, First: 0, Second: n + 6, Addr: 0x80000000},
		{When: tlb.OnWrite, First: 0, Second: n + 7, Addr: 0x80000000},
	}, reports, "entry 0 before those of TLB1")
}

// TestE500ChangesOfBothTLBs: a translation that was used is looked up again after
// changes that touch both TLBs alike.
func TestE500ChangesOfBothTLBs(t *testing.T) {
	th := e500Of(t, "e500mc", 0).Thread(0)
	write := func(ra uint64) {
		putE500(th, 0, ts4k, 0x1000, ra|all50)
		putE500(th, tlb1, ts4k, 0x8000, ra|all50)
	}
	for ra := uint64(0x10000); ra < 0x20000; ra += 0x1000 {
		write(ra)
		require.Equal(t, ra, th.Translate(tlb.Load, 0x1000).PA)
	}
}

// TestE6500ChoosesWays: where hardware is to choose the entry (MAS0[HES]) it goes round
// the ways of the set.
func TestE6500ChoosesWays(t *testing.T) {
	c := e500Of(t, "e6500", 0)
	th, ways := c.Thread(0), c.Profile().E500.TLB0.Ways
	th.Write(tlb.MAS0, 0x4000)
	th.Write(tlb.MAS1, 1<<31|ts4k)
	for i := range 3 * ways {
		th.Write(tlb.MAS2, 0x80000000+uint64(i)<<20)
		entry, o := th.TLBWE()
		require.Equal(t, tlb.Written, o)
		require.Equal(t, i%ways, entry)
	}
}

// TestPPC476OneSet: without sets no bit of the page number is left to hash.
func TestPPC476OneSet(t *testing.T) {
	p, err := tlb.ByName("ppc476")
	require.NoError(t, err)
	p.PPC4xx.Ways = p.PPC4xx.Entries
	m, err := tlb.NewPPC4xx(p)
	require.NoError(t, err)
	put44x(m, 0, 0x12345000|0x800, 0x5000, 0x3f)
	require.True(t, m.Translate(tlb.Load, 0x12345000).OK())
}

// TestPPC476OperandNamesTheWay: what tlbsx returns is what tlbre takes.
func TestPPC476OperandNamesTheWay(t *testing.T) {
	m := ppc4xxOf(t, "ppc476", 0)
	for way := range uint32(4) {
		ea := 0x00100000 + way<<12
		put44x(m, 0x80000000|way<<29, ea|0x800, ea, 0x3f)
		ra, h, _ := m.TLBSX(ea)
		require.Equal(t, uint32(h.First)/4<<16|way<<29, ra)
		require.Equal(t, ea|0x800, m.TLBRE(ra, 0))
	}
}

// TestPPC476SnapshotOfTheLastSet: a bolted entry among the last ones stays bolted, and
// the snapshot has one replacement state per set.
func TestPPC476SnapshotOfTheLastSet(t *testing.T) {
	p, err := tlb.ByName("ppc476")
	require.NoError(t, err)
	p.PPC4xx.Entries, p.PPC4xx.Ways = 4, 2
	m, twin := newPPCState(t, p).(*tlb.PPC4xxMMU), newPPCState(t, p).(*tlb.PPC4xxMMU)
	put44x(m, 0x88000000, 0x1000|0x800, 0x5000, 0x3f)
	require.True(t, m.Entry(2).Bolted)
	snap, err := m.MarshalBinary()
	require.NoError(t, err)
	require.Len(t, snap, 4*(2+2+6+2+1+6+4*4)+8, "header, shape, registers, sets, last entry, slots, entries; seal")
	require.NoError(t, twin.UnmarshalBinary(snap))
	require.True(t, twin.Entry(2).Bolted)
	again, _ := twin.MarshalBinary()
	require.Equal(t, snap, again)
}

// TestPPC603SnapshotAfterAHit: the way used last is in the snapshot as a way.
func TestPPC603SnapshotAfterAHit(t *testing.T) {
	for way := range uint32(2) {
		m, twin := ppc603Of(t, 0), ppc603Of(t, 0)
		put603(m, 0x1000, way, 0, 0x5000|2)
		require.True(t, m.Translate(tlb.Load, 0x1000).OK())
		snap, _ := m.MarshalBinary()
		require.NoError(t, twin.UnmarshalBinary(snap))
		again, _ := twin.MarshalBinary()
		require.Equal(t, snap, again)
	}
}
