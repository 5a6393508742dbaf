package tlbtest

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/tlb"
)

// sparcInputs draws from few pages and contexts, so that entries meet.
type sparcInputs struct {
	va, ctx, tte *rapid.Generator[uint64]
	mode         *rapid.Generator[tlb.Sun4uMode]
	acc          *rapid.Generator[tlb.Access]
	side         *rapid.Generator[tlb.SparcSide]
}

func newSparcInputs(v4 bool) sparcInputs {
	return sparcInputs{
		va: rapid.Custom(func(t *rapid.T) uint64 {
			base := rapid.SampledFrom([]uint64{0, 0x400000, 0xfffff80000000000, 0x80000000000}).Draw(t, "region")
			return base + rapid.Uint64Range(0, 0x2ffff).Draw(t, "offset")
		}),
		ctx: rapid.Uint64Range(0, 3),
		tte: rapid.Custom(func(t *rapid.T) uint64 {
			v := rapid.Uint64().Draw(t, "tte")
			if rapid.IntRange(0, 5).Draw(t, "invalid") > 0 {
				v |= 1 << 63
			}
			if v4 {
				v &^= 0xc // sizes 8K to 4M
			}
			return v
		}),
		mode: rapid.SampledFrom([]tlb.Sun4uMode{tlb.UserPrimary, tlb.UserSecondary, tlb.KernelPrimary, tlb.KernelSecondary, tlb.Nucleus}),
		acc:  rapid.SampledFrom([]tlb.Access{tlb.Load, tlb.Store, tlb.Fetch}),
		side: rapid.SampledFrom([]tlb.SparcSide{tlb.DMMU, tlb.IMMU}),
	}
}

// entries compares what a TLB holds with the model.
func (m *sparcModel) compare(t *rapid.T, entry func(i int) tlb.SparcEntry) {
	for i, s := range m.entry {
		if got := entry(i); got != (tlb.SparcEntry{Tag: s.tag, TTE: s.tte, Used: s.used}) {
			t.Fatalf("entry %d is %+v, want %+v", i, got, s)
		}
	}
}

func newSparcModels(p tlb.Profile) [2]*sparcModel {
	var m [2]*sparcModel
	for s := range m {
		m[s] = &sparcModel{v4: p.Sparc.Format == tlb.TTE4v, hit: p.MultiHit, entry: make([]sparcEntry, p.Sparc.Entries)}
	}
	return m
}

// inHole: the virtual address space has 44 bits, in two halves.
func inHole(va uint64) bool { return va >= 1<<43 && va < 1<<64-1<<43 }

// Sun4u drives the MMUs of profile p and the model with the same operations and
// requires the same answers, registers and entries.
func Sun4u(t *rapid.T, p tlb.Profile) {
	u, err := tlb.NewSun4u(p)
	require.NoError(t, err)
	models := newSparcModels(p)
	in := newSparcInputs(false)
	reports := 0
	u.OnWrite = func(tlb.Report) { reports++ }
	contexts := [3]uint64{} // primary, secondary, nucleus

	store := func(t *rapid.T, i int, data bool) {
		s := in.side.Draw(t, "side")
		m := models[s]
		tag, tte := in.va.Draw(t, "va")>>13<<13|in.ctx.Draw(t, "context"), in.tte.Draw(t, "tte")
		if data {
			i = m.victim()
		}
		before, overlap := reports, m.store(i, m.parse(tag, tte))
		u.Write(s, tlb.TagAccess, tag)
		if data {
			require.Equal(t, i, u.DataIn(s, tte))
		} else {
			u.DataAccess(s, i, tte)
		}
		require.Equal(t, overlap, reports > before, "report of an overlap")
		require.Equal(t, tag, u.ReadTag(s, i))
	}
	t.Repeat(map[string]func(*rapid.T){
		"data in": func(t *rapid.T) { store(t, 0, true) },
		"data access": func(t *rapid.T) {
			store(t, rapid.IntRange(0, p.Sparc.Entries-1).Draw(t, "entry"), false)
		},
		"context": func(t *rapid.T) {
			contexts[0], contexts[1] = in.ctx.Draw(t, "primary"), in.ctx.Draw(t, "secondary")
			u.Write(tlb.DMMU, tlb.PrimaryContext, contexts[0])
			u.Write(tlb.DMMU, tlb.SecondaryContext, contexts[1])
		},
		"demap": func(t *rapid.T) {
			s, which := in.side.Draw(t, "side"), rapid.Uint64Range(0, 3).Draw(t, "which")
			va, whole := in.va.Draw(t, "va")>>13<<13, rapid.Bool().Draw(t, "whole context")
			gone := func(e sparcEntry) bool { return e.matches(va, contexts[which]) }
			addr := va | which<<4
			if whole {
				addr |= 0x40
				gone = func(e sparcEntry) bool { return !e.global && e.ctx == contexts[which] }
			}
			want := 0
			if which < 3 {
				want = models[s].demap(gone)
			}
			require.Equal(t, want, u.Demap(s, addr))
		},
		"access": func(t *rapid.T) {
			sun4uAccess(t, u, models, in, contexts)
		},
		"": func(t *rapid.T) {
			for s, m := range models {
				m.compare(t, func(i int) tlb.SparcEntry { return u.Entry(tlb.SparcSide(s), i) })
			}
		},
	})
}

