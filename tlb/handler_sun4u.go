package tlb

// SparcHandlers is how Linux fills and flushes the data TLB of one UltraSPARC
// CPU (arch/sparc/kernel/dtlb_miss.S, tsb.S, arch/sparc/mm/tlb.c). The TSB
// belongs to the address space and is shared by the CPUs that run it; the rest
// runs on the goroutine that owns MMU.
type SparcHandlers struct {
	MMU    *Sun4u
	TSB    *TSB
	Guards Guards
	Yield  Yield

	// Walk returns the TTE that the page table has for va.
	Walk func(va uint64) (tte uint64, ok bool)
}

// Miss is the fast data miss handler: the TSB first, then the page table, whose
// answer also goes into the TSB. The slot is locked before the page table is
// read (tsb_reload), so a flush that follows a change of the page table finds
// what was read before the change. It stores without a search: the trap has said
// that nothing matches, and nobody else writes this TLB. The result is TLBMiss if
// the page table has nothing.
func (k *SparcHandlers) Miss(va uint64) Fault {
	k.Yield.at("tsb-lookup")
	tte, ok := k.TSB.Lookup(va)
	if !ok {
		k.Yield.at("tsb-lock")
		if !k.TSB.Lock(va) {
			return NoFault // being written: the access misses again and finds it
		}
		k.Yield.at("walk")
		if tte, ok = k.Walk(va); !ok {
			k.Yield.at("tsb-unlock")
			k.TSB.Abandon(va)
			return TLBMiss
		}
		k.Yield.at("tsb-write")
		k.TSB.Write(va, tte)
	}
	k.Yield.at("data-in")
	k.MMU.DataIn(DMMU, tte)
	return NoFault
}

// Update follows a page fault that was a protection trap: the entry that denied
// the store is still in the TLB, and Data In would put a second one beside it,
// so it is demapped first and the access is left to miss.
func (k *SparcHandlers) Update(va uint64) Fault {
	tte, ok := k.Walk(va)
	if !ok {
		return TLBMiss
	}
	k.Yield.at("tsb-insert")
	k.TSB.Insert(va, tte)
	if !k.Guards.NoDemap {
		k.Yield.at("demap")
		k.demap(va)
		return NoFault
	}
	k.Yield.at("data-in")
	k.MMU.Write(DMMU, TagAccess, va&^contextBits|k.MMU.Read(DMMU, PrimaryContext))
	k.MMU.DataIn(DMMU, tte)
	return NoFault
}

// FlushTSB is the shared half of a flush (flush_tsb_user).
func (k *SparcHandlers) FlushTSB(va uint64) {
	k.Yield.at("tsb-flush")
	k.TSB.Flush(va)
}

// FlushPage is the local half, run by every CPU of the address space
// (__flush_tlb_page, by cross call on the others).
func (k *SparcHandlers) FlushPage(va uint64) {
	k.Yield.at("demap")
	k.demap(va)
}

func (k *SparcHandlers) demap(va uint64) { k.MMU.Demap(DMMU, va&^contextBits) }
