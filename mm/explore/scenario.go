package explore

import (
	"fmt"
	"strconv"
)

// MaxCPUs is the largest number of simulated CPUs in a scenario.
const MaxCPUs = 16

// maxInvariants is the largest number of invariants given to [World.Always].
const maxInvariants = 64

// A Scenario is a small concurrent program whose every interleaving is to be looked at.
type Scenario struct {
	Name string
	// Operations and Pages state the bound of a proof: how many operations (faults, zaps, inserts) the CPUs do
	// together, and on how many pages. The explorer quotes them; zero leaves them out of the sentence.
	Operations, Pages int
	// Build makes the initial state and registers CPUs, locations and invariants. It must do the same every time: it
	// runs for every execution, and once per worker where it registers a [World.Reset].
	Build func(w *World)

	_ struct{}
}

// A World is one instance of a scenario: its shared memory as the explorer knows it, its CPUs and its invariants. A
// World belongs to one goroutine. Its registering methods may be called only from Build.
type World struct {
	cpus        []*CPU // of this execution
	pool        []*CPU // every CPU ever made; coroutines outlive executions
	locs        []location
	always      []invariant
	finally     []invariant
	histories   []*History
	reset       func()
	fingerprint func() uint64
	snapshot    func() []Panel

	built   bool
	running *CPU   // whose code runs now; nil while the explorer's own does
	tick    uint64 // steps executed so far, in all executions; 0 during the first Build
	shared  uint64 // Zobrist hash of all location values
	locals  uint64 // Zobrist hash of what every CPU has observed
	dirty   []Loc  // locations changed since the start of the execution
	written uint64 // invariants to look at after the last step
	again   []node // steps taken before that are being taken again (again.go)
	missing Loc    // first location whose value nobody reported, 0 if none
	tracing bool
	notes   []string
}

// location is what the explorer knows about one Loc.
type location struct {
	name     string
	class    class
	index    int              // within an array, -1 otherwise
	value    func(int) uint64 // reads the memory; nil if the client reports with Set
	key      uint64           // Zobrist key
	now      uint64           // value after the last step
	initial  uint64
	report   uint64 // last value given to Set, in step reportAt
	reportAt uint64
	vague    bool // written without a report: now is not its value
	owner    int  // holder of the lock, -1 if none
	readers  cpuSet
	watch    uint64 // invariants over several locations that read this one
	look     uint64 // invariants to check after a write of this one
}

type class uint8

const (
	word class = iota
	mutexClass
	rwmutexClass
	monitorClass
	historyClass
)

type invariant struct {
	name string
	hold func() error
	locs []Loc
}

// CPU adds a simulated CPU that runs body, and returns its handle. CPUs are numbered from 0 in the order of this call.
//
// The body runs until it returns. Between one [CPU.Step] and the next it may do one operation on shared memory, right
// after Step returns, and any amount of CPU-local work. Before its first Step it does local work only.
func (w *World) CPU(name string, body func(c *CPU)) *CPU {
	id := len(w.cpus)
	if id == MaxCPUs {
		panic(misuse("CPU", "more than "+strconv.Itoa(MaxCPUs)+" CPUs"))
	}
	if id == len(w.pool) {
		w.pool = append(w.pool, &CPU{w: w, id: id})
	}
	c := w.pool[id]
	c.name, c.body, c.local = name, body, nil
	w.cpus = append(w.cpus, c)
	return c
}

// Loc registers a word whose value the client reports with [World.Set]. Its value is 0 until then.
func (w *World) Loc(name string) Loc { return w.register(name, word, -1, nil) }

// Var registers a word that the explorer reads through value: at the start, and after each step that writes it. value
// must be cheap, must not change anything, and must tell apart contents that CPUs can tell apart.
func (w *World) Var(name string, value func() uint64) Loc {
	return w.register(name, word, -1, func(int) uint64 { return value() })
}

// Array registers n words, named name[0] to name[n-1], that the explorer reads through value. It returns the first;
// [Loc.At] gives the others.
func (w *World) Array(name string, n int, value func(i int) uint64) Loc {
	first := Loc(len(w.locs))
	for i := range n {
		l := w.register(name, word, i, value)
		if i == 0 {
			first = l
		}
	}
	return first
}

// Mutex registers a lock, taken and given back by steps with [Lock] and [Unlock].
func (w *World) Mutex(name string) Loc { return w.register(name, mutexClass, -1, nil) }

// RWMutex registers a readers-writer lock ([Lock], [Unlock], [RLock], [RUnlock]).
func (w *World) RWMutex(name string) Loc { return w.register(name, rwmutexClass, -1, nil) }

