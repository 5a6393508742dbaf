package tlb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/tlb"
)

// twoPages is a MIPS with entries 1 and 6 for one page: 0x100000, read-only, and
// 0x200000, writable.
func twoPages(t *testing.T, profile string, hit tlb.MultiHit) (*tlb.MIPSMMU, *[]tlb.Report) {
	p, err := tlb.ByName(profile)
	require.NoError(t, err)
	p.MultiHit = hit
	c, err := tlb.NewMIPS(p)
	require.NoError(t, err)
	var reports []tlb.Report
	c.OnWrite = func(r tlb.Report) { reports = append(reports, r) }
	c.OnLookup = c.OnWrite
	put(c, 1, 0x10000, 0, lo(0x100000, true, false), lo(0x101000, true, false))
	put(c, 6, 0x10000, 0, lo(0x200000, true, true), lo(0x201000, true, true))
	return c, &reports
}

// TestMIPSLookupPolicies: one access under every policy.
func TestMIPSLookupPolicies(t *testing.T) {
	for policy, want := range map[tlb.Policy]tlb.Result{
		tlb.FirstMatch:   {PA: 0x100008, Answer: tlb.Answer{Prot: tlb.Load | tlb.Fetch, Shift: 12}},
		tlb.OrBits:       {PA: 0x300008, Answer: tlb.Answer{Prot: tlb.Load | tlb.Store | tlb.Fetch, Shift: 12}},
		tlb.Miss:         {Answer: tlb.Answer{Fault: tlb.TLBMiss}},
		tlb.CheckMachine: {Answer: tlb.Answer{Fault: tlb.MachineCheck}},
		tlb.ShutDown:     {Answer: tlb.Answer{Fault: tlb.Shutdown}},
	} {
		for _, profile := range mipsNames {
			c, reports := twoPages(t, profile, tlb.MultiHit{Lookup: policy})
			want.Hit = tlb.Hit{N: 2, First: 1, Second: 6}
			require.Equal(t, want, c.Translate(tlb.MIPSUser, tlb.Load, 0x10008).Result, "%s, %v", profile, policy)
			require.Equal(t, []tlb.Report{
				{When: tlb.OnWrite, First: 1, Second: 6, Addr: 0x10000},
				{When: tlb.OnLookup, First: 1, Second: 6, Addr: 0x10008},
			}, *reports)
			stopped := policy == tlb.CheckMachine || policy == tlb.ShutDown
			require.Equal(t, stopped, c.Read(tlb.Status)>>21&1 == 1, "Status.TS")
		}
	}
}

// TestMIPSProbePolicies: tlbp under every policy.
func TestMIPSProbePolicies(t *testing.T) {
	for policy, want := range map[tlb.Policy]struct {
		index uint64
		fault tlb.Fault
	}{
		tlb.FirstMatch:   {1, tlb.NoFault},
		tlb.OrBits:       {1 | 6, tlb.NoFault},
		tlb.Miss:         {0x80000006, tlb.NoFault},
		tlb.CheckMachine: {6, tlb.MachineCheck},
		tlb.ShutDown:     {6, tlb.Shutdown},
	} {
		c, reports := twoPages(t, "mips32r2", tlb.MultiHit{Probe: policy})
		h, f := c.TLBP()
		require.Equal(t, tlb.Hit{N: 2, First: 1, Second: 6}, h)
		require.Equal(t, want.fault, f, "%v", policy)
		require.Equal(t, want.index, c.Read(tlb.Index), "%v", policy)
		require.Equal(t, tlb.Report{When: tlb.OnProbe, First: 1, Second: 6, Addr: 0x10000}, (*reports)[1])
	}
}

// TestMIPSWritePolicies: the write that makes the second entry.
func TestMIPSWritePolicies(t *testing.T) {
	for policy, want := range map[tlb.Policy]struct {
		fault         tlb.Fault
		first, second bool // entries 1 and 6 map the page afterwards
	}{
		tlb.FirstMatch:   {tlb.NoFault, true, true},
		tlb.CheckMachine: {tlb.MachineCheck, true, false},
		tlb.ShutDown:     {tlb.Shutdown, true, false},
		tlb.Displace:     {tlb.NoFault, false, true},
	} {
		c, _ := twoPages(t, "mips32r2", tlb.MultiHit{Write: policy})
		maps := func(i int) bool { e := c.Entry(i); return e.VPN == 0x10000 && !e.Hidden }
		require.Equal(t, []bool{want.first, want.second}, []bool{maps(1), maps(6)}, "%v", policy)
		require.Equal(t, policy != tlb.FirstMatch, c.Read(tlb.Status)>>21&1 == 1, "%v: Status.TS", policy)
		if policy == tlb.CheckMachine {
			require.Equal(t, want.fault, c.TLBWI(), "and again")
			c.Write(tlb.Status, 0)
			require.Zero(t, c.Read(tlb.Status), "software clears TS after a machine check")
		}
	}
}

