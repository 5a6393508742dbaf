package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/mm/mmtest"
	"github.com/hashmmu/ppc64/mm/scenario"
	"github.com/hashmmu/ppc64/pte"
)

func TestOutput(t *testing.T) {
	want, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	var out bytes.Buffer
	run(&out)
	require.Equal(t, string(want), out.String())
}

// TestContract: the suite that any Backend must pass.
func TestContract(t *testing.T) { mmtest.Run(t, mmtest.Config{Backend: newMapStore}) }

// TestExplored: no interleaving of the founding race reaches an old page; with a late
// flush one does, though a map never has two translations of one.
func TestExplored(t *testing.T) {
	for want, policy := range map[scenario.Verdict]batch.Policy{
		scenario.Proved: batch.LazyMMU(),
		scenario.Stale:  batch.AtFinish(),
	} {
		sc := scenario.Founding
		if want == scenario.Stale {
			sc = scenario.StaleHole
		}
		res, err := scenario.Run(context.Background(), sc, scenario.Config{Backend: newMapStore, Policy: policy}, explore.Config{})
		require.NoError(t, err)
		require.Equal(t, want, res.Verdict, "%v", res.Report)
	}
}

// lazy reads the PTE before it takes the lock.
type lazy struct{ *mapStore }

func (s lazy) Miss(c *mm.CPU, as *mm.AddressSpace, ea pte.EA, a pte.Access, o mm.Outcome) (bool, error) {
	c.Step("read_pte", ea, mm.Touch{Loc: as.PTELoc(ea), Kind: mm.TouchRead})
	old := as.PTE(ea)
	c.Step(stepMiss, ea, s.writes(c, as.Key(ea))...)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fill(c, as.Key(ea), old, a), nil
}

// TestMistakeIsFound: the explorer finds the store that is a step too late.
func TestMistakeIsFound(t *testing.T) {
	backend := func(m *mm.Machine) mm.Backend { return lazy{newMapStore(m).(*mapStore)} }
	res, err := scenario.Run(context.Background(), scenario.Founding, scenario.Config{Backend: backend}, explore.Config{})
	require.NoError(t, err)
	require.Equal(t, scenario.Stale, res.Verdict, "%v", res.Report)
}
