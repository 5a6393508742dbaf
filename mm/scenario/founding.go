package scenario

import "github.com/hashmmu/ppc64/mm"

// Founding is the race of the report of February 2007: one CPU unmaps a page of
// a file from whoever maps it, holding mmap_sem of nobody, while a thread stores
// to that page. What the store meets is a page that was read-only or clean, so
// its hash table entry denies it and a fault follows.
var Founding = &Scenario{
	Name:    "founding",
	Summary: "unmap_mapping_range against a store to the same page",
	Expect:  unless(safe, Duplicate),
	Tasks:   []Task{unmapping(0, 1), storing(0)},
	Vary:    twoLocks(readOnly, clean),
}

// How a page of a shared file mapping may be when a store comes: both deny it in
// the hash table, the first in the Linux PTE too.
var (
	readOnly = Variant{Name: "read-only", TrackDirty: true}
	clean    = Variant{Name: "writable-but-clean"}
)

// unmapping unmaps n pages from page first on.
func unmapping(first, n int) Task {
	return Task{Name: "unmap_mapping_range", Run: func(s *Stage, c *mm.CPU) { s.unmap(c, first, n) }}
}

func storing(page int) Task {
	return Task{Name: "store", Run: func(s *Stage, c *mm.CPU) { s.store(c, page) }}
}

func loading(page int) Task {
	return Task{Name: "load", Run: func(s *Stage, c *mm.CPU) { s.load(c, page) }}
}
