package explore

// seen tells whether everything that could be tried from the state of n has been tried already, and otherwise narrows
// what is left to try.
//
// Without sleep sets a state is done when it was met before: local hashes grow with every step, so no state comes
// again on one path, and a depth-first search has finished with a state before it meets it on another. With sleep
// sets the earlier visit left out what was asleep then; whatever is not asleep now has still to be tried (Godefroid,
// "Partial-Order Methods for the Verification of Concurrent Systems", 1996, section 5.3).
func (s *search) seen(n *node) bool {
	state := s.w.state()
	asleep, met := s.visited[state]
	if !met {
		s.visited[state] = n.sleep
		return false
	}
	s.visited[state] = asleep & n.sleep
	n.todo = asleep &^ n.sleep & n.enabled
	return n.todo == 0
}
