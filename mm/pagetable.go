package mm

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// IndexBits is the shape of a Linux page table: how many bits of the effective
// address index the pages of each level, in the order PTE, PMD, PUD, PGD (Linux:
// PTE_INDEX_SIZE and so on). A level of 0 bits is folded away.
type IndexBits [4]uint8

// MaxEA is the first effective address that no page table maps.
const MaxEA pte.EA = 1 << 46

// pageSize is the page size of the kernels of software-loaded TLBs, in bytes.
const pageSize = 1 << pte.VPNShift

// shape is where the index of each level begins in an effective address; end is
// where the highest ends.
type shape struct{ pte, pmd, pud, pgd, end uint }

func shapeOf(k *Kernel) shape {
	s := shape{pte: k.PageSize().Shift()}
	s.pmd = s.pte + uint(k.Index[0])
	s.pud = s.pmd + uint(k.Index[1])
	s.pgd = s.pud + uint(k.Index[2])
	s.end = s.pgd + uint(k.Index[3])
	return s
}

// field is the index that ea has at the level that begins at bit lo and ends
// before bit hi.
func field(ea pte.EA, lo, hi uint) int { return int(ea >> lo & (1<<(hi-lo) - 1)) }

// ptePage is one page of page table entries and, where the granularity says so,
// its lock. It lives until the address space goes.
type ptePage struct {
	entries []atomic.Uint64
	used    []atomic.Uint64 // bitmap of the entries that were ever set
	second  []atomic.Uint64 // with 64K base pages: the second half of each entry
	prot    []atomic.Uint32 // with 64K base pages: what is denied to the pieces of each page
	slots   []atomic.Uint32 // of a transparent huge page: a pte.SlotByte for each base page
	shift   uint            // immutable; log2 of what an entry maps
	ptl     *lock           // immutable

	// Where the base pages of a transparent huge page will be looked for when it is
	// split; protected by ptl.
	home      *reverseMap
	homeIndex uint64

	own lock
}

type (
	pmd []atomic.Pointer[ptePage]
	pud []atomic.Pointer[pmd]
	// pgd is the page table of an address space.
	pgd struct {
		shape
		puds []atomic.Pointer[pud]
		made atomic.Pointer[madePTEs] // every PTE page, latest first
	}
)

// madePTEs lists the PTE pages of a page table, which never go before it does.
type madePTEs struct {
	first pte.EA // that the page maps
	page  *ptePage
	next  *madePTEs
}

func newPGD(k *Kernel) *pgd {
	s := shapeOf(k)
	return &pgd{shape: s, puds: make([]atomic.Pointer[pud], 1<<(s.end-s.pgd))}
}

// lookup returns the PTE page of ea, nil if there is none, also where the page table
// does not reach. It takes no lock, as hash_page must not (Linux: find_linux_pte).
func (t *pgd) lookup(ea pte.EA) *ptePage {
	p, _ := t.seek(ea)
	return p
}

// seek returns the PTE page of ea, or nil and the size of the aligned range
// around ea that certainly has none.
func (t *pgd) seek(ea pte.EA) (p *ptePage, span pte.EA) {
	if ea>>t.end != 0 {
		return nil, 1 << t.end
	}
	u := t.puds[field(ea, t.pgd, t.end)].Load()
	if u == nil {
		return nil, 1 << t.pgd
	}
	m := (*u)[field(ea, t.pud, t.pgd)].Load()
	if m == nil {
		return nil, 1 << t.pud
	}
	return (*m)[field(ea, t.pmd, t.pud)].Load(), 1 << t.pmd
}

