package tlb_test

import (
	"testing"

	"github.com/hashmmu/ppc64/tlb"
	"github.com/hashmmu/ppc64/tlb/tlbtest"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func profile(t require.TestingT, name string) tlb.Profile {
	p, err := tlb.ByName(name)
	require.NoError(t, err)
	return p
}

// somePolicy replaces the profile's stand-in for several matches.
func somePolicy(t *rapid.T) tlb.MultiHit {
	p := rapid.SampledFrom([]tlb.Policy{tlb.FirstMatch, tlb.OrBits, tlb.Miss, tlb.CheckMachine}).Draw(t, "policy")
	return tlb.MultiHit{Lookup: p, Probe: p}
}

var someAccess = rapid.SampledFrom([]tlb.Access{tlb.Load, tlb.Store, tlb.Fetch})

// answer is a Result as the models give it.
func answer(r tlb.Result) tlbtest.Answer {
	return tlbtest.Answer{Fault: r.Fault, PA: r.PA, Prot: r.Prot, Matches: r.Hit.N}
}

// TestPPC4xxModel runs random operations on each 4xx profile and on its model.
func TestPPC4xxModel(t *testing.T) {
	for _, name := range []string{"ppc405", "ppc440", "ppc476"} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := profile(t, name)
				if small := rapid.Bool().Draw(t, "small"); small {
					p.PPC4xx.Entries = 8
					if p.Family != tlb.PPC47x {
						p.PPC4xx.Ways = 8
					}
				}
				p.MultiHit = somePolicy(t)
				mmu, err := tlb.NewPPC4xx(p)
				require.NoError(t, err)
				run4xx(t, mmu, tlbtest.NewModel4xx(p))
			})
		})
	}
}

