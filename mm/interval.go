package mm

import "sort"

// intervals is an interval tree laid out in a sorted slice: the middle of a run
// is the root of its subtree, and max holds the greatest end within the
// subtree. A query costs log n plus what it finds; an insertion moves the tail.
type intervals struct {
	items []interval
}

type interval struct {
	first, last uint64 // file pages, both included
	max         uint64 // greatest last in the subtree rooted here
	vma         *VMA
}

// insert adds a VMA; equal starts keep their order of insertion.
func (t *intervals) insert(v *VMA) {
	iv := interval{first: v.Offset, last: v.Offset + v.pages() - 1, vma: v}
	i := sort.Search(len(t.items), func(i int) bool { return t.items[i].first > iv.first })
	t.items = append(t.items, interval{})
	copy(t.items[i+1:], t.items[i:])
	t.items[i] = iv
	t.fix(0, len(t.items))
}

// remove takes a VMA out.
func (t *intervals) remove(v *VMA) {
	for i := range t.items {
		if t.items[i].vma == v {
			t.items = append(t.items[:i], t.items[i+1:]...)
			t.fix(0, len(t.items))
			return
		}
	}
}

// fix recomputes max over items[lo:hi] and returns that of the run's root.
func (t *intervals) fix(lo, hi int) uint64 {
	if lo >= hi {
		return 0
	}
	mid := int(uint(lo+hi) / 2)
	root := &t.items[mid]
	root.max = max(root.last, t.fix(lo, mid), t.fix(mid+1, hi))
	return root.max
}

// overlapping calls f for each VMA that maps a file page of first..last, in
// order of their first page, until f returns false.
func (t *intervals) overlapping(first, last uint64, f func(*VMA) bool) {
	t.visit(0, len(t.items), first, last, f)
}

func (t *intervals) visit(lo, hi int, first, last uint64, f func(*VMA) bool) bool {
	if lo >= hi {
		return true
	}
	mid := int(uint(lo+hi) / 2)
	root := &t.items[mid]
	if root.max < first {
		return true
	}
	if !t.visit(lo, mid, first, last, f) {
		return false
	}
	if root.first > last {
		return true
	}
	if root.last >= first && !f(root.vma) {
		return false
	}
	return t.visit(mid+1, hi, first, last, f)
}
