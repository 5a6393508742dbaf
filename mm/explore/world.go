package explore

import (
	"fmt"
	"slices"
)

// start brings the world to its initial state and runs every CPU to its first step.
func (w *World) start(build func(*World)) {
	if w.built && w.reset != nil {
		w.reset()
		for _, l := range w.dirty {
			loc := &w.locs[l]
			loc.now, loc.owner, loc.readers = loc.initial, -1, 0
		}
		for _, h := range w.histories {
			h.clear()
		}
	} else {
		w.cpus, w.locs = w.cpus[:0], w.locs[:0]
		w.always, w.finally, w.histories = w.always[:0], w.finally[:0], w.histories[:0]
		w.reset, w.fingerprint, w.snapshot, w.built = nil, nil, nil, false
		build(w)
		w.finishBuild()
	}
	w.dirty, w.notes, w.again = w.dirty[:0], w.notes[:0], nil
	w.shared, w.locals, w.missing = 0, 0, 0
	w.written = ^uint64(0)
	for _, c := range w.cpus {
		c.begin()
	}
}

// abort unwinds the bodies that have not finished.
func (w *World) abort() {
	for _, c := range w.cpus {
		c.abort()
	}
}

// close ends all coroutines.
func (w *World) close() {
	for _, c := range w.pool {
		c.close()
	}
}

// enabled returns the CPUs that can take a step.
func (w *World) enabled() cpuSet {
	var set cpuSet
	for i, c := range w.cpus {
		if !c.finished && w.ready(c) {
			set.add(i)
		}
	}
	return set
}

// unfinished returns the CPUs whose body has not returned.
func (w *World) unfinished() cpuSet {
	var set cpuSet
	for i, c := range w.cpus {
		if !c.finished {
			set.add(i)
		}
	}
	return set
}

// ready tells whether nothing holds the pending operation back.
func (w *World) ready(c *CPU) bool {
	if c.ready != nil {
		return c.ready()
	}
	return !c.locks || w.blocker(c) == nil
}

// blocker returns the access that a taken lock holds back.
func (w *World) blocker(c *CPU) *Access {
	for i := range c.pending {
		a := &c.pending[i]
		loc := &w.locs[a.loc]
		if a.kind == lock && (loc.owner >= 0 || loc.readers != 0) || a.kind == rlock && loc.owner >= 0 {
			return a
		}
	}
	return nil
}

// step lets an enabled CPU do its pending operation and run on to its next one, and records in ev what it did.
func (w *World) step(c *CPU, ev *event) {
	ev.clear()
	if c.await != 0 {
		ev.await, ev.awaited = c.await, w.locs[c.await].now
	}
	w.begin(c)
	c.resume()
	w.settle(c, ev)
}

// begin makes the pending operation of c the one in progress.
func (w *World) begin(c *CPU) {
	w.tick++
	c.doing = c.op
	c.current, c.pending = c.pending, c.current[:0]
	c.observed, c.reported = 0, false
	if c.turns {
		w.turnLocks(c)
	}
}

// turnLocks takes and gives back the locks of the step that c begins.
func (w *World) turnLocks(c *CPU) {
	for _, a := range c.current {
		loc := &w.locs[a.loc]
		switch a.kind {
		case lock:
			loc.owner = c.id
		case unlock:
			loc.owner = -1
		case rlock, runlock:
			loc.readers ^= 1 << c.id
		}
	}
}

// pendingEvent records in ev what a CPU that never got to run wanted to do.
func (w *World) pendingEvent(c *CPU, ev *event) {
	ev.clear()
	for _, a := range c.pending {
		ev.add(touch{loc: a.loc, kind: a.kind, before: w.locs[a.loc].now})
		if a.kind == write || a.kind == update {
			ev.watch |= w.locs[a.loc].watch
		}
	}
	if c.await != 0 {
		ev.await, ev.awaited = c.await, w.locs[c.await].now
	}
}

// settle takes over the values that the step of c left behind, and works out what it was: the kinds of its accesses,
// what it observed, and the new fingerprint.
func (w *World) settle(c *CPU, ev *event) {
	hash := mix(c.hash, c.observed)
	w.written = 0
	alone := w.words(c.current) == 1
	for _, a := range c.current {
		loc := &w.locs[a.loc]
		t := touch{loc: a.loc, kind: a.kind, before: loc.now}
		switch a.kind {
		case read, write, update:
			if a.kind != write {
				hash = w.observe(c, hash, a.loc)
			}
			if a.kind != read {
				t.kind = w.store(c, a)
			}
			if a.kind == write && !alone {
				t.kind = write // whatever it was: elsewhere it could be another (trap 8)
			}
			if t.kind != read {
				ev.watch |= loc.watch
				w.written |= loc.look
			}
		case lock, unlock, rlock, runlock:
			w.assign(a.loc, lockValue(loc.owner, loc.readers))
		case call, ret:
			w.assign(a.loc, loc.value(0)) // the history folds itself into its value
		}
		t.after = loc.now
		ev.add(t)
	}
	ev.hash = hash
	w.locals ^= c.hash ^ hash
	c.hash = hash
	c.steps++
}

