package mm

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// CPU is a simulated processor running kernel and user code. One goroutine at a
// time uses it; what other CPUs reach, its TLB, is guarded by hw.
type CPU struct {
	m       *Machine // immutable
	id      int      // immutable
	stepper Stepper  // immutable; nil unless explored

	batch   *batch.Batch // owned by the CPU (Linux: ppc64_tlb_batch)
	gather  gather       // owned by the CPU (Linux: mmu_gathers)
	held    []*lock      // owned by the CPU; the kernel locks it holds
	touches []Touch      // owned by the CPU; of the operation that it stops before
	waits   page         // owned by the CPU; whose BUSY bit it waits for
	waited  func() bool  // immutable; waits is not busy
	one     [1]pte.Ref   // owned by the CPU; an argument that must not escape
	random  uint64       // owned by the CPU; the time base of victim choice

	// walking: interrupts are off while the CPU is in the page tables without a lock.
	walking atomic.Bool

	// hw makes a translation and the memory access by it one step: a tlbie from
	// another CPU waits for it, as tlbsync does.
	hw  sync.Mutex
	tlb *tlb.Cache // protected by hw
}

// newCPU makes CPU i of a machine.
func newCPU(m *Machine, i int, cfg *Config) (*CPU, error) {
	cache, err := tlb.NewCache(cfg.TLB)
	if err != nil {
		return nil, err
	}
	c := &CPU{m: m, id: i, tlb: cache, stepper: cfg.Stepper, random: uint64(i) * 0xbf58476d1ce4e5b9}
	c.waited = func() bool { return c.waits.notBusy() }
	c.batch = batch.New(batch.FlusherFunc(c.flush), batch.Config{
		Policy: cfg.Policy, Nesting: cfg.Nest, Capacity: cfg.Batch, Trace: m.trace.batchTrace(c)})
	return c, nil
}

// ID is the number of the CPU in its machine.
func (c *CPU) ID() int { return c.id }

// Machine returns the machine of the CPU.
func (c *CPU) Machine() *Machine { return c.m }

// Join makes the CPU one of the users of an address space before its first
// access there does.
func (c *CPU) Join(as *AddressSpace) { as.users.add(c.id) }

// TLB returns the hardware's translation cache.
func (c *CPU) TLB() *tlb.Cache { return c.tlb }

// Batch returns the pending invalidations of the CPU.
func (c *CPU) Batch() *batch.Batch { return c.batch }

// flush takes a batch of entries out of the hardware: first from behind the
// TLBs, then from the TLBs, so that no TLB is filled again with what goes.
func (c *CPU) flush(context uint64, refs []pte.Ref, s batch.Scope) {
	as := c.m.spaces[context]
	c.m.backend.Flush(c, as, refs)
	c.tlbie(as, s, refs)
	if c.m.queued != nil {
		c.unqueue(as, refs)
	}
}

// enqueue puts an entry of the page of ea into the batch.
func (c *CPU) enqueue(as *AddressSpace, ea pte.EA, r pte.Ref) {
	scope := batch.Global
	if as.users.only(c.id) {
		scope = batch.Local
	}
	c.note(NoteBatchAdd, ea)
	if c.m.queued != nil {
		c.queue(as, ea, r.Key)
	}
	c.batch.Add(as.context, r, scope)
}

// tlbie removes translations from the TLBs of the scope and waits until no
// access by them is under way (tlbie, eieio, tlbsync, ptesync). A CPU that joined
// the space since the scope was decided may have used an entry before it was
// invalidated, so the scope is looked at again here; it only widens.
func (c *CPU) tlbie(as *AddressSpace, s batch.Scope, refs []pte.Ref) {
	if c.m.noTLB {
		return
	}
	if c.stepper != nil {
		c.tlbieStep(as, refs)
	}
	if s == batch.Local && as.users.only(c.id) {
		c.dropTLB(refs)
		return
	}
	as.users.all(func(cpu int) { c.m.cpus[cpu].dropTLB(refs) })
}

func (c *CPU) tlbieStep(as *AddressSpace, refs []pte.Ref) {
	c.touches = c.touches[:0]
	for i := range c.m.cpus {
		c.touches = append(c.touches, Touch{Loc{LocTLB, uint64(i)}, TouchWrite})
	}
	c.stepper.Step(c.id, Op{StepTLBIE, as.address(refs[0].Key), c.touches, nil})
}

func (c *CPU) dropTLB(refs []pte.Ref) {
	c.hw.Lock()
	defer c.hw.Unlock()
	c.tlb.InvalidateBatch(refs)
}

// awaitNotBusy stops before a change of a PTE until that is not busy.
func (c *CPU) awaitNotBusy(s Step, p page) {
	if c.stepper != nil {
		c.waits = p
		c.await(s, p.ea, c.waited, Touch{p.hashBits(), TouchWrite}, Touch{p.loc(), TouchWrite})
	}
}

// relaxUntil lets other CPUs run until one of them has made ready true. Explored
// CPUs never spin: they have waited in Stepper.Step.
func (c *CPU) relaxUntil(ready func() bool) {
	for !ready() {
		runtime.Gosched()
	}
}

// coin is the low bit of the time base: which group loses a victim. It is
// seeded by the CPU's number, so that the same run makes the same choices.
func (c *CPU) coin() bool {
	c.random += 0x9e3779b97f4a7c15
	return (c.random^c.random>>29)>>7&1 != 0
}
