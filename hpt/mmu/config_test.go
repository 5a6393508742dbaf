package mmu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

func TestConfig(t *testing.T) {
	c, err := mmu.New(mmu.Config{})
	require.NoError(t, err)
	require.Equal(t, "POWER8", c.Config().Profile.Name)
	for field, cfg := range map[string]mmu.Config{
		"Profile.SLB":    {Profile: mmu.Profile{Name: "x", SLB: 65}},
		"Profile.Name":   {Profile: mmu.Profile{SLB: 32}},
		"Profile.Format": {Profile: mmu.Profile{Name: "x", SLB: 1, Format: 9}},
		"TLB":            {TLB: 21},
	} {
		_, err := mmu.New(cfg)
		var bad *mmu.ConfigError
		require.ErrorIs(t, err, mmu.ErrConfig)
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Field)
	}
	_, err = mmu.New(mmu.Config{Profile: mmu.Profile{Name: "x", SLB: 64}})
	require.NoError(t, err, "the largest SLB")
}

// A CPU without table or anything else is usable: real mode works, and with
// translation on the faults are the right ones.
func TestBare(t *testing.T) {
	c, err := mmu.New(mmu.Config{Paravirtual: true})
	require.NoError(t, err)
	require.EqualValues(t, 0x1234, c.Translate(0xf000000000001234, pte.Exec).RA)
	c.SetMSR(on)
	require.Equal(t, mmu.DataSegment, c.Translate(0x1234, pte.Write).Fault)
	require.True(t, c.SLBMTE(0x08000000, 0))
	require.Equal(t, "DSI status 0x42000000 dar 0x1234", c.Translate(0x1234, pte.Write).String())
}
