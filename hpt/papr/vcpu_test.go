package papr_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// ledger is what one goroutine did, by the real address that each entry alone has.
type ledger struct {
	entered map[pte.RA]bool
	removed map[pte.RA]uint64 // with R and C as returned
	marked  map[pte.RA]uint64 // R and C that the walker knows it set
}

// TestTwoVCPUs lets two vCPUs enter and remove in the same three groups while a
// walker sets R and C. Every entry that went in comes out once or is still there,
// and brings every R and C along that the walker had set.
func TestTwoVCPUs(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	p, err := papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(1 << 40)})
	require.NoError(t, err)
	const calls = 4000
	var book [3]ledger
	for i := range book {
		book[i] = ledger{map[pte.RA]bool{}, map[pte.RA]uint64{}, map[pte.RA]uint64{}}
	}
	var vcpus, walker sync.WaitGroup
	done := make(chan struct{})
	for cpu := range 2 {
		vcpus.Add(1)
		go func() {
			defer vcpus.Done()
			vcpu(p, rand.New(rand.NewPCG(uint64(cpu), 1)), calls, pte.RA(cpu)<<39, &book[cpu])
		}()
	}
	walker.Add(1)
	go func() {
		defer walker.Done()
		walk(tab, rand.New(rand.NewPCG(7, 1)), done, book[2].marked)
	}()
	vcpus.Wait()
	close(done)
	walker.Wait()

	out := map[pte.RA]uint64{}
	for s, e := range tab.All() {
		require.NotContains(t, out, e.RA(pte.Page4K), "slot %d", s)
		out[e.RA(pte.Page4K)] = e.R
	}
	for _, b := range book {
		for ra, r := range b.removed {
			require.NotContains(t, out, ra, "removed twice, or still there")
			out[ra] = r
		}
	}
	for _, b := range book {
		for ra := range b.entered {
			require.Contains(t, out, ra, "lost")
		}
	}
	require.Len(t, out, len(book[0].entered)+len(book[1].entered))
	for ra, rc := range book[2].marked {
		require.Equal(t, rc, out[ra]&rc, "R or C of %v was lost", ra)
	}
}

const busySlots = 3 * pte.SlotsPerGroup

// vcpu makes hypercalls; its pages are at real addresses from base.
func vcpu(p *papr.HPT, rnd *rand.Rand, calls int, base pte.RA, b *ledger) {
	for i := range calls {
		s := rnd.Uint64N(busySlots)
		switch rnd.IntN(4) {
		case 0, 1:
			_, e := small(0x123, 5)
			ra := base + pte.RA(i)<<12
			if _, code := p.Enter(papr.Flags(rnd.Uint64()&uint64(papr.Exact)), s, e.WithRA(ra, pte.Page4K)); code == papr.Success {
				b.entered[ra] = true
			}
		case 2:
			if e, code := p.Remove(0, s, 0); code == papr.Success {
				b.removed[e.RA(pte.Page4K)] = e.R
			}
		case 3:
			ts := [8]uint64{0x42<<56 | s, 1 << 7, 0xc0 << 56} // another page's: not found
			p.BulkRemove(&ts)
			var out [4]pte.HPTE
			p.Read(papr.Read4, s, &out)
		}
	}
}

// walk sets R and C of entries it comes by, as a page walk does.
func walk(t *hpt.Table, rnd *rand.Rand, done chan struct{}, marked map[pte.RA]uint64) {
	for {
		select {
		case <-done:
			return
		default:
		}
		s := pte.Slot(rnd.Uint64N(busySlots))
		e := t.Load(s)
		n := pte.HPTE{V: e.V, R: e.R | [2]uint64{pte.RRef, pte.RRef | pte.RChg}[rnd.IntN(2)]}
		if e.Valid() && t.CompareAndSwap(s, e, n) {
			marked[e.RA(pte.Page4K)] |= n.R & (pte.RRef | pte.RChg)
		}
	}
}

// Hypercalls allocate nothing, with a Sink or without.
func TestHypercallsDoNotAllocate(t *testing.T) {
	tab, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	p, err := papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(ram), Sink: &count{}})
	require.NoError(t, err)
	k, e := small(0x123, 5)
	g := k.Hash().Primary(tab.Mask()) * pte.SlotsPerGroup
	ops := []struct {
		op papr.Op
		a  papr.Args
	}{
		{papr.OpEnter, papr.Args{0, g, e.V, e.R}},
		{papr.OpProtect, papr.Args{1, g}},
		{papr.OpRead, papr.Args{uint64(papr.Read4), g}},
		{papr.OpClearRef, papr.Args{0, g}},
		{papr.OpClearMod, papr.Args{0, g}},
		{papr.OpBulkRemove, papr.Args{0x40<<56 | g, 0, 0xc0 << 56}},
		{papr.OpEnter, papr.Args{0, g, e.V, e.R}},
		{papr.OpBlockRemove, papr.Args{0, 0x40<<56 | g, 0xc0 << 56}},
		{papr.OpEnter, papr.Args{0, g, e.V, e.R}},
		{papr.OpRemove, papr.Args{0, g}},
		{papr.OpRemove, papr.Args{0, g}},
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, o := range ops {
			a := o.a
			p.Call(o.op, &a)
		}
	}))
}

// count is a Sink that counts.
type count struct{ n int }

func (c *count) Flush(papr.Flush) { c.n++ }
