package explore

import "fmt"

// Loc names one registered location: a memory word, a lock, a monitor or a history. Ids are given in the order of
// registration, which makes them equal in every execution. The zero Loc is not a location.
type Loc uint32

// At returns the location i places after l, for locations registered with [World.Array].
func (l Loc) At(i int) Loc { return l + Loc(i) }

// kind is how a step touches a location.
type kind uint8

const (
	read kind = iota
	write
	update // reads, and may write
	lock
	unlock
	rlock
	runlock
	call
	ret
	kinds
)

var kindNames = [kinds]string{"read", "write", "update", "lock", "unlock", "rlock", "runlock", "call", "return"}

// An Access says that a step touches a location, and how.
type Access struct {
	loc  Loc
	kind kind
}

// Read says that the step reads the location.
func Read(l Loc) Access { return Access{l, read} }

// Write says that the step changes the location, or may change it. What it does there may depend on anything that the
// step reads; so a step that touches other words too is taken to write the location always. A monitor is only ever
// written.
func Write(l Loc) Access { return Access{l, write} }

// Update says that the step reads the location and, depending on what it finds there and on nothing else that it
// touches, writes it: compare-and-swap, add, set-bit. Where the location's value is known to the explorer, an update
// that left the value as it was counts as a read, which is what a failed compare-and-swap is; so does a Write by a step
// that touches no other word. Where it is not known, report the outcome with [CPU.Touch].
//
// Update makes for a smaller search than Write. For what it must not be used see rule 4 of the package comment and
// [ErrDependent].
func Update(l Loc) Access { return Access{l, update} }

// Lock takes a mutex, or the write side of an RWMutex. The step is enabled while nobody holds the lock.
func Lock(l Loc) Access { return Access{l, lock} }

// Unlock gives back what Lock took. Only the holder may.
func Unlock(l Loc) Access { return Access{l, unlock} }

// RLock takes the read side of an RWMutex. The step is enabled while no writer holds the lock. Unlike sync.RWMutex
// and the kernel's rwsem, a waiting writer does not hold back new readers.
func RLock(l Loc) Access { return Access{l, rlock} }

// RUnlock gives back what RLock took.
func RUnlock(l Loc) Access { return Access{l, runlock} }

// relation is what two accesses to one location by different CPUs mean to each other.
type relation uint8

const (
	commute  relation = iota // either order gives the same state
	conflict                 // the order matters, and both orders can happen
	ordered                  // the order matters, but only one can happen: the first enables the second
)

// relations[a][b] is symmetric.
var relations = makeRelations()

func makeRelations() (t [kinds][kinds]relation) {
	for a := read; a < kinds; a++ {
		for b := read; b < kinds; b++ {
			t[a][b] = conflict
		}
	}
	set := func(r relation, pairs ...[2]kind) {
		for _, p := range pairs {
			t[p[0]][p[1]], t[p[1]][p[0]] = r, r
		}
	}
	set(commute, [2]kind{read, read}, [2]kind{rlock, rlock}, [2]kind{rlock, runlock}, [2]kind{runlock, runlock},
		[2]kind{call, call}, [2]kind{ret, ret})
	// A lock is never free and held at once, so these pairs are never both enabled. Reversing them is not a race; the
	// race is between the two acquisitions, and must not hide behind the release (trap 1 of the package comment).
	set(ordered, [2]kind{lock, unlock}, [2]kind{lock, runlock}, [2]kind{unlock, rlock}, [2]kind{unlock, unlock},
		[2]kind{unlock, runlock})
	return t
}

// touch is an executed access: the kind it turned out to have, the value it found and the value it left.
type touch struct {
	loc           Loc
	kind          kind
	before, after uint64
}

// event is what one executed step did, the unit of dependence between steps.
type event struct {
	touches []touch
	filter  uint64 // one bit per location modulo 64: disjoint filters mean disjoint locations
	watch   uint64 // invariants over several locations whose value this step may have changed
	await   Loc    // the location readiness depends on, 0 if the step is always ready
	awaited uint64 // its value just before the step
	hash    uint64 // what the CPU has observed up to here
}

func (e *event) add(t touch) {
	e.touches = append(e.touches, t)
	e.filter |= 1 << (t.loc & 63)
}

func (e *event) clear() { *e = event{touches: e.touches[:0]} }

// relate tells how two events of different CPUs depend on each other. One ordered pair of accesses makes the whole
// pair ordered: the two steps are never both enabled.
func relate(a, b *event) relation {
	r := commute
	if a.watch&b.watch != 0 {
		r = conflict
	}
	if a.filter&b.filter == 0 {
		return r
	}
	for i := range a.touches {
		x := &a.touches[i]
		for j := range b.touches {
			y := &b.touches[j]
			if x.loc == y.loc {
				r = max(r, relations[x.kind][y.kind])
			}
		}
	}
	return r
}

// access describes a touch for traces: "write pte[0]".
func (w *World) describe(a Access) string {
	return fmt.Sprintf("%s %s", kindNames[a.kind], w.locName(a.loc))
}