// words counts the words among the accesses of a step.
func (w *World) words(accesses []Access) int {
	n := 0
	for i, a := range accesses {
		if w.locs[a.loc].class == word && !slices.ContainsFunc(accesses[:i], func(b Access) bool { return b.loc == a.loc }) {
			n++
		}
	}
	return n
}

// observe folds the value that the step of c read into its local hash.
func (w *World) observe(c *CPU, hash uint64, l Loc) uint64 {
	loc := &w.locs[l]
	if loc.class == word && (loc.value != nil || w.fingerprint == nil) {
		return mix(hash, loc.now)
	}
	if loc.class == word && !c.reported && c.local == nil && w.missing == 0 {
		w.missing = l
	}
	return hash
}

// store takes over the value that the step of c wrote, and returns the kind of access it was: a read if it changed
// nothing.
func (w *World) store(c *CPU, a Access) kind {
	loc := &w.locs[a.loc]
	var now uint64
	switch {
	case loc.value != nil:
		now = loc.value(loc.index)
	case loc.class != word:
		return a.kind
	case loc.reportAt == w.tick:
		now = loc.report
	default:
		loc.vague = true
		if w.fingerprint == nil && w.missing == 0 {
			w.missing = a.loc
		}
		return a.kind
	}
	if now == loc.now {
		return read
	}
	w.assign(a.loc, now)
	return a.kind
}

// lockValue is the value of a lock as a location: 0 is free.
func lockValue(owner int, readers cpuSet) uint64 { return uint64(owner+1) | uint64(readers)<<8 }

// free tells whether a lock of this value can be taken.
func free(value uint64, take kind) bool {
	return value == 0 || take == rlock && value&0xff == 0
}

// faithful tells whether the explorer knows every value the location has had.
func (w *World) faithful(l Loc) bool { return w.locs[l].class == word && !w.locs[l].vague }

// assign gives a location a new value and moves the fingerprint along.
func (w *World) assign(l Loc, value uint64) {
	loc := &w.locs[l]
	w.shared ^= mix(loc.key, loc.now) ^ mix(loc.key, value)
	loc.now = value
	w.dirty = append(w.dirty, l)
}

// state is the fingerprint of the whole world: equal states have equal fingerprints.
func (w *World) state() uint64 {
	state := w.shared ^ w.locals
	if w.fingerprint != nil {
		state = mix(state, w.fingerprint())
	}
	for _, c := range w.cpus {
		if c.local != nil {
			state ^= c.hash ^ mix(mix(c.seed(), c.local()), uint64(c.steps))
		}
	}
	return state
}

// undeclared returns the first location whose value changed without a step that declared it.
func (w *World) undeclared() Loc {
	for l := 1; l < len(w.locs); l++ {
		if loc := &w.locs[l]; loc.value != nil && loc.value(loc.index) != loc.now {
			return Loc(l)
		}
	}
	return 0
}

// waits tells what every CPU that cannot run waits for.
func (w *World) waits() []Wait {
	var waits []Wait
	for _, c := range w.cpus {
		if c.finished || w.ready(c) {
			continue
		}
		wait := Wait{CPU: c.id, Op: c.op}
		if a := w.blocker(c); a != nil {
			wait.On = w.locName(a.loc)
			if o := w.locs[a.loc].owner; o >= 0 {
				wait.Holders = []int{o}
			}
			for r := w.locs[a.loc].readers; r != 0; r &= r - 1 {
				wait.Holders = append(wait.Holders, r.lowest())
			}
		} else {
			wait.On = w.locName(c.await)
		}
		waits = append(waits, wait)
	}
	return waits
}

// A Wait is one edge of a deadlock: a CPU, the operation it stopped before, the location it waits for, and who holds
// it if that is a lock.
type Wait struct {
	CPU     int    `json:"cpu"`
	Op      string `json:"op"`
	On      string `json:"on"`
	Holders []int  `json:"holders,omitempty"`
}

func (v Wait) String() string {
	s := fmt.Sprintf("CPU %d waits in %s for %s", v.CPU, v.Op, v.On)
	for _, h := range v.Holders {
		s += fmt.Sprintf(", held by CPU %d", h)
	}
	return s
}