func run4xx(t *rapid.T, mmu *tlb.PPC4xxMMU, model *tlbtest.Model4xx) {
	p := mmu.Profile()
	ea := rapid.Custom(func(t *rapid.T) uint32 {
		base := rapid.SampledFrom([]uint32{0, 0x10000000, 0x10040000, 0xfffff000}).Draw(t, "base")
		return base + rapid.Uint32Range(0, 0x8fff).Draw(t, "offset")
	})
	pid := rapid.SampledFrom([]uint32{0, 1, 2, 0x101})
	operand := func(t *rapid.T) uint32 {
		if p.Family != tlb.PPC47x {
			return rapid.Uint32Range(0, uint32(p.PPC4xx.Entries)-1).Draw(t, "entry")
		}
		way := rapid.Uint32Range(0, 3).Draw(t, "way") << 29
		set := rapid.Uint32Range(0, uint32(p.PPC4xx.Entries/p.PPC4xx.Ways)-1).Draw(t, "set") << 16
		how := rapid.SampledFrom([]uint32{0, 0, 0x80000000, 0x88000000, 0x8a000000, 0x8f000000}).Draw(t, "how")
		return way | set | how
	}
	// word 0: valid, of an existing size and in one of few pages, most of the time
	sizes := map[tlb.Family][]uint32{
		tlb.PPC405: {0, 1 << 7, 2 << 7, 5 << 7},
		tlb.PPC44x: {0, 1 << 4, 2 << 4, 6 << 4, 9 << 4},
		tlb.PPC47x: {0, 0, 1 << 4, 2 << 4, 3 << 4, 0x1f << 4},
	}[p.Family]
	valid := map[tlb.Family]uint32{tlb.PPC405: 0x40, tlb.PPC44x: 0x200, tlb.PPC47x: 0x800}[p.Family]
	word0 := func(t *rapid.T) uint32 {
		return ea.Draw(t, "ea")&0xfffffc00 | rapid.SampledFrom(sizes).Draw(t, "size") |
			rapid.SampledFrom([]uint32{0, valid, valid, valid, valid | 0x100, valid | 0x400}).Draw(t, "flags")
	}
	write := func(ra uint32, word int, v uint32) {
		require.NoError(t, mmu.TLBWE(ra, word, v))
		model.TLBWE(ra, word, v)
	}
	t.Repeat(map[string]func(*rapid.T){
		"fill": func(t *rapid.T) { // as misses would: sets run full
			for range rapid.IntRange(1, 12).Draw(t, "entries") {
				ra := uint32(0)
				if p.Family != tlb.PPC47x {
					ra = operand(t)
				}
				write(ra, 0, word0(t))
			}
		},
		"entry": func(t *rapid.T) {
			ra := operand(t)
			mmu.MMUCR = pid.Draw(t, "stid")
			model.MMUCR = mmu.MMUCR
			write(ra, 0, word0(t))
			write(ra, 1, rapid.Uint32().Draw(t, "word 1"))
			if p.Family != tlb.PPC405 {
				write(ra, 2, rapid.Uint32().Draw(t, "word 2"))
			}
		},
		"word": func(t *rapid.T) {
			words := 3
			if p.Family == tlb.PPC405 {
				words = 2
			}
			write(operand(t), rapid.IntRange(0, words-1).Draw(t, "word"), rapid.Uint32().Draw(t, "value"))
		},
		"tlbre": func(t *rapid.T) {
			ra, word := operand(t), rapid.IntRange(0, 1).Draw(t, "word")
			require.Equal(t, model.TLBRE(ra, word), mmu.TLBRE(ra, word))
		},
		"tlbsx": func(t *rapid.T) {
			addr := ea.Draw(t, "ea")
			id, space := model.MMUCR&0xff, model.MMUCR&0x10000 != 0
			switch p.Family {
			case tlb.PPC405:
				id, space = model.PID&0xff, false
			case tlb.PPC47x:
				id = model.MMUCR & 0xffff
			}
			list := model.Matches(addr, id, space)
			ra, hits, f := mmu.TLBSX(addr)
			several := len(list) > 1
			require.Equal(t, len(list), hits.N)
			require.Equal(t, several && p.MultiHit.Probe == tlb.CheckMachine, f == tlb.MachineCheck)
			found := len(list) == 1 || several && (p.MultiHit.Probe == tlb.FirstMatch || p.MultiHit.Probe == tlb.OrBits)
			require.Equal(t, found, ra != ^uint32(0))
			if len(list) > 0 {
				require.Equal(t, list[0], hits.First)
			}
		},
		"registers": func(t *rapid.T) {
			mmu.PID = pid.Draw(t, "pid")
			mmu.MSR = rapid.Uint32().Draw(t, "msr") & (tlb.MSRIS | tlb.MSRDS | tlb.MSRPR)
			mmu.ZPR = rapid.Uint32().Draw(t, "zpr")
			mmu.MMUCR = pid.Draw(t, "stid") | rapid.SampledFrom([]uint32{0, 0x10000}).Draw(t, "sts")
			model.PID, model.MSR, model.ZPR, model.MMUCR = mmu.PID, mmu.MSR, mmu.ZPR, mmu.MMUCR
		},
		"tlbia": func(t *rapid.T) {
			if p.Family != tlb.PPC405 || rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
				t.Skip()
			}
			mmu.TLBIA()
			model.TLBIA()
		},
		"access": func(t *rapid.T) {
			acc, addr := someAccess.Draw(t, "access"), ea.Draw(t, "ea")
			want := model.Translate(acc, addr)
			require.Equal(t, want, answer(mmu.Translate(acc, uint64(addr))))
		},
		"": func(t *rapid.T) {
			require.Equal(t, [...]uint32{model.PID, model.MMUCR, model.DEAR, model.ESR},
				[...]uint32{mmu.PID, mmu.MMUCR, mmu.DEAR, mmu.ESR})
			for i, e := range model.Entries {
				got := mmu.Entry(i)
				require.Equal(t, e, tlbtest.Model4xxEntry{Word: got.Word, TID: uint32(got.TID)}, "entry %d", i)
				require.Equal(t, model.Bolted(i), got.Bolted, "entry %d", i)
			}
		},
	})
}

