package papr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// BenchmarkEnterRemove is a page entered and removed by AVPN, in a group with three
// other entries.
func BenchmarkEnterRemove(b *testing.B) {
	tab, err := hpt.New(hpt.Config{Order: 24})
	require.NoError(b, err)
	p, err := papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(ram), Sink: &count{}})
	require.NoError(b, err)
	k, e := small(0x123, 5)
	g := k.Hash().Primary(tab.Mask()) * pte.SlotsPerGroup
	for range 3 {
		p.Enter(0, g, e)
	}
	b.ReportAllocs()
	for b.Loop() {
		s, _ := p.Enter(0, g, e)
		p.Remove(papr.AVPN, uint64(s), k.AVPN())
	}
}
