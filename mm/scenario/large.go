package scenario

import (
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// What pages of 16M and pieces of 4K change on a stage. A huge frame is cut down to
// as many base pages as the scenario uses.

// pageShift is log2 of the bytes of a page of the scenario.
func (sc *Scenario) pageShift(k *mm.Kernel) uint {
	switch {
	case sc.Huge == Hugetlb:
		return pte.Page16M.Shift()
	case sc.Demotes:
		return pte.Page4K.Shift()
	}
	return k.PageSize().Shift()
}

// hugeFrames is how many the machine has: one for each hugetlb page and one to
// refault it with, or one to collapse into and one that is collapsed.
func (sc *Scenario) hugeFrames() int {
	switch sc.Huge {
	case Hugetlb:
		return sc.pages() + 1
	case Transparent:
		return 2
	}
	return 0
}

func (sc *Scenario) hugePieces() int {
	switch sc.Huge {
	case Hugetlb:
		return 1
	case Transparent:
		return sc.pages()
	}
	return 0
}

// newFile makes the file of a stage.
func (st *Stage) newFile(sc *Scenario, v Variant) *mm.Mapping {
	n := uint64(sc.pages()-1)*st.stride + 1
	if sc.Huge == Hugetlb {
		return st.Machine.NewHugeMapping(n)
	}
	return st.Machine.NewMapping(n, v.TrackDirty)
}
