package measure

import (
	"math/rand/v2"

	"github.com/hashmmu/ppc64/pte"
)

// Pages makes the keys of resident pages as Linux processes have them: 4K pages
// in 256M segments, VSIDs from the kernel's own multiplication, 4096 pages for
// each process in a text, a heap, mapped files and a stack, at addresses that
// differ from process to process, and contexts scattered over their range. No key
// comes twice.
type Pages struct {
	// Equal gives every process the same layout and contexts that follow each
	// other, which the architected hash bears badly.
	Equal bool

	rng     *rand.Rand
	process uint64
	regions []region
	each    uint32 // pages of a process; 0: 4096
}

type region struct {
	start pte.EA
	pages uint32
}

// NewSpaces is a sequence for n processes that have pages together, the same
// number each. With equal they differ in their context number alone.
func NewSpaces(seed uint64, n, pages int, equal bool) *Pages {
	p := NewPages(seed)
	p.Equal, p.each = equal, uint32(max(pages/n, 1))
	return p
}

// NewPages starts a sequence that the seed determines.
func NewPages(seed uint64) *Pages { return &Pages{rng: rand.New(rand.NewPCG(seed, 68))} }

// Next returns the next page.
func (p *Pages) Next() pte.Key {
	if len(p.regions) == 0 {
		p.process++
		p.regions = append(p.regions, p.layout()...)
	}
	r := &p.regions[0]
	ea := r.start
	r.start += 1 << pte.VPNShift
	r.pages--
	if r.pages == 0 {
		p.regions = p.regions[1:]
	}
	return pte.MakeKey(pte.VSID61.VSID(p.context(), ea, pte.Seg256M), ea, pte.Seg256M, pte.Page4K)
}

// context is the number of the current process.
func (p *Pages) context() uint64 {
	const contexts = 1 << 19
	if p.Equal {
		return p.process % contexts
	}
	return p.process * 0x3a5d7 % contexts
}

// layout is the address space of the next process.
func (p *Pages) layout() []region {
	if p.each != 0 {
		return []region{{0x10000000 + p.slide(1<<20), p.each}}
	}
	rs := []region{{0x10000000, 512}, {0x10800000 + p.slide(1<<13), 1024}}
	mapped := pte.EA(0x7fff80000000) + p.slide(1<<18)
	for range 9 {
		rs = append(rs, region{mapped, 256})
		mapped += 0x400000 + p.slide(1<<9)
	}
	return append(rs, region{0x7ffff0000000 + p.slide(1<<15), 256})
}

// slide is a random distance of less than so many pages.
func (p *Pages) slide(pages uint64) pte.EA {
	if p.Equal {
		return 0
	}
	return pte.EA(p.rng.Uint64N(pages)) << pte.VPNShift
}
