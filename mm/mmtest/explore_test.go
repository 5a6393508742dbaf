package mmtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/mm/scenario"
	"github.com/hashmmu/ppc64/pte"
)

// TestExplore proves a policy of our own: at most two entries inside lazy mode,
// none outside and none when the PTE page lock drops.
func TestExplore(t *testing.T) {
	if testing.Short() {
		t.Skip("a few seconds")
	}
	mmtest.Explore(t, nil, batch.PolicyFunc("two", func(ev batch.Reason, s batch.State) bool {
		return ev == batch.OnUnlock || ev == batch.OnAdd && (!s.Lazy || s.Pending == 2)
	}))
}

// TestExploreOutsideLazy: a policy that flushes on leaving lazy mode only is
// caught where PTEs change outside it.
func TestExploreOutsideLazy(t *testing.T) {
	p := batch.PolicyFunc("leave-lazy only", func(ev batch.Reason, _ batch.State) bool { return ev == batch.OnLeaveLazy })
	res, err := scenario.Run(context.Background(), scenario.OutsideLazy, scenario.Config{Policy: p}, explore.Config{})
	require.NoError(t, err)
	require.Equal(t, scenario.Duplicate, res.Verdict, "%v", res.Report)
}

// forgetful is a backend that does not queue the entries of cleared PTEs.
type forgetful struct{ mm.Backend }

func (forgetful) Changed(*mm.CPU, *mm.AddressSpace, pte.EA, pte.LinuxPTE) {}

func TestExploreOwnBackend(t *testing.T) {
	for want, backend := range map[scenario.Verdict]func(*mm.Machine) mm.Backend{
		scenario.Proved:    func(m *mm.Machine) mm.Backend { return struct{ mm.Backend }{mm.NewHash(m)} },
		scenario.Duplicate: func(m *mm.Machine) mm.Backend { return forgetful{mm.NewHash(m)} },
	} {
		res, err := scenario.Run(context.Background(), scenario.Founding, scenario.Config{Backend: backend}, explore.Config{})
		require.NoError(t, err)
		require.Equal(t, want, res.Verdict, "%v", res.Report)
	}
}
