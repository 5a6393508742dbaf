package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// field is the stores, all with the same content, and samples of numbers that are
// in them and that are not.
type field struct {
	w       *measure.World
	names   []string
	stores  map[string]store
	all     []uint64 // every number in the stores
	present []uint64
	absent  []uint64
	failed  error
}

// newField copies a table's content into the other stores.
func newField(w *measure.World) *field {
	f := &field{w: w, stores: map[string]store{table: pageTable{w.Table}}}
	values := make([]uint64, 0, w.Placed)
	for s, h := range w.Table.All() {
		k, _, err := w.Table.Sizes().Key(h, s.Group(), w.Table.Mask())
		if err != nil {
			panic(err) // the table was filled with good entries
		}
		f.all, values = append(f.all, uint64(k.VPN())), append(values, h.R)
	}
	for name, empty := range makers {
		if slow[name] && w.Table.Order() > 26 {
			continue
		}
		s := empty(len(f.all))
		for i, k := range f.all {
			s.put(k, values[i])
		}
		f.stores[name] = s
	}
	f.names = slices.Sorted(maps.Keys(f.stores))
	f.present, f.absent = numbers(w.Present), numbers(w.Absent)
	return f
}

func numbers(keys []pte.Key) []uint64 {
	ns := make([]uint64, len(keys))
	for i, k := range keys {
		ns[i] = uint64(k.VPN())
	}
	return ns
}

// touch reads nearly every page of memory of every store.
func (f *field) touch() {
	for _, s := range f.stores {
		for i := 0; i < len(f.all); i += 16 {
			v, _ := s.get(f.all[i])
			measure.Sink += v
		}
	}
}

// work is one kind of work on a store: n operations, and how to undo them.
type work struct {
	f        *field
	name     string
	n        int // operations in a slice
	slices   int
	run      func(s store, in, out []uint64)
	undo     func(s store, in, out []uint64)
	complete func(s store, in, out []uint64) bool // whether all of run was done
}

// works are the kinds. in are numbers that are in the stores, out those that are
// not.
func (f *field) works() []work {
	const slice = 8192
	few := min(4096, int(f.w.Table.Slots()/64))
	many := min(slice, len(f.present))
	return []work{
		{f, "hit", many, 1, hits, nil, func(s store, in, _ []uint64) bool { return has(s, in) == len(in) }},
		{f, "miss", many, 1, misses, nil, func(s store, _, out []uint64) bool { return has(s, out) == 0 }},
		{f, "insert", few, slice / few, puts, dels, func(s store, _, out []uint64) bool { return has(s, out) >= len(out)*9/10 }},
		{f, "churn", few, slice / few, churn, unchurn, func(s store, in, out []uint64) bool {
			return has(s, in) == 0 && has(s, out) >= len(out)*9/10
		}},
		{f, "mixed", few, slice / few, mixed, unmixed, func(s store, in, _ []uint64) bool { return has(s, in) == len(in)-(len(in)+9)/10 }},
	}
}

func has(s store, ks []uint64) (n int) {
	for _, k := range ks {
		if _, ok := s.get(k); ok {
			n++
		}
	}
	return n
}

func hits(s store, in, _ []uint64)    { gets(s, in) }
func misses(s store, _, out []uint64) { gets(s, out) }

func gets(s store, ks []uint64) {
	sum := uint64(0)
	for _, k := range ks {
		v, _ := s.get(k)
		sum += v
	}
	measure.Sink += sum
}

func puts(s store, _, out []uint64) {
	for _, k := range out {
		s.put(k, k)
	}
}

func dels(s store, _, out []uint64) {
	for _, k := range out {
		s.del(k)
	}
}

// churn replaces numbers by others, one after the other.
func churn(s store, in, out []uint64) {
	for i, k := range in {
		s.del(k)
		s.put(out[i], k)
	}
}

func unchurn(s store, in, out []uint64) { churn(s, out, in) }

// mixed gets nine times, and then replaces a number.
func mixed(s store, in, out []uint64) {
	sum := uint64(0)
	for i, k := range in {
		if i%10 == 0 {
			s.del(k)
			s.put(out[i], k)
			continue
		}
		v, _ := s.get(k)
		sum += v
	}
	measure.Sink += sum
}

func unmixed(s store, in, out []uint64) {
	for i := 0; i < len(in); i += 10 {
		s.del(out[i])
		s.put(in[i], in[i])
	}
}

// mix makes every store a contender. Once for each, what a run did is looked at.
func (w work) mix() *measure.Mix {
	m := &measure.Mix{Ops: w.n, Slices: w.slices}
	for _, name := range w.f.names {
		s, looked := w.f.stores[name], false
		c := measure.Contender{Name: name, Run: func(turn int) {
			w.run(s, measure.Window(w.f.present, turn, w.n), measure.Window(w.f.absent, turn, w.n))
		}}
		c.Undo = func(turn int) {
			in, out := measure.Window(w.f.present, turn, w.n), measure.Window(w.f.absent, turn, w.n)
			if !looked && !w.complete(s, in, out) {
				w.f.failed = fmt.Errorf("%s did not do what it was to be measured doing", name)
			}
			looked = true
			if w.undo != nil {
				w.undo(s, in, out)
			}
		}
		m.Contenders = append(m.Contenders, c)
	}
	return m
}
