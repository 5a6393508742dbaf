package hpt_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// The benchmarks report ns per entry: in a small table, which the cache holds,
// and in a large one, where every entry costs a miss. Half of the slots are
// taken.

type bench struct {
	table *hpt.Table
	keys  []pte.Key
	refs  []pte.Ref
	entry []pte.HPTE
}

func newBench(b *testing.B, order int, native bool) *bench {
	table, err := hpt.NewProtocol(hpt.Config{Order: order}, native)
	require.NoError(b, err)
	x := &bench{table: table}
	rng := rand.New(rand.NewPCG(1, uint64(order)))
	n := int(table.Slots() / 2)
	for len(x.refs) < n {
		k := pte.MakeKey(pte.VSID(rng.Uint64N(1<<36)), pte.EA(rng.Uint64()), pte.Seg256M, pte.Page4K)
		h, err := table.Sizes().Encode(k, 0, pte.Page4K, pte.Attr{PP: 2})
		require.NoError(b, err)
		hint, err := table.Insert(k, h)
		if err != nil {
			continue
		}
		x.keys, x.entry = append(x.keys, k), append(x.entry, h)
		x.refs = append(x.refs, pte.Ref{Key: k, Actual: pte.Page4K, Hint: hint})
	}
	return x
}

// each runs f once per kind of table.
func each(b *testing.B, f func(*testing.B, *bench)) {
	for _, size := range []struct {
		name  string
		order int
	}{{"256K", 18}, {"64M", 26}} {
		for name, native := range hpt.Protocols() {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				if testing.Short() && size.order > 20 {
					b.Skip("fills a large table")
				}
				x := newBench(b, size.order, native)
				b.ReportAllocs()
				b.ResetTimer()
				f(b, x)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/entry")
			})
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	each(b, func(b *testing.B, x *bench) {
		for i := range b.N {
			if _, _, ok := x.table.Lookup(x.keys[i%len(x.keys)]); !ok {
				b.Fatal("not found")
			}
		}
	})
}

// BenchmarkInsert fills half of a table again and again; emptying it is not
// timed.
func BenchmarkInsert(b *testing.B) { each(b, insertWith((*hpt.Table).Insert)) }

// BenchmarkInsertUnique is BenchmarkInsert with the search for duplicates.
func BenchmarkInsertUnique(b *testing.B) { each(b, insertWith((*hpt.Table).InsertUnique)) }

func insertWith(insert func(*hpt.Table, pte.Key, pte.HPTE) (pte.SlotHint, error)) func(*testing.B, *bench) {
	return func(b *testing.B, x *bench) {
		for i := range b.N {
			j := i % len(x.keys)
			if j == 0 {
				b.StopTimer()
				x.table.Clear()
				b.StartTimer()
			}
			if _, err := insert(x.table, x.keys[j], x.entry[j]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkInvalidateBatch removes batches of 192 entries, as Linux's flush does;
// putting them back is not timed.
func BenchmarkInvalidateBatch(b *testing.B) {
	const batch = 192
	each(b, func(b *testing.B, x *bench) {
		next := len(x.refs)
		for done := 0; done < b.N; done += batch {
			if next+batch > len(x.refs) {
				b.StopTimer()
				next = 0
				x.table.Clear()
				for i := range x.refs {
					x.refs[i].Hint, _ = x.table.Insert(x.keys[i], x.entry[i])
				}
				b.StartTimer()
			}
			if n := x.table.InvalidateBatch(x.refs[next : next+batch]); n != batch {
				b.Fatalf("removed %d of %d", n, batch)
			}
			next += batch
		}
	})
}

// BenchmarkUpdate records accesses and changes protection through hints.
func BenchmarkUpdate(b *testing.B) {
	each(b, func(b *testing.B, x *bench) {
		for i := range b.N {
			r := x.refs[i%len(x.refs)]
			if x.table.Protect(r, pte.Attr{PP: uint8(i & 3)}) != nil {
				b.Fatal("not found")
			}
		}
	})
}