// TestReportsAreIndependent: either report works without the other, and none
// is needed for the part to do what it does.
func TestReportsAreIndependent(t *testing.T) {
	for _, write := range []bool{false, true} {
		for _, lookup := range []bool{false, true} {
			c := mipsOf(t, "mips64r1", 0)
			n := map[tlb.When]int{}
			count := func(r tlb.Report) { n[r.When]++ }
			if write {
				c.OnWrite = count
			}
			if lookup {
				c.OnLookup = count
			}
			put(c, 0, 0x10000, 0, 0, 0)
			put(c, 1, 0x10000, 0, 0, 0)
			require.Equal(t, tlb.MachineCheck, c.Translate(tlb.MIPSUser, tlb.Load, 0x10000).Fault)
			require.Equal(t, write, n[tlb.OnWrite] == 1)
			require.Equal(t, lookup, n[tlb.OnLookup] == 1)
		}
	}
}

// TestSparcLookupPolicies: one access under every policy, sun4u and sun4v.
func TestSparcLookupPolicies(t *testing.T) {
	for policy, want := range map[tlb.Policy]tlb.Result{
		tlb.FirstMatch:   {PA: 0x100008, Answer: tlb.Answer{Prot: tlb.Load, Shift: 13}},
		tlb.OrBits:       {PA: 0x300008, Answer: tlb.Answer{Prot: tlb.Load | tlb.Store, Shift: 13}},
		tlb.Miss:         {Answer: tlb.Answer{Fault: tlb.TLBMiss}},
		tlb.CheckMachine: {Answer: tlb.Answer{Fault: tlb.MachineCheck}},
	} {
		want.Hit = tlb.Hit{N: 2, First: 1, Second: 6}
		p, err := tlb.ByName("ultrasparc")
		require.NoError(t, err)
		p.MultiHit = tlb.MultiHit{Lookup: policy}
		u, err := tlb.NewSun4u(p)
		require.NoError(t, err)
		u.Write(tlb.DMMU, tlb.TagAccess, 0x10000)
		u.DataAccess(tlb.DMMU, 1, tteV|0x100000)
		u.DataAccess(tlb.DMMU, 6, tteV|0x200000|tteW)
		require.Equal(t, want, u.Translate(tlb.KernelPrimary, tlb.Load, false, 0x10008).Result, "%v", policy)

		p, err = tlb.ByName("sun4v")
		require.NoError(t, err)
		p.MultiHit = tlb.MultiHit{Lookup: policy}
		v, err := tlb.NewSun4v(p)
		require.NoError(t, err)
		v.SetEntry(tlb.DMMU, 1, tlb.SparcEntry{Tag: 0x10000, TTE: tteV | 0x100000})
		v.SetEntry(tlb.DMMU, 6, tlb.SparcEntry{Tag: 0x10000, TTE: tteV | 0x200000 | 1<<6})
		require.Equal(t, want, v.Translate(tlb.KernelPrimary, tlb.Load, false, 0x10008).Result, "%v", policy)
	}
}

// TestSun4vDemapsAutomatically: the new mapping replaces what it overlaps, of
// whatever size; without that, the overlap is reported.
func TestSun4vDemapsAutomatically(t *testing.T) {
	for _, auto := range []bool{true, false} {
		p, err := tlb.ByName("sun4v")
		require.NoError(t, err)
		require.Equal(t, tlb.Displace, p.MultiHit.Write)
		if !auto {
			p.MultiHit.Write = tlb.FirstMatch
		}
		v, err := tlb.NewSun4v(p)
		require.NoError(t, err)
		reports := 0
		v.OnWrite = func(tlb.Report) { reports++ }
		v.PrimaryContext = 3
		for i := range uint64(4) {
			v.MapAddr(tlb.DMMU, i<<13, 3, tteV|i<<13)
		}
		v.MapAddr(tlb.DMMU, 0, 3, tteV|0x400000|1) // 64K over the four
		r := v.Translate(tlb.UserPrimary, tlb.Load, false, 0x2000)
		if auto {
			require.Equal(t, uint64(0x402000), r.PA)
			require.EqualValues(t, 1, r.Hit.N)
			require.Zero(t, reports)
		} else {
			require.EqualValues(t, 2, r.Hit.N)
			require.Equal(t, 1, reports)
		}
	}
}

