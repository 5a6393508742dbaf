package tlb

// MIPSHandlers is how Linux fills and flushes the TLB of one MIPS CPU
// (arch/mips/mm/tlbex.c and tlb-r4k.c). Every method runs with interrupts off,
// on the goroutine that owns CPU. The result is TLBMiss if the page table has
// nothing for the address, else what the TLB write said.
type MIPSHandlers struct {
	CPU    *MIPSMMU
	Guards Guards
	Yield  Yield

	// Walk returns the EntryLo images of the page pair of va.
	Walk func(va uint64) (lo0, lo1 uint64, ok bool)
}

// Refill is the handler of the refill vector. It writes without a probe: the
// exception has said that nothing matches, and nobody else writes this TLB.
func (k *MIPSHandlers) Refill(va uint64) Fault {
	k.Yield.at("walk")
	if !k.load(va) {
		return TLBMiss
	}
	k.Yield.at("tlbwr")
	_, f := k.CPU.TLBWR()
	return f
}

// Invalid is the handler of the TLB invalid and TLB modified exceptions, whose
// cause is an entry that is there: it must be found and replaced in place.
func (k *MIPSHandlers) Invalid(va uint64) Fault {
	k.Yield.at("walk")
	if !k.load(va) {
		return TLBMiss
	}
	return k.replace()
}

// Update follows a page fault that has made a page table entry
// (update_mmu_cache, __update_tlb): the fault may have come from an entry with
// V=0, or the entry may have been evicted since.
func (k *MIPSHandlers) Update(va uint64) Fault {
	asid := k.CPU.Read(EntryHi) & k.CPU.asidMask()
	k.CPU.Write(EntryHi, va&^0x1fff|asid)
	return k.Invalid(va)
}

// replace writes over the matching entry, or over a random one if none does.
func (k *MIPSHandlers) replace() Fault {
	c := k.CPU
	if !k.Guards.NoProbe {
		k.Yield.at("tlbp")
		if _, f := c.TLBP(); f != NoFault {
			return f
		}
		if c.Read(Index)&probeFail == 0 {
			k.Yield.at("tlbwi")
			return c.TLBWI()
		}
	}
	k.Yield.at("tlbwr")
	_, f := c.TLBWR()
	return f
}

// load puts the page pair into EntryLo; EntryHi has been set by the exception.
func (k *MIPSHandlers) load(va uint64) bool {
	lo0, lo1, ok := k.Walk(va)
	if !ok {
		return false
	}
	k.CPU.Write(PageMask, 0)
	k.CPU.Write(EntryLo0, lo0)
	k.CPU.Write(EntryLo1, lo1)
	return true
}

// FlushPage removes the page pair of va in the current address space
// (local_flush_tlb_page).
func (k *MIPSHandlers) FlushPage(va uint64) Fault {
	c := k.CPU
	old := c.Read(EntryHi)
	defer c.Write(EntryHi, old)
	c.Write(EntryHi, va&^0x1fff|old&c.asidMask())
	if _, f := c.TLBP(); f != NoFault {
		return f
	}
	if i := c.Read(Index); i&probeFail == 0 {
		return k.empty(int(i))
	}
	return NoFault
}

// FlushAll empties every entry above the wired ones (local_flush_tlb_all).
func (k *MIPSHandlers) FlushAll() Fault {
	c := k.CPU
	old := c.Read(EntryHi)
	defer c.Write(EntryHi, old)
	for i := int(c.Read(Wired)); i < c.Len(); i++ {
		if f := k.empty(i); f != NoFault {
			return f
		}
	}
	return NoFault
}

// empty makes an entry match nothing that is ever looked up, and nothing that
// any other entry holds: an own page of kseg0 each (UNIQUE_ENTRYHI).
func (k *MIPSHandlers) empty(i int) Fault {
	if k.Guards.NoUnique {
		return k.park(i, 0)
	}
	return k.park(i, k.parking(i))
}

// parking is the i'th page of kseg0, with EHINV where there is such a bit.
func (k *MIPSHandlers) parking(i int) uint64 {
	hi := ^uint64(0x7fffffff) + uint64(i)*0x2000
	if k.CPU.prof.MIPS.EHINV {
		hi |= ehinvBit
	}
	return hi
}

// park writes entry i with an invalid pair at hi.
func (k *MIPSHandlers) park(i int, hi uint64) Fault {
	c := k.CPU
	c.Write(EntryHi, hi)
	c.Write(PageMask, 0)
	c.Write(EntryLo0, 0)
	c.Write(EntryLo1, 0)
	c.Write(Index, uint64(i))
	return c.TLBWI()
}

// Uniquify gives every entry of an untrusted TLB a page of its own before the
// first use (r4k_tlb_uniquify): after reset all may be duplicates. It looks at
// the entries with tlbr, since a probe may be what a duplicate brings down, and
// takes only pages that no entry holds.
func (k *MIPSHandlers) Uniquify() Fault {
	c := k.CPU
	held := make(map[uint64]bool, c.Len())
	for i := 0; i < c.Len(); i++ {
		c.Write(Index, uint64(i))
		c.TLBR()
		held[c.Read(EntryHi)&c.vpnMask()] = true
	}
	c.Write(Wired, 0)
	page := 0
	for i := 0; i < c.Len(); i++ {
		for held[k.parking(page)&c.vpnMask()] {
			page++
		}
		if f := k.park(i, k.parking(page)); f != NoFault {
			return f
		}
		page++
	}
	return NoFault
}
