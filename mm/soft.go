package mm

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// Errors of accesses through a software-loaded TLB.
var (
	// ErrMultiHit: the part has noticed two entries for one address, by a machine
	// check or by shutting its TLB down.
	ErrMultiHit = errors.New("mm: the TLB has noticed two entries for one address")
	// ErrReach: an address or a context number that the part does not translate.
	ErrReach = errors.New("mm: beyond what the TLB translates")
)

// SoftConfig describes the processors of a machine with software-loaded TLBs.
type SoftConfig struct {
	Profile tlb.Profile
	Guards  tlb.Guards // what the handlers leave out; the zero value leaves out nothing
	// Tasks is how many CPUs of the machine are tasks that take turns on one
	// processor. They are switched anywhere but in a handler, which runs with
	// interrupts off. 0 means 1: every CPU is a processor.
	Tasks int
	// PostCalls has a flush leave without waiting that the other processors have
	// taken their cross calls: sparc64 before Linux 3.9 (f36391d2790d). They take
	// them when they next enter the kernel, which is as late as can be.
	PostCalls bool

	_ struct{}
}

// SoftTLB is the Backend of processors whose TLBs the kernel fills, with the
// handlers of package tlb over the Linux page tables of this package. A CPU's
// hardware-filled TLB is not used.
//
// A handler runs with interrupts off: whoever flushes a page waits until the
// other processors are out of theirs, as for an inter-processor interrupt. That
// includes the other thread of a core. (Linux leaves that one out, since there
// the hardware reads the Linux PTE, and the handler loads pointers to PTE pages.)
//
// Pages are 4 KiB to this package; on a part with larger ones, all addresses are
// scaled. Addresses end at 2 GiB, where every part still translates.
type SoftTLB struct {
	m     *Machine
	cfg   SoftConfig
	procs []*processor
	power func() // brings the TLBs back to how they were made
	scale uint8  // log2 of the part's page size over that of this package

	asids sync.Map // context -> uint64
	count sync.Mutex
	used  uint64 // protected by count; context numbers given out
}

// softReach is the end of the addresses.
const softReach pte.EA = 1 << 31

// maxASID is the greatest context number of the smallest part.
const maxASID = 255

// processor is one hardware thread. Its handlers run for one CPU of the machine
// at a time.
type processor struct {
	s      *SoftTLB
	id     int
	kernel tlb.Kernel
	core   *core

	cpu   *CPU          // whom a handler runs for
	as    *AddressSpace // its address space
	at    uint64        // the page it is about, as the part has its address
	quiet bool          // the handler runs in one step
	off   bool          // interrupts are off; only explored
	on    func() bool   // immutable; !off

	fault  tlb.Fault // what the last access or handler came to
	broken tlb.Fault // what a handler without a result came to
	calls  []call    // posted to the processor; protected by core.mu
}

// core is what threads share.
type core struct {
	mu        sync.Mutex // held by whoever uses the TLB
	lock      lock       // Linux: tlb_core_data.lock
	collided  bool       // protected by mu; a second entry was written, or refused
	collision Collision  // protected by mu
}

// call is a cross call: flush one page.
type call struct {
	as *AddressSpace
	va uint64
}

// NewSoftTLB returns what makes such a Backend for Config.Backend.
func NewSoftTLB(cfg SoftConfig) (func(*Machine) Backend, error) {
	if cfg.Tasks < 0 {
		return nil, &ConfigError{"SoftConfig.Tasks", cfg.Tasks, "negative"}
	}
	if cfg.Tasks == 0 {
		cfg.Tasks = 1
	}
	if _, err := tlb.NewKernels(1, tlb.KernelConfig{Profile: cfg.Profile}); err != nil {
		return nil, err
	}
	return func(m *Machine) Backend { return newSoftTLB(m, cfg) }, nil
}

func newSoftTLB(m *Machine, cfg SoftConfig) *SoftTLB {
	m.noTLB = true
	s := &SoftTLB{m: m, cfg: cfg}
	n := (len(m.cpus) + cfg.Tasks - 1) / cfg.Tasks
	threads := cfg.Profile.SharedBy()
	for i := range n {
		p := &processor{s: s, id: i}
		p.on = func() bool { return !p.off }
		if i%threads == 0 {
			p.core = &core{}
			p.core.lock.init(m, rankCore)
		} else {
			p.core = s.procs[i-1].core
		}
		s.procs = append(s.procs, p)
	}
	kernels, err := tlb.NewKernels(n, tlb.KernelConfig{
		Profile: cfg.Profile, Guards: cfg.Guards,
		Walk:    func(i int, va uint64) (tlb.Page, bool) { return s.procs[i].walk(va) },
		Yield:   func(i int, point string) { s.procs[i].yield(point) },
		Lock:    func(i int) sync.Locker { return coreLock{s.procs[i%n]} },
		Reports: func(i int, r tlb.Report) { s.procs[i].collide(r) },
	})
	if err != nil {
		panic(err) // the profile has been tried
	}
	for i, k := range kernels {
		s.procs[i].kernel = k
	}
	s.power = s.Save(nil)
	s.scale = kernels[0].PageShift() - pte.VPNShift
	return s
}

