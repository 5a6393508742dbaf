package measure

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"unsafe"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Sampled is how many of the keys in a table, and how many that are not, the
// contenders work on. They are scattered over the whole table.
const Sampled = 1 << 19

// Sink takes what is read, so that it is read.
var Sink uint64

// World is a table filled to a load, and samples of keys in random order.
type World struct {
	Table   *hpt.Table
	Memory  []byte // the table's own, for floors
	Present []pte.Key
	Absent  []pte.Key  // for which there is a place, if possible
	Entries []pte.HPTE // of Present
	Refs    []pte.Ref  // of Present
	Spare   []pte.HPTE // of Absent
	Placed  int        // entries in the table
	Refused int        // that found no place while it was filled
}

// NewWorld fills a table of 1<<order bytes.
func NewWorld(order int, load float64, c hpt.Config) (*World, error) {
	c.Order = order
	table, err := hpt.New(c)
	if err != nil {
		return nil, err
	}
	w := &World{Table: table, Memory: MemoryOf(table)}
	w.Fill(NewPages(uint64(order)), load)
	return w, nil
}

// Fill puts pages in until the load is reached.
func (w *World) Fill(pages *Pages, load float64) {
	slots := int(w.Table.Slots())
	w.take(pages, int(load*float64(slots)), 2*slots)
}

// Offer puts in what finds a place of so many pages.
func (w *World) Offer(pages *Pages, offered int) { w.take(pages, offered, offered) }

// take puts pages in until there are so many, or so many have been offered. The
// samples are drawn on the way.
func (w *World) take(pages *Pages, want, offered int) {
	rng := rand.New(rand.NewPCG(uint64(w.Table.Order()), 1))
	attr := pte.Attr{PP: pte.PPUserRW, WIMG: 2, Ref: true, Chg: true}
	for w.Placed < want && w.Placed+w.Refused < offered {
		k := pages.Next()
		if _, err := w.Table.Insert(k, EntryOf(w.Table, k, attr)); err != nil {
			w.Refused++
			continue
		}
		w.Placed++
		if len(w.Present) < Sampled {
			w.Present = append(w.Present, k)
		} else if i := rng.IntN(w.Placed); i < Sampled {
			w.Present[i] = k
		}
	}
	trial := w.Twin(hpt.Config{}) // keeps no overflow bits
	for tries := 0; len(w.Absent) < len(w.Present); tries++ {
		k := pages.Next()
		hint, err := trial.Insert(k, EntryOf(trial, k, attr))
		trial.Invalidate(pte.Ref{Key: k, Hint: hint})
		if err == nil || tries > 16*len(w.Present) {
			w.Absent = append(w.Absent, k)
		}
	}
	for _, keys := range [][]pte.Key{w.Present, w.Absent} {
		rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	w.Entries = make([]pte.HPTE, len(w.Present))
	w.Refs = make([]pte.Ref, len(w.Present))
	w.Spare = make([]pte.HPTE, len(w.Present))
	for i, k := range w.Present {
		_, hint, ok := w.Table.Lookup(k)
		if !ok {
			panic(fmt.Sprintf("%v was inserted and is not there", k))
		}
		w.Refs[i] = pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint}
		w.Entries[i] = EntryOf(w.Table, k, attr)
		w.Spare[i] = EntryOf(w.Table, w.Absent[i], attr)
	}
}

// EntryOf makes the entry of a page, which maps it to its number.
func EntryOf(t *hpt.Table, k pte.Key, a pte.Attr) pte.HPTE {
	h, err := t.Sizes().Encode(k, pte.RA(k.Page)<<pte.VPNShift, k.Base, a)
	if err != nil {
		panic(err) // keys and sizes are this program's own
	}
	return h
}

// Touch reads every page of the table and the samples.
func (w *World) Touch() {
	TouchPages(w.Memory)
	for i := range w.Present {
		Sink += uint64(w.Present[i].Page+w.Absent[i].Page) + uint64(w.Refs[i].Hint) + w.Entries[i].R + w.Spare[i].R
	}
}

// TouchPages reads a byte of every page of 4K.
func TouchPages(m []byte) {
	for i := 0; i < len(m); i += 4096 {
		Sink += uint64(m[i])
	}
}

// Close gives the table's memory back at once.
func (w *World) Close() {
	_ = w.Table.Close() // it is this program's last use
	w.Memory = nil
	runtime.GC()
}

// Twin is another Table over the same memory: one of Go alone, or one without
// the overflow bitmap that only tables of their own memory have.
func (w *World) Twin(c hpt.Config) *hpt.Table {
	c.Order, c.Memory = w.Table.Order(), w.Memory
	t, err := hpt.New(c)
	if err != nil {
		panic(err) // the memory is a table's
	}
	return t
}

// MemoryOf is the memory of a table. A floor has to touch the very lines that
// the library touches, and nobody else has a use for a table's own memory.
func MemoryOf(t *hpt.Table) []byte {
	slots := reflect.ValueOf(t).Elem().FieldByName("slots")
	return unsafe.Slice((*byte)(slots.UnsafePointer()), 16*slots.Len())
}

// Window is the turn'th stretch of n elements of s, round and round.
func Window[T any](s []T, turn, n int) []T {
	at := turn * n % (len(s) - n + 1)
	return s[at : at+n]
}