// Monitor registers a location without a value: it stands for a property of several words, such as "the valid entries
// for this address". A step that may change the property says [Write] of it. See [World.Always].
func (w *World) Monitor(name string) Loc { return w.register(name, monitorClass, -1, nil) }

func (w *World) register(name string, cl class, index int, value func(int) uint64) Loc {
	if len(w.locs) == 0 {
		w.locs = append(w.locs, location{name: "no location"}) // Loc 0
	}
	l := Loc(len(w.locs))
	w.locs = append(w.locs, location{name: name, class: cl, index: index, value: value,
		key: finish(uint64(l) * golden), owner: -1})
	return l
}

// Set reports the value of a location registered with [World.Loc]: in Build its initial value, in a step the value
// the step gave it. A step that writes such a location and does not Set it makes state caching refuse with
// [ErrUnreported].
func (w *World) Set(l Loc, value uint64) {
	loc := w.loc(l)
	if loc.class != word || loc.value != nil {
		panic(misuse("Set", "the explorer reads "+w.locName(l)+" itself"))
	}
	loc.report, loc.reportAt = value, w.tick
	if !w.built {
		loc.now = value
	}
}

// Always adds an invariant that holds in the initial state and after every step. It may depend on the values of the
// locations in reads and on nothing else; an empty list means every location.
//
// Partial-order reduction keeps only the order of conflicting steps, so an invariant over several words would be
// looked at in too few states. The explorer therefore treats any two steps that change locations of one invariant as
// conflicting. Listing few locations, or one [World.Monitor] that only the steps that matter write, keeps the search
// small.
func (w *World) Always(name string, hold func() error, reads ...Loc) {
	if len(w.always) == maxInvariants {
		panic(misuse("Always", "more than "+strconv.Itoa(maxInvariants)+" invariants"))
	}
	w.always = append(w.always, invariant{name, hold, append([]Loc(nil), reads...)})
}

// Finally adds an invariant that holds when every CPU has finished. It may look at shared memory, at what the CPUs
// computed, and at histories.
func (w *World) Finally(name string, hold func() error) {
	w.finally = append(w.finally, invariant{name: name, hold: hold})
}

// Reset registers a hook that brings memory and CPU-local variables back to what Build made. With it, Build runs once
// and executions cost only what they touched: undo a log of changed words instead of making a new table.
func (w *World) Reset(undo func()) { w.reset = undo }

// Fingerprint registers a hash of all shared memory, for clients that cannot report the values of single locations.
// It is called at every state of a caching search. Steps must then report what they read with [CPU.Observed], or the
// CPU must have a [CPU.Local].
func (w *World) Fingerprint(hash func() uint64) { w.fingerprint = hash }

// Snapshot registers a picture of the state for the HTML page and the JSON of a failure. It is called only while a
// schedule is replayed for its trace.
func (w *World) Snapshot(draw func() []Panel) { w.snapshot = draw }

// Running returns the CPU whose code runs now, or nil in Build, Reset, invariants, value functions and Await
// predicates. Instrumented library code that has no CPU at hand asks for it here; with nil it does its plain
// operation.
func (w *World) Running() *CPU { return w.running }

// Value is what the explorer knows to be at a location: in a step, what is there before the step.
func (w *World) Value(l Loc) uint64 { return w.loc(l).now }

func (w *World) loc(l Loc) *location {
	if l == 0 || int(l) >= len(w.locs) {
		panic(misuse("Loc", "location "+strconv.Itoa(int(l))+" is not registered"))
	}
	return &w.locs[l]
}

func (w *World) locName(l Loc) string {
	if int(l) >= len(w.locs) {
		return fmt.Sprintf("location %d", l)
	}
	if loc := &w.locs[l]; loc.index >= 0 {
		return fmt.Sprintf("%s[%d]", loc.name, loc.index)
	}
	return w.locs[l].name
}

// finishBuild takes initial values and spreads the invariants over the locations they read.
func (w *World) finishBuild() {
	for l := 1; l < len(w.locs); l++ {
		loc := &w.locs[l]
		if loc.value != nil {
			loc.now = loc.value(loc.index)
		}
		loc.initial, loc.reportAt = loc.now, 0
	}
	for i, inv := range w.always {
		bit := uint64(1) << i
		locs := inv.locs
		if len(locs) == 0 {
			for l := 1; l < len(w.locs); l++ {
				locs = append(locs, Loc(l))
			}
		}
		for _, l := range locs {
			loc := w.loc(l)
			loc.look |= bit
			if len(locs) > 1 {
				loc.watch |= bit
			}
		}
	}
	w.built = true
}