func (s *SoftTLB) proc(c *CPU) *processor { return s.procs[c.id/s.cfg.Tasks] }

// va is an address as the part has it.
func (s *SoftTLB) va(ea pte.EA) uint64 { return uint64(ea&^(pageSize-1)) << s.scale }

// asid returns the part's context number for a space; false when there are no
// more.
func (s *SoftTLB) asid(as *AddressSpace) (uint64, bool) {
	if n, ok := s.asids.Load(as); ok {
		return n.(uint64), true
	}
	s.count.Lock()
	defer s.count.Unlock()
	if n, ok := s.asids.Load(as); ok {
		return n.(uint64), true
	}
	if s.used == maxASID {
		return 0, false
	}
	s.used++
	s.asids.Store(as, s.used)
	return s.used, true
}

// reach is asid, and false too for a page that the TLBs do not translate.
func (s *SoftTLB) reach(as *AddressSpace, ea pte.EA) (asid uint64, ok bool) {
	if ea >= softReach {
		return 0, false
	}
	return s.asid(as)
}

// Walk is the hardware access itself. An exception turns interrupts off.
func (s *SoftTLB) Walk(c *CPU, k pte.Key, a pte.Access) (Translation, Outcome) {
	p := s.proc(c)
	as, ea := s.m.home(k)
	asid, ok := s.reach(as, ea)
	if !ok {
		p.fault = tlb.AddressError
		return Translation{}, Miss
	}
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	r, ra := tlb.Result{Answer: tlb.Answer{Fault: p.broken}}, pte.RA(0)
	if p.broken == tlb.NoFault {
		r, ra = p.access(asid, a, s.va(ea))
	}
	p.fault = r.Fault
	if r.OK() {
		return Translation{RA: ra, Size: pte.Page4K, Prot: r.Prot}, Hit
	}
	if c.stepper != nil && s.cfg.Tasks == 1 {
		p.off = true
		c.touch(p.irq(), TouchWrite)
	}
	if r.Fault == tlb.TLBMiss {
		return Translation{}, Miss
	}
	return Translation{}, Denied
}

// Miss runs the low-level handler. Without a Stepper it makes the access again
// first, since another processor may have flushed something since.
func (s *SoftTLB) Miss(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access, _ Outcome) (handled bool, err error) {
	p := s.proc(c)
	asid, ok := s.reach(as, ea)
	if !ok {
		return false, fmt.Errorf("%w: context %d, %v", ErrReach, as.context, ea)
	}
	f, va := p.fault, s.va(ea)
	p.enter(c, as, va)
	if c.stepper == nil && p.broken == tlb.NoFault {
		r, _ := p.access(asid, a, va)
		f = r.Fault
	}
	if f != tlb.NoFault {
		f = p.kernel.Handle(f, a, va)
	}
	p.leave()
	switch f {
	case tlb.NoFault:
		return true, nil
	case tlb.TLBMiss:
		return false, nil
	}
	p.core.collision.Write = f
	c.step(StepCheck, ea, Loc{LocSoftTLB, 0}, TouchWrite)
	return false, fmt.Errorf("%w: %v, %v", ErrMultiHit, ea, f)
}

// Granted has PowerPC kernels flush the page on this processor.
func (s *SoftTLB) Granted(c *CPU, as *AddressSpace, ea pte.EA) {
	s.masked(c, as, ea, func(k tlb.Kernel, va uint64) tlb.Fault { return k.Changed(va) })
}

// Preload is update_mmu_cache: the other kernels replace the old entry, and where
// kernels do so a page just mapped is put in at once.
func (s *SoftTLB) Preload(c *CPU, as *AddressSpace, ea pte.EA, _ pte.Access) {
	s.masked(c, as, ea, func(k tlb.Kernel, va uint64) tlb.Fault {
		f := k.Update(va)
		if f == tlb.NoFault && !s.m.noPreload {
			f = k.Preload(va)
		}
		return f
	})
}

