package tlb

import (
	"encoding"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// twins are two MMUs of one part of which one forgets its hits before every
// operation. Nothing tells them apart (T2): not what an operation returns, not
// the state it leaves, not what is reported.
type twins[M encoding.BinaryMarshaler] struct {
	warm, cold M
	forget     func(M)
	reports    [2][]Report
}

func newTwins[M encoding.BinaryMarshaler](t *testing.T, p Profile, build func(Profile) (M, error), reports func(M) *Reports, forget func(M)) *twins[M] {
	x := &twins[M]{forget: forget}
	for i, m := range []*M{&x.warm, &x.cold} {
		var err error
		*m, err = build(p)
		require.NoError(t, err)
		note := func(r Report) { x.reports[i] = append(x.reports[i], r) }
		*reports(*m) = Reports{note, note}
	}
	return x
}

func (x *twins[M]) do(t *rapid.T, op func(M) any) {
	x.forget(x.cold)
	got := op(x.warm)
	require.Equal(t, op(x.cold), got)
}

func (x *twins[M]) check(t *rapid.T) {
	warm, err := x.warm.MarshalBinary()
	require.NoError(t, err)
	cold, err := x.cold.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, cold, warm)
	require.Equal(t, x.reports[1], x.reports[0])
	x.reports = [2][]Report{}
}

// draw is short for a choice between values.
func draw[V any](t *rapid.T, name string, from ...V) V { return rapid.SampledFrom(from).Draw(t, name) }

func drawAccess(t *rapid.T) Access { return draw(t, "access", Load, Load, Store, Fetch) }

// drawPage is one of few pages, of 4 KiB times 1, 2 and so on.
func drawPage(t *rapid.T, pages uint64) uint64 {
	return rapid.Uint64Range(0, pages-1).Draw(t, "page") << 12
}

func TestMicroTLBOfMIPS(t *testing.T) {
	for _, name := range []string{"r4000", "mips32r2", "mips32r5", "mips64r1", "mips64r2", "mips64r6-mmid"} {
		for _, quirks := range []Quirk{0, QuirkMIPSReadDespiteRI} {
			p, err := ByName(name)
			require.NoError(t, err)
			p.Quirks, p.MIPS.Entries = quirks, 6
			rapid.Check(t, func(rt *rapid.T) {
				x := newTwins(t, p, NewMIPS, func(c *MIPSMMU) *Reports { return &c.Reports }, func(c *MIPSMMU) { clear(c.micro.hits) })
				x.do(rt, func(c *MIPSMMU) any { c.Write(PageGrain, 3<<30); return nil })
				lo := func(t *rapid.T) uint64 {
					v := drawPage(t, 64)>>6 | draw[uint64](t, "C", 0, 8, 16) | draw[uint64](t, "V, D, G", 7, 7, 6, 6, 2, 0)
					if inhibit := draw[uint64](t, "RI, XI", 0, 0, 0, 1, 2); p.MIPS.SegBits != 32 {
						return v | inhibit<<62
					} else {
						return v | inhibit<<30
					}
				}
				write := func(t *rapid.T) (r [5]uint64) {
					r[0] = drawPage(t, 8)&^0x1fff | draw[uint64](t, "ASID", 0, 1)
					r[1], r[2] = lo(t), lo(t)
					r[3] = draw[uint64](t, "PageMask", 0, 0, 0x6000)
					r[4] = draw[uint64](t, "index", 0, 1, 2, 5)
					return r
				}
				load := func(c *MIPSMMU, r [5]uint64) {
					for i, reg := range []MIPSReg{EntryHi, EntryLo0, EntryLo1, PageMask, Index} {
						c.Write(reg, r[i])
					}
					c.Write(MemoryMapID, r[0]&1)
				}
				access := func(t *rapid.T) {
					mode, acc, va := draw(t, "mode", MIPSUser, MIPSUser, MIPSKernel, MIPSError), drawAccess(t), drawPage(t, 8)|0x123
					x.do(t, func(c *MIPSMMU) any { return c.Translate(mode, acc, va) })
				}
				rt.Repeat(map[string]func(*rapid.T){
					"tlbwi": func(t *rapid.T) { r := write(t); x.do(t, func(c *MIPSMMU) any { load(c, r); return c.TLBWI() }) },
					"tlbwr": func(t *rapid.T) {
						r := write(t)
						x.do(t, func(c *MIPSMMU) any { load(c, r); _, f := c.TLBWR(); return f })
					},
					"tlbinv": func(t *rapid.T) { x.do(t, func(c *MIPSMMU) any { c.TLBINV(); return nil }) },
					"hide": func(t *rapid.T) {
						i := draw(t, "entry", 0, 1, 2)
						x.do(t, func(c *MIPSMMU) any { c.SetEntry(i, MIPSEntry{Hidden: true}); return nil })
					},
					"registers": func(t *rapid.T) {
						asid, status := draw[uint64](t, "ASID", 0, 1), draw[uint64](t, "status", 0, statusUX|statusKX)
						x.do(t, func(c *MIPSMMU) any {
							c.Write(EntryHi, asid)
							c.Write(MemoryMapID, asid)
							c.Write(Status, status)
							return nil
						})
					},
					"reset":   func(t *rapid.T) { x.do(t, func(c *MIPSMMU) any { c.Reset(); return nil }) },
					"access":  access,
					"access2": access,
					"access3": access,
					"":        x.check,
				})
			})
		}
	}
}

