package mm

import "github.com/hashmmu/ppc64/pte"

// hashHuge is hash_page where a huge page is or could be (Linux: __hash_page_huge,
// __hash_page_thp). The PMD is read with interrupts off, and they stay off until the
// entry is made: see CollapseHugePage.
func (h *hash) hashHuge(c *CPU, p page, ea pte.EA, a pte.Access, noHPTE bool) (handled bool, err error) {
	if !p.table.transparent() {
		return h.hashPage(c, p, a, noHPTE)
	}
	cur := c.beginWalk(p)
	defer c.endWalk(p)
	if h.m.kernel.Layout.IsPresent(cur) {
		return h.hashTHP(c, p, ea, a, noHPTE)
	}
	if q, ok := p.as.find(ea); ok && cur == tablePMD {
		return h.hashBase(c, q, ea, a, noHPTE)
	}
	return false, nil
}

// changedHugetlb queues the entry of a hugetlb page that was taken away or
// restricted.
func (h *hash) changedHugetlb(c *CPU, p page, old pte.LinuxPTE) {
	if p.second != nil {
		c.step(StepReadHidx, p.ea, p.secondHalf(), TouchRead)
	}
	hint := h.m.kernel.Layout.RealHint(pte.RealPTE{PTE: old, Hidx: p.hidx()})
	c.enqueue(p.as, p.ea, pte.Ref{Key: p.as.keyAt(p.ea, pte.Page16M), Actual: pte.Page16M, Hint: hint})
}

// checkHuge compares the entries of a huge page with its PTE.
func (h *hash) checkHuge(p page) error {
	l := h.m.kernel.Layout
	cur := p.load()
	if !p.table.transparent() {
		hint := l.RealHint(pte.RealPTE{PTE: cur, Hidx: p.hidx()})
		return h.checkKey(p.as.keyAt(p.ea, pte.Page16M), p.ea, l.IsPresent(cur) && hint.Hashed())
	}
	if cur == tablePMD {
		return nil // the entries are those of base pages
	}
	for _, base := range [2]pte.PageSize{pte.Page64K, pte.Page4K} {
		split := base == pte.Page4K
		for i := range h.m.hugePieces(base) {
			ea := p.ea + pte.EA(i)<<base.Shift()
			known := l.IsPresent(cur) && cur&l.HashPTE != 0 && cur&l.Combo != 0 == split &&
				pte.SlotByte(p.table.slots[i].Load()).Hint().Hashed()
			if err := h.checkKey(p.as.keyAt(ea, base), ea, known); err != nil {
				return err
			}
		}
	}
	return nil
}
