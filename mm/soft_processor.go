package mm

import (
	"fmt"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// softTLBs is where all software-loaded TLBs are, to an explorer. What happens in
// two of them conflicts, so that a state with two entries in either is not missed.
var softTLBs = Loc{LocSoftTLB, 0}

// ea is the page that the handler is about.
func (p *processor) ea() pte.EA { return pte.EA(p.at >> p.s.scale) }

func (p *processor) irq() Loc { return Loc{LocIRQ, uint64(p.id)} }

// access is what the TLB answers, and the frame. An address between two pages, as of
// parts that answer with the bits of both entries, may be one where nothing answers.
func (p *processor) access(asid uint64, a pte.Access, va uint64) (tlb.Result, pte.RA) {
	p.kernel.SetContext(asid)
	r := p.kernel.Translate(a, va)
	ra := pte.RA(r.PA>>p.s.scale) &^ (pageSize - 1)
	if r.OK() && !p.s.m.frames.has(ra) {
		r.Fault = tlb.MachineCheck
	}
	return r, ra
}

// enter begins a handler after an exception, which has turned interrupts off.
func (p *processor) enter(c *CPU, as *AddressSpace, va uint64) {
	if c.stepper == nil {
		p.core.mu.Lock()
	}
	p.cpu, p.as, p.at, p.quiet = c, as, va, p.s.cfg.Tasks > 1
	p.take()
}

// save begins handler code that turns interrupts off itself.
func (p *processor) save(c *CPU, as *AddressSpace, ea pte.EA) {
	if c.stepper != nil {
		if p.s.cfg.Tasks > 1 {
			c.step(StepIRQSave, ea, softTLBs, TouchWrite)
		} else {
			c.await(StepIRQSave, ea, nil, Touch{p.irq(), TouchWrite}, Touch{softTLBs, TouchWrite})
			p.off = true
		}
	}
	p.enter(c, as, p.s.va(ea))
}

// leave ends a handler. Interrupts come on again in the step of its last
// instruction: nothing of the processor comes in between.
func (p *processor) leave() {
	if p.cpu.stepper == nil {
		p.core.mu.Unlock()
		return
	}
	if p.off {
		p.off = false
		p.cpu.touch(p.irq(), TouchWrite)
	}
}

// walk finds the page of va in the Linux page table, without a lock. A page that
// is clean is read-only, so that the first store to it faults.
func (p *processor) walk(va uint64) (tlb.Page, bool) {
	s := p.s
	at, ok := p.as.find(pte.EA(va >> s.scale))
	if !ok {
		return tlb.Page{}, false
	}
	switch {
	case p.quiet:
		p.cpu.touch(at.loc(), TouchRead)
	case p.cpu.stepper != nil: // the registers of the MMU are loaded in the same step
		p.cpu.await(StepPTERead, at.ea, nil, Touch{at.loc(), TouchRead}, Touch{softTLBs, TouchWrite})
	}
	l := s.m.kernel.Layout
	old := at.load()
	prot := l.Granted(old)
	if prot == 0 { // so it is of one that is not present
		return tlb.Page{}, false
	}
	if old&l.Dirty == 0 {
		prot &^= pte.Write
	}
	return tlb.Page{EA: va, PA: uint64(l.RA(old)) << s.scale, Shift: pte.VPNShift + s.scale, Prot: prot, User: true}, true
}

// yield stops before an instruction of a handler that uses a TLB or the TSB.
func (p *processor) yield(point string) {
	c := p.cpu
	if c == nil || c.stepper == nil || p.quiet {
		return
	}
	switch point {
	case "walk", "lock": // walk and the lock stop by themselves
	case "tsb-lookup":
		c.await(Step(point), p.ea(), nil, Touch{p.tsb(), TouchRead})
	case "tsb-write", "tsb-unlock":
		c.await(Step(point), p.ea(), nil, Touch{p.tsb(), TouchWrite})
	case "tsb-lock", "tsb-insert", "tsb-flush": // who waits does not spin
		c.await(Step(point), p.ea(), p.tsbUnlocked, Touch{p.tsb(), TouchWrite})
	default:
		c.await(Step(point), p.ea(), nil, Touch{softTLBs, TouchWrite})
	}
}

// collide notes the first second entry. The part itself goes on.
func (p *processor) collide(r tlb.Report) {
	c := p.core
	if c.collided || r.When != tlb.OnWrite {
		return
	}
	c.collided, c.collision = true, Collision{Processor: p.id, Report: r}
}

// fail notes what handler code without a result came to. TLBMiss is nothing: the
// page table has changed again.
func (p *processor) fail(f tlb.Fault) {
	if f == tlb.MachineCheck || f == tlb.Shutdown {
		p.broken, p.core.collision.Write = f, f
	}
}

// Flush removes pages from the TSB, from the TLB of the processor, unless that
// precaution is removed, and from those of all others that use the space.
func (s *SoftTLB) Flush(c *CPU, as *AddressSpace, refs []pte.Ref) {
	p := s.proc(c)
	for i := range refs {
		ea := as.address(refs[i].Key)
		s.masked(c, as, ea, func(k tlb.Kernel, va uint64) tlb.Fault {
			k.FlushShared(va)
			if s.cfg.Guards.NoDemap {
				return tlb.NoFault
			}
			return k.FlushPage(va)
		})
		as.users.all(func(cpu int) {
			other := s.m.cpus[cpu]
			switch at := s.proc(other); {
			case at == p:
			case at.core == p.core && s.cfg.Guards.NoDemap:
			default:
				s.ask(c, other, as, ea)
			}
		})
	}
}

// ask has another CPU's processor flush a page: an inter-processor interrupt,
// which is taken when interrupts are on there, or a cross call nobody waits for.
func (s *SoftTLB) ask(c, other *CPU, as *AddressSpace, ea pte.EA) {
	p := s.proc(other)
	if s.cfg.PostCalls {
		c.step(StepPostCall, ea, softTLBs, TouchWrite)
		p.core.mu.Lock()
		p.calls = append(p.calls, call{as, s.va(ea)})
		p.core.mu.Unlock()
		return
	}
	if c.stepper != nil {
		c.await(StepIPI, ea, p.on, Touch{p.irq(), TouchWrite}, Touch{softTLBs, TouchWrite})
	}
	other.hw.Lock() // an access that it has translated is done first
	defer other.hw.Unlock()
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	p.flush(call{as, s.va(ea)})
}

// take takes the cross calls posted. core.mu is held, or the explorer has it.
func (p *processor) take() {
	for _, one := range p.calls {
		if p.cpu != nil {
			p.cpu.touch(softTLBs, TouchWrite)
		}
		p.flush(one)
	}
	p.calls = p.calls[:0]
}

// takeCalls is take of a processor at rest.
func (p *processor) takeCalls() {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	p.take()
}

// flush removes a page from the TLB of the processor, whoever runs it.
func (p *processor) flush(one call) {
	asid, _ := p.s.asid(one.as) // the space has been used
	cpu := p.cpu
	p.cpu = nil // no steps
	p.kernel.SetContext(asid)
	p.fail(p.kernel.FlushPage(one.va))
	p.cpu = cpu
}

// coreLock is a processor's handle on the lock of its core. A handler that runs
// in one step has no use for it.
type coreLock struct{ p *processor }

func (l coreLock) Lock() {
	if p := l.p; !p.quiet {
		p.cpu.lock(&p.core.lock, p.ea(), Touch{softTLBs, TouchWrite})
	}
}

func (l coreLock) Unlock() {
	if p := l.p; !p.quiet {
		p.cpu.unlock(&p.core.lock, p.ea())
	}
}

// Touches says that an access uses the TLB.
func (s *SoftTLB) Touches(_ *CPU, _ pte.Key, _ pte.Access, buf []Touch) []Touch {
	return append(buf, Touch{softTLBs, TouchWrite})
}

// Locations lists the TLBs, the interrupt states, the core locks, the slot of
// the TSB, and the PTE of the page that parts with pairs of pages load as well.
func (s *SoftTLB) Locations(k pte.Key) []Location {
	as, ea := s.m.home(k)
	out := []Location{{Loc: softTLBs, Name: "TLBs", Value: s.digest}}
	for _, p := range s.procs {
		out = append(out, Location{Loc: p.irq(), Name: fmt.Sprintf("interrupts of processor %d", p.id), Value: func() uint64 { return b2u(p.off) }})
		out = append(out, Location{Loc: p.core.lock.loc(), Name: fmt.Sprintf("core lock of processor %d", p.id), Lock: true})
	}
	buddy := as.make(ea ^ pageSize)
	bits := uint64(s.m.kernel.Layout.HPTEFlags())
	out = append(out, Location{Loc: buddy.loc(), Name: fmt.Sprintf("PTE of %v", buddy.ea),
		Value: func() uint64 { return buddy.entry.Load() &^ bits }})
	if asid, ok := s.asid(as); ok {
		if t := tlb.TSBOf(s.procs[0].kernel, asid); t != nil {
			slot := t.Slot(s.va(ea))
			out = append(out, Location{Loc: Loc{LocTSB, asid<<32 | uint64(slot)}, Name: fmt.Sprintf("TSB slot of %v", ea),
				Value: func() uint64 { return fold(t.Entry(slot)) }})
		}
	}
	return out
}

// digest is a fingerprint of all TLBs, and of what is posted to them.
func (s *SoftTLB) digest() uint64 {
	var h uint64
	for _, p := range s.procs {
		b, err := p.kernel.MarshalBinary()
		if err != nil {
			panic(err) // snapshots of a TLB do not fail
		}
		h = fold(fold(h, xxhash.Sum64(b)), uint64(len(p.calls))<<1|b2u(p.core.collided))
	}
	return h
}

// PowerOn makes the TLBs and what the handlers keep as they were made, while the
// page tables stay: no processor has anything of any page.
func (s *SoftTLB) PowerOn() { s.power() }

// Save notes whole TLBs, and the TSBs of the pages.
func (s *SoftTLB) Save(pages []pte.Key) (restore func()) {
	var undo []func()
	for _, p := range s.procs {
		p.takeCalls()
		b, err := p.kernel.MarshalBinary()
		if err != nil {
			panic(err)
		}
		undo = append(undo, func() {
			if err := p.kernel.UnmarshalBinary(b); err != nil {
				panic(err)
			}
			p.calls, p.off, p.cpu, p.fault, p.broken = nil, false, nil, tlb.NoFault, tlb.NoFault
			p.core.collided, p.core.collision = false, Collision{}
			p.core.lock.mu = sync.RWMutex{}
		})
	}
	for _, k := range pages {
		as, _ := s.m.home(k)
		if asid, ok := s.asid(as); ok {
			if t := tlb.TSBOf(s.procs[0].kernel, asid); t != nil {
				undo = append(undo, saveTSB(t))
			}
		}
	}
	return func() {
		for _, f := range undo {
			f()
		}
	}
}

func saveTSB(t *tlb.TSB) (restore func()) {
	b, err := t.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return func() {
		if err := t.UnmarshalBinary(b); err != nil {
			panic(err)
		}
	}
}

// tsb is the slot of the TSB for the page that the handler is about.
func (p *processor) tsb() Loc {
	asid, _ := p.s.asid(p.as)
	return Loc{LocTSB, asid<<32 | uint64(tlb.TSBOf(p.kernel, asid).Slot(p.at))}
}

// tsbUnlocked tells whether nobody is writing that slot.
func (p *processor) tsbUnlocked() bool {
	asid, _ := p.s.asid(p.as)
	t := tlb.TSBOf(p.kernel, asid)
	tag, _ := t.Entry(t.Slot(p.at))
	return tag&tlb.TSBLock == 0
}