func TestMicroTLBOfSun4u(t *testing.T) {
	p, err := ByName("ultrasparc")
	require.NoError(t, err)
	p.Sparc.Entries = 4
	rapid.Check(t, func(rt *rapid.T) {
		x := newTwins(t, p, NewSun4u, func(u *Sun4u) *Reports { return &u.Reports }, func(u *Sun4u) {
			clear(u.side[DMMU].micro.hits)
			clear(u.side[IMMU].micro.hits)
		})
		for page, more := range []uint64{tteP4u, tteE4u | tteIE4u} {
			x.do(rt, func(u *Sun4u) any {
				u.Write(DMMU, TagAccess, uint64(page)<<13)
				return u.DataIn(DMMU, tteValid|more)
			})
		}
		access := func(t *rapid.T) {
			accessSparc(t, func(m Sun4uMode, a Access, n bool, va uint64) {
				x.do(t, func(u *Sun4u) any { return u.Translate(m, a, n, va) })
			})
		}
		side := func(t *rapid.T) SparcSide { return draw(t, "side", DMMU, DMMU, IMMU) }
		rt.Repeat(map[string]func(*rapid.T){
			"data in": func(t *rapid.T) {
				s, tag, tte := side(t), drawPage(t, 8)|draw[uint64](t, "context", 0, 1), drawTTE(t, tteW4u, ttePriv4u(t))
				x.do(t, func(u *Sun4u) any { u.Write(s, TagAccess, tag); return u.DataIn(s, tte) })
			},
			"demap": func(t *rapid.T) {
				s, at := side(t), drawPage(t, 8)|draw[uint64](t, "what", 0, 0x40, 0x20)
				x.do(t, func(u *Sun4u) any { return u.Demap(s, at) })
			},
			"contexts": func(t *rapid.T) {
				r, n := draw(t, "register", PrimaryContext, SecondaryContext), draw[uint64](t, "context", 0, 1)
				x.do(t, func(u *Sun4u) any { u.Write(DMMU, r, n); return nil })
			},
			"access": access, "access2": access, "access3": access, "": x.check,
		})
	})
}

func accessSparc(t *rapid.T, do func(Sun4uMode, Access, bool, uint64)) {
	do(draw(t, "mode", UserPrimary, UserPrimary, UserSecondary, KernelPrimary, Nucleus), drawAccess(t), draw(t, "no-fault", false, true), drawPage(t, 4)|0x123)
}

func ttePriv4u(t *rapid.T) uint64 {
	return draw[uint64](t, "P, E, NFO", 0, 0, tteP4u, tteE4u, tteNFO4u, tteIE4u, tteG4u, tteLock4u)
}

func drawTTE(t *rapid.T, write, more uint64) uint64 {
	return tteValid | drawPage(t, 64)&^0x1fff | more | draw(t, "W", 0, write)
}

