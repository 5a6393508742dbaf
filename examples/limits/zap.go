package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// zapped is how many pages of 4K are zapped: 4 GiB.
const zapped = 1 << 20

// zapRounds bounds the rounds of a look: making a million pages resident takes
// much longer than zapping them.
const zapRounds = 2

// zaps measures what a zap costs for each page, by policy. The table has twice
// the slots, as a guest's has.
func (l *limits) zaps() error {
	rounds := l.rounds
	if rounds < measure.EnoughRounds {
		rounds = min(rounds, zapRounds)
	}
	policies := []batch.Policy{batch.AtFinish(), batch.LazyMMU(), batch.Immediate()}
	f := measure.Figures{}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for round := range rounds {
		l.rng.Shuffle(len(policies), func(i, j int) { policies[i], policies[j] = policies[j], policies[i] })
		for _, p := range policies {
			ns, err := l.zap(p, func(pages int) {
				fmt.Fprintf(l.log, "\rround %d: %v: %d pages zapped ", round+1, p, pages)
			})
			if err != nil {
				return err
			}
			f[p.String()] = append(f[p.String()], ns)
		}
	}
	fmt.Fprintln(l.log)
	order := zapOrder(l.pages)
	for _, v := range []measure.Verdict{
		measure.AtMost("zap", fmt.Sprintf("%d pages, lazy-mmu / at-finish", l.pages), f.Ratio("lazy-mmu", "at-finish"), 1.1),
		measure.AtLeast("zap", fmt.Sprintf("%d pages, immediate / lazy-mmu", l.pages), f.Ratio("immediate", "lazy-mmu"), 1.5),
	} {
		l.report.AddRounds(rounds, measure.SizeName(order), float64(l.pages)*16/float64(uint64(1)<<order), v)
	}
	return nil
}

// zapOrder is the size of a table with twice the slots.
func zapOrder(pages int) int {
	order := hpt.MinOrder
	for pages*2*16 > 1<<order {
		order++
	}
	return order
}

// zap makes pages resident, zaps them under a policy, and returns nanoseconds per
// page. progress is called now and then.
func (l *limits) zap(p batch.Policy, progress func(pages int)) (float64, error) {
	table, err := hpt.New(hpt.Config{Order: zapOrder(l.pages)})
	if err != nil {
		return 0, err
	}
	defer table.Close()
	m, err := mm.New(mm.Config{Table: table, Policy: p, Frames: l.pages + 8})
	if err != nil {
		return 0, err
	}
	cpu, space := m.CPU(0), m.NewAddressSpace(7)
	all := mm.Pages(1<<32, uint64(l.pages))
	if err := cpu.Map(space, mm.VMA{Range: all, Prot: pte.Read | pte.Write}); err != nil {
		return 0, err
	}
	for ea := all.Start; ea < all.End; ea += 1 << pte.VPNShift {
		if err := cpu.Store(space, ea, 1); err != nil {
			return 0, err
		}
	}
	const piece = 1 << 18
	var spent time.Duration
	done := 0
	for at := all.Start; at < all.End; at += piece << pte.VPNShift {
		r := mm.Range{Start: at, End: min(at+piece<<pte.VPNShift, all.End)}
		begin := measure.Now()
		res, err := cpu.ZapPageRange(context.Background(), space, r)
		spent += measure.Now() - begin
		if err != nil {
			return 0, err
		}
		done += res.Pages
		progress(done)
	}
	if done != l.pages || table.Stats().Valid != 0 {
		return 0, errIdle
	}
	return float64(spent) / float64(done), nil
}
