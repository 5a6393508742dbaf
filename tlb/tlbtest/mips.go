package tlbtest

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// MIPS drives a MIPSMMU of profile p and the model with the same operations and
// requires the same answers, registers and entries. The profile has to have no
// quirks and reset contents that are unique or invalid.
func MIPS(t *rapid.T, p tlb.Profile) {
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	m := newMIPSModel(p)
	overlaps, multiple := 0, 0
	c.OnWrite = func(tlb.Report) { overlaps++ }
	c.OnLookup = func(r tlb.Report) {
		require.NotEqual(t, r.First, r.Second)
		multiple++
	}

	address := rapid.Custom(func(t *rapid.T) uint64 {
		bases := []uint64{0x10000, 0x18000, 0x7ffe0000, 0xffffffffc0010000, 0xfffffffff0000000}
		if m.wide {
			bases = append(bases, 0x1_00010000, 0x4000000000010000, 0xc000000000010000)
		}
		va := rapid.SampledFrom(bases).Draw(t, "region") + rapid.Uint64Range(0, 0x9fff).Draw(t, "offset")
		if !m.wide {
			va &= 0xffffffff
		}
		return va
	})
	set := func(r tlb.MIPSReg, v uint64) {
		c.Write(r, v)
		m.reg[r] = v
	}
	if m.wide {
		set(tlb.Status, 0xe0)
	}
	// load puts a page pair and its halves into the registers.
	load := func(t *rapid.T) {
		asid := rapid.Uint64Range(0, 2).Draw(t, "asid")
		hi := m.pageBits(address.Draw(t, "page"))
		if m.p.MMIDMask != 0 {
			set(tlb.MemoryMapID, asid)
		} else {
			hi |= asid
		}
		if m.p.EHINV && rapid.IntRange(0, 9).Draw(t, "ehinv") == 0 {
			hi |= 0x400
		}
		set(tlb.EntryHi, hi)
		set(tlb.PageMask, m.legalMask(t))
		for _, r := range []tlb.MIPSReg{tlb.EntryLo0, tlb.EntryLo1} {
			lo := rapid.Uint64Range(0, 1<<20-1).Draw(t, "pfn")<<6 | rapid.Uint64Range(0, 0x3f).Draw(t, "flags")
			if inhibit := m.reg[tlb.PageGrain] >> 30 & 3 & rapid.Uint64Range(0, 3).Draw(t, "inhibit"); m.wide {
				lo |= inhibit << 62
			} else {
				lo |= inhibit << 30
			}
			set(r, lo)
		}
	}
	index := rapid.IntRange(0, p.MIPS.Entries-1)

	t.Repeat(map[string]func(*rapid.T){
		"tlbwi": func(t *rapid.T) {
			load(t)
			i := index.Draw(t, "index")
			m.reg[tlb.Index] = m.reg[tlb.Index]>>31<<31 | uint64(i)
			if m.p.Release6 {
				m.reg[tlb.Index] = uint64(i)
			}
			c.Write(tlb.Index, uint64(i))
			require.Equal(t, m.write(i), c.TLBWI())
		},
		"tlbwr": func(t *rapid.T) {
			load(t)
			steps := rapid.IntRange(0, 100).Draw(t, "instructions")
			c.Step(steps)
			for range steps {
				m.countDown()
			}
			i := int(m.reg[tlb.RandomReg])
			f := m.write(i)
			j, g := c.TLBWR()
			require.Equal(t, i, j)
			require.Equal(t, f, g)
			m.countDown()
		},
		"wired": func(t *rapid.T) {
			set(tlb.Wired, rapid.Uint64Range(0, uint64(p.MIPS.Entries)/2).Draw(t, "wired"))
			m.reg[tlb.RandomReg] = uint64(p.MIPS.Entries - 1)
		},
		"tlbp": func(t *rapid.T) {
			set(tlb.EntryHi, m.pageBits(address.Draw(t, "page"))|m.reg[tlb.EntryHi]&m.p.ASIDMask*m.noMMID())
			_, f := c.TLBP()
			require.Equal(t, m.probe(), f)
		},
		"tlbinv": func(t *rapid.T) {
			c.TLBINV()
			for i, e := range m.entry {
				if m.p.EHINV && !e.global && e.asid == m.asid() {
					m.entry[i] = mipsImage{absent: true}
				}
			}
		},
		"access": func(t *rapid.T) {
			acc := rapid.SampledFrom([]tlb.Access{tlb.Load, tlb.Store, tlb.Fetch}).Draw(t, "access")
			va := address.Draw(t, "address")
			want := m.translate(acc, va)
			r := c.Translate(tlb.MIPSKernel, acc, va)
			require.Equal(t, want, mipsOutcome{r.Fault, r.PA, r.Prot, int(r.Hit.N)})
			if want.n > 1 {
				require.NotZero(t, multiple, "a multiple match was not reported")
			}
		},
		"reset": func(t *rapid.T) {
			if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
				c.Reset()
				*m = *newMIPSModel(p)
				overlaps = 0
				if m.wide {
					set(tlb.Status, 0xe0)
				}
			}
		},
		"": func(t *rapid.T) {
			require.Equal(t, m.overlaps, overlaps, "writes reported")
			m.compare(t, c)
		},
	})
}

// countDown is what one instruction does to Random.
func (m *mipsModel) countDown() {
	if m.reg[tlb.RandomReg] <= m.reg[tlb.Wired] {
		m.reg[tlb.RandomReg] = uint64(m.p.Entries)
	}
	m.reg[tlb.RandomReg]--
}

// compare checks registers and entries.
func (m *mipsModel) compare(t *rapid.T, c *tlb.MIPSMMU) {
	for _, r := range []tlb.MIPSReg{tlb.EntryHi, tlb.PageMask, tlb.Index, tlb.Wired, tlb.RandomReg, tlb.Status,
		tlb.BadVAddr, tlb.Context, tlb.XContext, tlb.MemoryMapID} {
		if c.Read(r) != m.reg[r] {
			t.Fatalf("%v is %#x, want %#x", r, c.Read(r), m.reg[r])
		}
	}
	for i, e := range m.entry {
		got := c.Entry(i)
		if e.absent && (got.EHINV || got.Hidden) {
			continue
		}
		if want := m.decoded(e); e.absent || got != want {
			t.Fatalf("entry %d is %+v, want %+v", i, got, want)
		}
	}
}

// decoded is an entry in the form that MIPSMMU shows.
func (m *mipsModel) decoded(e mipsImage) tlb.MIPSEntry {
	d := tlb.MIPSEntry{VPN: e.vpn, PageMask: e.mask, ASID: uint32(e.asid), G: e.global}
	for h := range e.lo {
		pa, cache, dirty, valid, ri, xi := m.half(e.lo[h], e.mask)
		flags := tlb.MIPSFlags(cache) << 4
		for _, x := range []struct {
			on   bool
			flag tlb.MIPSFlags
		}{{valid, tlb.MIPSValid}, {dirty, tlb.MIPSDirty}, {xi, tlb.MIPSExecInhibit}, {ri, tlb.MIPSReadInhibit}} {
			if x.on {
				flags |= x.flag
			}
		}
		d.Half[h] = tlb.MIPSHalf{PA: pa, Flags: flags}
	}
	return d
}
