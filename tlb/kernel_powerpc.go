package tlb

// userMSR is how programs run: both address spaces or translations on, in
// problem state. Bits IS and DS of Book E are bits IR and DR of the 603.
const userMSR = MSRIS | MSRDS | MSRPR

// pinnedWays are the entries that kernels map themselves with, of large pages.
const pinnedWays = 1

type ppc4xxKernel struct {
	PPC4xxHandlers
	scratch *PPC4xxMMU
}

func new4xxKernel(cpu int, cfg *KernelConfig) (Kernel, error) {
	m, err := NewPPC4xx(cfg.Profile)
	if err != nil {
		return nil, err
	}
	scratch, err := NewPPC4xx(cfg.Profile)
	if err != nil {
		return nil, err
	}
	m.Reports = cfg.reports(cpu)
	m.MSR, m.ZPR = userMSR, 0x10000000
	return &ppc4xxKernel{PPC4xxHandlers{MMU: m, Pinned: pinnedWays, Guards: cfg.Guards, Yield: cfg.yield(cpu), Walk: cfg.walk(cpu)}, scratch}, nil
}

func (k *ppc4xxKernel) Translate(acc Access, ea uint64) Result { return k.MMU.Translate(acc, ea) }

func (k *ppc4xxKernel) Handle(f Fault, acc Access, ea uint64) Fault {
	return handlePPC(f, acc, ea, k.Miss)
}

// handlePPC: a data storage interrupt is a page fault.
func handlePPC(f Fault, acc Access, ea uint64, miss func(Access, uint64) Fault) Fault {
	switch f {
	case TLBMiss:
		return miss(acc, ea)
	case Protection:
		return TLBMiss
	}
	return f
}

func (k *ppc4xxKernel) Update(uint64) Fault { return NoFault }

func (k *ppc4xxKernel) FlushContext() Fault {
	k.FlushAll()
	return NoFault
}

func (k *ppc4xxKernel) SetContext(n uint64) { k.MMU.PID = uint32(n) }

func (k *ppc4xxKernel) PageShift() uint8 { return 12 }

func (k *ppc4xxKernel) FlushShared(uint64) {}

func (k *ppc4xxKernel) Peek(context, ea uint64) Result {
	k.scratch.CopyFrom(k.MMU)
	k.scratch.PID = uint32(context)
	return k.scratch.Translate(Load, ea)
}

func (k *ppc4xxKernel) SameFrame(i, j int) bool {
	l := k.MMU.layout
	return (k.MMU.entries[i].word[1]^k.MMU.entries[j].word[1])&(l.rpn|l.erpn) == 0
}

func (k *ppc4xxKernel) Agree(i, j int) bool {
	a, b := k.MMU.entries[i].word, k.MMU.entries[j].word
	return a[1] == b[1] && a[2] == b[2]
}

func (k *ppc4xxKernel) Meet(r Report) Result {
	k.scratch.CopyFrom(k.MMU)
	return k.scratch.Translate(Load, r.Addr)
}

func (k *ppc4xxKernel) MarshalBinary() ([]byte, error) {
	return withState(k.MMU, byte(k.Next>>8), byte(k.Next))
}

func (k *ppc4xxKernel) UnmarshalBinary(b []byte) error {
	mmu, own, err := splitState(b, 2)
	if err == nil {
		err = k.MMU.UnmarshalBinary(mmu)
	}
	if err == nil {
		k.Next = (int(own[0])<<8 | int(own[1])) % k.MMU.Len()
	}
	return err
}

type ppc603Kernel struct {
	PPC603Handlers
	scratch *PPC603MMU
}

func new603Kernel(cpu int, cfg *KernelConfig) (Kernel, error) {
	m, err := New603(cfg.Profile)
	if err != nil {
		return nil, err
	}
	scratch, err := New603(cfg.Profile)
	if err != nil {
		return nil, err
	}
	m.Reports = cfg.reports(cpu)
	m.MSR = userMSR
	k := &ppc603Kernel{PPC603Handlers{MMU: m, Guards: cfg.Guards, Yield: cfg.yield(cpu), Walk: cfg.walk(cpu)}, scratch}
	k.SetContext(0)
	return k, nil
}

func (k *ppc603Kernel) Translate(acc Access, ea uint64) Result { return k.MMU.Translate(acc, ea) }

func (k *ppc603Kernel) Handle(f Fault, acc Access, ea uint64) Fault {
	return handlePPC(f, acc, ea, k.Miss)
}

func (k *ppc603Kernel) Update(uint64) Fault { return NoFault }

func (k *ppc603Kernel) Preload(uint64) Fault { return NoFault }

func (k *ppc603Kernel) FlushPage(ea uint64) Fault {
	k.PPC603Handlers.FlushPage(ea)
	return NoFault
}

// FlushContext is tlbia by tlbie, class by class.
func (k *ppc603Kernel) FlushContext() Fault {
	for set := range k.MMU.Len() / k.MMU.prof.PPC603.Ways {
		k.MMU.TLBIE(uint32(set) << 12)
	}
	return NoFault
}

