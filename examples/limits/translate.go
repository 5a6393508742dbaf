package main

import (
	"math/rand/v2"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// Segments of the process whose accesses are translated: 1T segments, whose
// pages lie all over the table, as many as Linux keeps in the SLB.
const segments = 14

const (
	tlbOrder = 10  // log2 of the entries of a software TLB
	tlbPages = 256 // of its pages, in use
)

// process is a table with the pages of one process, and a CPU that runs it.
type process struct {
	measure.World
	cpu *mmu.CPU
	eas []pte.EA // of the keys in present
}

// vsidOf is the VSID of a segment.
func vsidOf(segment int) pte.VSID { return pte.VSID61.VSID(77, pte.EA(segment)<<40, pte.Seg1T) }

// newProcess fills a table of 1<<order bytes with pages of the segments.
func newProcess(order int, load float64, tlb int) (*process, error) {
	table, err := hpt.New(hpt.Config{Order: order})
	if err != nil {
		return nil, err
	}
	cpu, err := mmu.New(mmu.Config{Table: table, TLB: tlb})
	if err != nil {
		return nil, err
	}
	p := &process{World: measure.World{Table: table, Memory: measure.MemoryOf(table)}, cpu: cpu}
	cpu.SetMSR(mmu.MSRIR | mmu.MSRDR | mmu.MSRPR)
	const valid, ksKp = 0x08000000, 0x400
	for s := range segments {
		cpu.SLBMTE(uint64(s)<<40|valid|uint64(s), 1<<62|uint64(vsidOf(s))<<24|ksKp)
	}
	p.fill(load)
	return p, nil
}

// fill enters pages that a walk has nothing to record in: R and C are set.
func (p *process) fill(load float64) {
	rng := rand.New(rand.NewPCG(uint64(p.Table.Order()), 3))
	attr := pte.Attr{PP: pte.PPUserRW, WIMG: 2, Ref: true, Chg: true}
	for p.Placed < int(load*float64(p.Table.Slots())) {
		s := rng.IntN(segments)
		ea := pte.EA(s)<<40 | pte.EA(rng.Uint64N(1<<28))<<pte.VPNShift
		k := pte.MakeKey(vsidOf(s), ea, pte.Seg1T, pte.Page4K)
		if _, err := p.Table.InsertUnique(k, measure.EntryOf(p.Table, k, attr)); err != nil {
			continue
		}
		p.Placed++
		if len(p.Present) < measure.Sampled {
			p.Present, p.eas = append(p.Present, k), append(p.eas, ea)
		} else if i := rng.IntN(p.Placed); i < measure.Sampled {
			p.Present[i], p.eas[i] = k, ea
		}
	}
	rng.Shuffle(len(p.eas), func(i, j int) {
		p.Present[i], p.Present[j] = p.Present[j], p.Present[i]
		p.eas[i], p.eas[j] = p.eas[j], p.eas[i]
	})
}

// translations measures a CPU's translations against lookups of the same pages,
// and its software TLB against a load.
func (l *limits) translations(order int, load float64) error {
	p, err := newProcess(order, load, 0)
	if err != nil {
		return err
	}
	defer p.Close()
	n := min(slice, len(p.Present))
	results := make([]mmu.Result, batchSize)
	f := l.run(measure.Mix{Ops: n, Touch: func() { measure.TouchPages(p.Memory) }, Contenders: []measure.Contender{
		{Name: "lookup", Run: func(turn int) { lookUp(p.Table, measure.Window(p.Present, turn, n)) }},
		{Name: "translate", Run: func(turn int) {
			for _, ea := range measure.Window(p.eas, turn, n) {
				r := p.cpu.Translate(ea, pte.Read)
				measure.Sink += uint64(r.RA)
			}
		}},
		{Name: "translate batch", Run: func(turn int) {
			eas := measure.Window(p.eas, turn, n)
			for at := 0; at < n; at += batchSize {
				chunk := eas[at:min(at+batchSize, n)]
				measure.Sink += uint64(p.cpu.TranslateBatch(chunk, pte.Read, results))
			}
		}},
	}})
	r := p.cpu.Translate(p.eas[0], pte.Read)
	if !r.OK() {
		return errIdle
	}
	vs := []measure.Verdict{measure.AtLeast("translate", "single translations / batches of 64", f.Ratio("translate", "translate batch"), 2)}
	if order >= large {
		vs = append(vs, measure.AtMost("translate", "full translation / lookup", f.Ratio("translate", "lookup"), 1.5))
	}
	l.add(measure.SizeName(order), load, vs)
	if order == l.orders[0] && load == l.loads[0] {
		return l.cachedTranslations(order, load)
	}
	return nil
}

// cachedTranslations measures hits of the software TLB, which do not depend on
// the table.
func (l *limits) cachedTranslations(order int, load float64) error {
	p, err := newProcess(hpt.MinOrder, load, tlbOrder)
	if err != nil {
		return err
	}
	defer p.Close()
	var eas []pte.EA
	for _, ea := range p.eas[:tlbPages] {
		p.cpu.Translate(ea, pte.Read)
	}
	for _, ea := range p.eas[:tlbPages] {
		if r := p.cpu.Translate(ea, pte.Read); r.Cached {
			eas = append(eas, ea)
		}
	}
	if len(eas) == 0 {
		return errIdle
	}
	var lines [64]uint64
	for i := range lines {
		lines[i] = uint64(i+7) & 63
	}
	f := l.run(measure.Mix{Ops: slice, Contenders: []measure.Contender{
		{Name: "load", Run: func(int) { loadL1(&lines, slice) }},
		{Name: "hit", Run: func(int) {
			for i := range slice {
				r := p.cpu.Translate(eas[i%len(eas)], pte.Read)
				measure.Sink += uint64(r.RA)
			}
		}},
	}})
	l.add(measure.SizeName(order), load, []measure.Verdict{
		measure.AtMost("translate", "hit of the software TLB / load from the first cache", f.Ratio("hit", "load"), 12)})
	return nil
}