// TestProfileRefusals: what no part can be is refused, naming the field.
func TestProfileRefusals(t *testing.T) {
	mips := func(change func(*tlb.Profile)) error {
		p, err := tlb.ByName("mips32r2")
		require.NoError(t, err)
		change(&p)
		_, err = tlb.NewMIPS(p)
		return err
	}
	sparc := func(change func(*tlb.Profile)) error {
		p, err := tlb.ByName("ultrasparc")
		require.NoError(t, err)
		change(&p)
		_, err = tlb.NewSun4u(p)
		return err
	}
	for field, err := range map[string]error{
		"Family":          mips(func(p *tlb.Profile) { p.Family = tlb.E500 }),
		"MIPS.Entries":    mips(func(p *tlb.Profile) { p.MIPS.Entries = 0 }),
		"MIPS.SegBits":    mips(func(p *tlb.Profile) { p.MIPS.SegBits = 36 }),
		"MIPS.PABits":     mips(func(p *tlb.Profile) { p.MIPS.PABits = 63 }),
		"MIPS.ASIDMask":   mips(func(p *tlb.Profile) { p.MIPS.ASIDMask = 0x7ff }),
		"MIPS.MMIDMask":   mips(func(p *tlb.Profile) { p.MIPS.MMIDMask = 1 << 32 }),
		"MIPS.Reset":      mips(func(p *tlb.Profile) { p.MIPS.Reset = 99 }),
		"MIPS.PageMask":   mips(func(p *tlb.Profile) { p.MIPS.PageMask = 0x5000 }),
		"MultiHit.Lookup": mips(func(p *tlb.Profile) { p.MultiHit.Lookup = tlb.Displace }),
		"MultiHit.Probe":  sparc(func(p *tlb.Profile) { p.MultiHit.Probe = tlb.OrBits }),
		"MultiHit.Write":  sparc(func(p *tlb.Profile) { p.MultiHit.Write = tlb.CheckMachine }),
		"Sparc.Entries":   sparc(func(p *tlb.Profile) { p.Sparc.Entries = 2000 }),
		"Sparc.Format":    sparc(func(p *tlb.Profile) { p.Sparc.Format = tlb.TTE4v }),
		"Sparc.TSB":       sparc(func(p *tlb.Profile) { p.Sparc.TSB = 513 }),
	} {
		var typed *tlb.ProfileError
		require.ErrorAs(t, err, &typed, field)
		require.ErrorIs(t, err, tlb.ErrProfile)
		require.Equal(t, field, typed.Field)
		require.Contains(t, err.Error(), field)
	}
	_, err := tlb.NewSun4v(tlb.Profile{Family: tlb.UltraSPARC, Sparc: tlb.SparcParams{Entries: 4}})
	require.ErrorIs(t, err, tlb.ErrProfile)
}

// TestMultiHitText: where a part does something about two entries, and what.
func TestMultiHitText(t *testing.T) {
	for text, m := range map[string]tlb.MultiHit{
		"first-match":                        {},
		"write: displace":                    {Write: tlb.Displace},
		"probe: miss, access: machine-check": {Probe: tlb.Miss, Lookup: tlb.CheckMachine},
		"undefined; access: or-bits":         {Lookup: tlb.OrBits, Undefined: true},
	} {
		require.Equal(t, text, m.String())
	}
}

