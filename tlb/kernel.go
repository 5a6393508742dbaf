package tlb

import (
	"encoding"
	"sync"
)

// Kernel is one CPU of any part with the handlers that Linux has for it, behind
// one set of calls: what a kernel above the TLB, or an emulator, needs of it
// when the part is a matter of configuration. One goroutine at a time uses the
// Kernels that share a TLB.
//
// Faults that its methods return: NoFault, TLBMiss where the page table does not
// permit the access so that the page fault handler must decide, MachineCheck and
// Shutdown where the part has noticed two entries.
type Kernel interface {
	// Translate is an access by a program.
	Translate(acc Access, ea uint64) Result
	// Handle is the low-level handler of the exception f that Translate has
	// returned: it loads what the page table says, without making anything up.
	Handle(f Fault, acc Access, ea uint64) Fault
	// Changed follows a page fault that has changed the page table's entry of ea to
	// permit more (ptep_set_access_flags): PowerPC kernels flush the old entry.
	Changed(ea uint64) Fault
	// Update follows a page fault that has made or changed the entry
	// (update_mmu_cache): other kernels load the new entry in place of the old.
	Update(ea uint64) Fault
	// Preload puts in an entry for a page just mapped; nothing where no kernel
	// does so.
	Preload(ea uint64) Fault
	// FlushShared removes a page of the current context from what CPUs look into
	// together before the page table, the TSB; nothing where there is none.
	FlushShared(ea uint64)
	// FlushPage removes a page of the current context from this TLB.
	FlushPage(ea uint64) Fault
	// FlushContext removes all that can be missed again of the current context.
	FlushContext() Fault
	// SetContext makes n the address space, in the range of the part's contexts.
	SetContext(n uint64)
	// PageShift is log2 of the size in bytes of a base page.
	PageShift() uint8
	// Peek returns what a load of ea in a context would come to. Nothing changes.
	Peek(context, ea uint64) Result
	// Meet returns what an access comes to that the two entries of a report
	// match. Nothing changes.
	Meet(r Report) Result
	// Agree reports whether two entries translate alike, SameFrame whether at
	// least to the same frame.
	Agree(i, j int) bool
	SameFrame(i, j int) bool

	// The snapshot holds the TLB, its registers and the handlers' own variables.
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// KernelConfig says what the kernels of a machine are made of. CPUs are numbered
// from 0; those of one core are consecutive.
type KernelConfig struct {
	Profile Profile
	Guards  Guards
	// Walk finds the page of an address in the page table of the context that
	// the CPU is in.
	Walk func(cpu int, ea uint64) (p Page, ok bool)
	// Yield, if not nil, is called between the steps of a handler.
	Yield func(cpu int, point string)
	// Lock, if not nil, makes a CPU's handle on the lock that it shares with the
	// other threads of its core; nil is a mutex.
	Lock func(cpu int) sync.Locker
	// Reports, if not nil, receives the multi-hits of a TLB, named by its first CPU.
	Reports func(cpu int, r Report)

	_ struct{}
}

// NewKernels makes n CPUs. A part with several threads a core has them in pairs.
func NewKernels(n int, cfg KernelConfig) ([]Kernel, error) {
	ks := make([]Kernel, 0, n)
	shared := &tsbs{}
	for len(ks) < n {
		var some []Kernel
		var err error
		cpu := len(ks)
		switch cfg.Profile.Family {
		case MIPS:
			some, err = one(newMIPSKernel(cpu, &cfg))
		case UltraSPARC:
			if cfg.Profile.Sparc.Format == TTE4v {
				some, err = one(newSun4vKernel(cpu, &cfg))
				break
			}
			some, err = one(newSun4uKernel(cpu, &cfg, shared))
		case E500:
			some, err = newE500Kernels(cpu, &cfg)
		case PPC603:
			some, err = one(new603Kernel(cpu, &cfg))
		default:
			some, err = one(new4xxKernel(cpu, &cfg))
		}
		if err != nil {
			return nil, err
		}
		ks = append(ks, some...)
	}
	return ks[:n], nil
}

func one(k Kernel, err error) ([]Kernel, error) { return []Kernel{k}, err }

// SharedBy is the number of CPUs that share one TLB on a part.
func (p *Profile) SharedBy() int {
	if p.Family == E500 {
		return p.E500.Threads
	}
	return 1
}

// walk, yield and reports are the configuration as one CPU sees it.
func (c *KernelConfig) walk(cpu int) func(uint64) (Page, bool) {
	return func(ea uint64) (Page, bool) { return c.Walk(cpu, ea) }
}

func (c *KernelConfig) yield(cpu int) Yield {
	if c.Yield == nil {
		return nil
	}
	return func(point string) { c.Yield(cpu, point) }
}

func (c *KernelConfig) reports(cpu int) Reports {
	if c.Reports == nil {
		return Reports{}
	}
	report := func(r Report) { c.Reports(cpu, r) }
	return Reports{OnWrite: report, OnLookup: report}
}

// withState appends the handlers' own variables to a snapshot.
func withState(mmu encoding.BinaryMarshaler, own ...byte) ([]byte, error) {
	b, err := mmu.MarshalBinary()
	return append(b, own...), err
}

// splitState takes n such bytes off again.
func splitState(b []byte, n int) (mmu, own []byte, err error) {
	if len(b) < n {
		return nil, nil, wrongLength(b, n)
	}
	return b[:len(b)-n], b[len(b)-n:], nil
}
