package tlb

import "sync"

// E500Handlers is the TLB code of Linux for the e500 line (head_85xx.S,
// nohash/tlb_low_64e.S, e500_hugetlbpage.c, tlb_low.S), one per thread.
//
// On a core with one thread a miss writes what the hardware proposes, without
// looking: the TLB is the thread's own and the miss has shown that nothing
// matches. On an e6500 the other thread may have written the page since, so
// the handler takes the core's lock and searches before it writes. Preload,
// which no miss has asked for, searches on every core.
type E500Handlers struct {
	Thread *E500Thread
	Shared *E500Shared // of the core
	Lock   sync.Locker // this thread's handle on the core's lock; nil: Shared.Lock
	Guards Guards
	Yield  Yield
	// Walk finds the page of an address in the page table.
	Walk func(ea uint64) (p Page, ok bool)
}

// Page is what a kernel's page table says about one page, in no kernel's format.
type Page struct {
	EA, PA uint64 // any address in the page; a real address, its offset bits ignored
	Shift  uint8  // log2 of the page size in bytes
	Prot   Access
	User   bool   // programs have access too
	Global bool   // mapped in every context
	WIMGE  uint32 // storage attributes: W 16, I 8, M 4, G 2, E 1
}

// allows reports whether the page table grants the access, as miss handlers
// ask before they load anything.
func (p *Page) allows(acc Access, user bool) bool {
	return p.Prot&acc == acc && (p.User || !user)
}

// E500Shared is what the handlers of a core's threads share: the lock
// (tlb_core_data) and the next entry of TLB1 that is not pinned.
type E500Shared struct {
	Lock   sync.Locker
	Next   int // way of TLB1 that the next large page replaces (esel_next)
	Pinned int // ways of TLB1 below this one are never replaced
}

// NewE500Shared returns the shared part for a core with that many pinned ways.
func NewE500Shared(pinned int) *E500Shared {
	return &E500Shared{Lock: &sync.Mutex{}, Next: pinned, Pinned: pinned}
}

// Miss is the data or instruction TLB error handler, run with the MAS registers
// as the interrupt has loaded them. The result is TLBMiss if the page table does
// not allow the access, for the kernel to take a page fault, or what the search said.
func (k *E500Handlers) Miss(acc Access, ea uint64) Fault {
	t := k.Thread
	p, ok := k.Walk(ea)
	if !ok || !p.allows(acc, t.MSR&MSRPR != 0) {
		return TLBMiss
	}
	if len(t.core.threads) == 1 {
		k.write(&p)
		return NoFault
	}
	return k.writeOnce(&p)
}

// Preload is book3e_hugetlb_preload: it puts in an entry for a page just
// mapped, unless there is one.
func (k *E500Handlers) Preload(ea uint64) Fault {
	p, ok := k.Walk(ea)
	if !ok {
		return TLBMiss
	}
	return k.writeOnce(&p)
}

// writeOnce writes the entry unless a search finds one, under the core's lock.
func (k *E500Handlers) writeOnce(p *Page) Fault {
	if lock := k.coreLock(); lock != nil {
		k.Yield.at("lock")
		lock.Lock()
		defer lock.Unlock()
	}
	if !k.Guards.NoProbe {
		if found, f := k.present(p); found || f != NoFault {
			return f
		}
	}
	k.write(p)
	return NoFault
}

// coreLock is the lock that the threads of a core take in turn; nil if there is
// nobody to take it from.
func (k *E500Handlers) coreLock() sync.Locker {
	switch {
	case len(k.Thread.core.threads) == 1 || k.Guards.NoCoreLock:
		return nil
	case k.Lock != nil:
		return k.Lock
	}
	return k.Shared.Lock
}

// present searches for the page in the current context. A search that finds
// nothing proposes a new entry in the MAS registers, as a miss does.
func (k *E500Handlers) present(p *Page) (bool, Fault) {
	t := k.Thread
	t.Write(MAS6, k.spid())
	k.Yield.at("tlbsx")
	hit, f := t.TLBSX(p.EA)
	return hit.N > 0, f
}

// spid is MAS6 for the current PID and the address space of data.
func (k *E500Handlers) spid() uint64 {
	v := k.Thread.Read(PID0) << tidShift
	if k.Thread.MSR&MSRDS != 0 {
		v |= mas6SAS
	}
	return v
}

