package hpt

import (
	"math/bits"
	"runtime"

	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// This file touches the words of the table, and in Go no other does. Every
// operation is made of load16 and cas16 on one slot, and of scans of a group, which
// nominate slots and decide nothing. The assembly of whole operations, which whole.go
// calls, takes the same steps.
//
// There are two implementations. The native one is the processor's 16-byte load
// and compare-and-swap. The portable one makes a stripe of slots exclusive for
// the writer by an odd generation, and has a reader try again when the
// generation is odd or has moved under it. Reading V once more after R would not
// do: a slot that goes from A to B and back to an equal A in between pairs A
// with B's R (H2).

// load16 returns V and R of slot s at one instant.
func (t *Table) load16(s pte.Slot) (v, r uint64) {
	p := &t.slots[s]
	if t.steps16() {
		v, r = load16(p)
	} else {
		v, r = t.stripe(s).load(p)
	}
	runtime.KeepAlive(t)
	return v, r
}

// cas16 replaces V and R of slot s at one instant when both are as expected.
func (t *Table) cas16(s pte.Slot, oldV, oldR, newV, newR uint64) (ok bool) {
	p := &t.slots[s]
	if becomesSecondary(oldV, newV) {
		t.spill(s)
	}
	if t.steps16() {
		ok = cas16(p, oldV, oldR, newV, newR)
	} else {
		ok = t.stripe(s).cas(p, oldV, oldR, newV, newR)
	}
	if ok {
		t.dirtied(s)
		if t.changed != nil {
			t.changed(s, pte.HPTE{V: oldV, R: oldR}, pte.HPTE{V: newV, R: newR})
		}
	}
	runtime.KeepAlive(t)
	return ok
}

// dirtied tells the log that slot s has changed.
func (t *Table) dirtied(s pte.Slot) {
	if d := t.dirty.Load(); d != nil {
		d.mark(uint64(s) / t.perGroup)
	}
}

// scanGroup returns in bit i whether V of slot i of the group equals want under
// mask, as memory has it. The slots are read one after the other.
func (t *Table) scanGroup(group, want, mask uint64) (hits uint32) {
	want, mask = bigEndian(want), bigEndian(mask) // swap the needle, not the haystack
	first := group * t.perGroup
	if t.vectors() {
		hits, _ = scan(t, &t.slots[first], want, mask)
		return hits
	}
	g := t.slots[first : first+t.perGroup]
	for i := range g {
		hits |= isZero((sched.LoadUint64(&g[i][0])^want)&mask) << i
	}
	runtime.KeepAlive(t)
	return hits
}

// scanFree is scanGroup, and also returns which slots are free, by one look at
// each.
func (t *Table) scanFree(group, want, mask uint64) (hits, free uint32) {
	want, mask = bigEndian(want), bigEndian(mask)
	valid := bigEndian(pte.VValid)
	first := group * t.perGroup
	if t.vectors() {
		return scan(t, &t.slots[first], want, mask)
	}
	g := t.slots[first : first+t.perGroup]
	for i := range g {
		v := sched.LoadUint64(&g[i][0])
		hits |= isZero((v^want)&mask) << i
		free |= isZero(v&valid) << i
	}
	runtime.KeepAlive(t)
	return hits, free
}

// isZero returns 1 for 0, else 0, without a branch that nobody can predict.
func isZero(x uint64) uint32 { return uint32((x|-x)>>63 ^ 1) }

// touch reads a slot and forgets it: its line is then in the cache.
func (t *Table) touch(s pte.Slot) {
	sched.LoadUint64(&t.slots[s][0])
	runtime.KeepAlive(t)
}

// bigEndian converts between a number and a word of memory.
func bigEndian(x uint64) uint64 {
	if hostBigEndian {
		return x
	}
	return bits.ReverseBytes64(x)
}

// stripe is the generation of the slots that share it: odd while a writer is
// inside. It fills a cache line.
type stripe [stripeWords]uint64

const (
	stripeWords = 8
	maxStripes  = 1024
)

// stripeCount is a power of two, and no more than one per group.
func (t *Table) stripeCount() uint64 { return min(t.mask+1, maxStripes) }

// stripe returns the stripe of slot s; the slots of a group share one.
func (t *Table) stripe(s pte.Slot) *stripe {
	return &t.stripes[uint64(s)/t.perGroup&t.stripeMask]
}

// load is the portable load16.
func (g *stripe) load(p *slot) (v, r uint64) {
	for {
		gen := sched.LoadUint64(&g[0])
		if gen&1 == 0 {
			v, r = sched.LoadUint64(&p[0]), sched.LoadUint64(&p[1])
			if sched.LoadUint64(&g[0]) == gen {
				return bigEndian(v), bigEndian(r)
			}
			continue
		}
		sched.AwaitChange(&g[0], gen)
	}
}

// cas is the portable cas16. A guest that reads the table by itself meets no
// valid V beside a foreign R either: R is stored before a V that becomes valid,
// and V first when it stops being so.
func (g *stripe) cas(p *slot, oldV, oldR, newV, newR uint64) bool {
	gen := g.lock()
	same := bigEndian(sched.LoadUint64(&p[0])) == oldV && bigEndian(sched.LoadUint64(&p[1])) == oldR
	if !same {
		sched.StoreUint64(&g[0], gen) // nothing changed
		return false
	}
	if oldV != newV && oldV&pte.VValid != 0 {
		sched.StoreUint64(&p[0], bigEndian(newV&^pte.VValid))
	}
	if oldR != newR {
		sched.StoreUint64(&p[1], bigEndian(newR))
	}
	if oldV != newV && (newV|^oldV)&pte.VValid != 0 {
		sched.StoreUint64(&p[0], bigEndian(newV))
	}
	sched.StoreUint64(&g[0], gen+2)
	return true
}

// lock makes the generation odd and returns the even one before.
func (g *stripe) lock() uint64 {
	for {
		gen := sched.LoadUint64(&g[0])
		if gen&1 == 0 && sched.CompareAndSwapUint64(&g[0], gen, gen+1) {
			return gen
		}
		if gen&1 != 0 {
			sched.AwaitChange(&g[0], gen)
		}
	}
}

// alone calls f while no writer of the portable protocol is between the two words of
// a slot, and has its readers look again. The native one has no such place.
func (t *Table) alone(f func()) {
	for i := range t.stripes {
		t.stripes[i].lock()
	}
	f()
	for i := range t.stripes {
		g := &t.stripes[i]
		sched.StoreUint64(&g[0], sched.LoadUint64(&g[0])+1)
	}
}
