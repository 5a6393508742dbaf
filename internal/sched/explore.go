//go:build explore

package sched

import (
	"sync/atomic"
	"unsafe"
)

// Op says what the next step does.
type Op uint8

// The kinds of step.
const (
	Load Op = iota
	Store
	CompareAndSwap
	Add
	Await // enabled only when *p differs from the value seen
)

// Step describes the step that is about to be taken.
type Step struct {
	Op   Op
	Addr unsafe.Pointer
	Size uintptr // bytes, 8 or 16
	Seen uint64  // for Await
}

// Hook, when set, is called before every step, on the goroutine that takes it.
// It must be set and cleared while no step is under way.
var Hook func(Step)

func step(op Op, p unsafe.Pointer, size uintptr, seen uint64) {
	if h := Hook; h != nil {
		h(Step{op, p, size, seen})
	}
}

// Exploring says that steps call the hook.
const Exploring = true

// LoadUint64 is a step that loads *p.
func LoadUint64(p *uint64) uint64 {
	step(Load, unsafe.Pointer(p), 8, 0)
	return atomic.LoadUint64(p)
}

// StoreUint64 is a step that stores v.
func StoreUint64(p *uint64, v uint64) {
	step(Store, unsafe.Pointer(p), 8, 0)
	atomic.StoreUint64(p, v)
}

// CompareAndSwapUint64 is a step that replaces old by new.
func CompareAndSwapUint64(p *uint64, old, new uint64) bool {
	step(CompareAndSwap, unsafe.Pointer(p), 8, 0)
	return atomic.CompareAndSwapUint64(p, old, new)
}

// AddUint64 is a step that adds delta.
func AddUint64(p *uint64, delta uint64) uint64 {
	step(Add, unsafe.Pointer(p), 8, 0)
	return atomic.AddUint64(p, delta)
}

// Names, when set, gives the numbers of Unique. What a caller does may depend on
// whether two such numbers are equal, and on nothing else of them. Numbers made
// of the CPU and a count of its own are then as good as a shared counter, which
// would make executions differ that only number their calls in another order.
var Names func() uint64

// Unique is a step that counts *p up, or no step but a call of Names.
func Unique(p *uint64) uint64 {
	if n := Names; n != nil {
		return n()
	}
	return AddUint64(p, 1)
}

// AwaitChange is a step that is enabled once *p differs from v.
func AwaitChange(p *uint64, v uint64) { step(Await, unsafe.Pointer(p), 8, v) }

// Load16 is a step that loads both words. Only the hook makes it atomic.
func Load16(p *[2]uint64) (a, b uint64) {
	step(Load, unsafe.Pointer(p), 16, 0)
	return p[0], p[1]
}

// CompareAndSwap16 is a step that replaces both words when both are as
// expected. Only the hook makes it atomic.
func CompareAndSwap16(p *[2]uint64, old, new [2]uint64) bool {
	step(CompareAndSwap, unsafe.Pointer(p), 16, 0)
	if *p != old {
		return false
	}
	*p = new
	return true
}
