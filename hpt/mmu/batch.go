package mmu

import "github.com/hashmmu/ppc64/pte"

// TranslateBatch translates accesses of one kind, in the order of eas:
// results[i] is what [CPU.Translate] of eas[i] gives, with the same effects. It
// goes on after a fault, and returns how many accesses may proceed. While some are
// translated, the groups of the table that the next ones need are on their way into
// the host's cache. results has at least the length of eas; a shorter one panics,
// like an index beyond a slice. It allocates nothing.
func (c *CPU) TranslateBatch(eas []pte.EA, acc pte.Access, results []Result) (ok int) {
	results = results[:len(eas)]
	m := c.mode(acc)
	c.fetch(m, eas[:min(batchAhead, len(eas))])
	for i, ea := range eas {
		if i%batchAhead == 0 && i+batchAhead < len(eas) {
			c.fetch(m, eas[i+batchAhead:min(i+2*batchAhead, len(eas))])
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

// batchAhead is how many groups TranslateBatch fetches at a time. They are two
// lines each, and a host waits when it has no room for one more cache miss.
const batchAhead = 8

// fetch prefetches the primary groups of at most batchAhead addresses, but for
// those without a segment in the SLB, and those in the software TLB.
func (c *CPU) fetch(m *mode, eas []pte.EA) {
	t := m.part.table
	if t == nil || m.addressing > addrVRMA {
		return
	}
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
