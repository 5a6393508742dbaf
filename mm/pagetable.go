package mm

import (
	"math/bits"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// Shape of the Linux page table for 4K base pages (Linux 6.1: PTE, PMD, PUD and
// PGD index sizes 9, 7, 9 and 9): 46 bits of effective address.
const (
	pteBits = 9
	pmdBits = 7
	pudBits = 9
	pgdBits = 9

	pmdShift = pte.VPNShift + pteBits
	pudShift = pmdShift + pmdBits
	pgdShift = pudShift + pudBits

	// MaxEA is the first effective address beyond a page table.
	MaxEA pte.EA = 1 << (pgdShift + pgdBits)

	pageSize    = 1 << pte.VPNShift
	ptePageSpan = 1 << pmdShift // bytes that a PTE page maps: 2 MiB
)

// ptePage is one page of page table entries and, where the granularity says so,
// its lock. It lives until the address space goes.
type ptePage struct {
	entries [1 << pteBits]atomic.Uint64
	used    [1 << pteBits / 64]atomic.Uint64 // bitmap of the entries that were ever set
	ptl     *lock                            // immutable
	own     lock
}

type (
	pmd [1 << pmdBits]atomic.Pointer[ptePage]
	pud [1 << pudBits]atomic.Pointer[pmd]
	pgd [1 << pgdBits]atomic.Pointer[pud]
)

// lookup returns the PTE page of ea, nil if there is none. It takes no lock, as
// hash_page must not (Linux: find_linux_pte).
func (t *pgd) lookup(ea pte.EA) *ptePage {
	p, _ := t.seek(ea)
	return p
}

// seek returns the PTE page of ea, or nil and the size of the aligned range
// around ea that certainly has none.
func (t *pgd) seek(ea pte.EA) (p *ptePage, span pte.EA) {
	u := t[ea>>pgdShift%(1<<pgdBits)].Load()
	if u == nil {
		return nil, 1 << pgdShift
	}
	m := u[ea>>pudShift%(1<<pudBits)].Load()
	if m == nil {
		return nil, 1 << pudShift
	}
	return m[ea>>pmdShift%(1<<pmdBits)].Load(), ptePageSpan
}

// alloc returns the PTE page of ea and makes it, and the levels above, when
// there is none. Of two CPUs that make one, one wins.
func (t *pgd) alloc(ea pte.EA, newPage func() *ptePage) *ptePage {
	u := child(&t[ea>>pgdShift%(1<<pgdBits)], func() *pud { return new(pud) })
	m := child(&u[ea>>pudShift%(1<<pudBits)], func() *pmd { return new(pmd) })
	return child(&m[ea>>pmdShift%(1<<pmdBits)], newPage)
}

func child[T any](p *atomic.Pointer[T], fresh func() *T) *T {
	if n := p.Load(); n != nil {
		return n
	}
	if n := fresh(); p.CompareAndSwap(nil, n) {
		return n
	}
	return p.Load()
}

// entry returns the entry of ea.
func (p *ptePage) entry(ea pte.EA) *atomic.Uint64 {
	return &p.entries[ea>>pte.VPNShift%(1<<pteBits)]
}

// markSet records that the entry of ea maps a page.
func (p *ptePage) markSet(ea pte.EA) {
	i := ea >> pte.VPNShift % (1 << pteBits)
	if w := &p.used[i/64]; w.Load()>>(i%64)&1 == 0 {
		w.Or(1 << (i % 64))
	}
}

// each calls f for every entry that ever mapped a page.
func (p *ptePage) each(f func(n int)) {
	for i := range p.used {
		for w := p.used[i].Load(); w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}

// LockGranularity says what a PTE page lock covers.
type LockGranularity uint8

const (
	// LockPerPage is a lock per PTE page, 2 MiB of addresses (split PTE locks).
	LockPerPage LockGranularity = iota
	// LockPerSpace is one lock per address space (mm->page_table_lock).
	LockPerSpace
	// LockStriped is 16 locks per address space, PTE pages dealt out to them.
	LockStriped
)

const lockStripes = 16

// Valid reports whether g is one of the granularities.
func (g LockGranularity) Valid() bool { return g <= LockStriped }

func (g LockGranularity) String() string {
	return [...]string{"per-page", "per-space", "striped"}[g]
}

// newPTEPage makes the PTE page of ea with its lock.
func (as *AddressSpace) newPTEPage(ea pte.EA) *ptePage {
	p := new(ptePage)
	switch as.m.granularity {
	case LockPerPage:
		p.own = lock{rank: rankPTL, id: lockID(as, ea), acquire: StepPTELock, release: StepPTEUnlock}
		p.own.ready = p.own.free
		p.ptl = &p.own
	case LockPerSpace:
		p.ptl = &as.pageTableLocks[0]
	case LockStriped:
		p.ptl = &as.pageTableLocks[uint64(ea)>>pmdShift%lockStripes]
	}
	return p
}

// lockID numbers the lock of a PTE page by its address, so that the number does
// not depend on which CPU made the page.
func lockID(as *AddressSpace, ea pte.EA) uint64 {
	return 1<<63 | as.context<<32 | uint64(ea)>>pmdShift
}

// page is one page of an address space with its PTE: what the primitives work on.
type page struct {
	as    *AddressSpace
	ea    pte.EA // aligned
	table *ptePage
	entry *atomic.Uint64
}

// A PTE is two locations to an explorer: the bits that the page table is about,
// and those that are between hash_page and the flush. Most code looks at one of
// the two only, so much of what CPUs do to one PTE commutes.

// loc is the PTE but for its hash bits.
func (p page) loc() Loc { return Loc{LocPTE, p.id()} }

// hashBits is BUSY, HASHPTE and the slot.
func (p page) hashBits() Loc { return Loc{LocHashBits, p.id()} }

func (p page) id() uint64 { return p.as.context<<34 ^ uint64(p.ea)>>pte.VPNShift }

// load reads the PTE.
func (p page) load() pte.LinuxPTE { return pte.LinuxPTE(p.entry.Load()) }

func (p page) cas(old, new pte.LinuxPTE) bool {
	return p.entry.CompareAndSwap(uint64(old), uint64(new))
}

// find returns the page of ea; ok is false when it has no PTE page.
func (as *AddressSpace) find(ea pte.EA) (p page, ok bool) {
	ea &^= pageSize - 1
	t := as.pgd.lookup(ea)
	if t == nil || ea >= MaxEA {
		return page{}, false
	}
	return page{as, ea, t, t.entry(ea)}, true
}

// make returns the page of ea with its PTE page made when there is none.
func (as *AddressSpace) make(ea pte.EA) page {
	ea &^= pageSize - 1
	t := as.pgd.alloc(ea, func() *ptePage { return as.newPTEPage(ea) })
	return page{as, ea, t, t.entry(ea)}
}
