package mm

import (
	"fmt"
	"sync"

	"github.com/hashmmu/ppc64/pte"
)

// rank orders the locks; see the package comment. A CPU takes locks in
// ascending rank only (M6).
type rank uint8

const (
	rankMmapSem rank = iota + 1
	rankIMmap
	rankAnon
	rankPTL
	rankCore
)

var rankNames = [...]string{
	rankMmapSem: "mmap_sem", rankIMmap: "i_mmap_lock", rankAnon: "anon_vma lock",
	rankPTL: "PTE page lock", rankCore: "core lock",
}

var lockKinds = [...]LocKind{
	rankMmapSem: LocMmapSem, rankIMmap: LocIMmap, rankAnon: LocAnon, rankPTL: LocPTL, rankCore: LocCoreLock,
}

// lock is a kernel lock: a reader-writer lock with a rank and a number.
type lock struct {
	mu   sync.RWMutex
	rank rank
	id   uint64 // immutable; the Loc of the lock
	// steps by which it is taken and given back: write, read
	acquire, release, acquireR, releaseR Step
	ready, readyR                        func() bool // lock, rlock would succeed
}

func (l *lock) loc() Loc { return Loc{lockKinds[l.rank], l.id} }

// init makes a lock with the next number of the machine.
func (l *lock) init(m *Machine, r rank) {
	m.locks++
	l.rank, l.id = r, m.locks
	l.ready, l.readyR = l.free, l.freeR
	switch r {
	case rankMmapSem:
		l.acquire, l.release, l.acquireR, l.releaseR = StepDownWrite, StepUpWrite, StepDownRead, StepUpRead
	case rankIMmap:
		l.acquire, l.release, l.acquireR, l.releaseR = StepIMmapLock, StepIMmapFree, StepIMmapLock, StepIMmapFree
	case rankAnon:
		l.acquire, l.release, l.acquireR, l.releaseR = StepAnonLock, StepAnonUnlock, StepAnonLock, StepAnonUnlock
	case rankPTL:
		l.acquire, l.release = StepPTELock, StepPTEUnlock
	case rankCore:
		l.acquire, l.release = StepCoreLock, StepCoreUnlock
	}
}

// free tells whether lock would succeed.
func (l *lock) free() bool {
	ok := l.mu.TryLock()
	if ok {
		l.mu.Unlock()
	}
	return ok
}

// freeR tells whether rlock would succeed.
func (l *lock) freeR() bool {
	ok := l.mu.TryRLock()
	if ok {
		l.mu.RUnlock()
	}
	return ok
}

// lock takes l for writing; more is what the caller does in the same step.
func (c *CPU) lock(l *lock, ea pte.EA, more ...Touch) {
	c.checkOrder(l, l.rank)
	c.acquire(l, ea, more)
}

// lockNested takes l while a lock of its rank is held (Linux: spin_lock_nested,
// SINGLE_DEPTH_NESTING). The caller sees to it that no two CPUs can take the two
// in opposite order.
func (c *CPU) lockNested(l *lock, ea pte.EA) {
	c.checkOrder(l, l.rank+1)
	c.acquire(l, ea, nil)
}

func (c *CPU) acquire(l *lock, ea pte.EA, more []Touch) {
	if c.stepper != nil {
		c.awaitLock(l.acquire, ea, l.ready, Touch{l.loc(), TouchLock}, more)
	}
	l.mu.Lock()
	c.held = append(c.held, l)
}

func (c *CPU) awaitLock(s Step, ea pte.EA, ready func() bool, l Touch, more []Touch) {
	c.touches = append(append(c.touches[:0], l), more...)
	c.stepper.Step(c.id, Op{s, ea, c.touches, ready})
}

func (c *CPU) unlock(l *lock, ea pte.EA) {
	c.step(l.release, ea, l.loc(), TouchUnlock)
	c.drop(l)
	l.mu.Unlock()
}

func (c *CPU) rlock(l *lock, ea pte.EA, more ...Touch) {
	c.checkOrder(l, l.rank)
	if c.stepper != nil {
		c.awaitLock(l.acquireR, ea, l.readyR, Touch{l.loc(), TouchRLock}, more)
	}
	l.mu.RLock()
	c.held = append(c.held, l)
}

func (c *CPU) runlock(l *lock, ea pte.EA) {
	c.step(l.releaseR, ea, l.loc(), TouchRUnlock)
	c.drop(l)
	l.mu.RUnlock()
}

// checkOrder panics when taking l would break the lock order (M6), that is when a
// lock of rank limit or above is held: a mistake in this package, never something
// a caller can bring about.
func (c *CPU) checkOrder(l *lock, limit rank) {
	for _, h := range c.held {
		if h == l || h.rank >= limit {
			panic(fmt.Sprintf("mm: lock order: %s taken under %s", rankNames[l.rank], rankNames[h.rank]))
		}
	}
}

func (c *CPU) drop(l *lock) {
	for i := len(c.held) - 1; i >= 0; i-- {
		if c.held[i] == l {
			c.held = append(c.held[:i], c.held[i+1:]...)
			return
		}
	}
	panic("mm: " + rankNames[l.rank] + " released but not held")
}

// mustHold panics when the CPU does not hold l: a PTE may only change under its
// PTE page lock.
func (c *CPU) mustHold(l *lock) {
	for i := len(c.held) - 1; i >= 0; i-- {
		if c.held[i] == l {
			return
		}
	}
	panic("mm: PTE changed without its " + rankNames[l.rank])
}
