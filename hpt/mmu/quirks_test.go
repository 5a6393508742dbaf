package mmu_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// rig is a CPU with a table of its own, for tests that set up one page.
type rig struct {
	*mmu.CPU
	t   *testing.T
	tab *hpt.Table
}

func newRig(t *testing.T, cfg mmu.Config) rig {
	t.Helper()
	tab, err := hpt.New(hpt.Config{Format: cfg.Profile.Format})
	require.NoError(t, err)
	cfg.Table = tab
	c, err := mmu.New(cfg)
	require.NoError(t, err)
	return rig{c, t, tab}
}

const on = mmu.MSRIR | mmu.MSRDR

var sizes = pte.MustSizes(pte.SizesPOWER7)

// insert maps a page.
func (r rig) insert(k pte.Key, ra pte.RA, actual pte.PageSize, a pte.Attr) pte.SlotHint {
	r.t.Helper()
	h, err := sizes.Encode(k, ra, actual, a)
	require.NoError(r.t, err)
	hint, err := r.tab.Insert(k, h)
	require.NoError(r.t, err)
	return hint
}

// slb enters a valid segment for ea at a slot.
func (r rig) slb(slot int, ea pte.EA, word uint64) {
	r.t.Helper()
	esid := uint64(ea) &^ (pte.SegSize(word>>62).Bytes() - 1)
	require.True(r.t, r.SLBMTE(esid|0x08000000|uint64(slot), word))
}

// plainPage is a readable and writable page of a segment with VSID 0x123.
const (
	plainEA   = pte.EA(0x10005678)
	plainWord = 0x123<<12 | 0x400 // 256M, Kp, 4K
)

func plainKey() pte.Key { return pte.MakeKey(0x123, plainEA, pte.Seg256M, pte.Page4K) }

func rw() pte.Attr { return pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory} }