func (k *ppc603Kernel) SetContext(n uint64) { setContext603(k.MMU, n) }

// setContext603 loads the segment registers: sixteen VSIDs a context.
func setContext603(m *PPC603MMU, n uint64) {
	for i := range m.SR {
		m.SR[i] = srKp | uint32(n)<<4&srVSID | uint32(i)
	}
}

func (k *ppc603Kernel) PageShift() uint8 { return 12 }

func (k *ppc603Kernel) FlushShared(uint64) {}

func (k *ppc603Kernel) Peek(context, ea uint64) Result {
	k.scratch.CopyFrom(k.MMU)
	setContext603(k.scratch, context)
	return k.scratch.Translate(Load, ea)
}

func (k *ppc603Kernel) SameFrame(i, j int) bool {
	e := k.MMU.side[Data603].entries
	return (e[i].RPA^e[j].RPA)&^0xfff == 0
}

// Agree: but for R and C, which ways that match together may differ in.
func (k *ppc603Kernel) Agree(i, j int) bool {
	e := k.MMU.side[Data603].entries
	return (e[i].RPA^e[j].RPA)&^(rpaRef|rpaChg) == 0
}

func (k *ppc603Kernel) Meet(r Report) Result {
	k.scratch.CopyFrom(k.MMU)
	return k.scratch.Translate(Load, r.Addr)
}

func (k *ppc603Kernel) MarshalBinary() ([]byte, error) { return withState(k.MMU, k.other) }

func (k *ppc603Kernel) UnmarshalBinary(b []byte) error {
	mmu, own, err := splitState(b, 1)
	if err == nil {
		err = k.MMU.UnmarshalBinary(mmu)
	}
	if err == nil {
		k.other = own[0] & 1
	}
	return err
}

type e500Kernel struct {
	E500Handlers
	scratch *E500Core
	thread  int
}

// newE500Kernels makes the threads of a core.
func newE500Kernels(cpu int, cfg *KernelConfig) ([]Kernel, error) {
	core, err := NewE500(cfg.Profile)
	if err != nil {
		return nil, err
	}
	scratch, err := NewE500(cfg.Profile)
	if err != nil {
		return nil, err
	}
	core.Reports = cfg.reports(cpu)
	shared := NewE500Shared(pinnedWays)
	var ks []Kernel
	for i := range cfg.Profile.E500.Threads {
		k := &e500Kernel{scratch: scratch, thread: i}
		k.E500Handlers = E500Handlers{Thread: core.Thread(i), Shared: shared, Guards: cfg.Guards, Yield: cfg.yield(cpu + i), Walk: cfg.walk(cpu + i)}
		if cfg.Lock != nil {
			k.Lock = cfg.Lock(cpu + i)
		}
		k.Thread.MSR = userMSR
		k.Thread.Write(MAS4, 2<<tsizeShift)
		ks = append(ks, k)
	}
	return ks, nil
}

func (k *e500Kernel) Translate(acc Access, ea uint64) Result { return k.Thread.Translate(acc, ea) }

func (k *e500Kernel) Handle(f Fault, acc Access, ea uint64) Fault {
	return handlePPC(f, acc, ea, k.Miss)
}

func (k *e500Kernel) Update(uint64) Fault { return NoFault }

func (k *e500Kernel) FlushContext() Fault {
	k.FlushPID()
	return NoFault
}

func (k *e500Kernel) SetContext(n uint64) { k.Thread.Write(PID0, n) }

func (k *e500Kernel) PageShift() uint8 { return 12 }

func (k *e500Kernel) FlushShared(uint64) {}

func (k *e500Kernel) Peek(context, ea uint64) Result {
	k.scratch.CopyFrom(k.Thread.core)
	t := k.scratch.Thread(k.thread)
	t.Write(PID0, context)
	return t.Translate(Load, ea)
}

func (k *e500Kernel) SameFrame(i, j int) bool {
	e := k.Thread.core.entries
	return (e[i].MAS73^e[j].MAS73)&^0xfff == 0
}

func (k *e500Kernel) Agree(i, j int) bool {
	e := k.Thread.core.entries
	return e[i].MAS73 == e[j].MAS73
}

func (k *e500Kernel) Meet(r Report) Result {
	k.scratch.CopyFrom(k.Thread.core)
	return k.scratch.Thread(k.thread).Translate(Load, r.Addr)
}

func (k *e500Kernel) MarshalBinary() ([]byte, error) {
	return withState(k.Thread.core, byte(k.Shared.Next>>8), byte(k.Shared.Next))
}

func (k *e500Kernel) UnmarshalBinary(b []byte) error {
	mmu, own, err := splitState(b, 2)
	if err == nil {
		err = k.Thread.core.UnmarshalBinary(mmu)
	}
	if err == nil {
		k.Shared.Next = (int(own[0])<<8 | int(own[1])) % k.Thread.core.prof.E500.TLB1.Entries
	}
	return err
}
