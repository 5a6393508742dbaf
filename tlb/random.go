package tlb

// random is the seeded generator behind every choice a part leaves to chance
// (SplitMix64). It is part of the state: equal seeds and equal operations give
// equal choices.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n); n must be positive.
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }
