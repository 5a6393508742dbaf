package main

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// batchSize is how many keys the batch entry points get at a time.
const batchSize = 64

// slice is how many operations a contender does at a time.
const slice = 8192

// lookups runs the contenders of G1 to G4 on one table.
func (l *limits) lookups(w *measure.World) measure.Figures {
	n := min(slice, len(w.Present))
	plain := w.Twin(hpt.Config{})
	inGo := w.Twin(hpt.Config{Code: hpt.CodeGo})
	f := floorOf(w)
	hits, misses := vpns(w.Present), vpns(w.Absent)
	found := make([]hpt.Found, n)
	return l.run(measure.Mix{Ops: n, Touch: w.Touch, Contenders: []measure.Contender{
		{Name: "touch", Run: func(turn int) { f.touch(measure.Window(hits, turn, n)) }},
		{Name: "touch dependent", Run: func(turn int) { f.touchDependent(measure.Window(hits, turn, n)) }},
		{Name: "touch long", Run: func(turn int) { f.touchLong(measure.Window(hits, turn, n)) }},
		{Name: "touch missed", Run: func(turn int) { f.touch(measure.Window(misses, turn, n)) }},
		{Name: "hit", Run: func(turn int) { lookUp(w.Table, measure.Window(w.Present, turn, n)) }},
		{Name: "hit dependent", Run: func(turn int) { lookUpDependent(w.Table, measure.Window(w.Present, turn, n)) }},
		{Name: "hit batch", Run: func(turn int) { lookUpBatch(w.Table, measure.Window(w.Present, turn, n), found, batchSize) }},
		{Name: "hit in Go", Run: func(turn int) { lookUp(inGo, measure.Window(w.Present, turn, n)) }},
		{Name: "miss", Run: func(turn int) { lookUp(w.Table, measure.Window(w.Absent, turn, n)) }},
		{Name: "miss batch", Run: func(turn int) { lookUpBatch(w.Table, measure.Window(w.Absent, turn, n), found, batchSize) }},
		{Name: "miss batch without bitmap", Run: func(turn int) { lookUpBatch(plain, measure.Window(w.Absent, turn, n), found, batchSize) }},
	}})
}

func lookUp(t *hpt.Table, keys []pte.Key) {
	sum := uint64(0)
	for _, k := range keys {
		h, _, _ := t.Lookup(k)
		sum += h.R
	}
	measure.Sink += sum
}

func lookUpDependent(t *hpt.Table, keys []pte.Key) {
	sum, z := uint64(0), zero
	for i := 0; i < len(keys); {
		h, _, _ := t.Lookup(keys[i])
		sum += h.R
		i += 1 + int(h.R&z)
	}
	measure.Sink += sum
}

func lookUpBatch(t *hpt.Table, keys []pte.Key, found []hpt.Found, size int) {
	for len(keys) > 0 {
		n := min(size, len(keys))
		measure.Sink += uint64(t.LookupBatch(keys[:n], found[:n]))
		keys = keys[n:]
	}
}

// lookupGoals judges G1 to G4.
func lookupGoals(f measure.Figures, small bool, load float64) (vs []measure.Verdict) {
	if small {
		vs = append(vs,
			measure.AtMost("G2", "independent hits / touch of both lines", f.Ratio("hit", "touch"), 4.2),
			measure.AtLeast("G3", "single hits / batches of 64", f.Ratio("hit", "hit batch"), 1.25),
			measure.AtMost("G4", "single misses / touch", f.Ratio("miss", "touch missed"), 4.1),
			measure.AtMost("G4", "misses in batches / touch", f.Ratio("miss batch", "touch missed"), 2.7))
	} else {
		batch := 1.9
		if load > 0.65 {
			batch = 2.3
		}
		vs = append(vs,
			measure.AtMost("G1", "dependent hits / dependent touch of both lines", f.Ratio("hit dependent", "touch dependent"), 1.2),
			measure.AtMost("G2", "independent hits / touch of both lines", f.Ratio("hit", "touch"), 4.2),
			measure.AtMost("G3", "hits in batches of 64 / touch", f.Ratio("hit batch", "touch"), 1.5),
			measure.AtLeast("G3", "single hits / batches of 64", f.Ratio("hit", "hit batch"), 1.9),
			measure.AtLeast("G3", "single hits in Go alone / batches of 64", f.Ratio("hit in Go", "hit batch"), 2.5),
			measure.AtMost("G4", "single misses / touch", f.Ratio("miss", "touch missed"), 4.1),
			measure.AtMost("G4", "misses in batches / touch", f.Ratio("miss batch", "touch missed"), batch))
	}
	bitmap := 1.4
	if load > 0.65 {
		bitmap = 1.2
	}
	return append(vs, measure.AtLeast("G4", "misses in batches without / with the overflow bitmap",
		f.Ratio("miss batch without bitmap", "miss batch"), bitmap))
}
