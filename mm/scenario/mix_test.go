package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
)

// bounds are CPUs, operations of each, pages.
var (
	small = [][3]int{{2, 4, 1}, {3, 2, 1}, {2, 4, 2}, {3, 2, 2}, {4, 1, 2}}
	large = [][3]int{{2, 6, 1}, {3, 3, 1}, {2, 8, 2}, {3, 4, 2}, {4, 2, 2}}
	// huge takes state caching some 100 seconds of processor time and half a gigabyte.
	huge = [3]int{4, 2, 1}
)

func safePolicies() []batch.Policy {
	return []batch.Policy{batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()}
}

// prove proves a mix on Linux 6.1 with CPUs that walk for every access.
func prove(t *testing.T, b [3]int, p batch.Policy, merge bool) Result {
	cfg := Config{Kernel: mm.Linux61, Policy: p, NoTLB: true, MergeSteps: merge}
	res, err := Run(context.Background(), Mix(b[0], b[1], b[2]), cfg, explore.Config{})
	require.NoError(t, err)
	require.Equal(t, Proved, res.Verdict, "%v", res.Report)
	return res
}

func TestMixes(t *testing.T) {
	for _, b := range small {
		t.Run(Mix(b[0], b[1], b[2]).Name, func(t *testing.T) {
			for _, p := range safePolicies() {
				if testing.Short() && p != batch.LazyMMU() {
					continue
				}
				t.Logf("%v: %v", p, prove(t, b, p, true).Report)
			}
		})
	}
}

// TestLargeMixes proves the bounds that the documentation states. None of them is
// empty: AtFinish fails in each.
func TestLargeMixes(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes")
	}
	for _, b := range large {
		t.Run(Mix(b[0], b[1], b[2]).Name, func(t *testing.T) {
			cfg := Config{Kernel: mm.Linux61, Policy: batch.AtFinish(), NoTLB: true, MergeSteps: true}
			res, err := Run(context.Background(), Mix(b[0], b[1], b[2]), cfg, explore.Config{})
			require.NoError(t, err)
			require.Equal(t, Duplicate, res.Verdict, "%v", res.Report)
			for _, p := range safePolicies() {
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					t.Logf("%v", prove(t, b, p, true).Report)
				})
			}
		})
	}
}

// TestLargestMix proves the largest bound for the policy of Linux, with the work shared
// out. The others have the same steps on one page, where a batch holds one entry at
// most; they are explored by source-DPOR only.
func TestLargestMix(t *testing.T) {
	if testing.Short() {
		t.Skip("more than a minute on two cores")
	}
	for _, p := range safePolicies() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ex := explore.Config{Algorithm: explore.SourceDPOR}
			want := explore.Explored
			if p == batch.LazyMMU() {
				ex = explore.Config{Workers: 4, SplitDepth: 6}
				want = explore.Proved
			}
			sc := Mix(huge[0], huge[1], huge[2])
			cfg := Config{Kernel: mm.Linux61, Policy: p, NoTLB: true, MergeSteps: true}
			rep, err := explore.Run(context.Background(), sc.stage(sc.Vary[0], cfg), ex)
			require.NoError(t, err)
			require.Equal(t, want, rep.Verdict, "%v", rep)
			t.Logf("%v", rep)
		})
	}
}

// TestMergedSteps: merging steps changes no verdict, under a policy that is safe
// and one that is not.
func TestMergedSteps(t *testing.T) {
	for i, b := range small {
		if testing.Short() && i != 0 {
			break
		}
		whole, merged := prove(t, b, batch.LazyMMU(), false), prove(t, b, batch.LazyMMU(), true)
		require.Less(t, merged.States, whole.States)
		for _, merge := range []bool{false, true} {
			res, err := Run(context.Background(), Mix(b[0], b[1], b[2]),
				Config{Kernel: mm.Linux61, Policy: batch.AtFinish(), NoTLB: true, MergeSteps: merge}, explore.Config{})
			require.NoError(t, err)
			require.Equal(t, Duplicate, res.Verdict, "%v", res.Report)
		}
	}
}

// TestFoundingSchedule: the bug of 2007 is found in a few executions, and its
// shortest schedule is the same in every run.
func TestFoundingSchedule(t *testing.T) {
	for range 3 {
		for k, want := range map[*mm.Kernel]string{mm.Linux2620: "0*4 1*8", mm.Linux61: "0*3 1*7"} {
			res, err := Run(context.Background(), Founding, Config{Kernel: k, Policy: batch.AtFinish()}, explore.Config{})
			require.NoError(t, err)
			require.Equal(t, Duplicate, res.Verdict)
			require.LessOrEqual(t, res.Executions, int64(10))
			require.Equal(t, want, res.Report.Failure.Schedule.String())
			require.Equal(t, 1, res.Report.Failure.Schedule.Switches())
			require.True(t, res.Report.Failure.Minimal)
		}
	}
}

// TestSplitPartsThePolicies: a walk that drops the PTE page lock inside lazy MMU
// mode tells LazyMMU, which flushes when that mode ends, from BeforeUnlock.
func TestSplitPartsThePolicies(t *testing.T) {
	for p, want := range map[batch.Policy]Verdict{
		batch.AtFinish(): Duplicate, batch.LazyMMU(): Duplicate, batch.BeforeUnlock(): Proved, batch.Immediate(): Proved,
	} {
		res, err := Run(context.Background(), split("split-folio", cooling, freed, discardThen(smallOnes, storing(0))),
			Config{Kernel: mm.Linux61, Policy: p}, explore.Config{})
		require.NoError(t, err)
		require.Equal(t, want, res.Verdict, "%v: %v", p, res.Report)
	}
}

// TestDeclarations runs scenarios by naive search, which trusts no declaration of a
// step and finds those that are wrong.
func TestDeclarations(t *testing.T) {
	for _, sc := range []*Scenario{Founding, Overflow, Munmap} {
		for _, noTLB := range []bool{false, true} {
			s := sc.stage(sc.Vary[0], Config{Kernel: mm.Linux61, Policy: batch.LazyMMU(), NoTLB: noTLB})
			naive, err := explore.Run(context.Background(), s, explore.Config{Algorithm: explore.Naive})
			require.NoError(t, err)
			dpor, err := explore.Run(context.Background(), s, explore.Config{Algorithm: explore.SourceDPOR})
			require.NoError(t, err)
			require.Equal(t, naive.Passes[0].Digest, dpor.Passes[0].Digest, sc.Name)
		}
	}
}

// TestSharedOutMix: a mix shared out among goroutines comes to the same: scenarios, kernels
// and policies have nothing that one of them could change.
func TestSharedOutMix(t *testing.T) {
	for _, p := range []batch.Policy{batch.LazyMMU(), batch.AtFinish()} {
		sc := Mix(3, 2, 1)
		cfg := Config{Kernel: mm.Linux61, Policy: p, NoTLB: true, MergeSteps: true}
		alone, err := Run(context.Background(), sc, cfg, explore.Config{})
		require.NoError(t, err)
		shared, err := Run(context.Background(), sc, cfg, explore.Config{Workers: 4, SplitDepth: 4})
		require.NoError(t, err)
		require.Equal(t, alone.Verdict, shared.Verdict, "%v", shared.Report)
		require.Equal(t, p == batch.AtFinish(), shared.Verdict == Duplicate)
	}
}