// masked runs code of the processor with interrupts off.
func (s *SoftTLB) masked(c *CPU, as *AddressSpace, ea pte.EA, run func(k tlb.Kernel, va uint64) tlb.Fault) {
	p := s.proc(c)
	asid, ok := s.reach(as, ea)
	if !ok {
		return
	}
	p.save(c, as, ea)
	p.kernel.SetContext(asid)
	f := run(p.kernel, s.va(ea))
	p.leave()
	p.fail(f)
}

// Changed queues the page. No TLB is asked whether it has it.
func (s *SoftTLB) Changed(c *CPU, as *AddressSpace, ea pte.EA, old pte.LinuxPTE) {
	if !s.m.kernel.Layout.IsPresent(old) {
		return
	}
	c.enqueue(as, ea, pte.Ref{Key: as.key(ea), Actual: pte.Page4K})
}

// Valid returns the most entries that any TLB has of the page. A second entry
// that a part has refused to write counts.
func (s *SoftTLB) Valid(k pte.Key) (n int, conflict bool) {
	as, ea := s.m.home(k)
	asid, ok := s.reach(as, ea)
	if !ok {
		return 0, false
	}
	for _, p := range s.procs {
		p.core.mu.Lock()
		if p.core.collided {
			p.core.collision.see(p.kernel)
			n, conflict = max(n, 2), conflict || !p.core.collision.Agree
		}
		n = max(n, int(p.kernel.Peek(asid, s.va(ea)).Hit.N))
		p.core.mu.Unlock()
	}
	return n, conflict
}

// Collision is a second entry and what comes of it.
type Collision struct {
	Processor int
	Report    tlb.Report
	Write     tlb.Fault  // what the write came to; if not NoFault the entry was refused
	Agree     bool       // the two translate alike
	SameFrame bool       // the two translate to the same frame
	Met       tlb.Result // what an access comes to that both match
}

// String says what comes of the second entry.
func (c *Collision) String() string {
	switch {
	case c.Write == tlb.MachineCheck:
		return "machine check at the write, which does not take place"
	case c.Write != tlb.NoFault:
		return c.Write.String() + " at the write"
	case c.Met.Fault == tlb.MachineCheck:
		return "machine check at the next access"
	case c.Met.Fault == tlb.Shutdown:
		return "the TLB is shut down until reset"
	case c.Met.Fault != tlb.NoFault:
		return "an access to the page ends in: " + c.Met.Fault.String()
	case c.Agree:
		return "none as long as both agree: the access is done"
	case c.SameFrame:
		return fmt.Sprintf("both answer for one frame, with rights %v", c.Met.Prot)
	}
	return fmt.Sprintf("both answer, for two frames: the access goes to %#x", c.Met.PA)
}

// see looks at what the entries come to, once both are there.
func (c *Collision) see(k tlb.Kernel) {
	if c.Write == tlb.NoFault {
		i, j := c.Report.First, c.Report.Second
		c.Met, c.Agree, c.SameFrame = k.Meet(c.Report), k.Agree(i, j), k.SameFrame(i, j)
	}
}

// Collision returns the first second entry that a processor has seen, if any.
func (s *SoftTLB) Collision() (Collision, bool) {
	for _, p := range s.procs {
		if p.core.collided {
			return p.core.collision, true
		}
	}
	return Collision{}, false
}

// Check verifies that what a TLB or TSB has of the page is what the PTE says.
func (s *SoftTLB) Check(as *AddressSpace, ea pte.EA, old pte.LinuxPTE) error {
	asid, ok := s.reach(as, ea)
	if !ok {
		return nil
	}
	if n, conflict := s.Valid(as.key(ea)); n > 1 {
		return fmt.Errorf("%w: %v, conflict %t", ErrDuplicate, ea, conflict)
	}
	l, va := s.m.kernel.Layout, s.va(ea)
	for _, p := range s.procs {
		p.takeCalls()
		r := p.kernel.Peek(asid, va)
		if r.OK() && (!l.IsPresent(old) || uint64(l.RA(old))<<s.scale != r.PA ||
			r.Prot.Has(pte.Write) && !l.Granted(old).Has(pte.Write)) {
			return fmt.Errorf("%w: processor %d, %v", ErrStale, p.id, ea)
		}
	}
	if t := tlb.TSBOf(s.procs[0].kernel, asid); t != nil {
		tte, ok := t.Lookup(va)
		if ok && (!l.IsPresent(old) || uint64(l.RA(old))<<s.scale != tlb.TTEAddress(tte)) {
			return fmt.Errorf("%w: %v", ErrOrphan, ea)
		}
	}
	return nil
}