func TestMicroTLBOfSun4v(t *testing.T) {
	p, err := ByName("sun4v")
	require.NoError(t, err)
	p.Sparc.Entries = 4
	rapid.Check(t, func(rt *rapid.T) {
		x := newTwins(t, p, NewSun4v, func(v *Sun4v) *Reports { return &v.Reports }, func(v *Sun4v) {
			clear(v.side[DMMU].micro.hits)
			clear(v.side[IMMU].micro.hits)
		})
		access := func(t *rapid.T) {
			accessSparc(t, func(m Sun4uMode, a Access, n bool, va uint64) {
				x.do(t, func(v *Sun4v) any { return v.Translate(m, a, n, va) })
			})
		}
		side := func(t *rapid.T) SparcSide { return draw(t, "side", DMMU, DMMU, IMMU) }
		rt.Repeat(map[string]func(*rapid.T){
			"map": func(t *rapid.T) {
				s, va, n, tte := side(t), drawPage(t, 8), draw[uint64](t, "context", 0, 1), drawTTE(t, tteW4v, draw[uint64](t, "P, X", tteX4v, tteX4v|tteP4v, 0))
				x.do(t, func(v *Sun4v) any { return v.MapAddr(s, va, n, tte) })
			},
			"demap": func(t *rapid.T) {
				s, va, n := side(t), drawPage(t, 8), draw[uint64](t, "context", 0, 1)
				x.do(t, func(v *Sun4v) any { return v.DemapPage(s, va, n) })
			},
			"contexts": func(t *rapid.T) {
				n, n2 := draw[uint64](t, "primary", 0, 1), draw[uint64](t, "secondary", 0, 1)
				x.do(t, func(v *Sun4v) any { v.PrimaryContext, v.SecondaryContext = n, n2; return nil })
			},
			"access": access, "access2": access, "access3": access, "": x.check,
		})
	})
}

func TestMicroTLBOfPPC4xx(t *testing.T) {
	for _, name := range []string{"ppc405", "ppc440", "ppc476"} {
		for _, quirks := range []Quirk{0, Quirk440StalePages, Quirk405PermittingEntry} {
			p, err := ByName(name)
			require.NoError(t, err)
			p.Quirks = quirks
			if p.PPC4xx.Entries /= 16; p.PPC4xx.Ways > p.PPC4xx.Entries {
				p.PPC4xx.Ways = p.PPC4xx.Entries
			}
			rapid.Check(t, func(rt *rapid.T) {
				x := newTwins(t, p, NewPPC4xx, func(m *PPC4xxMMU) *Reports { return &m.Reports }, func(m *PPC4xxMMU) { clear(m.micro.hits) })
				for i := range 2 {
					fill(x, rt, i, uint32(i)<<12, uint16(i))
				}
				access := func(t *rapid.T) {
					acc, ea := drawAccess(t), drawPage(t, 4)|draw[uint64](t, "offset", 0, 0x500)
					x.do(t, func(m *PPC4xxMMU) any { return m.Translate(acc, ea) })
				}
				word := func(t *rapid.T) (int, uint32) {
					v := uint32(drawPage(t, 8)) | draw[uint32](t, "low bits", 0x3ff, 0x3df, 0x210, 0x200, 0x8f0, 0x810, 0xc0, 0x3f, 0x15, 0)
					return draw(t, "word", 0, 1, 2), v
				}
				rt.Repeat(map[string]func(*rapid.T){
					"tlbwe": func(t *rapid.T) {
						i := draw[uint32](t, "index", 0, 1, explicitWay47x, explicitWay47x|1<<wayShift47x)
						w, v := word(t)
						x.do(t, func(m *PPC4xxMMU) any { return m.TLBWE(i, w, v) })
					},
					"all of an entry": func(t *rapid.T) {
						space, i, tid := draw(t, "TS", 0, x.warm.layout.ts), draw(t, "entry", 0, 1, 2), draw[uint16](t, "TID", 0, 1, 2)
						fill(x, t, i, uint32(drawPage(t, 2))|space, tid)
					},
					"PID": func(t *rapid.T) {
						n := draw[uint32](t, "PID", 0, 1, 2)
						x.do(t, func(m *PPC4xxMMU) any { m.PID, m.MMUCR = n, n; return nil })
					},
					"zones": func(t *rapid.T) {
						n := draw[uint32](t, "ZPR", 0, 1<<30, 3<<30)
						x.do(t, func(m *PPC4xxMMU) any { m.ZPR = n; return nil })
					},
					"MSR": func(t *rapid.T) {
						n := draw[uint32](t, "MSR", 0, MSRDS|MSRIS, MSRDS, MSRPR, MSRDS|MSRIS|MSRPR)
						x.do(t, func(m *PPC4xxMMU) any { m.MSR = n; return nil })
					},
					"tlbia": func(t *rapid.T) { x.do(t, func(m *PPC4xxMMU) any { m.TLBIA(); return nil }) },
					"tlbivax": func(t *rapid.T) {
						ea := uint32(drawPage(t, 8))
						x.do(t, func(m *PPC4xxMMU) any { m.TLBIVAX(ea, 0, false); return nil })
					},
					"access": access, "access2": access, "access3": access, "": x.check,
				})
			})
		}
	}
}

