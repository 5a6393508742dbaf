package tlb

// PPC603Handlers is the TLB code of Linux for the 603 (head_603.S): the miss
// handlers load what the page table says into the way that SRR1 proposes, and a
// changed page is flushed by tlbie.
//
// Nothing is searched: there is no instruction for it. A miss shows that
// nothing matches, but for a store to an entry with C=0, which is a miss with
// an entry present: then the way proposed is that entry's, and loading another
// one (Guards.NoWay: a handler with its own idea of LRU) makes two.
type PPC603Handlers struct {
	MMU    *PPC603MMU
	Guards Guards
	Yield  Yield
	// Walk finds the page of an address in the page table.
	Walk func(ea uint64) (p Page, ok bool)

	other uint8 // the way that a handler with Guards.NoWay takes next
}

// Miss is the handler of the three TLB miss exceptions. The result is TLBMiss
// if the page table does not allow the access: the kernel then takes a page fault.
func (k *PPC603Handlers) Miss(acc Access, ea uint64) Fault {
	m := k.MMU
	p, ok := k.Walk(ea)
	if !ok || !p.allows(acc, m.MSR&MSRPR != 0) {
		return TLBMiss
	}
	if k.Guards.NoWay {
		m.SRR1 = m.SRR1&^SRR1Way | uint32(k.other)<<17
		k.other ^= 1
	}
	k.load(&p, acc)
	return NoFault
}

// load makes RPA of a page and loads it. C is set on a store only, so that the
// first one is seen.
func (k *PPC603Handlers) load(p *Page, acc Access) {
	m := k.MMU
	in := uint64(1)<<p.Shift - 1
	m.RPA = uint32(p.PA&^in|p.EA&in)&^0xfff | rpaRef | p.WIMGE>>1&0xf<<3 | pp603(p)
	if acc == Store {
		m.RPA |= rpaChg
	}
	k.Yield.at("tlbld")
	if acc == Fetch {
		m.TLBLI(uint32(p.EA))
	} else {
		m.TLBLD(uint32(p.EA))
	}
}

// pp603 is the protection under Ks=0, Kp=1.
func pp603(p *Page) uint32 {
	switch {
	case p.User && p.Prot&Store != 0:
		return 2
	case p.User:
		return 3
	}
	return 0
}

// Changed follows a change of the page table: tlbie, and the next access
// misses. Without demapping the new entry is loaded at once, as a hash table's
// would be, into the way that the last miss left in SRR1.
func (k *PPC603Handlers) Changed(ea uint64) Fault {
	if !k.Guards.NoDemap {
		k.FlushPage(ea)
		return NoFault
	}
	p, ok := k.Walk(ea)
	if !ok {
		return TLBMiss
	}
	k.MMU.DCMP = k.MMU.compare(uint32(ea))
	k.MMU.SRR1 ^= SRR1Way
	k.load(&p, Store)
	return NoFault
}

// FlushPage is _tlbie: the set that holds the page goes, in both TLBs.
func (k *PPC603Handlers) FlushPage(ea uint64) {
	k.Yield.at("tlbie")
	k.MMU.TLBIE(uint32(ea))
}
