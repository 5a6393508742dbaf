package explore

import "math/bits"

const golden = 0x9e3779b97f4a7c15

// finish is the output function of SplitMix64, a bijection that spreads every input bit over the word.
func finish(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mix folds any b into the running hash a, itself the result of finish or mix; the order of folding matters.
func mix(a, b uint64) uint64 { return finish(a + golden + b) }

// random is SplitMix64: small, seeded, and the same on every machine and Go release.
type random uint64

func (r *random) next() uint64 {
	*r += golden
	return finish(uint64(*r))
}

// below returns a number in [0, n).
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// cpuSet is a set of CPU numbers.
type cpuSet uint32

func (s cpuSet) has(cpu int) bool { return s>>cpu&1 != 0 }
func (s *cpuSet) add(cpu int)     { *s |= 1 << cpu }
func (s cpuSet) lowest() int      { return bits.TrailingZeros32(uint32(s)) }
func (s cpuSet) count() int       { return bits.OnesCount32(uint32(s)) }

// nth returns the n-th smallest member.
func (s cpuSet) nth(n int) int {
	for range n {
		s &= s - 1
	}
	return s.lowest()
}
