package explore

import "fmt"

// checkDependent looks for a step whose effect on a location is decided by another one, behind the back of those who
// touch the first location only (trap 8). Source-DPOR infers from p and r, which conflict, that they still do when a q
// that has nothing to do with p comes between; the step just taken at depth d is an r, once after a p and a q and once
// straight after the p.
func (s *search) checkDependent(d int) error {
	n := &s.nodes[d]
	r := &n.tried[n.cpu]
	if d >= 2 { // p, q and now r: was r tried where q was?
		if soon := s.triedAt(d-1, n.cpu); soon != nil {
			if err := s.dependent(d-2, d-1, s.nodes[d-1].cpu, n.cpu, soon, r); err != nil {
				return err
			}
		}
	}
	if d >= 1 && d+1 < len(s.nodes) { // p and now r: was r tried after the q that was tried before it?
		next := &s.nodes[d+1]
		if n.before >= 0 && next.done.has(n.cpu) {
			if err := s.dependent(d-1, d, n.before, n.cpu, r, &next.tried[n.cpu]); err != nil {
				return err
			}
		}
		next.done = 0
	}
	return nil
}

// triedAt is what the next step of a CPU does in the state before depth d, nil if that is not known.
func (s *search) triedAt(d, cpu int) *event {
	n := &s.nodes[d]
	switch {
	case cpu == n.cpu:
		return nil
	case n.done.has(cpu):
		return &n.tried[cpu]
	case n.sleep.has(cpu):
		return &s.nodes[n.slept[cpu]].tried[cpu]
	}
	return nil
}

// dependent compares the step of CPU r straight after the step p at depth dp with the same after p and the step of
// CPU q in the state before depth dq.
func (s *search) dependent(dp, dq, q, r int, soon, late *event) error {
	p := &s.nodes[dp]
	did := &p.tried[p.cpu]
	if p.cpu == q || p.cpu == r || q == r || relate(did, soon) != conflict || relate(did, late) != commute ||
		relate(did, &s.nodes[dq].tried[q]) != commute {
		return nil
	}
	return fmt.Errorf("%w: scenario %q, schedule %s: what CPU %d does next conflicts with %s on CPU %d, and does not once CPU %d has taken a step "+
		"that has nothing to do with that; declare it a Write", ErrDependent, s.scenario.Name, s.path(), r, p.op, p.cpu, q)
}
