package explore

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// A CPU is one simulated processor. Its methods may be called only from its own body, directly or from deep inside
// library code that was handed the CPU (or found it with [World.Running]).
type CPU struct {
	w     *World
	id    int
	name  string
	body  func(*CPU)
	local func() uint64

	// The coroutine that runs the bodies, kept from execution to execution.
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	// The operation the CPU stopped before.
	op      string
	pending []Access
	await   Loc
	ready   func() bool
	locks   bool // pending takes a lock
	turns   bool // pending takes a lock or gives one back

	// The operation in progress, or the last one executed.
	doing    string
	current  []Access
	observed uint64 // folded Observed values of this step
	reported bool   // Observed was called in this step

	hash     uint64 // of everything observed so far
	steps    int
	finished bool
	aborting bool
	closing  bool
	failure  *PanicError
}

// aborted unwinds the body of an execution that is given up.
type aborted struct{}

// ID returns the CPU's number, counted from 0 in the order of registration.
func (c *CPU) ID() int { return c.id }

// Name returns the name given to [World.CPU].
func (c *CPU) Name() string { return c.name }

// Step stops before the operation op and returns when the scheduler lets this CPU do it. The caller then does one
// operation on shared memory, touching exactly the given locations; [CPU.Touch] adds what is known only afterwards. A
// step with [Lock] or [RLock] is not scheduled while the lock is taken.
func (c *CPU) Step(op string, accesses ...Access) {
	c.pend(op, accesses)
	c.await, c.ready = 0, nil
	c.pause()
}

// Await stops before the operation op, which can happen only while ready() is true: a wait for a busy bit, a flag, an
// empty slot. The CPU is not scheduled otherwise, so nothing spins, and a wait that never ends is found as a
// deadlock.
//
// ready must depend on the value of the location on and on nothing else, must change nothing, and still holds when
// Await returns. The step reads on; accesses adds the rest, for instance [Update] of on to wait for a busy bit and
// set it in one operation. Locks cannot be among them.
func (c *CPU) Await(op string, on Loc, ready func() bool, accesses ...Access) {
	c.pend(op, accesses)
	c.w.loc(on)
	if c.locks || ready == nil {
		panic(misuse("Await", op+": needs a predicate and cannot take a lock"))
	}
	found := false
	for _, a := range c.pending {
		found = found || a.loc == on
	}
	if !found {
		c.pending = append(c.pending, Read(on))
	}
	c.await, c.ready = on, ready
	c.pause()
}

// Touch adds accesses to the step in progress, for operations that learn what they touch by doing it: a
// compare-and-swap that failed only read, an insert wrote the slot it found free.
func (c *CPU) Touch(accesses ...Access) {
	c.check("Touch")
	for _, a := range accesses {
		c.w.loc(a.loc)
		if a.kind > update {
			panic(misuse("Touch", "a lock cannot be taken or given back after the step has begun"))
		}
	}
	c.current = append(c.current, accesses...)
}

// Observed reports a value that the step in progress read from shared memory and that may steer what the CPU does
// next. It is needed only for what the explorer cannot see: reads of locations whose value it does not know.
func (c *CPU) Observed(value uint64) {
	c.check("Observed")
	c.observed, c.reported = mix(c.observed, value), true
}

// Local replaces the hash of observed values by a fingerprint of the CPU's local state: everything, its position in
// the body included, that decides what it will do next. States then merge that differ only in forgotten values. Call
// it before the first Step.
func (c *CPU) Local(fingerprint func() uint64) {
	if c.steps > 0 {
		panic(misuse("Local", "called after the first step"))
	}
	c.local = fingerprint
}

// Note adds a line to the trace, under the step in progress, for CPU-local work that is worth showing ("batch_add").
// Outside of a traced replay it does nothing; guard costly formatting with [CPU.Tracing].
func (c *CPU) Note(text string) {
	if c.w.tracing {
		c.w.notes = append(c.w.notes, text)
	}
}

// Tracing tells whether this execution is a replay whose trace is kept.
func (c *CPU) Tracing() bool { return c.w.tracing }

// check panics unless the CPU's own body is running. Deferred calls of an execution that is being given up are
// unwound further.
func (c *CPU) check(method string) {
	if c.aborting {
		panic(aborted{})
	}
	if c.w.running != c {
		panic(misuse(method, fmt.Sprintf("CPU %d is not the one that runs", c.id)))
	}
}

// pend records what the CPU wants to do next.
func (c *CPU) pend(op string, accesses []Access) {
	c.check("Step")
	c.op, c.locks, c.turns = op, false, false
	c.pending = append(c.pending[:0], accesses...)
	for _, a := range accesses {
		loc := c.w.loc(a.loc)
		bad := ""
		c.turns = c.turns || a.kind >= lock && a.kind <= runlock
		switch a.kind {
		case lock:
			c.locks = true
			if loc.class != mutexClass && loc.class != rwmutexClass {
				bad = "is not a lock"
			}
		case rlock:
			c.locks = true
			if loc.class != rwmutexClass {
				bad = "is not an RWMutex"
			}
		case unlock:
			if loc.owner != c.id {
				bad = "is not held by this CPU"
			}
		case runlock:
			if !loc.readers.has(c.id) {
				bad = "is not read-held by this CPU"
			}
		}
		if bad != "" {
			panic(misuse("Step", op+": "+c.w.locName(a.loc)+" "+bad))
		}
	}
}

// pause hands control to the explorer until this CPU is scheduled.
func (c *CPU) pause() {
	if len(c.w.again) > 0 && c.w.goOn(c) {
		return
	}
	if !c.yield(struct{}{}) || c.aborting {
		panic(aborted{})
	}
}

// seed is where the CPU's local hash starts: far from the keys of locations, with whose hashes it is combined.
func (c *CPU) seed() uint64 { return finish(^uint64(c.id)) }

// begin runs the body up to its first step.
func (c *CPU) begin() {
	c.hash, c.steps, c.op = c.seed(), 0, ""
	c.pending, c.current = c.pending[:0], c.current[:0]
	c.ready, c.await, c.locks, c.turns = nil, 0, false, false
	c.finished, c.aborting, c.failure = false, false, nil
	if c.next == nil {
		c.next, c.stop = iter.Pull(c.loop)
	}
	c.resume()
}

// resume runs the body up to its next step or its end.
func (c *CPU) resume() {
	c.w.running = c
	c.next()
	c.w.running = nil
}

// abort unwinds a body that has not finished.
func (c *CPU) abort() {
	if !c.finished {
		c.aborting = true
		c.resume()
	}
}

// close ends the coroutine.
func (c *CPU) close() {
	if c.stop != nil {
		c.aborting, c.closing = true, true
		c.stop()
		c.next, c.stop = nil, nil
	}
}

// loop is the coroutine: one body after another, with a stop after each.
func (c *CPU) loop(yield func(struct{}) bool) {
	c.yield = yield
	for {
		c.run()
		c.finished = true
		if c.closing || !yield(struct{}{}) {
			return
		}
	}
}

func (c *CPU) run() {
	defer func() {
		switch r := recover().(type) {
		case nil, aborted:
		default:
			c.failure = &PanicError{Value: r, Stack: string(debug.Stack())}
		}
	}()
	c.body(c)
}
