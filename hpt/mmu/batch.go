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
	var t *hpt.Table
	if m.addressing <= addrVRMA {
		t = m.part.table
	}
	c.fetch(t, m, eas[:min(batchAhead, len(eas))])
	for i, ea := range eas {
		if i%batchAhead == 0 && i+batchAhead < len(eas) {
			c.fetch(t, m, eas[i+batchAhead:min(i+2*batchAhead, len(eas))])
		}
		results[i] = c.Translate(ea, acc)
		if results[i].OK() {
			ok++
		}
	}
	return ok
}

// batchAhead is how many groups TranslateBatch fetches at a time.
const batchAhead = 16

// fetch prefetches the primary groups of at most batchAhead addresses. It guesses:
// any segment that matches will do, and those without one are left out, and what the
// software TLB holds.
func (c *CPU) fetch(t *hpt.Table, m *mode, eas []pte.EA) {
	if t == nil {
		return
	}
	var hashes [batchAhead]pte.Hash
	n := 0
	s := &m.vrma
	for _, ea := range eas {
		ea := uint64(ea)
		if c.cache != nil && c.cache.line(m, ea) != nil {
			continue
		}
		if m.addressing == addrSegments && (n == 0 || ea&s.mask != s.esid) {
			found := c.slb.find(ea)
			if found == nil {
				continue
			}
			s = found
		}
		hashes[n] = s.target(ea, m.base(s)).hash
		n++
	}
	t.Prefetch(hashes[:n])
}