// sun4uAccess makes one access and compares result and registers.
func sun4uAccess(t *rapid.T, u *tlb.Sun4u, models [2]*sparcModel, in sparcInputs, contexts [3]uint64) {
	mode, acc, va := in.mode.Draw(t, "mode"), in.acc.Draw(t, "access"), in.va.Draw(t, "va")
	nf := acc == tlb.Load && rapid.Bool().Draw(t, "no-fault")
	s, which := tlb.DMMU, map[tlb.Sun4uMode]int{tlb.UserSecondary: 1, tlb.KernelSecondary: 1, tlb.Nucleus: 2}[mode]
	if acc == tlb.Fetch {
		s = tlb.IMMU
		if which == 1 {
			which = 0
		}
	}
	user := mode == tlb.UserPrimary || mode == tlb.UserSecondary
	m, ctx := models[s], contexts[which]
	before := [2]uint64{u.Read(s, tlb.SFSR), u.Read(s, tlb.SFAR)}
	e, all, want := m.answer(va, ctx)

	// The fault type bits of SFSR.
	types := uint64(0)
	for _, x := range []struct {
		is  bool
		bit uint64
	}{{e.p && user, 0x80}, {e.e && nf, 0x100}, {e.nfo && !nf, 0x800}} {
		if x.is && (s == tlb.DMMU || x.bit == 0x80) {
			types |= x.bit
		}
	}
	switch {
	case inHole(va):
		want, types, all = tlb.AddressError, 0x1000, nil
	case want != tlb.NoFault:
		types = 0
	case types != 0:
		want = tlb.AccessFault
	case acc == tlb.Store && !e.w:
		want = tlb.Protection
	}
	r := u.Translate(mode, acc, nf, va)
	require.Equal(t, want, r.Fault)
	if !inHole(va) {
		require.EqualValues(t, len(all), r.Hit.N)
	}
	if want == tlb.NoFault {
		m.entry[all[0]].used = true
		prot := map[bool]tlb.Access{false: tlb.Load, true: tlb.Load | tlb.Store}[e.w]
		if s == tlb.IMMU {
			prot = tlb.Fetch
		}
		require.Equal(t, e.pa|va%e.size, r.PA)
		require.Equal(t, prot, r.Prot)
		require.Equal(t, e.ie && s == tlb.DMMU, r.InvertEndian)
	}
	if want != tlb.NoFault && want != tlb.MachineCheck {
		require.Equal(t, va>>13<<13|ctx, u.Read(s, tlb.TagAccess))
	}
	if want == tlb.NoFault || want == tlb.TLBMiss || want == tlb.MachineCheck {
		require.Equal(t, before, [2]uint64{u.Read(s, tlb.SFSR), u.Read(s, tlb.SFAR)}, "status of earlier faults stays")
		return
	}
	sfsr := u.Read(s, tlb.SFSR)
	asi := []uint64{0x80, 0x81, 0x04}[which]
	if nf && which < 2 {
		asi += 2
	}
	require.Equal(t, types, sfsr&0x3f80, "fault type")
	require.Equal(t, asi, sfsr>>16&0xff, "ASI")
	require.Equal(t, []uint64{0x00, 0x10, 0x20}[which], sfsr&0x30, "context")
	require.Equal(t, []bool{true, before[0]&1 == 1, acc == tlb.Store, !user, nf},
		[]bool{sfsr&1 == 1, sfsr&2 != 0, sfsr&4 != 0, sfsr&8 != 0, sfsr&0x1000000 != 0})
	if s == tlb.DMMU {
		require.Equal(t, va, u.Read(s, tlb.SFAR))
	}
}

