package scenario

import (
	"context"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// Three is the founding race with a third CPU that loads.
var Three = &Scenario{
	Name:    "three-cpus",
	Summary: "unmap_mapping_range, a load and a store of the same page",
	Expect:  unless(safe, Duplicate),
	Tasks:   []Task{unmapping(0, 1), loading(0), storing(0)},
	Vary:    []Variant{readOnly, clean},
}

// TwoPages unmaps two pages that have PTE pages, and so PTE page locks, of their
// own, or one lock for the address space: entries of the first must not be
// pending while the second is at work.
var TwoPages = &Scenario{
	Name:    "two-ptls",
	Summary: "unmap_mapping_range of two PTE pages against a store to each",
	Expect:  unless(safe, Duplicate),
	Pages:   2, Stride: ownPTEPage,
	Tasks: []Task{unmapping(0, 2), storing(0), storing(1)},
	Vary:  twoLocks(clean),
}

// Overflow fills the batch with the last page of a PTE page. That flushes it under
// the PTE page lock, by luck, under every policy.
var Overflow = &Scenario{
	Name:    "overflow",
	Summary: "unmap_mapping_range of as many pages as a batch holds against a store",
	Expect:  always(Proved),
	Pages:   2, Batch: 2,
	Tasks: []Task{unmapping(0, 2), storing(0)},
	Vary:  []Variant{readOnly, clean},
}

// OverflowRest fills it one page earlier: what comes after the overflow is
// pending as ever.
var OverflowRest = &Scenario{
	Name:    "overflow-rest",
	Summary: "unmap_mapping_range of one page more than a batch holds against stores",
	Expect:  unless(safe, Duplicate),
	Pages:   3, Batch: 2,
	Tasks: []Task{unmapping(0, 3), storing(0), storing(2)},
	Vary:  []Variant{clean},
}

// OutsideLazy changes PTEs outside lazy MMU mode: stores to a private page each
// replace it by a copy (do_wp_page). LazyMMU flushes at once there, AtFinish and
// BeforeUnlock because the kernel asks for it. A policy that flushes on leaving
// lazy mode only is caught.
var OutsideLazy = &Scenario{
	Name:    "outside-lazy",
	Summary: "two stores that copy a private page",
	Expect:  always(Proved),
	Private: true, Drops: true,
	Tasks: []Task{storing(0), storing(0)},
	Vary:  []Variant{{Name: "read-only"}},
}

// NestedLazy unmaps inside a lazy section of its caller. Whether an inner leave
// ends lazy mode (Linux 6.1) or leaves it on (since December 2025), it flushes.
var NestedLazy = &Scenario{
	Name:    "nested-lazy",
	Summary: "two unmap_mapping_range inside a lazy MMU section against a store to each page",
	Expect:  unless(safe, Duplicate),
	Pages:   2,
	Tasks: []Task{
		{Name: "unmap, nested", Operations: 2, Run: func(s *Stage, c *mm.CPU) {
			c.Batch().EnterLazy()
			defer c.Batch().LeaveLazy()
			s.unmap(c, 0, 1)
			s.unmap(c, 1, 1)
		}},
		storing(0),
		storing(1),
	},
	Vary: []Variant{
		{Name: "an inner leave ends lazy mode", Nest: batch.Flat},
		{Name: "sections are counted", Nest: batch.Counted},
	},
}

// Switch has the scheduler take the CPU away between two PTE pages, inside a
// lazy section, and give it back. The switch flushes whatever is pending; what
// was pending before it is exposed all the same.
var Switch = &Scenario{
	Name:    "switch",
	Summary: "unmap_mapping_range with a context switch between two PTE pages against a store to each",
	Expect:  unless(safe, Duplicate),
	Pages:   2, Stride: ownPTEPage,
	Tasks: []Task{
		{Name: "unmap, switch", Run: func(s *Stage, c *mm.CPU) {
			c.Batch().EnterLazy()
			defer c.Batch().LeaveLazy()
			_, err := c.UnmapMappingRange(switching{context.Background(), c}, s.File, 0, s.filePages(), true)
			allow(err)
		}},
		storing(0),
		storing(1),
	},
	Vary: []Variant{
		{Name: "an inner leave ends lazy mode", Nest: batch.Flat},
		{Name: "sections are counted", Nest: batch.Counted},
	},
}

// switching switches to another task and back wherever a range operation asks
// whether it is to stop: between PTE pages, as cond_resched does.
type switching struct {
	context.Context
	cpu *mm.CPU
}

func (w switching) Err() error {
	w.cpu.Batch().SwitchIn(w.cpu.Batch().SwitchOut())
	return nil
}

// Munmap holds mmap_sem for writing until everything is flushed, so no page fault
// comes in between under any policy.
var Munmap = &Scenario{
	Name:    "munmap",
	Summary: "munmap against a store to the same page",
	Expect:  always(Proved),
	Remaps:  true,
	Tasks: []Task{
		{Name: "munmap", Run: func(s *Stage, c *mm.CPU) {
			_, err := c.Unmap(context.Background(), s.Space, s.page(0))
			allow(err)
		}},
		storing(0),
	},
	Vary: []Variant{readOnly, clean},
}

// DontNeed zaps under mmap_sem: held for writing in 2.6.20, which keeps faults out,
// and for reading since, which does not.
var DontNeed = &Scenario{
	Name:    "dontneed",
	Summary: "madvise(MADV_DONTNEED) against a store to the same page",
	Expect: func(k *mm.Kernel, p batch.Policy) Verdict {
		if safe(p) || !k.DontNeedShared {
			return Proved
		}
		return Duplicate
	},
	Remaps: true,
	Tasks: []Task{
		{Name: "MADV_DONTNEED", Run: func(s *Stage, c *mm.CPU) {
			_, err := c.MadviseDontNeed(context.Background(), s.Space, s.page(0))
			allow(err)
		}},
		storing(0),
	},
	Vary: []Variant{readOnly, clean},
}

// Mprotect makes a page writable. Its new PTE is present, without hash bits, while
// the old entry waits in the batch, and hash_page takes no lock that would keep it
// out: a store finds the entry read-only and enters a second one. Flushing
// before the PTE page lock is dropped does not help; only flushing before the PTE
// is present again does. Linux 6.1 is exposed.
var Mprotect = &Scenario{
	Name:    "mprotect",
	Summary: "mprotect that permits stores against a store to the same page",
	Expect:  unless(atOnce, Duplicate),
	Prot:    pte.Read,
	Remaps:  true,
	Tasks: []Task{
		{Name: "mprotect", Run: func(s *Stage, c *mm.CPU) {
			_, err := c.Protect(context.Background(), s.Space, s.page(0), pte.Read|pte.Write)
			allow(err)
		}},
		storing(0),
	},
	Vary: []Variant{clean},
}

// StaleHole has two CPUs punch the same hole. The second finds the PTE gone and
// returns while the first still has the entry in its batch: a load that begins
// then sees the page thrown away. Under a safe policy the second waits at the PTE
// page lock until the entry is flushed; in 2.6.20 it waits at i_mmap_lock, which
// the first holds to the end.
var StaleHole = &Scenario{
	Name:    "stale",
	Summary: "two CPUs punch the same hole, one loads afterwards",
	Expect: func(k *mm.Kernel, p batch.Policy) Verdict {
		if safe(p) || !k.IMmapShared {
			return Proved
		}
		return Stale
	},
	Drops: true,
	Tasks: []Task{
		{Name: "punch_hole", Run: func(s *Stage, c *mm.CPU) { s.punch(c, 0) }},
		{Name: "punch_hole, load", Operations: 2, Run: func(s *Stage, c *mm.CPU) {
			s.punch(c, 0)
			s.load(c, 0)
		}},
	},
	Vary: []Variant{clean},
}

// SizeChange zaps two pages whose segments differ in size, one below 1T and one
// above, in one operation. A batch has one size, so the second entry flushes the
// first. (2.6.20 has segments of 256M only.)
var SizeChange = &Scenario{
	Name:    "size-change",
	Summary: "unmap_mapping_range over segments of two sizes against a load from each",
	Expect:  always(Proved),
	Pages:   2, Stride: terabyte,
	Tasks: []Task{unmapping(0, 2), loading(0), loading(1)},
	Vary:  []Variant{clean},
}

// Evicted has a table with room for two entries and three pages. Entries are cast
// out, which no PTE is told and no TLB: hints go stale, and the flush of an entry
// that is gone must reach the TLBs all the same.
var Evicted = &Scenario{
	Name:    "evicted",
	Summary: "a store and unmap_mapping_range against loads that cast entries out",
	Expect:  always(Proved),
	Pages:   3, Stride: ownPTEPage, Crowded: true,
	Tasks: []Task{
		{Name: "load, load", Operations: 2, Run: func(s *Stage, c *mm.CPU) {
			s.load(c, 2)
			s.load(c, 1)
		}},
		{Name: "store, unmap_mapping_range", Operations: 2, Run: func(s *Stage, c *mm.CPU) {
			s.store(c, 0)
			s.unmap(c, 0, 1)
		}},
	},
	Vary: []Variant{readOnly, clean},
}