// TestPolicyNeedsSeveral: what a part does about several entries it does not do about
// one; two come to what the policy says.
func TestPolicyNeedsSeveral(t *testing.T) {
	const va = 0x10000
	type entry func(frame uint64)
	for name, newPart := range map[string]func(p tlb.Profile) (put [2]entry, look func() tlb.Result){
		"ultrasparc": func(p tlb.Profile) ([2]entry, func() tlb.Result) {
			u, err := tlb.NewSun4u(p)
			require.NoError(t, err)
			at := func(i int) entry {
				return func(frame uint64) {
					u.SetEntry(tlb.DMMU, i, tlb.SparcEntry{Tag: va, TTE: 1<<63 | frame<<13})
				}
			}
			return [2]entry{at(3), at(7)}, func() tlb.Result { return u.Translate(tlb.UserPrimary, tlb.Load, false, va).Result }
		},
		"sun4v": func(p tlb.Profile) ([2]entry, func() tlb.Result) {
			v, err := tlb.NewSun4v(p)
			require.NoError(t, err)
			at := func(i int) entry {
				return func(frame uint64) {
					v.SetEntry(tlb.DMMU, i, tlb.SparcEntry{Tag: va, TTE: 1<<63 | frame<<13})
				}
			}
			return [2]entry{at(3), at(7)}, func() tlb.Result { return v.Translate(tlb.UserPrimary, tlb.Load, false, va).Result }
		},
		"ppc440": func(p tlb.Profile) ([2]entry, func() tlb.Result) {
			m, err := tlb.NewPPC4xx(p)
			require.NoError(t, err)
			at := func(i uint32) entry {
				return func(frame uint64) { put44x(m, i, va|rwx4k, uint32(frame)<<13, all44) }
			}
			return [2]entry{at(3), at(7)}, func() tlb.Result { return m.Translate(tlb.Load, va) }
		},
		"ppc603": func(p tlb.Profile) ([2]entry, func() tlb.Result) {
			m, err := tlb.New603(p)
			require.NoError(t, err)
			m.MSR = tlb.MSRIR | tlb.MSRDR
			at := func(way uint32) entry {
				return func(frame uint64) { put603(m, va, way, 0, uint32(frame)<<13|2) }
			}
			return [2]entry{at(0), at(1)}, func() tlb.Result { return m.Translate(tlb.Load, va) }
		},
		"e500mc": func(p tlb.Profile) ([2]entry, func() tlb.Result) {
			c, err := tlb.NewE500(p)
			require.NoError(t, err)
			at := func(mas0 uint64) entry {
				return func(frame uint64) { putE500(c.Thread(0), mas0, ts4k, va, frame<<13|all50) }
			}
			return [2]entry{at(1 << 16), at(tlb1 | 3<<16)}, func() tlb.Result { return c.Thread(0).Translate(tlb.Load, va) }
		},
	} {
		for policy, want := range map[tlb.Policy][]any{
			tlb.FirstMatch: {tlb.NoFault, uint64(1 << 13)}, tlb.OrBits: {tlb.NoFault, uint64(3 << 13)},
			tlb.Miss: {tlb.TLBMiss, uint64(0)}, tlb.CheckMachine: {tlb.MachineCheck, uint64(0)},
		} {
			t.Run(name+"/"+policy.String(), func(t *testing.T) {
				p, err := tlb.ByName(name)
				require.NoError(t, err)
				p.MultiHit = tlb.MultiHit{Lookup: policy}
				put, look := newPart(p)
				put[0](1)
				for range 2 { // the second time without a search
					r := look()
					require.True(t, r.OK())
					require.Equal(t, uint64(1)<<13, r.PA)
				}
				put[1](2)
				for range 2 {
					r := look()
					require.EqualValues(t, 2, r.Hit.N)
					require.Equal(t, want, []any{r.Fault, r.PA})
				}
			})
		}
	}
}

// TestE500ProbePolicies: the same of tlbsx, which leaves V clear where it shows nothing.
func TestE500ProbePolicies(t *testing.T) {
	for policy, valid := range map[tlb.Policy]bool{tlb.FirstMatch: true, tlb.OrBits: true, tlb.Miss: false} {
		p, err := tlb.ByName("e500mc")
		require.NoError(t, err)
		p.MultiHit = tlb.MultiHit{Probe: policy}
		c, err := tlb.NewE500(p)
		require.NoError(t, err)
		th := c.Thread(0)
		putE500(th, 1<<16, ts4k, 0x1000, 0x2000|all50)
		_, f := th.TLBSX(0x1000)
		require.Equal(t, tlb.NoFault, f)
		require.NotZero(t, th.Read(tlb.MAS1)>>31, "%v: one entry", policy)
		putE500(th, tlb1, ts4k, 0x1000, 0x4000|all50)
		_, f = th.TLBSX(0x1000)
		require.Equal(t, tlb.NoFault, f)
		require.Equal(t, valid, th.Read(tlb.MAS1)>>31 != 0, "%v: two entries", policy)
	}
}

