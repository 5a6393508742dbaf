package tlb

import "sync"

// tsbs are the TSBs of the address spaces of a machine, by context.
type tsbs struct {
	mu sync.Mutex
	of map[uint64]*TSB
}

// get returns the TSB of a context and makes it when there is none.
func (t *tsbs) get(context uint64, p *Profile) *TSB {
	t.mu.Lock()
	defer t.mu.Unlock()
	tsb := t.of[context]
	if tsb == nil {
		tsb, _ = NewTSB(TSBConfig{Entries: p.Sparc.TSB}) // a size that the profile's constructor has checked
		if t.of == nil {
			t.of = make(map[uint64]*TSB)
		}
		t.of[context] = tsb
	}
	return tsb
}

// tteOf is a page as a TTE that programs may use.
func tteOf(f TTEFormat, p Page) uint64 {
	v := tteValid | p.PA&ttePA4u
	if f == TTE4v {
		v |= tteX4v
	}
	switch {
	case p.Prot&Store == 0:
	case f == TTE4v:
		v |= tteW4v
	default:
		v |= tteW4u
	}
	return v
}

// ttes is a page table walk that answers with TTEs.
func (c *KernelConfig) ttes(cpu int) func(va uint64) (uint64, bool) {
	return func(va uint64) (uint64, bool) {
		p, ok := c.Walk(cpu, va)
		if !ok || p.Prot&Load == 0 {
			return 0, false
		}
		return tteOf(c.Profile.Sparc.Format, p), true
	}
}

// sparcKernel is what the kernels of sun4u and sun4v have in common.
type sparcKernel struct {
	page  func(va uint64) (Page, bool)
	miss  func(va uint64) Fault   // the data miss handler
	instr func(va uint64, p Page) // loads an instruction entry
	data  *sparcTLB
}

// Handle: a protection trap does not reload, it is a page fault.
func (k *sparcKernel) Handle(f Fault, acc Access, va uint64) Fault {
	switch f {
	case TLBMiss:
		if acc == Fetch {
			return k.fetch(va)
		}
		return k.miss(va)
	case Protection, AccessFault:
		return TLBMiss
	}
	return f
}

// fetch is the instruction miss handler, without a TSB. A TTE of sun4u does not
// say whether it may be executed, so the page table is asked.
func (k *sparcKernel) fetch(va uint64) Fault {
	p, ok := k.page(va)
	if !ok || !p.allows(Fetch, true) {
		return TLBMiss
	}
	k.instr(va, p)
	return NoFault
}

func (k *sparcKernel) Changed(uint64) Fault { return NoFault }

func (k *sparcKernel) Preload(uint64) Fault { return NoFault }

func (k *sparcKernel) PageShift() uint8 { return 13 }

func (k *sparcKernel) SameFrame(i, j int) bool { return k.data.decoded[i].pa == k.data.decoded[j].pa }

func (k *sparcKernel) Agree(i, j int) bool { return k.data.agree(i, j) }

// agree compares what two entries answer.
func (t *sparcTLB) agree(i, j int) bool {
	a, b := t.decoded[i], t.decoded[j]
	a.used, b.used = false, false
	return a == b
}

type sun4uKernel struct {
	SparcHandlers
	sparcKernel
	tsbs    *tsbs
	scratch *Sun4u
}

func newSun4uKernel(cpu int, cfg *KernelConfig, shared *tsbs) (Kernel, error) {
	u, err := NewSun4u(cfg.Profile)
	if err != nil {
		return nil, err
	}
	scratch, err := NewSun4u(cfg.Profile)
	if err != nil {
		return nil, err
	}
	u.Reports = cfg.reports(cpu)
	k := &sun4uKernel{tsbs: shared, scratch: scratch}
	k.SparcHandlers = SparcHandlers{MMU: u, TSB: shared.get(0, &cfg.Profile), Guards: cfg.Guards, Yield: cfg.yield(cpu), Walk: cfg.ttes(cpu)}
	k.sparcKernel = sparcKernel{page: cfg.walk(cpu), miss: k.Miss, instr: k.instruction, data: &u.side[DMMU].sparcTLB}
	return k, nil
}

func (k *sun4uKernel) Translate(acc Access, va uint64) Result {
	return k.MMU.Translate(UserPrimary, acc, false, va).Result
}

func (k *sun4uKernel) instruction(_ uint64, p Page) {
	k.Yield.at("data-in")
	k.MMU.DataIn(IMMU, tteOf(TTE4u, p))
}