// alloc returns the PTE page of ea and makes it, and the levels above, when
// there is none. Of two CPUs that make one, one wins.
func (t *pgd) alloc(ea pte.EA, newPage func() *ptePage) *ptePage {
	u := child(&t.puds[field(ea, t.pgd, t.end)], func() *pud {
		p := make(pud, 1<<(t.pgd-t.pud))
		return &p
	})
	m := child(&(*u)[field(ea, t.pud, t.pgd)], func() *pmd {
		p := make(pmd, 1<<(t.pud-t.pmd))
		return &p
	})
	slot := &(*m)[field(ea, t.pmd, t.pud)]
	if p := slot.Load(); p != nil {
		return p
	}
	p := newPage()
	if !slot.CompareAndSwap(nil, p) {
		return slot.Load()
	}
	n := &madePTEs{ea &^ (1<<t.pmd - 1), p, t.made.Load()}
	for !t.made.CompareAndSwap(n.next, n) {
		n.next = t.made.Load()
	}
	return p
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

// each calls f for every PTE page with the first address that it maps, latest first.
func (t *pgd) each(f func(pte.EA, *ptePage)) {
	for n := t.made.Load(); n != nil; n = n.next {
		f(n.first, n.page)
	}
}

// newPTEs makes a page of entries for t.
func (t *pgd) newPTEs() *ptePage {
	n := 1 << (t.pmd - t.pte)
	p := &ptePage{entries: make([]atomic.Uint64, n), used: make([]atomic.Uint64, (n+63)/64), shift: t.pte}
	if t.pte == pte.Page64K.Shift() {
		p.second, p.prot = make([]atomic.Uint64, n), make([]atomic.Uint32, n)
	}
	return p
}

func (p *ptePage) index(ea pte.EA) int { return int(ea>>p.shift) & (len(p.entries) - 1) }

// entry returns the entry of ea.
func (p *ptePage) entry(ea pte.EA) *atomic.Uint64 { return &p.entries[p.index(ea)] }

// protWord is the subpage protection of the page of ea.
func (p *ptePage) protWord(ea pte.EA) *atomic.Uint32 { return &p.prot[p.index(ea)] }

// at returns the page of ea, which the PTE page maps.
func (p *ptePage) at(as *AddressSpace, ea pte.EA) page {
	pg := page{as: as, ea: ea, table: p, entry: p.entry(ea)}
	if p.second != nil {
		pg.second = &p.second[p.index(ea)]
	}
	return pg
}

// markSet records that the entry of ea maps a page.
func (p *ptePage) markSet(ea pte.EA) {
	i := p.index(ea)
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
	// LockPerPage is a lock per PTE page (split PTE locks).
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
	if !g.Valid() {
		return fmt.Sprintf("LockGranularity(%d)", uint8(g))
	}
	return [...]string{"per-page", "per-space", "striped"}[g]
}

// newPTEPage makes the PTE page of ea with its lock.
func (as *AddressSpace) newPTEPage(ea pte.EA) *ptePage {
	p := as.pgd.newPTEs()
	switch as.m.granularity {
	case LockPerPage:
		p.own = lock{rank: rankPTL, id: lockID(as, ea), acquire: StepPTELock, release: StepPTEUnlock}
		p.own.ready = p.own.free
		p.ptl = &p.own
	case LockPerSpace:
		p.ptl = &as.pageTableLocks[0]
	case LockStriped:
		p.ptl = &as.pageTableLocks[uint64(ea)>>as.pgd.pmd%lockStripes]
	}
	return p
}

// lockID numbers the lock of a PTE page by its address, so that the number does
// not depend on which CPU made the page.
func lockID(as *AddressSpace, ea pte.EA) uint64 {
	return 1<<63 | as.context<<32 | uint64(ea)>>as.pgd.pmd
}

// page is one page of an address space with its PTE: what the primitives work on.
type page struct {
	as    *AddressSpace
	ea    pte.EA // aligned
	table *ptePage
	entry *atomic.Uint64
	// second is the other half of the PTE; nil where pages are 4K.
	second *atomic.Uint64
}

// A PTE is two locations to an explorer: the bits that the page table is about,
// and those that are between hash_page and the flush. Most code looks at one of
// the two only, so much of what CPUs do to one PTE commutes.

// loc is the PTE but for its hash bits.
func (p page) loc() Loc { return Loc{LocPTE, p.id()} }

// hashBits is BUSY, HASHPTE and the slot.
func (p page) hashBits() Loc { return Loc{LocHashBits, p.id()} }

func (p page) id() uint64 {
	id := p.as.context<<34 ^ uint64(p.ea)>>pte.VPNShift
	if p.table != nil && p.table.shift == hugeShift {
		id |= 1 << 63
	}
	return id
}

// size is what the entry maps.
func (p page) size() pte.PageSize { return pte.PageSize(p.table.shift) }

// load reads the PTE.
func (p page) load() pte.LinuxPTE { return pte.LinuxPTE(p.entry.Load()) }

func (p page) cas(old, new pte.LinuxPTE) bool {
	return p.entry.CompareAndSwap(uint64(old), uint64(new))
}

// find returns the page of ea; ok is false when it has no PTE page.
func (as *AddressSpace) find(ea pte.EA) (p page, ok bool) {
	ea &^= as.m.pageSize - 1
	t := as.pgd.lookup(ea)
	if t == nil {
		return page{}, false
	}
	return t.at(as, ea), true
}

// seek returns the PTE page of ea, nil if there is none, and how far from ea on that
// holds for certain and at most one huge page is in the way.
func (as *AddressSpace) seek(ea pte.EA) (t *ptePage, end pte.EA) {
	t, span := as.pgd.seek(ea)
	end = ea&^(span-1) + span
	if as.huge != nil {
		_, span = as.huge.seek(ea)
		end = min(end, ea&^(span-1)+span)
	}
	return t, end
}

// populate is make that says so in the PMD where a huge page could be (Linux:
// pte_alloc).
func (as *AddressSpace) populate(ea pte.EA) page {
	if t := as.hugeTable(ea); t != nil {
		if t.entries[0].CompareAndSwap(0, uint64(tablePMD)) {
			t.markSet(ea)
		}
	}
	return as.make(ea)
}

// make returns the page of ea with its PTE page made when there is none.
func (as *AddressSpace) make(ea pte.EA) page {
	ea &^= as.m.pageSize - 1
	t := as.pgd.alloc(ea, func() *ptePage { return as.newPTEPage(ea) })
	return t.at(as, ea)
}
