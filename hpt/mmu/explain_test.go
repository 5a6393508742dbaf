package mmu_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

func TestExplain(t *testing.T) {
	r := newRig(t, mmu.Config{DetectDuplicates: true})
	r.SetRegisters(mmu.Registers{MSR: on | mmu.MSRPR, AMR: 2 << (62 - 2*5)})
	r.slb(3, plainEA, plainWord)
	a := rw()
	a.Key = 5
	r.insert(plainKey(), 0x7000, pte.Page4K, a)
	h, err := sizes.Encode(plainKey(), 0x8000, pte.Page4K, a)
	require.NoError(t, err)
	h.V |= pte.VSecondary
	_, err = r.tab.InsertGroup(plainKey().Hash().Secondary(r.tab.Mask()), h)
	require.NoError(t, err)
	require.Equal(t, `0x10005678 -w-
  data access, MSR HV=0 PR=1: translation on: segments of the SLB
  SLB slot 3: 256M segment, VSID 0x123, base page 4K, Ks=0 Kp=1 N=0
  VPN 0x1230005, hash 0x126: primary group 0x126, secondary group 0x6d9 of 2048
  slot 2352 (primary): 4K page at 0x7000
  slot 14024 (secondary): 4K page at 0x8000
  slot 2352: PP=2 under Kp=1, N=0 G=0 grants rwx
  key 5: AMR and IAMR leave r-x
  slot 14024 translates the page too: conflicting duplicate
  denied: status 0x200000
= DSI status 0x2200000 dar 0x10005678`, r.Explain(plainEA, pte.Write).String())

	for _, x := range []struct {
		regs mmu.Registers
		acc  pte.Access
		want string
	}{
		{mmu.Registers{}, pte.Exec, "below the limit of LPCR[RMLS]"},
		{mmu.Registers{MSR: mmu.MSRHV}, pte.Read, "HRMOR is ORed in"},
		{mmu.Registers{LPCR: mmu.LPCRVPM0}, pte.Read, "VRMA: 1T segment, VSID 0x1ffffff"},
		{mmu.Registers{LPCR: mmu.LPCRVPM0 | 3<<47}, pte.Read, "the VRMA's page size is none"},
		{mmu.Registers{MSR: on, LPCR: mmu.LPCRTC}, pte.Read, "the secondary group is not searched"},
		{mmu.Registers{MSR: on, LPCR: mmu.LPCRVPM1}, pte.Read, "storage interrupts go to the hypervisor"},
		{mmu.Registers{MSR: on}, pte.Read, "granted; R was 0, C was 0"},
	} {
		r.SetRegisters(x.regs)
		require.Contains(t, r.Explain(plainEA, x.acc).String(), x.want)
	}
	r.slb(3, plainEA, plainWord|0x200)
	require.Contains(t, r.Explain(plainEA, pte.Exec).String(), "N of the segment forbids fetches")
	require.Contains(t, r.Explain(plainEA, pte.Read).String(), "granted", "but not loads")
	require.Contains(t, r.Explain(0, pte.Read).String(), "no SLB entry matches")
}

// Of denials, only those by a key go to the hypervisor under LPCR[KBV].
func TestExplainKBV(t *testing.T) {
	r := newRig(t, mmu.Config{})
	r.slb(3, plainEA, plainWord)
	a := rw()
	a.Key, a.PP = 5, pte.PPRead
	r.insert(plainKey(), 0x7000, pte.Page4K, a)
	const noLoad = 1 << (62 - 2*5) // of key 5 in AMR
	for _, x := range []struct {
		amr, lpcr uint64
		acc       pte.Access
		want      bool
	}{
		{noLoad, mmu.LPCRKBV, pte.Read, true},
		{noLoad, 0, pte.Read, false},
		{0, mmu.LPCRKBV, pte.Read, false},
		{0, mmu.LPCRKBV, pte.Write, false},
	} {
		r.SetRegisters(mmu.Registers{MSR: on, AMR: x.amr, LPCR: x.lpcr})
		says := r.Explain(plainEA, x.acc).String()
		require.Equal(t, x.want, strings.Contains(says, "key faults go to the hypervisor"), says)
	}
}

// No VSID above 40 bits fits an entry of format 3: one that has the rest of it is
// not found.
func TestFormat3LargeVSID(t *testing.T) {
	for _, profile := range []mmu.Profile{mmu.POWER8, mmu.POWER9} {
		r := newRig(t, mmu.Config{Profile: profile})
		r.SetMSR(on)
		r.insert(plainKey(), 0x7000, pte.Page4K, rw())
		for _, vsid := range []uint64{0x123, 1<<38 | 0x123, 1<<45 | 0x123} {
			r.slb(3, plainEA, vsid<<12)
			x, says := r.Translate(plainEA, pte.Read), r.Explain(plainEA, pte.Read).String()
			require.Equal(t, vsid == 0x123, x.OK(), "%#x", vsid)
			require.Equal(t, profile.Format == hpt.Format3 && vsid>>40 != 0, strings.Contains(says, "VSID too large"), says)
		}
	}
}

// Duplicates are graded, and the grade and the other slot are in the result.
func TestDuplicates(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(a *pte.Attr, ra *pte.RA)
		want   mmu.Duplicate
	}{
		{"same", func(*pte.Attr, *pte.RA) {}, mmu.Agreeing},
		{"R and C", func(a *pte.Attr, _ *pte.RA) { a.Ref, a.Chg = true, true }, mmu.Agreeing},
		{"protection", func(a *pte.Attr, _ *pte.RA) { a.PP = pte.PPRead }, mmu.Conflicting},
		{"frame", func(_ *pte.Attr, ra *pte.RA) { *ra = 0x9000 }, mmu.Conflicting},
	} {
		r := newRig(t, mmu.Config{DetectDuplicates: true, TLB: 4})
		r.SetMSR(on)
		r.slb(0, plainEA, plainWord)
		r.insert(plainKey(), 0x7000, pte.Page4K, rw())
		one := r.Translate(plainEA, pte.Read)
		require.Equal(t, mmu.NoDuplicate, one.Dup)
		require.Equal(t, mmu.NoSlot, one.Other)
		a, ra := rw(), pte.RA(0x7000)
		x.change(&a, &ra)
		r.insert(plainKey(), ra, pte.Page4K, a)
		r.TLBIA()
		for range 2 { // not from the TLB: every access tells
			two := r.Translate(plainEA, pte.Read)
			require.Equal(t, x.want, two.Dup, x.name)
			require.Equal(t, one.Slot, two.Slot, "the lowest slot is used")
			require.Equal(t, one.Slot+1, two.Other)
			require.False(t, two.Cached)
		}
	}
}

// Of several other entries the worst grade is told, with the first slot that has it.
func TestDuplicatesWorst(t *testing.T) {
	r := newRig(t, mmu.Config{DetectDuplicates: true})
	r.SetMSR(on)
	r.slb(0, plainEA, plainWord)
	for _, ra := range []pte.RA{0x7000, 0x9000, 0x7000, 0xa000} {
		r.insert(plainKey(), ra, pte.Page4K, rw())
	}
	x := r.Translate(plainEA, pte.Read)
	require.Equal(t, mmu.Conflicting, x.Dup)
	require.Equal(t, x.Slot+1, x.Other)
}
