package explore

// Source-DPOR (Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction", POPL 2014, algorithm 1)
// on top of the depth-first search of search.go, extended by waits: locks and Await make a step disabled.

// clock counts, per CPU, the steps of that CPU that happen before a step, itself included.
type clock [MaxCPUs]uint16

func (c *clock) join(d *clock) {
	for i := range c {
		c[i] = max(c[i], d[i])
	}
}

// record computes the clock of the step just taken at depth d and reverses its races.
func (s *search) record(d int) {
	n := &s.nodes[d]
	n.clock = s.races(d, n.cpu, &n.tried[n.cpu])
	n.clock[n.cpu]++
}

// recordBlocked reverses the races of the CPUs that wait at the end of an execution: what disabled them may have come
// too early (trap 4).
func (s *search) recordBlocked() {
	enabled := s.w.enabled()
	for i, c := range s.w.cpus {
		if !c.finished && !enabled.has(i) {
			s.w.pendingEvent(c, &s.scratch)
			s.races(s.depth, i, &s.scratch)
		}
	}
}

// races finds the earlier steps that the event ev of a CPU, the step that follows the first d, could have come
// before, and has the search try that. It returns the join of the clocks that ev depends on.
//
// A step e is in a race with ev if they conflict, nothing between them orders them, and both could be enabled at
// once. Two clocks serve for this: full holds all dependence; hides holds only what makes a race with an earlier step
// not immediate. A release that enabled ev is in full and not in hides (trap 1).
func (s *search) races(d, cpu int, ev *event) clock {
	var full clock
	if last := s.last[cpu]; last >= 0 {
		full = s.nodes[last].clock
	}
	hides := full
	found := s.found[:0]
	for j := d - 1; j >= 0; j-- {
		n := &s.nodes[j]
		number := n.clock[n.cpu]
		if n.cpu == cpu || number <= hides[n.cpu] {
			continue
		}
		r := relate(&n.tried[n.cpu], ev)
		if r == commute {
			continue
		}
		if number > full[n.cpu] {
			full.join(&n.clock)
		}
		if r == ordered {
			continue
		}
		switch s.together(j, cpu, ev) {
		case yes:
			hides.join(&n.clock)
			found = append(found, j)
		case unknown:
			found = append(found, j)
		}
	}
	s.found = found
	for _, j := range found {
		s.reverse(j, d, cpu, &full)
	}
	return full
}

type answer uint8

const (
	no answer = iota
	yes
	unknown
)

// together tells whether the CPU's step ev could have been enabled just before the step e at depth j. A step that
// waits is judged by the location it waits for: nothing that may come between e and ev without depending on e changes
// it, so its value before e counts, for an e that only reads it too (trap 3). Where that does not settle the matter
// the answer is unknown: the race is tried and hides nothing, which costs executions and loses none.
func (s *search) together(j, cpu int, ev *event) answer {
	gate := ev.await
	var take kind
	for i := range ev.touches {
		if t := &ev.touches[i]; t.kind == lock || t.kind == rlock {
			if gate != 0 {
				return unknown // two locks at once
			}
			gate, take = t.loc, t.kind
		}
	}
	if gate == 0 {
		return yes
	}
	n := &s.nodes[j]
	e := &n.tried[n.cpu]
	for i := range e.touches {
		t := &e.touches[i]
		switch {
		case t.loc != gate:
		case take != read:
			if free(t.before, take) {
				return yes
			}
			return unknown
		case j > s.last[cpu]: // the CPU was waiting already
			if n.enabled.has(cpu) {
				return yes
			}
			return no
		case t.before == ev.awaited && s.w.faithful(gate):
			if ev == &s.scratch {
				return no // still waiting at this value
			}
			return yes
		default:
			return unknown
		}
	}
	return unknown // they conflict elsewhere
}

// reverse makes sure that from the state before the step e at depth i the search tries a way to the CPU's next step,
// at depth d, that does not go through e. full is what that step depends on.
//
// The way is v: the steps after e that do not depend on it, then the CPU's own. Any CPU whose first step in v depends
// on no other step of v may begin it; one of these initials must be among those tried.
func (s *search) reverse(i, d, cpu int, full *clock) {
	n := &s.nodes[i]
	q, number := n.cpu, n.clock[n.cpu]
	var first [MaxCPUs]uint16 // number of each CPU's first step in v
	var seen, initials cpuSet
	begins := func(c *clock) bool {
		for t := seen; t != 0; t &= t - 1 {
			if r := t.lowest(); c[r] >= first[r] {
				return false
			}
		}
		return true
	}
	for k := i + 1; k < d; k++ {
		x := &s.nodes[k]
		if seen.has(x.cpu) || x.clock[q] >= number {
			continue
		}
		if begins(&x.clock) {
			initials.add(x.cpu)
		}
		seen.add(x.cpu)
		first[x.cpu] = x.clock[x.cpu]
	}
	if !seen.has(cpu) && begins(full) {
		initials.add(cpu)
	}
	switch {
	case initials&(n.todo|n.sleep) != 0: // tried, to be tried, or covered elsewhere
	case initials&n.enabled == 0: // only steps that wait: what they wait for must come first
		n.todo |= n.enabled
	case initials.has(cpu) && n.enabled.has(cpu):
		n.todo.add(cpu)
	default:
		n.todo.add((initials & n.enabled).lowest())
	}
}
