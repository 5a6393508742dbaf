package mmtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
)

func TestHashTable(t *testing.T) { Run(t, Config{}) }

// TestOwnKernelAndPolicy: a profile that the library does not ship: 6.1 with the locking of
// 2.6.20.
func TestOwnKernelAndPolicy(t *testing.T) {
	k := *mm.Linux61
	k.Name, k.DontNeedShared, k.IMmapShared = "6.1, exclusive", false, false
	every4 := batch.PolicyFunc("every-fourth", func(ev batch.Reason, s batch.State) bool {
		return ev == batch.OnLeaveLazy || ev == batch.OnRangeFlush || ev == batch.OnAdd && (!s.Lazy || s.Pending >= 4)
	})
	Run(t, Config{Kernel: &k, Policy: every4})
}

// TestUnsafePoliciesAreCaught: each part of the suite that is meant to find a
// late flush finds it, under the policies that are known to be late.
func TestUnsafePoliciesAreCaught(t *testing.T) {
	late := []batch.Policy{batch.AtFinish(), batch.Capacity(2), batch.Capacity(batch.MaxEntries)}
	for _, s := range (Config{}).specs() {
		if s.Policy != SafePolicies()[0] {
			continue
		}
		for _, p := range late {
			s.Policy = p
			t.Run(fmt.Sprintf("%s/%v", s.Kernel.Name, p), func(t *testing.T) {
				require.ErrorIs(t, OneTranslation(s), mm.ErrDuplicate)
				require.ErrorIs(t, OldPageOutOfReach(s), ErrStaleRead)
				require.NoError(t, CancelledIsPrefix(s), "late is no matter on one CPU")
			})
		}
	}
}

// TestFoundingRace is the report of February 2007 as one schedule: CPU 0 in
// unmap_mapping_range drops the PTE page lock, then CPU 1 stores to the page.
func TestFoundingRace(t *testing.T) {
	for _, c := range []struct {
		policy batch.Policy
		err    error
		trace  string // the steps that matter
	}{
		{batch.AtFinish(), mm.ErrDuplicate, `
			0 i_mmap_lock
			0 pte_clear
			0 pte_unmap_unlock
			1 down_read(mmap_sem)
			1 set_pte_at
			1 hpte_insert`},
		{policy: batch.BeforeUnlock()}, {policy: batch.LazyMMU()}, {policy: batch.Immediate()},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			s := Spec{Base: lowBase, Config: mm.Config{Kernel: mm.Linux2620, Policy: c.policy}}
			st, err := newStage(s, 2, false)
			require.NoError(t, err)
			st.stepper.Each = st.duplicate
			trace, err := st.stepper.Run([]Leg{{CPU: 0, Through: mm.StepPTEUnlock}, {CPU: 1}},
				func() {
					_, err := st.m.CPU(0).UnmapMappingRange(context.Background(), st.file, 0, 1, true)
					require.NoError(t, err)
				},
				func() { require.NoError(t, st.store()) })
			require.ErrorIs(t, err, c.err)
			if c.err != nil {
				kept := slices.DeleteFunc(trace, func(s Taken) bool { return !strings.Contains(c.trace, string(s.Step)) })
				require.Equal(t, strings.Fields(c.trace), strings.Fields(FormatTrace(kept)))
			}
			require.NoError(t, st.shadow.Check(), "the flush ends the duplicate")
			require.NoError(t, st.free())
		})
	}
}

// TestShadowJudges: what the Shadow must report, told to it by a program that
// stores behind its back.
func TestShadowJudges(t *testing.T) {
	s := Spec{Base: lowBase, Config: mm.Config{Kernel: mm.Linux61, Policy: batch.LazyMMU(), CPUs: 2, Frames: 32}}
	ctx := context.Background()
	for name, c := range map[string]struct {
		want   error
		behind func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, f *mm.Mapping, first, second uint64)
	}{
		"lost store": {ErrLostStore, func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, f *mm.Mapping, _, _ uint64) {
			_, err := c.ZapPageRange(ctx, as, s.Range(0, 1))
			require.NoError(t, err)
		}},
		"stale read": {ErrStaleRead, func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, f *mm.Mapping, first, _ uint64) {
			require.NoError(t, c.Store(as, s.EA(0), first))
		}},
		"foreign": {ErrForeign, func(t *testing.T, c *mm.CPU, as *mm.AddressSpace, f *mm.Mapping, _, _ uint64) {
			v, err := c.Load(as, s.EA(1))
			require.NoError(t, err)
			require.NoError(t, c.Store(as, s.EA(0), v))
		}},
		"nothing": {nil, func(*testing.T, *mm.CPU, *mm.AddressSpace, *mm.Mapping, uint64, uint64) {}},
	} {
		t.Run(name, func(t *testing.T) {
			m, spaces, free, err := s.New(1)
			require.NoError(t, err)
			sh, as, cpu := NewShadow(m), spaces[0], m.CPU(0)
			require.NoError(t, sh.Map(cpu, as, mm.VMA{Range: s.Range(0, 1), Prot: rwx}))
			first, err := sh.Store(cpu, as, s.EA(0))
			require.NoError(t, err)
			second, err := sh.Store(cpu, as, s.EA(0))
			require.NoError(t, err)
			_, err = sh.Store(cpu, as, s.EA(1))
			require.NoError(t, err)
			c.behind(t, cpu, as, nil, first, second)
			_, err = sh.Load(m.CPU(1), as, s.EA(0))
			require.NoError(t, err)
			require.ErrorIs(t, sh.Err(), c.want)
			require.ErrorContains(t, sh.Map(cpu, as, mm.VMA{Range: s.Range(1, 2), Prot: rwx, File: m.NewMapping(9, false)}), "otherwise")
			require.NoError(t, free())
		})
	}
}

// TestStepperDeadlock: CPUs that wait for each other end a schedule, and are let
// go for good.
func TestStepperDeadlock(t *testing.T) {
	before := runtime.NumGoroutine()
	st := new(Stepper)
	never := func() bool { return false }
	trace, err := st.Run([]Leg{{CPU: 1, Steps: 1}},
		func() { st.Step(0, mm.Op{Step: mm.StepPTELock, Ready: never}) },
		func() { st.Step(1, mm.Op{Step: mm.StepPTERead}); st.Step(1, mm.Op{Step: mm.StepPTELock, Ready: never}) })
	require.ErrorIs(t, err, ErrDeadlock)
	require.Equal(t, []Taken{{CPU: 1, Step: mm.StepPTERead}}, trace)

	stop := errors.New("stop")
	st.Each = func() error { return stop }
	_, err = st.Run(nil, func() { st.Step(0, mm.Op{}); st.Step(0, mm.Op{}) })
	require.ErrorIs(t, err, stop)
	require.LessOrEqual(t, runtime.NumGoroutine(), before, "bodies have ended")
}