// FlushPage is the local half of a flush, of both TLBs.
func (k *sun4uKernel) FlushPage(va uint64) Fault {
	k.SparcHandlers.FlushPage(va)
	k.MMU.Demap(IMMU, va&^contextBits)
	return NoFault
}

func (k *sun4uKernel) FlushContext() Fault {
	const context = 0x40
	k.MMU.Demap(DMMU, context)
	k.MMU.Demap(IMMU, context)
	return NoFault
}

func (k *sun4uKernel) SetContext(n uint64) {
	k.MMU.Write(DMMU, PrimaryContext, n)
	k.TSB = k.tsbs.get(n&contextBits, &k.MMU.prof)
}

func (k *sun4uKernel) FlushShared(va uint64) { k.FlushTSB(va) }

func (k *sun4uKernel) Peek(context, va uint64) Result {
	k.scratch.CopyFrom(k.MMU)
	k.scratch.Write(DMMU, PrimaryContext, context)
	return k.scratch.Translate(UserPrimary, Load, false, va).Result
}

func (k *sun4uKernel) Meet(r Report) Result {
	k.scratch.CopyFrom(k.MMU)
	return k.scratch.Translate(UserPrimary, Load, false, r.Addr).Result
}

func (k *sun4uKernel) MarshalBinary() ([]byte, error) { return k.MMU.MarshalBinary() }
func (k *sun4uKernel) UnmarshalBinary(b []byte) error { return k.MMU.UnmarshalBinary(b) }

// TSBOf returns the TSB of a context, which the CPUs of k's machine share; nil on
// a part whose kernel keeps none.
func TSBOf(k Kernel, context uint64) *TSB {
	if u, ok := k.(*sun4uKernel); ok {
		return u.tsbs.get(context&contextBits, &u.MMU.prof)
	}
	return nil
}

// TTEAddress is the physical address in a TTE of the sun4u layout.
func TTEAddress(tte uint64) uint64 { return tte & ttePA4u }

type sun4vKernel struct {
	Sun4vHandlers
	sparcKernel
	scratch *Sun4v
}

func newSun4vKernel(cpu int, cfg *KernelConfig) (Kernel, error) {
	v, err := NewSun4v(cfg.Profile)
	if err != nil {
		return nil, err
	}
	scratch, err := NewSun4v(cfg.Profile)
	if err != nil {
		return nil, err
	}
	v.Reports = cfg.reports(cpu)
	k := &sun4vKernel{Sun4vHandlers: Sun4vHandlers{MMU: v, Yield: cfg.yield(cpu), Walk: cfg.ttes(cpu)}, scratch: scratch}
	k.sparcKernel = sparcKernel{page: cfg.walk(cpu), miss: k.Miss, instr: k.instruction, data: &v.side[DMMU]}
	return k, nil
}

func (k *sun4vKernel) Translate(acc Access, va uint64) Result {
	return k.MMU.Translate(UserPrimary, acc, false, va).Result
}

func (k *sun4vKernel) instruction(va uint64, p Page) {
	k.Yield.at("mmu_map_addr")
	k.MMU.MapAddr(IMMU, va, k.MMU.PrimaryContext, tteOf(TTE4v, p))
}

func (k *sun4vKernel) FlushPage(va uint64) Fault {
	k.Sun4vHandlers.FlushPage(va)
	k.MMU.DemapPage(IMMU, va, k.MMU.PrimaryContext)
	return NoFault
}

func (k *sun4vKernel) FlushContext() Fault {
	k.MMU.DemapContext(DMMU, k.MMU.PrimaryContext)
	k.MMU.DemapContext(IMMU, k.MMU.PrimaryContext)
	return NoFault
}

func (k *sun4vKernel) SetContext(n uint64) { k.MMU.PrimaryContext = n & contextBits }

func (k *sun4vKernel) FlushShared(uint64) {}

func (k *sun4vKernel) Peek(context, va uint64) Result {
	k.scratch.CopyFrom(k.MMU)
	k.scratch.PrimaryContext = context & contextBits
	return k.scratch.Translate(UserPrimary, Load, false, va).Result
}

func (k *sun4vKernel) Meet(r Report) Result {
	k.scratch.CopyFrom(k.MMU)
	return k.scratch.Translate(UserPrimary, Load, false, r.Addr).Result
}

func (k *sun4vKernel) MarshalBinary() ([]byte, error) { return k.MMU.MarshalBinary() }
func (k *sun4vKernel) UnmarshalBinary(b []byte) error { return k.MMU.UnmarshalBinary(b) }
