package scenario

import "github.com/hashmmu/ppc64/mm"

// Founding is the race of the report of February 2007: one CPU unmaps a page of
// a file from whoever maps it, holding mmap_sem of nobody, while a thread stores
// to that page. What the store meets is a page that was read-only or clean, so
// its hash table entry denies it and a fault follows.
var Founding = &Scenario{
	Name:    "founding",
	Summary: "unmap_mapping_range against a store to the same page",
	Expect:  unsafeIsDuplicate,
	Tasks: []Task{
		{Name: "unmap_mapping_range", Run: func(s *Stage, c *mm.CPU) { s.unmap(c, 0) }},
		{Name: "store", Run: func(s *Stage, c *mm.CPU) { s.store(c, 0) }},
	},
	Vary: twoLocks(
		Variant{Name: "read-only", TrackDirty: true},
		Variant{Name: "writable-but-clean"},
	),
}
