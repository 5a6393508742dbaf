package tlb

type mipsKernel struct {
	MIPSHandlers
	page    func(ea uint64) (Page, bool)
	scratch *MIPSMMU
}

func newMIPSKernel(cpu int, cfg *KernelConfig) (Kernel, error) {
	c, err := NewMIPS(cfg.Profile)
	if err != nil {
		return nil, err
	}
	scratch, err := NewMIPS(cfg.Profile)
	if err != nil {
		return nil, err
	}
	c.Reports = cfg.reports(cpu)
	k := &mipsKernel{page: cfg.walk(cpu), scratch: scratch}
	k.MIPSHandlers = MIPSHandlers{CPU: c, Guards: cfg.Guards, Yield: cfg.yield(cpu), Walk: k.pair}
	return k, nil
}

// pair is what the page table says about a page and its buddy. A page that is
// not there is loaded with V=0, as Linux loads it.
func (k *mipsKernel) pair(va uint64) (lo0, lo1 uint64, ok bool) {
	lo0 = entryLo(k.page(va &^ 0x1fff))
	lo1 = entryLo(k.page(va&^0x1fff | 0x1000))
	return lo0, lo1, true
}

// entryLo is a page as EntryLo, cached and not global.
func entryLo(p Page, ok bool) uint64 {
	if !ok || p.Prot&Load == 0 {
		return 0
	}
	const cached, dirty, valid = 3 << 3, 4, 2
	lo := p.PA>>12<<6 | cached | valid
	if p.Prot&Store != 0 {
		lo |= dirty
	}
	return lo
}

func (k *mipsKernel) Translate(acc Access, ea uint64) Result {
	return k.CPU.Translate(MIPSUser, acc, ea).Result
}

// Handle: a refill loads whatever the page table has. The handlers of the other
// two exceptions look first whether that is enough.
func (k *mipsKernel) Handle(f Fault, acc Access, ea uint64) Fault {
	switch f {
	case TLBMiss:
		return k.Refill(ea)
	case EntryInvalid, Modified:
		if p, ok := k.page(ea); !ok || !p.allows(acc, true) {
			return TLBMiss
		}
		return k.Invalid(ea)
	}
	return f
}

func (k *mipsKernel) Changed(uint64) Fault { return NoFault }

func (k *mipsKernel) Preload(uint64) Fault { return NoFault }

func (k *mipsKernel) FlushContext() Fault { return k.FlushAll() }

func (k *mipsKernel) SetContext(n uint64) { k.CPU.Write(EntryHi, n) }

func (k *mipsKernel) PageShift() uint8 { return 12 }

func (k *mipsKernel) FlushShared(uint64) {}

func (k *mipsKernel) Peek(context, ea uint64) Result {
	k.scratch.CopyFrom(k.CPU)
	k.scratch.Write(EntryHi, context)
	return k.scratch.Translate(MIPSUser, Load, ea).Result
}

// SameFrame compares the pages of the pair that both entries have.
func (k *mipsKernel) SameFrame(i, j int) bool {
	a, b := k.CPU.entries[i].Half, k.CPU.entries[j].Half
	for h := range a {
		if a[h].Flags&b[h].Flags&MIPSValid != 0 && a[h].PA != b[h].PA {
			return false
		}
	}
	return true
}

func (k *mipsKernel) Agree(i, j int) bool { return k.CPU.entries[i].Half == k.CPU.entries[j].Half }

func (k *mipsKernel) Meet(r Report) Result {
	k.scratch.CopyFrom(k.CPU)
	e := k.CPU.Entry(r.First)
	k.scratch.Write(EntryHi, uint64(e.ASID))
	mode := MIPSUser
	if r.Addr >= 1<<31 {
		mode = MIPSKernel
	}
	return k.scratch.Translate(mode, Load, r.Addr).Result
}

func (k *mipsKernel) MarshalBinary() ([]byte, error) { return k.CPU.MarshalBinary() }
func (k *mipsKernel) UnmarshalBinary(b []byte) error { return k.CPU.UnmarshalBinary(b) }