// TestSparcOrDrivesEveryBit: where all matching entries answer together, an attribute
// of either counts.
func TestSparcOrDrivesEveryBit(t *testing.T) {
	const va, valid, noFaultOnly, invert, executable, effect, priv = 0x10000, 1 << 63, 1 << 62, 1 << 12, 1 << 7, 1 << 11, 1 << 8
	for name, c := range map[string]struct {
		bit     uint64
		acc     tlb.Access
		noFault bool
		with    func(r tlb.Sun4uResult) bool
	}{
		"no fault only": {noFaultOnly, tlb.Load, false, func(r tlb.Sun4uResult) bool { return r.Fault == tlb.AccessFault }},
		"side effect":   {effect, tlb.Load, true, func(r tlb.Sun4uResult) bool { return r.Fault == tlb.AccessFault }},
		"privileged":    {priv, tlb.Load, false, func(r tlb.Sun4uResult) bool { return r.Fault == tlb.AccessFault }},
		"endian":        {invert, tlb.Load, false, func(r tlb.Sun4uResult) bool { return r.OK() && r.InvertEndian }},
		"executable":    {executable, tlb.Fetch, false, func(r tlb.Sun4uResult) bool { return r.OK() && !r.InvertEndian }},
		"in order":      {executable | invert, tlb.Fetch, false, func(r tlb.Sun4uResult) bool { return r.OK() && !r.InvertEndian }},
		"plain fetch":   {executable | effect | noFaultOnly, tlb.Fetch, true, func(r tlb.Sun4uResult) bool { return r.OK() }},
	} {
		for has := range 4 { // a bit per entry that has it
			p, err := tlb.ByName("sun4v")
			require.NoError(t, err)
			p.MultiHit = tlb.MultiHit{Lookup: tlb.OrBits}
			v, err := tlb.NewSun4v(p)
			require.NoError(t, err)
			side := tlb.DMMU
			if c.acc == tlb.Fetch {
				side = tlb.IMMU
			}
			for i := range 2 {
				tte := uint64(valid | 0x40000)
				if has>>i&1 != 0 {
					tte |= c.bit
				}
				v.SetEntry(side, i, tlb.SparcEntry{Tag: va, TTE: tte})
			}
			r := v.Translate(tlb.UserPrimary, c.acc, c.noFault, va)
			require.Equal(t, has != 0, c.with(r), "%s: entries %02b: %+v", name, has, r)
		}
	}
}

// TestCopyForgetsTranslations: what was translated before a copy, at whatever
// generation of the entries, is not used after it.
func TestCopyForgetsTranslations(t *testing.T) {
	p, err := tlb.ByName("ultrasparc")
	require.NoError(t, err)
	a, err := tlb.NewSun4u(p)
	require.NoError(t, err)
	b, err := tlb.NewSun4u(p)
	require.NoError(t, err)
	set := func(u *tlb.Sun4u, i int, va, frame uint64) {
		u.SetEntry(tlb.DMMU, i, tlb.SparcEntry{Tag: va, TTE: 1<<63 | frame<<13})
	}
	set(b, 0, 0x10000, 2)
	set(a, 0, 0x10000, 1)
	for i := 1; i < 4; i++ {
		require.Equal(t, uint64(1)<<13, a.Translate(tlb.UserPrimary, tlb.Load, false, 0x10000).PA)
		set(a, i, 0x10000+uint64(i)<<13, 1)
	}
	require.True(t, a.CopyFrom(b))
	require.Equal(t, uint64(2)<<13, a.Translate(tlb.UserPrimary, tlb.Load, false, 0x10000).PA)
}

// TestMIPSStatusTSOfAShutdown: software clears TS, unless any policy of the part
// makes it the mark of a shutdown.
func TestMIPSStatusTSOfAShutdown(t *testing.T) {
	for want, hit := range map[uint64]tlb.MultiHit{0: {Lookup: tlb.CheckMachine}, 1: {Lookup: tlb.ShutDown}} {
		c, _ := twoPages(t, "mips32r2", hit)
		c.Translate(tlb.MIPSUser, tlb.Load, 0x10008)
		require.EqualValues(t, 1, c.Read(tlb.Status)>>21&1)
		c.Write(tlb.Status, 0)
		require.Equal(t, want, c.Read(tlb.Status)>>21&1)
	}
}

// TestSun4vSecondaryContext: it is for data; instructions come from the primary one.
func TestSun4vSecondaryContext(t *testing.T) {
	p, err := tlb.ByName("sun4v")
	require.NoError(t, err)
	v, err := tlb.NewSun4v(p)
	require.NoError(t, err)
	v.PrimaryContext, v.SecondaryContext = 3, 4
	v.Translate(tlb.UserSecondary, tlb.Load, false, 0x2000)
	require.EqualValues(t, 4, v.FaultStatus(tlb.DMMU).Context)
	v.Translate(tlb.UserSecondary, tlb.Fetch, false, 0x2000)
	require.EqualValues(t, 3, v.FaultStatus(tlb.IMMU).Context)
}
