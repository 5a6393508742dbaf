package explore

// An execution begins with steps that were taken before. What they did is known, so taking them again needs no look at
// memory: values and hashes are taken from the record. And a CPU that takes the next step as well goes on with it on
// its own coroutine.

// retrace takes the steps of the path again. It returns how many it took: fewer than all if a CPU stopped before
// another operation than the last time, or cannot go on.
func (w *World) retrace(path []node) int {
	w.again = path
	for len(w.again) > 0 {
		c := w.cpus[w.again[0].cpu]
		if !w.same(c) {
			break
		}
		w.begin(c)
		c.resume()
		if c.finished {
			w.redo(c)
		}
	}
	left := len(w.again)
	w.again = nil
	return len(path) - left
}

// goOn ends the step of c, which has come to its next one, and begins that one if it is next on the path.
func (w *World) goOn(c *CPU) bool {
	w.redo(c)
	if len(w.again) == 0 || w.again[0].cpu != c.id {
		return false
	}
	w.running = nil // a predicate runs for the explorer
	same := w.same(c)
	w.running = c
	if same {
		w.begin(c)
	}
	return same
}

// same tells whether c can take the next step of the path.
func (w *World) same(c *CPU) bool {
	return !c.finished && c.op == w.again[0].op && w.ready(c)
}

// redo takes over from the record what the step of c did.
func (w *World) redo(c *CPU) {
	ev := &w.again[0].tried[c.id]
	for i := range ev.touches {
		if t := &ev.touches[i]; w.locs[t.loc].now != t.after {
			w.assign(t.loc, t.after)
		}
	}
	w.locals ^= c.hash ^ ev.hash
	c.hash = ev.hash
	c.steps++
	w.again = w.again[1:]
}
