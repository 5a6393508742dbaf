package scenario

import (
	"context"

	"github.com/hashmmu/ppc64/mm"
)

// refsPaths look whether pages are in use, by having the next access fault or set
// a bit again.
var refsPaths = []*Path{
	{
		Name:    "clear-young",
		Trigger: "a store by another thread of the process",
		Scenarios: []*Scenario{
			race("clear-young", Scenario{Vary: []Variant{readOnly, clean}, Remaps: true}, clearingYoung, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"fs/proc/task_mmu.c:clear_refs_pte_range", "arch/powerpc/include/asm/book3s/64/pgtable.h:__ptep_test_and_clear_young"},
			Predicted: LooksSafe, Why: "only ACCESSED goes, HASHPTE stays, so hash_page updates the old entry",
			Measured: Measured{Count: "5,758 rounds"},
			Verdict:  Proved,
		}},
	},
	{
		Name:    "clear-soft-dirty",
		Trigger: "a store by another thread of the process",
		Scenarios: []*Scenario{
			race("clear-soft-dirty", Scenario{Vary: []Variant{readOnly, clean}, Remaps: true}, clearingSoftDirty, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"fs/proc/task_mmu.c:clear_soft_dirty"},
			Predicted: LooksSafe, Why: "it is not in lazy MMU mode, so ptep_modify_prot_start flushes before ptep_modify_prot_commit",
			Measured: Measured{Count: "5,291 rounds"},
			Verdict:  Proved,
		}},
	},
	{
		Name:    "numa-hinting",
		Trigger: "a store by another thread of the process",
		Scenarios: []*Scenario{
			race("numa-hinting", Scenario{Vary: []Variant{clean}, Remaps: true, Drops: true}, hinting, storing(0)),
			race("numa-hinting-anonymous", Scenario{Anonymous: true, Vary: []Variant{anonymous}, Remaps: true, Drops: true}, hinting, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/mempolicy.c:change_prot_numa", "mm/mprotect.c:change_pte_range", "mm/memory.c:do_numa_page"},
			Predicted: LooksClosed, Why: "the PTE permits nothing until do_numa_page, which waits for the PTE page lock, so for the flush",
			Measured: Measured{Count: "234,150 PTEs"},
			Verdict:  Proved,
		}},
	},
}

var clearingYoung = Task{Name: "clear_refs 1", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.ClearYoung(context.Background(), s.Space)
	allow(err)
}}

var clearingSoftDirty = Task{Name: "clear_refs 4", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.ClearSoftDirty(context.Background(), s.Space)
	allow(err)
}}

var hinting = Task{Name: "change_prot_numa", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.HintNUMA(context.Background(), s.Space, s.all())
	allow(err)
}}