// TestPPC603Model runs random operations on a 603 and on its model.
func TestPPC603Model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := profile(t, "ppc603")
		p.MultiHit = somePolicy(t)
		mmu, err := tlb.New603(p)
		require.NoError(t, err)
		mmu.MSR = tlb.MSRDR | tlb.MSRIR
		model := &tlbtest.Model603{Policy: p.MultiHit.Lookup, MSR: mmu.MSR}
		ea := rapid.Custom(func(t *rapid.T) uint32 {
			return rapid.SampledFrom([]uint32{0, 0x20000, 0x40000, 0xf0400000}).Draw(t, "base") + rapid.Uint32Range(0, 0x1fff).Draw(t, "offset")
		})
		vsid := rapid.SampledFrom([]uint32{1, 2, 0xffffff})
		load := func(t *rapid.T, side int, addr uint32) {
			mmu.RPA = rapid.Uint32().Draw(t, "rpa")&0xfffff1ff | rapid.SampledFrom([]uint32{0, 0x82, 0x82}).Draw(t, "dirty")
			model.RPA = mmu.RPA
			if side == tlb.Data603 {
				mmu.TLBLD(addr)
			} else {
				mmu.TLBLI(addr)
			}
			model.Load(side, addr)
		}
		access := func(t *rapid.T) {
			acc, addr := someAccess.Draw(t, "access"), ea.Draw(t, "ea")
			a := answer(mmu.Translate(acc, uint64(addr)))
			require.Equal(t, model.Translate(acc, addr), a)
			if a.Fault == tlb.TLBMiss && rapid.IntRange(0, 3).Draw(t, "fill") > 0 {
				side := tlb.Data603
				if acc == tlb.Fetch {
					side = tlb.Instr603
				}
				load(t, side, addr)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"accesses": func(t *rapid.T) { // with a kernel that fills, mostly
				for range rapid.IntRange(1, 12).Draw(t, "accesses") {
					access(t)
				}
			},
			"load": func(t *rapid.T) {
				side, addr := rapid.IntRange(0, 1).Draw(t, "side"), ea.Draw(t, "ea")
				cmp := rapid.SampledFrom([]uint32{0, 1 << 31}).Draw(t, "v") | vsid.Draw(t, "vsid")<<7 | addr>>22&0x3f |
					rapid.SampledFrom([]uint32{0, 0x40}).Draw(t, "h")
				mmu.SRR1 = rapid.SampledFrom([]uint32{0, tlb.SRR1Way}).Draw(t, "way")
				model.SRR1 = mmu.SRR1
				mmu.DCMP, mmu.ICMP = cmp, cmp
				model.Miss[1], model.Miss[3] = cmp, cmp
				load(t, side, addr)
			},
			"tlbie": func(t *rapid.T) {
				addr := ea.Draw(t, "ea")
				mmu.TLBIE(addr)
				model.TLBIE(addr)
			},
			"registers": func(t *rapid.T) {
				mmu.MSR = rapid.Uint32().Draw(t, "msr")&tlb.MSRPR | tlb.MSRDR | rapid.SampledFrom([]uint32{tlb.MSRIR, 0}).Draw(t, "ir")
				mmu.SDR1 = rapid.Uint32().Draw(t, "origin")&0xfe000000 | rapid.SampledFrom([]uint32{0, 1, 7, 0x1ff}).Draw(t, "mask")
				n := rapid.SampledFrom([]int{0, 15}).Draw(t, "sr")
				mmu.SR[n] = vsid.Draw(t, "vsid") | rapid.Uint32().Draw(t, "keys")&0x60000000 |
					rapid.SampledFrom([]uint32{0, 0, 0, 0x10000000}).Draw(t, "n")
				model.MSR, model.SDR1, model.SR = mmu.MSR, mmu.SDR1, mmu.SR
			},
			"": func(t *rapid.T) {
				require.Equal(t, model.Miss, [...]uint32{mmu.DMISS, mmu.DCMP, mmu.IMISS, mmu.ICMP, mmu.HASH1, mmu.HASH2})
				require.Equal(t, [...]uint32{model.SRR1, model.DAR, model.DSISR}, [...]uint32{mmu.SRR1, mmu.DAR, mmu.DSISR})
				for side := range model.TLB {
					for set, ways := range model.TLB[side] {
						for way, e := range ways {
							require.Equal(t, e, mmu.Entry(side, set*2+way))
						}
					}
				}
			},
		})
	})
}

// TestE500Model runs random operations on each e500 profile and on its model.
func TestE500Model(t *testing.T) {
	for _, name := range []string{"e500v2", "e500mc", "e5500", "e6500"} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := profile(t, name)
				if rapid.Bool().Draw(t, "small") {
					p.E500.TLB0 = tlb.E500Array{Entries: 4 * p.E500.TLB0.Ways, Ways: p.E500.TLB0.Ways}
					p.E500.TLB1 = tlb.E500Array{Entries: 4, Ways: 4}
				}
				p.MultiHit = somePolicy(t)
				core, err := tlb.NewE500(p)
				require.NoError(t, err)
				runE500(t, core, tlbtest.NewModelE500(p))
			})
		})
	}
}

