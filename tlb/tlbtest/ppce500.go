package tlbtest

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// E500 drives an E500Core of profile p, all its threads, and the model with the
// same operations and requires the same answers, registers and entries. The
// profile has to have no quirks.
func E500(t *rapid.T, p tlb.Profile) {
	core, err := tlb.NewE500(p)
	require.NoError(t, err)
	model, g := newModelE500(p), p.E500
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
			require.EqualValues(t, matches, h.N)
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
				require.Equal(t, model.Translate(n, acc, addr, true), answerOf(core.Thread(n).TranslateExternal(acc, addr)))
				return
			}
			require.Equal(t, model.Translate(n, acc, addr, false), answerOf(core.Thread(n).Translate(acc, addr)))
		},
		"": func(t *rapid.T) { compareE500(t, core, model, regs) },
	})
}

func compareE500(t *rapid.T, core *tlb.E500Core, model *modelE500, regs []tlb.E500Reg) {
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
