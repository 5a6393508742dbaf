package main

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"unsafe"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// sampled is how many of the keys in a table, and how many that are not, the
// contenders work on. They are scattered over the whole table.
const sampled = 1 << 19

// world is a table filled to a load, and samples of keys in random order.
type world struct {
	table   *hpt.Table
	memory  []byte // the table's own, for floors
	present []pte.Key
	absent  []pte.Key  // for which there is a place, if possible
	entries []pte.HPTE // of present
	refs    []pte.Ref  // of present
	spare   []pte.HPTE // of absent
	placed  int        // entries in the table
	refused int        // that found no place while it was filled
}

// newWorld fills a table of 1<<order bytes.
func newWorld(order int, load float64, c hpt.Config) (*world, error) {
	c.Order = order
	table, err := hpt.New(c)
	if err != nil {
		return nil, err
	}
	w := &world{table: table, memory: memoryOf(table)}
	w.fill(measure.NewPages(uint64(order)), load)
	return w, nil
}

// fill puts pages in until the load is reached.
func (w *world) fill(pages *measure.Pages, load float64) {
	slots := int(w.table.Slots())
	w.take(pages, int(load*float64(slots)), 2*slots)
}

// offer puts in what finds a place of so many pages.
func (w *world) offer(pages *measure.Pages, offered int) { w.take(pages, offered, offered) }

// take puts pages in until there are so many, or so many have been offered. The
// samples are drawn on the way.
func (w *world) take(pages *measure.Pages, want, offered int) {
	rng := rand.New(rand.NewPCG(uint64(w.table.Order()), 1))
	attr := pte.Attr{PP: pte.PPUserRW, WIMG: 2, Ref: true, Chg: true}
	for w.placed < want && w.placed+w.refused < offered {
		k := pages.Next()
		if _, err := w.table.Insert(k, entryOf(w.table, k, attr)); err != nil {
			w.refused++
			continue
		}
		w.placed++
		if len(w.present) < sampled {
			w.present = append(w.present, k)
		} else if i := rng.IntN(w.placed); i < sampled {
			w.present[i] = k
		}
	}
	trial := w.twin(hpt.Config{}) // keeps no overflow bits
	for tries := 0; len(w.absent) < len(w.present); tries++ {
		k := pages.Next()
		hint, err := trial.Insert(k, entryOf(trial, k, attr))
		trial.Invalidate(pte.Ref{Key: k, Hint: hint})
		if err == nil || tries > 16*len(w.present) {
			w.absent = append(w.absent, k)
		}
	}
	for _, keys := range [][]pte.Key{w.present, w.absent} {
		rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	w.entries = make([]pte.HPTE, len(w.present))
	w.refs = make([]pte.Ref, len(w.present))
	w.spare = make([]pte.HPTE, len(w.present))
	for i, k := range w.present {
		_, hint, ok := w.table.Lookup(k)
		if !ok {
			panic(fmt.Sprintf("%v was inserted and is not there", k))
		}
		w.refs[i] = pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}
		w.entries[i] = entryOf(w.table, k, attr)
		w.spare[i] = entryOf(w.table, w.absent[i], attr)
	}
}

func entryOf(t *hpt.Table, k pte.Key, a pte.Attr) pte.HPTE {
	h, err := t.Sizes().Encode(k, pte.RA(k.Page)<<pte.VPNShift, k.Base, a)
	if err != nil {
		panic(err) // keys and sizes are this program's own
	}
	return h
}

// touch reads every page of the table and the samples.
func (w *world) touch() {
	touchPages(w.memory)
	for i := range w.present {
		sink += uint64(w.present[i].Page+w.absent[i].Page) + uint64(w.refs[i].Hint) + w.entries[i].R + w.spare[i].R
	}
}

// touchPages reads a byte of every page of 4K.
func touchPages(m []byte) {
	for i := 0; i < len(m); i += 4096 {
		sink += uint64(m[i])
	}
}

// close gives the table's memory back at once.
func (w *world) close() {
	_ = w.table.Close() // it is this program's last use
	w.memory = nil
	runtime.GC()
}

// twin is another Table over the same memory: one of Go alone, or one without
// the overflow bitmap that only tables of their own memory have.
func (w *world) twin(c hpt.Config) *hpt.Table {
	c.Order, c.Memory = w.table.Order(), w.memory
	t, err := hpt.New(c)
	if err != nil {
		panic(err) // the memory is a table's
	}
	return t
}

// memoryOf is the memory of a table. A floor has to touch the very lines that
// the library touches, and nobody else has a use for a table's own memory.
func memoryOf(t *hpt.Table) []byte {
	slots := reflect.ValueOf(t).Elem().FieldByName("slots")
	return unsafe.Slice((*byte)(slots.UnsafePointer()), 16*slots.Len())
}