// fill puts a 4 KiB page that permits everything into an entry.
func fill(x *twins[*PPC4xxMMU], t *rapid.T, i int, page uint32, tid uint16) {
	l := x.warm.layout
	size := uint32(0)
	for raw := (entry4xx{}); x.warm.shift(&raw) != 12; raw.word[0] = size {
		size += 1 << l.sizeShift
	}
	x.do(t, func(m *PPC4xxMMU) any {
		m.SetEntry(i, Entry4xx{Word: [3]uint32{page | l.valid | size, page<<4 | 0x300, 0x3f}, TID: tid})
		return nil
	})
}

func TestMicroTLBOf603(t *testing.T) {
	for _, quirks := range []Quirk{0, Quirk603SetsRC, Quirk603LoadEvicts} {
		p, err := ByName("ppc603")
		require.NoError(t, err)
		p.Quirks = quirks
		rapid.Check(t, func(rt *rapid.T) {
			x := newTwins(t, p, New603, func(m *PPC603MMU) *Reports { return &m.Reports }, func(m *PPC603MMU) {
				clear(m.side[Data603].micro.hits)
				clear(m.side[Instr603].micro.hits)
			})
			x.do(rt, func(m *PPC603MMU) any {
				m.MSR, m.DCMP, m.RPA = MSRDR|MSRIR, m.compare(0), 2
				m.TLBLD(0)
				return nil
			})
			access := func(t *rapid.T) {
				acc, ea := drawAccess(t), drawPage(t, 2)|draw[uint64](t, "far", 0, 0x20000)|0x123
				x.do(t, func(m *PPC603MMU) any { return m.Translate(acc, ea) })
			}
			rt.Repeat(map[string]func(*rapid.T){
				"load": func(t *rapid.T) {
					ea, way := uint32(drawPage(t, 2))|draw[uint32](t, "far", 0, 0x20000), draw[uint32](t, "way", 0, SRR1Way)
					rpa := uint32(drawPage(t, 16)) | draw[uint32](t, "C, PP", 0x82, 0x182, 2, 3, 0, 0x83)
					instr := draw(t, "instructions", false, false, true)
					x.do(t, func(m *PPC603MMU) any {
						m.SRR1, m.RPA = way, rpa
						m.DCMP, m.ICMP = m.compare(ea), m.compare(ea)
						if instr {
							m.TLBLI(ea)
						} else {
							m.TLBLD(ea)
						}
						return nil
					})
				},
				"tlbie": func(t *rapid.T) {
					ea := uint32(drawPage(t, 2))
					x.do(t, func(m *PPC603MMU) any { m.TLBIE(ea); return nil })
				},
				"registers": func(t *rapid.T) {
					sr, msr := draw[uint32](t, "SR", 0, 1, srKp, srNoExec), draw[uint32](t, "MSR", MSRDR|MSRIR, MSRDR|MSRIR|MSRPR, 0)
					x.do(t, func(m *PPC603MMU) any { m.SR[0], m.MSR = sr, msr; return nil })
				},
				"access": access, "access2": access, "access3": access, "": x.check,
			})
		})
	}
}