// Sun4v drives the MMU of profile p and the model with the same operations and
// requires the same answers and entries; with automatic demap it also requires
// that no access ever has two matches.
func Sun4v(t *rapid.T, p tlb.Profile) {
	v, err := tlb.NewSun4v(p)
	require.NoError(t, err)
	models := newSparcModels(p)
	in := newSparcInputs(true)
	auto := p.MultiHit.Write == tlb.Displace
	t.Repeat(map[string]func(*rapid.T){
		"map": func(t *rapid.T) {
			s := in.side.Draw(t, "side")
			va, ctx, tte := in.va.Draw(t, "va"), in.ctx.Draw(t, "context"), in.tte.Draw(t, "tte")
			m := models[s]
			e := m.parse(va>>13<<13|ctx, tte)
			if auto {
				m.displace(e)
			}
			i := m.victim()
			overlap := m.store(i, e)
			require.False(t, auto && overlap)
			require.Equal(t, i, v.MapAddr(s, va, ctx, tte))
		},
		"demap": func(t *rapid.T) {
			s := in.side.Draw(t, "side")
			va, ctx := in.va.Draw(t, "va"), in.ctx.Draw(t, "context")
			switch rapid.IntRange(0, 7).Draw(t, "scope") {
			case 0:
				require.Equal(t, models[s].demap(func(e sparcEntry) bool { return !e.locked }), v.DemapAll(s))
			case 1:
				require.Equal(t, models[s].demap(func(e sparcEntry) bool { return e.ctx == ctx }), v.DemapContext(s, ctx))
			default:
				require.Equal(t, models[s].demap(func(e sparcEntry) bool { return e.matches(va, ctx) }), v.DemapPage(s, va, ctx))
			}
		},
		"access": func(t *rapid.T) {
			s, acc := tlb.DMMU, in.acc.Draw(t, "access")
			if acc == tlb.Fetch {
				s = tlb.IMMU
			}
			va, ctx, user := in.va.Draw(t, "va"), in.ctx.Draw(t, "context"), rapid.Bool().Draw(t, "user")
			mode := map[bool]tlb.Sun4uMode{true: tlb.UserPrimary, false: tlb.KernelPrimary}[user]
			v.PrimaryContext = ctx
			e, all, want := models[s].answer(va, ctx)
			typ := tlb.FaultFastMiss
			switch {
			case inHole(va):
				want, typ = tlb.AddressError, tlb.FaultInvalidVA
			case want != tlb.NoFault:
			case e.p && user:
				want, typ = tlb.AccessFault, tlb.FaultPrivilege
			case acc == tlb.Fetch && !e.x:
				want, typ = tlb.Protection, tlb.FaultProtection
			case acc != tlb.Fetch && e.nfo:
				want, typ = tlb.AccessFault, tlb.FaultNFO
			case acc == tlb.Store && !e.w:
				want, typ = tlb.Protection, tlb.FaultFastProtection
			}
			r := v.Translate(mode, acc, false, va)
			require.Equal(t, want, r.Fault)
			require.False(t, auto && r.Hit.N > 1)
			switch want {
			case tlb.NoFault:
				models[s].entry[all[0]].used = true
				require.Equal(t, e.pa|va%e.size, r.PA)
			case tlb.MachineCheck:
			default:
				require.Equal(t, tlb.FaultStatus{Type: typ, Addr: va, Context: ctx}, v.FaultStatus(s))
			}
		},
		"": func(t *rapid.T) {
			for s, m := range models {
				m.compare(t, func(i int) tlb.SparcEntry { return v.Entry(tlb.SparcSide(s), i) })
			}
		},
	})
}
