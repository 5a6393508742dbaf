package tlb

import "sync"

// Guards are what kernels do so that a fill never makes a second entry for an
// address. The zero value has them all in place; every field removes one, to
// show what it is there for.
type Guards struct {
	NoProbe    bool // write without having searched for the page (tlbp, tlbsx)
	NoCoreLock bool // threads that share a TLB fill it without the per-core lock
	NoUnique   bool // emptied MIPS entries all get the same page instead of UNIQUE_ENTRYHI
	NoDemap    bool // load a changed page without having demapped (tlbilx, tlbie) its old entry
	NoWay      bool // 603: load another way than the one the hardware proposes

	_ struct{}
}

// Yield is called between the steps of a handler that another CPU could see,
// with the name of the step that follows; nil does nothing.
type Yield func(point string)

func (y Yield) at(point string) {
	if y != nil {
		y(point)
	}
}

// Shootdown carries page flushes from one CPU to the others: a cross call, or
// an inter-processor interrupt. Post leaves a request with every other CPU;
// each executes its own by Deliver. A page may be freed when Pending says that
// nothing is left: a kernel that does not wait for that leaves stale
// translations in use (sparc64 before 2013).
//
// Safe for concurrent use.
type Shootdown struct {
	mu     sync.Mutex
	queues [][]uint64
}

// NewShootdown connects n CPUs.
func NewShootdown(n int) *Shootdown { return &Shootdown{queues: make([][]uint64, n)} }

// Post asks every CPU but from to flush the page of va.
func (s *Shootdown) Post(from int, va uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cpu := range s.queues {
		if cpu != from {
			s.queues[cpu] = append(s.queues[cpu], va)
		}
	}
}

// Deliver runs flush for every page posted to cpu, on the caller's goroutine,
// which owns that CPU's TLB. It returns how many there were.
func (s *Shootdown) Deliver(cpu int, flush func(va uint64)) int {
	s.mu.Lock()
	pages := s.queues[cpu]
	s.mu.Unlock()
	for _, va := range pages {
		flush(va)
	}
	s.mu.Lock()
	s.queues[cpu] = s.queues[cpu][len(pages):]
	s.mu.Unlock()
	return len(pages)
}

// Pending is the number of requests not executed yet.
func (s *Shootdown) Pending() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		n += len(q)
	}
	return n
}
