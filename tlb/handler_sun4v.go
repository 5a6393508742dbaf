package tlb

// Sun4vHandlers is how Linux fills and flushes the data TLB of one sun4v strand
// (arch/sparc/kernel/sun4v_tlb_miss.S, arch/sparc/mm/tlb.c): by hypervisor calls.
//
// A page that changes is mapped again without a demap before: the hypervisor's
// automatic demap takes the old mapping away. Without it (MultiHit.Write
// FirstMatch) the two stand side by side.
type Sun4vHandlers struct {
	MMU   *Sun4v
	Yield Yield

	// Walk returns the TTE that the page table has for va.
	Walk func(va uint64) (tte uint64, ok bool)
}

// Miss is the fast data miss handler. The result is TLBMiss if the page table
// has nothing.
func (k *Sun4vHandlers) Miss(va uint64) Fault {
	k.Yield.at("walk")
	return k.load(va)
}

// Update follows a page fault that has made or changed a page table entry.
func (k *Sun4vHandlers) Update(va uint64) Fault {
	k.Yield.at("walk")
	return k.load(va)
}

func (k *Sun4vHandlers) load(va uint64) Fault {
	tte, ok := k.Walk(va)
	if !ok {
		return TLBMiss
	}
	k.Yield.at("mmu_map_addr")
	k.MMU.MapAddr(DMMU, va, k.MMU.PrimaryContext, tte)
	return NoFault
}

// FlushPage removes the page on this strand (mmu_unmap_addr).
func (k *Sun4vHandlers) FlushPage(va uint64) {
	k.Yield.at("mmu_unmap_addr")
	k.MMU.DemapPage(DMMU, va, k.MMU.PrimaryContext)
}
