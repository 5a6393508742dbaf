package scenario

import (
	"context"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// rangePaths take the pages of a range away, all by zap_pte_range.
var rangePaths = []*Path{
	{
		Name:    "unmap-mapping-range",
		Trigger: "a store by a thread that maps the page, which has it read-only or clean",
		Scenarios: []*Scenario{
			race("unmap-mapping-range", Scenario{Vary: []Variant{readOnly, clean}}, unmapping(0, 1), storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/memory.c:unmap_mapping_range", "mm/memory.c:zap_pte_range"},
				Predicted: LooksDuplicate, Why: "no mmap_sem is held, so a fault enters as soon as the PTE page lock drops, and the flush comes at tlb_finish_mmu",
				Verdict: Duplicate,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/memory.c:unmap_mapping_range", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "lazy MMU mode is left before pte_unmap_unlock, and do_page_fault needs that lock",
				Measured: Measured{Count: "13,634 rounds"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:    "hole-punch",
		Trigger: "a store by a thread of another process that maps the file",
		Scenarios: []*Scenario{
			race("hole-punch", Scenario{Vary: []Variant{readOnly, clean}, Drops: true}, punching(0), storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/memory.c:vmtruncate_range", "mm/memory.c:zap_pte_range"},
				Predicted: LooksDuplicate, Why: "i_size stays, so the page can be faulted in again by every process but the caller's",
				Verdict: Duplicate, FramesDiffer: true,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/shmem.c:shmem_fallocate", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "as unmap-mapping-range",
				Measured: Measured{Count: "13,634 rounds"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:    "truncate",
		Trigger: "a store by a thread that maps the page",
		Scenarios: []*Scenario{
			race("truncate", Scenario{Vary: []Variant{readOnly, clean}, Drops: true}, truncating, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/memory.c:vmtruncate"},
				Predicted: LooksSafe, Why: "i_size is written before the unmap, so the fault ends in SIGBUS",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/truncate.c:truncate_pagecache", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "i_size is written first, and lazy MMU mode is left before pte_unmap_unlock",
				Measured: Measured{Count: "6,082 rounds"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:    "munmap",
		Trigger: "a store by another thread of the process",
		Scenarios: []*Scenario{
			race("munmap", Scenario{Vary: []Variant{readOnly, clean}, Remaps: true}, munmapping, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/mmap.c:unmap_region"},
				Predicted: LooksSafe, Why: "mmap_sem is held for writing until tlb_finish_mmu has flushed",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/mmap.c:unmap_region", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "the VMAs are detached first",
				Measured: Measured{Count: "10,606 rounds"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:    "madvise-dontneed",
		Trigger: "a store by another thread of the process",
		Scenarios: []*Scenario{
			race("madvise-dontneed", Scenario{Vary: []Variant{readOnly, clean}, Remaps: true}, dontNeeding, storing(0)),
			race("madvise-dontneed-anonymous", Scenario{Anonymous: true, Vary: []Variant{anonymous}, Remaps: true, Drops: true}, discarding, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/madvise.c:madvise_dontneed"},
				Predicted: LooksSafe, Why: "mmap_sem is held for writing, so no fault can run",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/madvise.c:madvise_dontneed_single_vma", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "mmap_lock is held for reading only: nothing but lazy MMU mode closes it",
				Measured: Measured{Count: "58,631 rounds"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:      "exit",
		Trigger:   "none: no thread is left that could; another process unmaps the same file",
		Scenarios: []*Scenario{exit},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/mmap.c:exit_mmap"},
				Predicted: LooksSafe, Why: "nobody is left who could run hash_page in the space",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/mmap.c:exit_mmap", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "nobody is left who could run hash_page in the space",
				Verdict: Proved,
			},
		},
	},
}

// exit has two other CPUs unmap the page through the file, by the reverse map.
var exit = &Scenario{
	Name:    "exit",
	Summary: "exit_mmap against unmap_mapping_range of the same page, twice",
	Remaps:  true,
	Tasks: []Task{
		{Name: "exit_mmap", Run: func(s *Stage, c *mm.CPU) {
			_, err := c.Exit(s.Space)
			allow(err)
		}},
		unmapping(0, 1),
		unmapping(0, 1),
	},
	Vary: []Variant{readOnly, clean, castOut(clean)},
}

func punching(page int) Task {
	return Task{Name: "punch_hole", Run: func(s *Stage, c *mm.CPU) { s.punch(c, page) }}
}

var truncating = Task{Name: "truncate", Run: func(s *Stage, c *mm.CPU) {
	s.throwAway(c, func() error {
		_, err := c.Truncate(context.Background(), s.File, 0)
		return err
	})
}}

var munmapping = Task{Name: "munmap", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.Unmap(context.Background(), s.Space, s.all())
	allow(err)
}}

var dontNeeding = Task{Name: "MADV_DONTNEED", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MadviseDontNeed(context.Background(), s.Space, s.all())
	allow(err)
}}

// discarding is MADV_DONTNEED of anonymous memory: what was there is gone.
var discarding = Task{Name: "MADV_DONTNEED", Run: func(s *Stage, c *mm.CPU) {
	s.throwAway(c, func() error {
		_, err := c.MadviseDontNeed(context.Background(), s.Space, s.all())
		return err
	})
}}

// protecting has mprotect give all pages of the stage the access a.
func protecting(a pte.Access) Task {
	return Task{Name: "mprotect", Run: func(s *Stage, c *mm.CPU) {
		_, err := c.Protect(context.Background(), s.Space, s.all(), a)
		allow(err)
	}}
}

// all is the range that the stage maps.
func (st *Stage) all() mm.Range {
	return mm.Range{Start: firstPage, End: firstPage + pte.EA(st.filePages())<<st.shift}
}