// quirkCases show each quirk: what run tells without it and with it.
var quirkCases = map[string]struct {
	profile   mmu.Profile
	on        mmu.Quirks
	arch, odd any
	run       func(r rig) any
}{
	"ProbeUpdates": {
		on: mmu.Quirks{ProbeUpdates: true}, arch: false, odd: true,
		run: func(r rig) any {
			r.SetMSR(on)
			r.slb(0, plainEA, plainWord)
			r.insert(plainKey(), 0x7000, pte.Page4K, rw())
			p := r.Probe(plainEA, pte.Write)
			require.True(r.t, p.OK())
			h, _, _ := r.tab.Lookup(plainKey())
			require.Equal(r.t, p.SetC, h.Attr().Chg)
			return h.Attr().Ref && h.Attr().Chg
		},
	},
	"ISLAlways": {
		on: mmu.Quirks{ISLAlways: true}, arch: pte.Page64K, odd: pte.Page4K,
		run: func(r rig) any {
			r.SetRegisters(mmu.Registers{MSR: on | mmu.MSRHV, LPCR: mmu.LPCRISL})
			r.slb(0, plainEA, plainWord|0x110)
			r.insert(pte.MakeKey(0x123, plainEA, pte.Seg256M, pte.Page64K), 0x70000, pte.Page64K, rw())
			r.insert(plainKey(), 0x7000, pte.Page4K, rw())
			return r.Translate(plainEA, pte.Read).PageShift
		},
	},
	"ISLAlways and a bad VRMASD": {
		on: mmu.Quirks{ISLAlways: true}, arch: mmu.HypervisorData, odd: mmu.MachineCheck,
		run: func(r rig) any {
			r.SetLPCR(mmu.LPCRISL | mmu.LPCRVPM0 | 3<<47)
			return r.Translate(0, pte.Read).Fault
		},
	},
	"IgnoreTC": {
		on: mmu.Quirks{IgnoreTC: true}, arch: false, odd: true,
		run: func(r rig) any {
			r.SetMSR(on)
			r.SetLPCR(mmu.LPCRTC)
			r.slb(0, plainEA, plainWord)
			h, err := sizes.Encode(plainKey(), 0x7000, pte.Page4K, rw())
			require.NoError(r.t, err)
			h.V |= pte.VSecondary
			_, err = r.tab.InsertGroup(plainKey().Hash().Secondary(r.tab.Mask()), h)
			require.NoError(r.t, err)
			return r.Translate(plainEA, pte.Read).Secondary
		},
	},
	"IgnoreKBV": {
		on: mmu.Quirks{IgnoreKBV: true}, arch: mmu.HypervisorData, odd: mmu.DataStorage,
		run: func(r rig) any {
			r.SetRegisters(mmu.Registers{MSR: on, LPCR: mmu.LPCRKBV, AMR: 1 << (62 - 2*5)})
			r.slb(0, plainEA, plainWord)
			a := rw()
			a.Key = 5
			r.insert(plainKey(), 0x7000, pte.Page4K, a)
			x := r.Translate(plainEA, pte.Read)
			require.EqualValues(r.t, mmu.StatusKey, x.Status)
			return x.Fault
		},
	},
	"VRMAKeys": {
		on: mmu.Quirks{VRMAKeys: true}, arch: mmu.FaultNone, odd: mmu.HypervisorData,
		run: func(r rig) any {
			r.SetRegisters(mmu.Registers{LPCR: mmu.LPCRVPM0, AMR: ^uint64(0)})
			r.insert(pte.MakeKey(0x1ffffff, plainEA, pte.Seg1T, pte.Page4K), 0x7000, pte.Page4K, rw())
			return r.Translate(plainEA, pte.Read).Fault
		},
	},
	"No64KIn4K": {
		on: mmu.Quirks{No64KIn4K: true}, arch: mmu.FaultNone, odd: mmu.DataStorage,
		run: func(r rig) any {
			r.SetMSR(on)
			r.slb(0, plainEA, plainWord)
			r.insert(plainKey(), 0x70000, pte.Page64K, rw())
			return r.Translate(plainEA, pte.Read).Fault
		},
	},
	"LowVSID1T": {
		on: mmu.Quirks{LowVSID1T: true}, arch: mmu.FaultNone, odd: mmu.DataStorage,
		run: func(r rig) any {
			r.SetMSR(on)
			r.slb(0, plainEA, 1<<62|0x123<<24|0xfff<<12)
			r.insert(pte.MakeKey(0x123, plainEA, pte.Seg1T, pte.Page4K), 0x7000, pte.Page4K, rw())
			return r.Translate(plainEA, pte.Read).Fault
		},
	},
	"ExactESID1T": {
		on: mmu.Quirks{ExactESID1T: true}, arch: mmu.FaultNone, odd: mmu.DataSegment,
		run: func(r rig) any {
			r.SetMSR(on)
			require.True(r.t, r.SLBMTE(uint64(plainEA)&^0xfffffff|0x08000000, 1<<62|0x123<<24))
			r.insert(pte.MakeKey(0x123, plainEA, pte.Seg1T, pte.Page4K), 0x7000, pte.Page4K, rw())
			return r.Translate(plainEA, pte.Read).Fault
		},
	},
	"LocalSLBIEG": {
		profile: mmu.POWER9,
		on:      mmu.Quirks{LocalSLBIEG: true}, arch: 2, odd: 0,
		run: func(r rig) any {
			r.slb(0, plainEA, plainWord)
			r.slb(1, plainEA+1<<28, plainWord)
			r.SLBIEG(7, uint64(plainEA)) // LPID 7 is not ours
			r.SLBIAG(5<<32, false)       // nor is PID 5
			n := 0
			for _, e := range r.AppendSLB(nil) {
				if e.Valid() {
					n++
				}
			}
			return n
		},
	},
	"FlushAllTLBIE": {
		on: mmu.Quirks{FlushAllTLBIE: true}, arch: mmu.FlushPage, odd: mmu.FlushTranslated,
		run: func(r rig) any {
			require.True(r.t, r.TLBIE(mmu.TLBIE{RB: 0x123000}))
			return r.Drain(nil)[0].Kind
		},
	},
	"PATEByLPIDR":    {profile: mmu.POWER9, on: mmu.Quirks{PATEByLPIDR: true}, arch: 0, odd: 3, run: tableOfHypervisor},
	"NoSegmentTable": {profile: mmu.POWER9, on: mmu.Quirks{NoSegmentTable: true}, arch: mmu.FaultNone, odd: mmu.DataSegment, run: walkOneSegment},
}

// TestQuirks runs every quirk in both settings.
func TestQuirks(t *testing.T) {
	all := reflect.TypeOf(mmu.Quirks{})
	for i := range all.NumField() {
		require.Contains(t, quirkCases, all.Field(i).Name)
	}
	for name, c := range quirkCases {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.arch, c.run(newRig(t, mmu.Config{Profile: c.profile})))
			require.Equal(t, c.odd, c.run(newRig(t, mmu.Config{Profile: c.profile, Quirks: c.on})))
		})
	}
}
