package hpt

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hashmmu/ppc64/pte"
)

// BenchmarkRatio gives the cost of operations as multiples of what the machine
// allows: a touch of both cache lines of a random group, or a bare compare-and-swap of
// a random slot. All are run in one process, in turn, in every round; what is
// reported is the median of the rounds' ratios, in CPU time of the thread, so what
// else runs on the machine matters little.
//
//	go test -run '^$' -bench Ratio ./hpt -args -ratio.rounds 21
func BenchmarkRatio(b *testing.B) {
	for _, size := range []struct {
		name  string
		order int
	}{{"256K", 18}, {"16M", 24}, {"256M", 28}} {
		for _, load := range []float64{0.5, 0.8} {
			b.Run(fmt.Sprintf("%s/%.1f", size.name, load), func(b *testing.B) {
				if testing.Short() {
					b.Skip("fills a large table")
				}
				for range b.N {
					newRatios(b, size.order, load).measure(b)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

var ratioRounds = flag.Int("ratio.rounds", 21, "rounds of BenchmarkRatio")

// part is how many operations are timed at once.
const part = 8000

// ratios is a filled table and what to do with it.
type ratios struct {
	tables       map[string]*Table // by name of the variant
	present, new []pte.Key         // in the tables, and not
	variants     []variant
	refs         []pte.Ref
	found        []Found
	hints        []pte.SlotHint
	entries      []pte.HPTE
	sink, zero   uint64
}

// variant is one way to do part operations. before and after are not timed.
type variant struct {
	name, floor        string
	before, run, after func()
}

func newRatios(b *testing.B, order int, load float64) *ratios {
	r := &ratios{tables: map[string]*Table{}}
	for name, c := range map[string]Config{
		"": {}, "go": {Code: CodeGo}, "locked": {LockUnique: true},
		"guest": {Memory: nil},
	} {
		c.Order = order
		t, err := New(c)
		require.NoError(b, err)
		if name == "guest" {
			t.overflow = nil
		}
		b.Cleanup(func() { t.Close() })
		r.tables[name] = t
	}
	rng := rand.New(rand.NewPCG(1, uint64(order)))
	key := func() pte.Key {
		return pte.Key{VSID: pte.VSID(rng.Uint64N(1 << 37)), Page: uint32(rng.Uint64N(1 << 16)), Base: pte.Page4K}
	}
	want := int(load * float64(r.tables[""].Slots()))
	for filled := 0; filled < want; {
		k := key()
		if _, err := r.tables[""].Insert(k, entryOf(k)); err != nil {
			continue
		}
		for name, t := range r.tables {
			if name != "" {
				_, _ = t.Insert(k, entryOf(k))
			}
		}
		if filled++; len(r.present) < 1<<20 {
			r.present = append(r.present, k)
		} else if i := rng.IntN(filled); i < len(r.present) {
			r.present[i] = k
		}
	}
	for range 1 << 16 {
		r.new = append(r.new, key())
	}
	rng.Shuffle(len(r.present), func(i, j int) { r.present[i], r.present[j] = r.present[j], r.present[i] })
	r.refs, r.found, r.hints, r.entries = make([]pte.Ref, part), make([]Found, part), make([]pte.SlotHint, part), make([]pte.HPTE, part)
	r.plan(rng)
	return r
}

func entryOf(k pte.Key) pte.HPTE { return pte.HPTE{V: k.AVPN() | pte.VValid, R: 0x1190} }

// plan lists the variants.
func (r *ratios) plan(rng *rand.Rand) {
	var keys []pte.Key
	hit := func() { o := rng.IntN(len(r.present) - part); keys = r.present[o : o+part] }
	if len(r.present) <= part {
		hit = func() {
			keys = append(keys[:0], r.present...)
			for len(keys) < part {
				keys = append(keys, r.present[rng.IntN(len(r.present))])
			}
		}
	}
	miss := func() { o := rng.IntN(len(r.new) - part); keys = r.new[o : o+part] }
	small := len(r.present) < 4*part
	add := func(name, floor string, before, run, after func()) {
		r.variants = append(r.variants, variant{name, floor, before, run, after})
	}
	warm := func(t *Table) { // of what fits in a cache, only one table does
		if t.Order() < 21 {
			for s := pte.Slot(0); s < pte.Slot(t.Slots()); s += 4 {
				t.touch(s)
			}
		}
	}
	t := r.tables[""]
	touch := func() {
		var sum uint64
		for _, k := range keys {
			g := k.Hash().Primary(t.mask) * 8
			sum += atomic.LoadUint64(&t.slots[g][0]) + atomic.LoadUint64(&t.slots[g+4][0])
		}
		r.sink += sum
	}
	chain := func(step func(k pte.Key) uint64) func() {
		return func() {
			var x uint64
			for _, k := range keys {
				k.VSID += pte.VSID(x & r.zero) // k waits for x
				x = step(k)
			}
			r.sink += x
		}
	}
	add("touch", "", func() { hit(); warm(t) }, touch, nil)
	add("touch dependent", "", func() { hit(); warm(t) }, chain(func(k pte.Key) uint64 {
		g := k.Hash().Primary(t.mask) * 8
		return atomic.LoadUint64(&t.slots[g][0]) | atomic.LoadUint64(&t.slots[g+4][0])
	}), nil)
	lookup := func(t *Table) func() {
		return func() {
			var sum uint64
			for _, k := range keys {
				h, _, _ := t.Lookup(k)
				sum += h.R
			}
			r.sink += sum
		}
	}
	batch := func(t *Table, n int) func() {
		return func() {
			for o := 0; o < len(keys); o += n {
				m := min(n, len(keys)-o)
				r.sink += uint64(t.LookupBatch(keys[o:o+m], r.found[:m]))
			}
		}
	}
	add("hit dependent", "touch dependent", func() { hit(); warm(t) }, chain(func(k pte.Key) uint64 { h, _, _ := t.Lookup(k); return h.R }), nil)
	add("hit", "touch", func() { hit(); warm(t) }, lookup(t), nil)
	add("hit go", "touch", func() { hit(); warm(r.tables["go"]) }, lookup(r.tables["go"]), nil)
	add("hit batch 64", "touch", func() { hit(); warm(t) }, batch(t, 64), nil)
	add("hit batch 1024", "touch", func() { hit(); warm(t) }, batch(t, 1024), nil)
	add("miss", "touch", func() { miss(); warm(t) }, lookup(t), nil)
	add("miss guest", "touch", func() { miss(); warm(r.tables["guest"]) }, lookup(r.tables["guest"]), nil)
	add("miss batch 1024", "touch", func() { miss(); warm(t) }, batch(t, 1024), nil)
	add("miss batch 1024 guest", "touch", func() { miss(); warm(r.tables["guest"]) }, batch(r.tables["guest"], 1024), nil)

	cas := func() {
		for _, k := range keys {
			p := &t.slots[k.Hash().Primary(t.mask)*8+uint64(k.Page&7)][0]
			atomic.CompareAndSwapUint64(p, 1, 1)
		}
	}
	absent := miss
	if small {
		absent = func() { o := rng.IntN(len(r.new) - 500); keys = r.new[o : o+500] } // so that the load stays
	}
	prepare := func() {
		absent()
		for i, k := range keys {
			r.entries[i] = entryOf(k)
		}
	}
	add("CAS", "", func() { absent(); warm(t) }, cas, nil)
	single := func(t *Table, insert func(*Table, pte.Key, pte.HPTE) (pte.SlotHint, error)) func() {
		return func() {
			for i, k := range keys {
				r.hints[i], _ = insert(t, k, r.entries[i])
			}
		}
	}
	undo := func(t *Table) func() {
		return func() {
			for i, k := range keys {
				t.Invalidate(pte.Ref{Key: k, Hint: r.hints[i]})
			}
		}
	}
	inserts := func(name string, t *Table, f func(*Table, pte.Key, pte.HPTE) (pte.SlotHint, error)) {
		add(name, "CAS", func() { prepare(); warm(t) }, single(t, f), undo(t))
	}
	inserts("insert", t, (*Table).Insert)
	inserts("insert go", r.tables["go"], (*Table).Insert)
	add("insert batch 16", "CAS", func() { prepare(); warm(t) }, func() {
		for o := 0; o < len(keys); o += 16 {
			m := min(16, len(keys)-o)
			t.InsertBatch(keys[o:o+m], r.entries[o:o+m], r.hints[o:o+m])
		}
	}, undo(t))
	add("insert batch 1000", "CAS", func() { prepare(); warm(t) }, func() {
		for o := 0; o < len(keys); o += 1000 {
			m := min(1000, len(keys)-o)
			t.InsertBatch(keys[o:o+m], r.entries[o:o+m], r.hints[o:o+m])
		}
	}, undo(t))
	inserts("unique", t, (*Table).InsertUnique)
	inserts("unique locked", r.tables["locked"], (*Table).InsertUnique)

	place := func(t *Table) func() {
		return func() {
			prepare()
			single(t, (*Table).Insert)()
			for i, k := range keys {
				r.refs[i] = pte.Ref{Key: k, Hint: r.hints[i]}
			}
			rng.Shuffle(len(keys), func(i, j int) { r.refs[i], r.refs[j] = r.refs[j], r.refs[i] })
			for i := range keys { // out of the caches, as far as the table is larger
				r.found[i%len(r.found)] = Found{}
			}
			lookup(t)()
		}
	}
	add("CAS slot", "", place(t), func() {
		for _, x := range r.refs[:len(keys)] {
			s, _ := t.at(x.Key, x.Hint)
			atomic.CompareAndSwapUint64(&t.slots[s][0], 1, 1)
		}
	}, undo(t))
	add("invalidate", "CAS slot", place(t), func() {
		for _, x := range r.refs[:len(keys)] {
			t.Invalidate(x)
		}
	}, nil)
	add("invalidate search", "CAS slot", place(t), func() {
		for _, x := range r.refs[:len(keys)] {
			t.InvalidateKey(x.Key)
		}
	}, nil)
	for _, n := range []int{4, 64, 500} {
		add(fmt.Sprintf("invalidate batch %d", n), "CAS slot", place(t), func() {
			for o := 0; o < len(keys); o += n {
				t.InvalidateBatch(r.refs[o:min(o+n, len(keys))])
			}
		}, nil)
	}
}

func (r *ratios) measure(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	times := map[string][]float64{}
	for round := range *ratioRounds + 1 {
		for _, i := range rand.Perm(len(r.variants)) {
			v := &r.variants[i]
			v.before()
			start := threadTime()
			v.run()
			d := threadTime() - start
			if v.after != nil {
				v.after()
			}
			if round > 0 {
				times[v.name] = append(times[v.name], float64(d))
			}
		}
	}
	var text strings.Builder
	for _, v := range r.variants {
		if v.floor == "" {
			continue
		}
		var q []float64
		for i, d := range times[v.name] {
			q = append(q, d/times[v.floor][i])
		}
		slices.Sort(q)
		fmt.Fprintf(&text, "\n%-24s %5.2f x %s [%.2f-%.2f]", v.name, q[len(q)/2], v.floor, q[len(q)/4], q[len(q)*3/4])
	}
	fmt.Println(text.String()) // the log of a benchmark is cut
}

func threadTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}
