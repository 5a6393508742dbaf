package scenario

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// TestPaths: every path comes to the documented verdict in every kernel that has
// it.
func TestPaths(t *testing.T) {
	for _, p := range Paths() {
		for i := range p.In {
			in := &p.In[i]
			if testing.Short() && in.Verdict == Proved {
				continue
			}
			t.Run(p.Name+"/"+in.Kernel.Name, func(t *testing.T) {
				res, err := RunPath(context.Background(), p, in, Config{}, explore.Config{})
				require.NoError(t, err)
				t.Logf("%v, %d executions, %d states, %v", res.Variant, res.Executions, res.States, res.Elapsed)
				require.Equal(t, in.Verdict, res.Verdict, "%v", res.Report)
				require.Equal(t, in.FramesDiffer, res.FramesDiffer, "%v", res.Report)
			})
		}
	}
}

// TestOneLoadIsNotEnough: mprotect that lowers rights makes no second entry with
// one other thread, as the experiment had it, whether the entry was cast out or
// not: of two hash faults the one must find what the other has left.
func TestOneLoadIsNotEnough(t *testing.T) {
	for _, k := range mm.Kernels() {
		sc := &Scenario{
			Name: "mprotect-r", Remaps: true, Tasks: []Task{protecting(pte.Read), loading(0)},
			Vary: []Variant{clean, castOut(clean)},
		}
		res, err := Run(context.Background(), sc, Config{Kernel: k}, explore.Config{})
		require.NoError(t, err)
		require.Equal(t, Proved, res.Verdict, "%v", res.Report)
	}
}

// TestPathRows: what a row says is complete, and where the three sources of a
// verdict differ, it says why.
func TestPathRows(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range Paths() {
		require.NotEmpty(t, p.Trigger, p.Name)
		require.NotEmpty(t, p.Scenarios, p.Name)
		require.False(t, names[p.Name], p.Name)
		names[p.Name] = true
		got, err := PathNamed(p.Name)
		require.NoError(t, err)
		require.Same(t, p, got)
		require.NotEmpty(t, p.In, p.Name)
		for _, in := range p.In {
			row := p.Name + ", " + in.Kernel.Name
			require.NotEmpty(t, in.Functions, row)
			require.NotEmpty(t, in.Why, row)
			require.NotEmpty(t, in.Verdict, row)
			agree := in.Predicted.agrees(in.Verdict) && in.Measured.agrees(in.Verdict)
			require.Equal(t, agree, in.Note == "", "%s: a note, exactly where something differs", row)
			if in.Measured.Found != "" {
				require.Equal(t, in.Measured.Found, in.Verdict, "%s: what was seen to happen must be found", row)
			}
		}
	}
	_, err := PathNamed("mlock")
	require.ErrorContains(t, err, `unknown path "mlock"; one of unmap-mapping-range`)
}

// TestSmallestRepair: two countermeasures close every path that Linux 6.1 leaves
// open, and open none.
func TestSmallestRepair(t *testing.T) {
	for _, p := range Paths() {
		for i := range p.In {
			in := &p.In[i]
			if p.Unbatched || !in.Kernel.ModifyProt || testing.Short() && (in.Verdict == Proved || p.Name == "madvise-free-split") {
				continue
			}
			t.Run(p.Name+"/"+in.Kernel.Name, func(t *testing.T) {
				res, err := RunPath(context.Background(), p, in, SmallestRepair.Config(Config{}), explore.Config{})
				require.NoError(t, err)
				require.Equal(t, Proved, res.Verdict, "%v", res.Report)
			})
		}
	}
}

// TestCosts: the repair takes no more flushes than the kernel as it is, and for
// each page used again one look at a slot that is empty; a flush at every commit
// takes as many flushes as pages.
func TestCosts(t *testing.T) {
	k := mm.Linux61
	for _, w := range Workloads(k) {
		as, err := w.Cost(k, Fix{})
		require.NoError(t, err)
		require.Equal(t, w.Pages, as.TLBIE, w.Name)
		require.Equal(t, 2*w.Pages, as.TableOps, w.Name)
		require.Zero(t, as.Extra, w.Name)

		repaired, err := w.Cost(k, SmallestRepair)
		require.NoError(t, err)
		require.Equal(t, as.Flushes, repaired.Flushes, w.Name)
		require.Equal(t, as.TLBIE, repaired.TLBIE, w.Name)
		atOnce, err := w.Cost(k, Fix{Policy: batch.Immediate()})
		require.NoError(t, err)
		require.Equal(t, w.Pages, atOnce.Flushes, w.Name)

		switch w.Name {
		case "mprotect-raise", "mprotect-lower", "madvise-free", "madvise-cold":
			require.Equal(t, 3, as.Flushes, "batches of 192")
			require.Equal(t, as.TableOps+w.Pages, repaired.TableOps, w.Name)
			commit, err := w.Cost(k, Fix{Countermeasures: mm.Countermeasures{FlushAtCommit: true}})
			require.NoError(t, err)
			require.Equal(t, w.Pages, commit.Flushes, w.Name)
		default:
			require.Equal(t, as, repaired, w.Name)
		}
	}
}

// TestFoundingCost: what the repair of 2007 costs. A zap of pages that lie close
// together flushes as often as before; one of pages with a PTE page each flushes
// for each, not once.
func TestFoundingCost(t *testing.T) {
	k := mm.Linux2620
	flushes := make(map[string][2]int)
	for _, w := range Workloads(k) {
		before, err := w.Cost(k, Fix{})
		require.NoError(t, err)
		after, err := w.Cost(k, Fix{Policy: batch.LazyMMU()})
		require.NoError(t, err)
		flushes[w.Name] = [2]int{before.Flushes, after.Flushes}
	}
	require.Equal(t, map[string][2]int{"mprotect-raise": {3, 3}, "mprotect-lower": {3, 3}, "zap": {4, 4}, "zap-sparse": {1, 64}, "cow": {512, 512}}, flushes)
}