// write makes the entry: 4 KiB pages go to TLB0 at the victim that MAS0 has
// from the miss or search, larger ones to the next way of TLB1 in turn.
func (k *E500Handlers) write(p *Page) {
	t, g := k.Thread, &k.Thread.core.prof.E500
	tsize := uint64(2)
	for s := int(p.Shift) - 10; s > 2; s-- {
		if g.PageSizes>>s&1 != 0 {
			tsize = uint64(s)
			break
		}
	}
	if tsize > 2 {
		t.Write(MAS0, 1<<tlbselShift|uint64(k.nextWay())<<eselShift)
	} else if t.Read(MAS0)&mas0TLBSel != 0 {
		t.Write(MAS0, t.core.nextVictim(p.EA, true))
	}
	in := uint64(1)<<p.Shift - 1
	pa := p.PA&^in | p.EA&in
	mask := ^uint64(0) << (10 + tsize)
	mas1 := mas1Valid | tsize<<tsizeShift
	if !p.Global {
		mas1 |= t.Read(PID0) << tidShift
	}
	if k.spid()&mas6SAS != 0 {
		mas1 |= mas1TS
	}
	t.Write(MAS1, mas1)
	t.Write(MAS2, p.EA&mask|uint64(p.WIMGE)&mas2WIMGE)
	t.Write(MAS3, pa&mask&0xfffff000|perms500(p))
	t.Write(MAS7, pa>>32)
	k.Yield.at("tlbwe")
	t.TLBWE()
}

// nextWay goes round the ways of TLB1 that are not pinned.
func (k *E500Handlers) nextWay() int {
	way := k.Shared.Next
	k.Shared.Next++
	if k.Shared.Next >= k.Thread.core.prof.E500.TLB1.Entries {
		k.Shared.Next = k.Shared.Pinned
	}
	return way
}

// perms500 spreads the permissions over UX SX UW SW UR SR.
func perms500(p *Page) uint64 {
	a := uint64(p.Prot)
	bits := a&1 | a&2<<1 | a&4<<2
	if p.User {
		bits |= bits << 1
	}
	return bits
}

// Changed follows a change of the page table: the old entry goes, and the next
// access misses. Without demapping it is the hash table's way instead: the new
// entry is written at once, beside the old one.
func (k *E500Handlers) Changed(ea uint64) Fault {
	if !k.Guards.NoDemap {
		return k.FlushPage(ea)
	}
	p, ok := k.Walk(ea)
	if !ok {
		return TLBMiss
	}
	k.Thread.propose(ea, mas1Valid, ea)
	k.write(&p)
	return NoFault
}

// FlushPage invalidates a page on this core: tlbilx 3 where there is one
// (_tlbil_va), else search and write back without V.
func (k *E500Handlers) FlushPage(ea uint64) Fault {
	t := k.Thread
	t.Write(MAS6, k.spid())
	if t.core.prof.E500.Hypervisor {
		k.Yield.at("tlbilx")
		t.TLBILX(3, ea)
		return NoFault
	}
	k.Yield.at("tlbsx")
	if hit, f := t.TLBSX(ea); f != NoFault || hit.N == 0 {
		return f
	}
	t.Write(MAS1, t.Read(MAS1)&^mas1Valid)
	k.Yield.at("tlbwe")
	t.TLBWE()
	return NoFault
}

// FlushPageAll invalidates a page on every core of the domain (_tlbivax_bcast).
func (k *E500Handlers) FlushPageAll(ea uint64) {
	k.Yield.at("tlbivax")
	k.Thread.TLBIVAX(ea &^ 0xfff)
	k.Yield.at("tlbivax")
	k.Thread.TLBIVAX(ea&^0xfff | ivaxTLB1)
}

// FlushPID invalidates the current PID's entries on this core (_tlbil_pid).
func (k *E500Handlers) FlushPID() {
	t := k.Thread
	t.Write(MAS6, k.spid())
	if t.core.prof.E500.Hypervisor {
		k.Yield.at("tlbilx")
		t.TLBILX(1, 0)
		return
	}
	k.Yield.at("mmucsr0")
	t.MMUCSR0(0x6)
}