func TestMicroTLBOfE500(t *testing.T) {
	for _, name := range []string{"e500v2", "e500mc", "e6500"} {
		p, err := ByName(name)
		require.NoError(t, err)
		p.E500.TLB0, p.E500.TLB1 = E500Array{8, 4}, E500Array{4, 4}
		rapid.Check(t, func(rt *rapid.T) {
			x := newTwins(t, p, NewE500, func(c *E500Core) *Reports { return &c.Reports }, func(c *E500Core) { clear(c.micro.hits) })
			for _, c := range []*E500Core{x.warm, x.cold} {
				c.Memory = func(ra uint64) (uint64, bool) {
					return ra<<21 | 2<<ptePSShift | pteRef | pteChanged | mas3Perms<<pteBAPShift | pteValid, true
				}
			}
			for i := range 2 {
				e := E500Entry{MAS1: mas1Valid | uint32(i)<<tidShift | 2<<tsizeShift, MAS2: uint64(i) << 12, MAS73: uint64(i)<<16 | mas3Perms, MAS8: uint32(i)}
				x.do(rt, func(c *E500Core) any { c.SetEntry(c.tlb0.ways*i, e); return nil })
			}
			thread := func(t *rapid.T) int { return draw(t, "thread", 0, p.E500.Threads-1) }
			access := func(t *rapid.T) {
				i, acc, ea := thread(t), drawAccess(t), drawPage(t, 4)|draw[uint64](t, "high", 0, 0, 1<<40)|0x123
				x.do(t, func(c *E500Core) any { return c.Thread(i).Translate(acc, ea) })
			}
			rt.Repeat(map[string]func(*rapid.T){
				"tlbwe": func(t *rapid.T) {
					i, mas0 := thread(t), draw[uint64](t, "MAS0", 0, 1<<16, 1<<28, 1<<28|1<<16)
					mas1 := mas1Valid | draw[uint64](t, "MAS1", 2<<7, 2<<7, 4<<7, 2<<7|mas1TS, 12<<7|mas1Ind) | draw[uint64](t, "TID", 0, 1, 2)<<tidShift
					page, perms := drawPage(t, 8), draw[uint64](t, "MAS3", 0x3f, 0x33, 0x3, 0)
					x.do(t, func(c *E500Core) any {
						th := c.Thread(i)
						for r, v := range map[E500Reg]uint64{MAS0: mas0, MAS1: mas1, MAS2: page, MAS3: page<<4 | perms | mas1&mas1Ind>>11, MAS7: 0} {
							th.Write(r, v)
						}
						_, o := th.TLBWE()
						return o
					})
				},
				"tlbilx": func(t *rapid.T) {
					i, kind, ea := thread(t), draw(t, "T", 0, 1, 3, 3), drawPage(t, 8)
					x.do(t, func(c *E500Core) any { c.Thread(i).TLBILX(kind, ea); return nil })
				},
				"registers": func(t *rapid.T) {
					i, r, v := thread(t), draw(t, "register", PID0, PID1, PID2, LPIDR), draw[uint64](t, "value", 0, 1, 2)
					x.do(t, func(c *E500Core) any { c.Thread(i).Write(r, v); return nil })
				},
				"MSR": func(t *rapid.T) {
					i, msr := thread(t), draw[uint32](t, "MSR", 0, MSRDS|MSRIS, MSRPR, MSRGS, MSRCM)
					x.do(t, func(c *E500Core) any { c.Thread(i).MSR = msr; return nil })
				},
				"access": access, "access2": access, "access3": access, "": x.check,
			})
		})
	}
}

// TestMicroTLBSeesRegisters: a hit, a register that it depended on, the same
// access again.
func TestMicroTLBSeesRegisters(t *testing.T) {
	for _, c := range []struct {
		part string
		set  func(*E500Thread, uint64)
	}{
		{"e500v2", func(th *E500Thread, n uint64) { th.Write(PID0, n) }},
		{"e500v2", func(th *E500Thread, n uint64) { th.Write(PID1, n) }},
		{"e500v2", func(th *E500Thread, n uint64) { th.Write(PID2, n) }},
		{"e6500", func(th *E500Thread, n uint64) { th.Write(PID0, 1); th.Write(LPIDR, n) }},
	} {
		p, err := ByName(c.part)
		require.NoError(t, err)
		core, err := NewE500(p)
		require.NoError(t, err)
		th := core.Thread(0)
		core.SetEntry(0, E500Entry{MAS1: mas1Valid | 1<<tidShift | 2<<tsizeShift, MAS73: mas3Perms, MAS8: 1})
		for range 2 {
			c.set(th, 1)
			require.True(t, th.Translate(Load, 0).OK())
			c.set(th, 2)
			require.Equal(t, TLBMiss, th.Translate(Load, 0).Fault)
		}
	}

	p, err := ByName("ultrasparc")
	require.NoError(t, err)
	u, err := NewSun4u(p)
	require.NoError(t, err)
	u.DataIn(DMMU, tteValid|tteP4u)
	require.True(t, u.Translate(KernelPrimary, Load, false, 0).OK())
	require.Equal(t, AccessFault, u.Translate(UserPrimary, Load, false, 0).Fault)

	p, err = ByName("ppc603")
	require.NoError(t, err)
	p.Quirks = Quirk603SetsRC
	m, err := New603(p)
	require.NoError(t, err)
	m.MSR, m.DCMP, m.RPA = MSRDR, m.compare(0), 2
	m.TLBLD(0)
	require.False(t, m.Translate(Load, 0).Prot.Has(Store), "C is 0")
	require.True(t, m.Translate(Store, 0).OK(), "and set by the store")
	require.True(t, m.Translate(Load, 0).Prot.Has(Store))
}
