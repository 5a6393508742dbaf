package main

import (
	"errors"
	"runtime"
	"runtime/metrics"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
)

// hugePages measures G12: a table in the library's memory against one in pages
// of 4K, and what the garbage collector has to look through.
func (l *limits) hugePages(order int, load float64) error {
	memory, err := smallPages(1 << order)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unmap(memory)
	before := scanned()
	huge, err := hpt.New(hpt.Config{Order: order})
	if err != nil {
		return err
	}
	after := scanned()
	grown := float64(after-min(before, after)) / float64(huge.Slots())
	pages, inHuge := &measure.World{Memory: memory}, &measure.World{Table: huge, Memory: measure.MemoryOf(huge)}
	if pages.Table, err = hpt.New(hpt.Config{Order: order, Memory: memory}); err != nil {
		return err
	}
	defer inHuge.Close()
	for _, w := range []*measure.World{pages, inHuge} { // the same entries in the same places
		w.Fill(measure.NewPages(uint64(order)), load)
	}

	n := slice
	found := make([]hpt.Found, batchSize)
	contenders := func(name string, w *measure.World) []measure.Contender {
		return []measure.Contender{
			{Name: "independent, " + name, Run: func(turn int) { lookUp(w.Table, measure.Window(w.Present, turn, n)) }},
			{Name: "dependent, " + name, Run: func(turn int) { lookUpDependent(w.Table, measure.Window(w.Present, turn, n)) }},
			{Name: "batch, " + name, Run: func(turn int) { lookUpBatch(w.Table, measure.Window(w.Present, turn, n), found, batchSize) }},
		}
	}
	f := l.run(measure.Mix{Ops: n,
		Touch:      func() { pages.Touch(); inHuge.Touch() },
		Contenders: append(contenders("4K", pages), contenders("huge", inHuge)...),
	})
	ratio := func(name string) measure.Quartiles { return f.Ratio(name+", 4K", name+", huge") }
	l.add(measure.SizeName(order), load, []measure.Verdict{
		measure.AtLeast("G12", "independent hits in 4K pages / in huge pages", ratio("independent"), 1.3),
		measure.AtLeast("G12", "dependent hits in 4K pages / in huge pages", ratio("dependent"), 1.35),
		measure.AtLeast("G12", "hits in batches in 4K pages / in huge pages", ratio("batch"), 1.5),
		// What is in the heap is the Table itself, and what the runtime did meanwhile.
		measure.AtMost("G12", "bytes that the collector scans, for each slot", measure.Quartiles{Median: grown, P25: grown, P75: grown}, 0.01),
	})
	return nil
}

// scanned is how many bytes of the heap hold pointers to follow.
func scanned() uint64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/gc/scan/heap:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
