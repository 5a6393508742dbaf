package scenario

import (
	"context"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// largePaths are about pages larger than the base page, and about its pieces.
var largePaths = []*Path{
	{
		Name:    "hugetlb-truncate",
		Trigger: "a store to the hugetlb page",
		Scenarios: []*Scenario{
			race("hugetlb-truncate", Scenario{Huge: Hugetlb, Vary: twoLocks(clean), Drops: true}, truncating, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/hugetlb.c:__unmap_hugepage_range", "fs/hugetlbfs/inode.c:hugetlb_vmtruncate"},
				Predicted: LooksDuplicate, Why: "flush_tlb_range comes after page_table_lock has been dropped",
				Verdict: Proved,
				Note:    "the reading stops at the lock: i_size is lowered before, so the fault that could enter the page anew ends in SIGBUS, as with vmtruncate",
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/hugetlb.c:__unmap_hugepage_range"},
				Predicted: LooksClosed, Why: "huge_ptep_get_and_clear is outside lazy MMU mode and flushes at once",
				Verdict: Proved,
			},
		},
	},
	{
		Name:    "hugetlb-unmap-mapping-range",
		Trigger: "a store to the hugetlb page, which the file still has",
		Scenarios: []*Scenario{
			race("hugetlb-unmap", Scenario{Huge: Hugetlb, Vary: twoLocks(clean)}, unmapping(0, 1), storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/hugetlb.c:__unmap_hugepage_range"},
				Predicted: LooksDuplicate, Why: "flush_tlb_range comes after page_table_lock has been dropped, and nothing keeps the page from being faulted in again; 2.6.20 itself calls it for truncation and munmap only",
				Verdict: Duplicate,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/hugetlb.c:__unmap_hugepage_range"},
				Predicted: LooksClosed, Why: "huge_ptep_get_and_clear is outside lazy MMU mode and flushes at once",
				Verdict: Proved,
			},
		},
	},
	{
		Name:    "hugetlb-mprotect",
		Trigger: "a store by another thread to a shared hugetlb page that is made writable",
		Scenarios: []*Scenario{
			race("hugetlb-mprotect", Scenario{Huge: Hugetlb, Vary: []Variant{clean}, Prot: pte.Read, Remaps: true}, protecting(readWrite), storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/hugetlb.c:hugetlb_change_protection"},
				Predicted: LooksDuplicate, Why: "huge_ptep_get_and_clear queues, set_huge_pte_at makes the PTE present, flush_tlb_range comes last",
				Verdict: Duplicate,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/hugetlb.c:hugetlb_change_protection"},
				Predicted: LooksClosed, Why: "huge_ptep_modify_prot_start is outside lazy MMU mode and flushes before the commit",
				Verdict: Proved,
			},
		},
	},
	thpPath("thp-mprotect", "a store by another thread to a huge page that is made writable", "mm/huge_memory.c:change_huge_pmd",
		"pmdp_invalidate removes all entries before the PMD is present again",
		race("thp-mprotect", Scenario{Prot: pte.Read, Remaps: true, Vary: []Variant{thpReadOnly}}, protectingHuge(readWrite), storing(0))),
	thpPath("thp-madvise-free", "a store by another thread to a huge page that is clean and young", "mm/huge_memory.c:madvise_free_huge_pmd",
		"pmdp_invalidate removes all entries before the PMD is present again",
		race("thp-madvise-free", Scenario{Vary: []Variant{thpClean}}, freeingHuge, storing(0))),
	thpPath("thp-zap", "a store by another thread to the huge page", "mm/huge_memory.c:zap_huge_pmd",
		"pmdp_huge_get_and_clear_full removes all entries under the PMD lock",
		pair("thp-zap", Scenario{Drops: true, Vary: []Variant{thpUsed}}, zappingHuge, storing(0))),
	thpZapTwice,
	thpPath("thp-split", "a store by another thread to the huge page", "mm/huge_memory.c:__split_huge_pmd_locked",
		"pmdp_invalidate removes all entries before the page of PTEs, their slot array, is put in place",
		race("thp-split", Scenario{Pages: 2, Vary: []Variant{thpUsed}}, splitting, storing(1))),
	thpPath("thp-collapse", "a store by another thread to a base page, whose hash fault is under way when the PMD is cleared",
		"arch/powerpc/mm/book3s64/hash_pgtable.c:hash__pmdp_collapse_flush",
		"the PMD is cleared, then hash_page is waited for on every CPU, then the entries of the base pages are removed",
		pair("thp-collapse", Scenario{Drops: true, Remaps: true, Vary: []Variant{thpSplit, castOut(thpSplit)}}, collapsing, storingAndLoading)),
	{
		Name: "subpage-protection", Unbatched: true,
		Trigger: "a hash fault of another thread that is under way since before the demotion, and a third one that enters a piece",
		Scenarios: []*Scenario{
			race("subpage-protection", Scenario{Demotes: true, Remaps: true, Vary: []Variant{clean}}, subpageProtecting, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61With64K,
			Functions: []string{"arch/powerpc/mm/book3s64/subpage_prot.c:sys_subpage_prot", "arch/powerpc/mm/book3s64/subpage_prot.c:hpte_flush_range"},
			Predicted: LooksClosed, Why: "HASHPTE is kept, so hash_page finds the old entry or learns that it has gone",
			Verdict: Stale,
			Note:    "the reading looks at the flush alone: a hash fault that has read the page size of the slice before demote_segment_4k, with no lock and no IPI to wait for it, enters the page as 64K behind the flush; that entry knows of no restriction, and the PTE forgets the pieces entered meanwhile, whose entries stay",
		}},
	},
}

// thpZapTwice is the one path of transparent huge pages on which something goes wrong.
var thpZapTwice = &Path{
	Name: "thp-zap-twice", Unbatched: true,
	Trigger: "MADV_DONTNEED of the same huge page by another thread, which loads from it then",
	Scenarios: []*Scenario{
		pair("thp-zap-twice", Scenario{Huge: Transparent, Anonymous: true, Drops: true, Vary: []Variant{thpUsed}},
			zappingHuge, discardThen(hugePage, loading(0))),
	},
	In: []InKernel{{
		Kernel:    mm.Linux61With64K,
		Functions: []string{"mm/memory.c:zap_pmd_range", "mm/huge_memory.c:zap_huge_pmd"},
		Predicted: LooksStale, Why: "a PMD that is none is passed over without its lock, under which the other thread has cleared it and has yet to remove the entries",
		Verdict: Stale,
	}},
}

// thpPath is a path of transparent huge pages, which with hash translation only
// Linux 6.1 with 64K base pages has of the kernels here.
func thpPath(name, trigger, function, why string, sc *Scenario) *Path {
	sc.Huge, sc.Anonymous = Transparent, true
	in := InKernel{Kernel: mm.Linux61With64K, Functions: []string{function}, Predicted: LooksClosed, Why: why, Verdict: Proved}
	if name == "thp-mprotect" || name == "thp-madvise-free" {
		in.Measured = Measured{Count: "a run on 16M pages"}
	}
	return &Path{Name: name, Trigger: trigger, Scenarios: []*Scenario{sc}, In: []InKernel{in}}
}

// How a transparent huge page may be when an operation comes.
var (
	thpUsed     = Variant{Name: "huge, dirty", Before: owned}
	thpReadOnly = Variant{Name: "huge, read-only"}
	thpClean    = Variant{Name: "huge, clean and young", Before: func(s *Stage, c *mm.CPU) {
		owned(s, c)
		freeingHuge.Run(s, c)
		s.before(c, nil)
	}}
	thpSplit = Variant{Name: "base pages", Before: func(s *Stage, c *mm.CPU) {
		owned(s, c)
		splitting.Run(s, c)
		s.before(c, nil)
	}}
)

// hugePage is the range of the transparent huge page.
func hugePage(*Stage) mm.Range {
	return mm.Range{Start: firstPage, End: firstPage + 1<<pte.Page16M.Shift()}
}

func protectingHuge(a pte.Access) Task {
	return Task{Name: "mprotect", Run: func(s *Stage, c *mm.CPU) {
		_, err := c.Protect(context.Background(), s.Space, hugePage(s), a)
		allow(err)
	}}
}

var freeingHuge = Task{Name: "MADV_FREE", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MadviseFree(context.Background(), s.Space, hugePage(s))
	allow(err)
}}

var zappingHuge = Task{Name: "MADV_DONTNEED", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MadviseDontNeed(context.Background(), s.Space, hugePage(s))
	allow(err)
}}

var splitting = Task{Name: "split_huge_pmd", Run: func(s *Stage, c *mm.CPU) {
	allow(c.SplitHugePage(s.Space, firstPage), mm.ErrHuge)
}}

var collapsing = Task{Name: "khugepaged", Run: func(s *Stage, c *mm.CPU) {
	allow(c.CollapseHugePage(s.Space, firstPage), mm.ErrHuge)
}}

// subpageProtecting forbids stores to the first piece of the page.
var subpageProtecting = Task{Name: "subpage_prot", Run: func(s *Stage, c *mm.CPU) {
	allow(c.SubpageProt(s.Space, firstPage, []uint32{mm.SubpageRead << 30}))
}}
