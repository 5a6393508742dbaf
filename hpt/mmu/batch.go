package mmu

import (
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// TranslateBatch translates accesses of one kind, in the order of eas:
// results[i] is what [CPU.Translate] of eas[i] gives, with the same effects. It
// goes on after a fault, and returns how many accesses may proceed. While some are
// translated, the groups of the table that the next ones need are on their way into
// the host's cache. results has at least the length of eas; a shorter one panics,
// like an index beyond a slice. It allocates nothing.
func (c *CPU) TranslateBatch(eas []pte.EA, acc pte.Access, results []Result) (ok int) {
	results = results[:len(eas)]
	m := c.mode(acc)
	t := m.fetched()
	if t != nil {
		c.fetch(t, m, eas[:min(batchAhead, len(eas))])
	}
	for i, ea := range eas {
		if t != nil && i%batchAhead == 0 && i+batchAhead < len(eas) {
			c.fetch(t, m, eas[i+batchAhead:min(i+2*batchAhead, len(eas))])
		}
		r := &results[i]
		*r = Result{}
		c.translate(r, m, uint64(ea), acc)
		if r.OK() {
			ok++
		}
	}
	return ok
}

const (
	// batchAhead is how many groups TranslateBatch fetches at a time.
	batchAhead = 16
	// A table of up to 1<<cachedOrder bytes is taken to be in the host's cache.
	cachedOrder = 20
)

// fetched returns the table whose groups are worth fetching, nil if there is none.
func (m *mode) fetched() *hpt.Table {
	if t := m.part.table; t != nil && m.addressing <= addrVRMA && t.Order() > cachedOrder {
		return t
	}
	return nil
}

// fetch prefetches the primary groups of at most batchAhead addresses, but for
// those without a segment in the SLB, and those in the software TLB.
func (c *CPU) fetch(t *hpt.Table, m *mode, eas []pte.EA) {
	var hashes [batchAhead]pte.Hash
	n := 0
	for _, ea := range eas {
		ea := uint64(ea)
		if m.cache != nil && m.cache.line(m, ea) != nil {
			continue
		}
		s := &m.vrma
		if m.addressing == addrSegments {
			if s = c.slb.find(ea); s == nil {
				continue
			}
		}
		hashes[n] = s.target(ea, m.base(s)).hash
		n++
	}
	t.Prefetch(hashes[:n])
}