func runE500(t *rapid.T, core *tlb.E500Core, model *tlbtest.ModelE500) {
	g := core.Profile().E500
	ea := rapid.Custom(func(t *rapid.T) uint64 {
		base := rapid.SampledFrom([]uint64{0, 0x10000000, 0x10004000, 0xfffff000, 0x7_10000000}).Draw(t, "base")
		return base + rapid.Uint64Range(0, 0x4fff).Draw(t, "offset")
	})
	pid := rapid.SampledFrom([]uint64{0, 1, 2, 0x81})
	tsize := rapid.SampledFrom([]uint64{2, 4, 6, 8, 14})
	mas0 := func(t *rapid.T) uint64 {
		v := rapid.SampledFrom([]uint64{0, 0, 1, 1, 2}).Draw(t, "tlbsel")<<28 |
			rapid.Uint64Range(0, 15).Draw(t, "esel")<<16 | rapid.Uint64Range(0, 15).Draw(t, "nv")
		if g.Indirect {
			v |= rapid.SampledFrom([]uint64{0, 0, 0, 0x1000, 0x1000, 0x2000, 0x4000}).Draw(t, "wq hes")
		}
		return v
	}
	// draw returns a value of a register, without reserved bits.
	draw := func(t *rapid.T, r tlb.E500Reg) uint64 {
		bit := func(v uint64) uint64 { return rapid.SampledFrom([]uint64{0, v}).Draw(t, "bit") }
		rarely := func(has bool, v uint64) uint64 {
			if !has {
				return 0
			}
			return rapid.SampledFrom([]uint64{0, 0, 0, v}).Draw(t, "rare bit")
		}
		lpid := func() uint64 { return rarely(g.Hypervisor, 5) }
		switch r {
		case tlb.MAS0:
			return mas0(t)
		case tlb.MAS1:
			return 1<<31&^rarely(true, 1<<31) | rarely(true, 1<<30) | pid.Draw(t, "tid")<<16 | rarely(true, 0x1000) |
				rarely(g.Indirect, 0x2000) | tsize.Draw(t, "tsize")<<7
		case tlb.MAS2:
			v := ea.Draw(t, "epn")&^0xfff | rapid.Uint64Range(0, 0x7f).Draw(t, "attributes")
			if !g.Is64 {
				v &= 0xffffffff
			}
			return v
		case tlb.MAS3:
			return rapid.Uint64().Draw(t, "mas3") & 0xfffff3ff
		case tlb.MAS4:
			v := bit(1<<28) | tsize.Draw(t, "tsized")<<7 | rapid.Uint64Range(0, 0x7f).Draw(t, "attributes") | rarely(g.Indirect, 0x8000)
			if g.PIDs > 1 {
				v |= rapid.Uint64Range(0, 3).Draw(t, "tidseld") << 16
			}
			return v
		case tlb.MAS5:
			return rarely(g.Hypervisor, 1<<31) | lpid()
		case tlb.MAS6:
			return pid.Draw(t, "spid")<<16 | rarely(g.Indirect, 2) | rarely(true, 1)
		case tlb.MAS7:
			return rapid.Uint64Range(0, 15).Draw(t, "mas7")
		case tlb.MAS8:
			return rarely(g.Hypervisor, 1<<31) | lpid()
		case tlb.PID1, tlb.PID2:
			if g.PIDs == 1 {
				return 0
			}
			return pid.Draw(t, "pid")
		case tlb.EPLC, tlb.EPSC:
			if !g.Hypervisor {
				return 0
			}
			return bit(1<<31) | rarely(true, 1<<30) | rarely(true, 1<<29) | lpid()<<16 | pid.Draw(t, "epid")
		case tlb.LPIDR:
			return lpid()
		}
		return pid.Draw(t, "pid")
	}
	regs := []tlb.E500Reg{tlb.MAS0, tlb.MAS1, tlb.MAS2, tlb.MAS3, tlb.MAS4, tlb.MAS5, tlb.MAS6, tlb.MAS7,
		tlb.MAS8, tlb.PID0, tlb.PID1, tlb.PID2, tlb.EPLC, tlb.EPSC, tlb.LPIDR}
	set := func(t *rapid.T, n int, r tlb.E500Reg) {
		v := draw(t, r)
		core.Thread(n).Write(r, v)
		require.Equal(t, v, core.Thread(n).Read(r), "%v has no such reserved bit", r)
		model.Threads[n].Reg[r] = v
	}
	thread := rapid.IntRange(0, g.Threads-1)
	t.Repeat(map[string]func(*rapid.T){
		"mtspr": func(t *rapid.T) {
			set(t, thread.Draw(t, "thread"), rapid.SampledFrom(regs).Draw(t, "register"))
		},
		"tlbwe": func(t *rapid.T) {
			n := thread.Draw(t, "thread")
			for _, r := range []tlb.E500Reg{tlb.MAS0, tlb.MAS1, tlb.MAS2, tlb.MAS3, tlb.MAS8} {
				set(t, n, r)
			}
			_, o := core.Thread(n).TLBWE()
			require.Equal(t, model.TLBWE(n), o)
		},
		"tlbwe as it is": func(t *rapid.T) {
			n := thread.Draw(t, "thread")
			_, o := core.Thread(n).TLBWE()
			require.Equal(t, model.TLBWE(n), o)
		},
		"tlbre": func(t *rapid.T) {
			n := thread.Draw(t, "thread")
			core.Thread(n).TLBRE()
			model.TLBRE(n)
		},
		"tlbsx": func(t *rapid.T) {
			n, addr := thread.Draw(t, "thread"), ea.Draw(t, "ea")
			h, f := core.Thread(n).TLBSX(addr)
			matches, fault := model.TLBSX(n, addr)
			require.Equal(t, matches, h.N)
			require.Equal(t, fault, f)
		},
		"tlbsrx": func(t *rapid.T) {
			n, addr := thread.Draw(t, "thread"), ea.Draw(t, "ea")
			require.Equal(t, model.TLBSRX(n, addr), core.Thread(n).TLBSRX(addr))
		},
		"flush": func(t *rapid.T) {
			n, addr := thread.Draw(t, "thread"), ea.Draw(t, "ea")
			switch how := rapid.IntRange(0, 20).Draw(t, "how"); how {
			case 0, 1, 3:
				core.Thread(n).TLBILX(how, addr)
				model.TLBILX(n, how, addr)
			case 2:
				core.Thread(n).MMUCSR0(uint32(addr & 6))
				model.MMUCSR0(uint32(addr & 6))
			default:
				addr = addr&^0xfff | addr&8 | uint64(how/20*4)
				core.Thread(n).TLBIVAX(addr)
				model.TLBIVAX(n, addr)
			}
		},
		"msr": func(t *rapid.T) {
			n := thread.Draw(t, "thread")
			v := rapid.SampledFrom([]uint32{0, 0, tlb.MSRIS | tlb.MSRDS, tlb.MSRGS}).Draw(t, "space") |
				rapid.SampledFrom([]uint32{0, tlb.MSRPR}).Draw(t, "pr") | rapid.SampledFrom([]uint32{0, tlb.MSRCM}).Draw(t, "cm")
			core.Thread(n).MSR, model.Threads[n].MSR = v, v
		},
		"access": func(t *rapid.T) {
			n, acc, addr := thread.Draw(t, "thread"), someAccess.Draw(t, "access"), ea.Draw(t, "ea")
			if g.Hypervisor && acc != tlb.Fetch && rapid.Bool().Draw(t, "external") {
				require.Equal(t, model.Translate(n, acc, addr, true), answer(core.Thread(n).TranslateExternal(acc, addr)))
				return
			}
			require.Equal(t, model.Translate(n, acc, addr, false), answer(core.Thread(n).Translate(acc, addr)))
		},
		"": func(t *rapid.T) { compareE500(t, core, model, regs) },
	})
}

func compareE500(t *rapid.T, core *tlb.E500Core, model *tlbtest.ModelE500, regs []tlb.E500Reg) {
	for n := range model.Threads {
		th, m := core.Thread(n), &model.Threads[n]
		for _, r := range regs {
			require.Equal(t, m.Reg[r], th.Read(r), "thread %d %v", n, r)
		}
		require.Equal(t, [...]uint64{m.DEAR, uint64(m.ESR), uint64(m.MCSR)}, [...]uint64{th.DEAR, uint64(th.ESR), uint64(th.MCSR)})
	}
	i := 0
	for _, ways := range model.TLB0 {
		for _, e := range ways {
			require.Equal(t, e, core.Entry(i))
			i++
		}
	}
	for _, e := range model.TLB1 {
		require.Equal(t, e, core.Entry(i))
		i++
	}
}
