// Package hostile feeds readers what no writer wrote.
package hostile

import (
	"bytes"
	"math/rand/v2"
	"runtime/metrics"
	"testing"
)

// Rounds is how many inputs a reader is fed.
func Rounds() int {
	if testing.Short() {
		return 300
	}
	return 10_000
}

// Feed gives a reader inputs that are cut, have bits flipped, or are noise, made from
// a good one. Each is read without a panic, within so many bytes of heap for an input
// of n bytes, and if it is refused then by an error of which located says that it
// tells where.
func Feed(t *testing.T, good []byte, heap func(n int) uint64, read func([]byte) error, located func(error) bool) {
	t.Helper()
	if err := read(good); err != nil {
		t.Fatal("the good input: ", err)
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(good))))
	refused := 0
	for round := range Rounds() {
		in := spoil(rng, good, round%3)
		before := Allocated()
		err := read(in)
		if used := Allocated() - before; used > heap(len(in)) {
			t.Fatalf("round %d: %d bytes of heap for %d", round, used, len(in))
		}
		if err == nil {
			continue
		}
		refused++
		if !located(err) {
			t.Fatalf("round %d does not say where: %v", round, err)
		}
	}
	if refused < Rounds()/2 {
		t.Fatalf("only %d of %d were refused", refused, Rounds())
	}
}

// Allocated is how many bytes the heap has given out so far.
func Allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// spoil returns the input cut short, with some bits flipped, or noise that begins as
// it does.
func spoil(rng *rand.Rand, good []byte, how int) []byte {
	switch how {
	case 0:
		return good[:rng.IntN(len(good))]
	case 1:
		b := bytes.Clone(good)
		for range 1 + rng.IntN(8) {
			near := len(b)
			if rng.IntN(2) == 0 {
				near = min(near, 64) // headers
			}
			b[rng.IntN(near)] ^= 1 << rng.IntN(8)
		}
		return b
	}
	b := make([]byte, rng.IntN(4096))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	copy(b, good[:min(len(good), rng.IntN(16))])
	return b
}
