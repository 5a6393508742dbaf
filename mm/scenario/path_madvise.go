package scenario

import (
	"context"

	"github.com/hashmmu/ppc64/mm"
)

// madvisePaths age pages: a new PTE is present, without hash bits, while the old
// entry waits in the batch. Linux 2.6.20 has none of them.
var madvisePaths = []*Path{
	{
		Name:    "madvise-free",
		Trigger: "a store by another thread to a page that is clean and young, as the last MADV_FREE and a load have left it",
		Scenarios: []*Scenario{
			race("madvise-free", Scenario{Anonymous: true, Vary: []Variant{freed, anonymous}, Drops: true}, freeing, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_free_pte_range"},
			Predicted: LooksDuplicate, Why: "set_pte_at makes the PTE present without HASHPTE while the old entry waits for the end of lazy MMU mode",
			Measured: Measured{Duplicate, "7,659 in 25,146 rounds, 13,403 in 25,667 without a handshake"},
			Verdict:  Duplicate,
		}},
	},
	{
		Name:    "madvise-cold",
		Trigger: "a store by another thread to a page that is clean and young",
		Scenarios: []*Scenario{
			race("madvise-cold", Scenario{Vary: []Variant{readOnly, clean}}, cooling, storing(0)),
			race("madvise-cold-anonymous", Scenario{Anonymous: true, Vary: []Variant{freed}, Drops: true}, cooling, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_cold_or_pageout_pte_range"},
			Predicted: LooksDuplicate, Why: "set_pte_at makes the PTE present without HASHPTE while the old entry waits for the end of lazy MMU mode",
			Measured: Measured{Duplicate, "14,733 in 21,256 rounds on tmpfs, 12,916 in 19,976 on anonymous memory"},
			Verdict:  Duplicate,
		}},
	},
	{
		Name:    "madvise-pageout",
		Trigger: "a store by another thread to a page that is clean and young",
		Scenarios: []*Scenario{
			race("madvise-pageout", Scenario{Vary: []Variant{readOnly, clean}}, pagingOut, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_cold_or_pageout_pte_range"},
			Predicted: LooksDuplicate, Why: "as madvise-cold: there is one function for both",
			Measured: Measured{Duplicate, "7,568 in 10,425 rounds on tmpfs without swap"},
			Verdict:  Duplicate,
		}},
	},
	{
		Name:      "madvise-split",
		Trigger:   "MADV_DONTNEED and a store by another thread, of a page that the walk has passed, while it takes a large folio apart",
		Scenarios: splits("madvise-split", cooling),
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_cold_or_pageout_pte_range", "mm/huge_memory.c:split_huge_page_to_list"},
			Predicted: LooksDuplicate, Why: "pte_unmap_unlock inside lazy MMU mode leaves the batch queued with the PTE page lock free: the window of 2007",
			Measured: Measured{Duplicate, "830 in 938 rounds, of two frames each; without MADV_DONTNEED 999 in 1,549, of one"},
			Verdict:  Duplicate, FramesDiffer: true,
		}},
	},
	{
		Name:      "madvise-free-split",
		Trigger:   "as madvise-split",
		Scenarios: splits("madvise-free-split", freeing),
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_free_pte_range", "mm/huge_memory.c:split_huge_page_to_list"},
			Predicted: LooksDuplicate, Why: "as madvise-split",
			Measured: Measured{Duplicate, "60 in 301 rounds, of two frames each; without MADV_DONTNEED 87 in 383, of one"},
			Verdict:  Duplicate, FramesDiffer: true,
		}},
	},
	{
		Name:      "madvise-split-load",
		Trigger:   "MADV_DONTNEED and a load by another thread: the old entry permits it, so there is no fault and no second entry",
		Scenarios: []*Scenario{split("madvise-split-load", cooling, anonymous, discardThen(smallOnes, loading(0)))},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_cold_or_pageout_pte_range", "mm/huge_memory.c:split_huge_page_to_list"},
			Predicted: LooksStale, Why: "MADV_DONTNEED finds a PTE without HASHPTE, so it flushes nothing, and the old entry waits in the other CPU's batch",
			Measured: Measured{Stale, "41,442 first loads after MADV_DONTNEED in 720 rounds"},
			Verdict:  Stale,
		}},
	},
	{
		Name:      "madvise-split-store",
		Trigger:   "MADV_DONTNEED and a store by another thread to a page that is dirty: the old entry permits it",
		Scenarios: []*Scenario{split("madvise-split-store", cooling, anonymous, discardThen(smallOnes, storingAndLoading))},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/madvise.c:madvise_cold_or_pageout_pte_range", "mm/huge_memory.c:split_huge_page_to_list"},
			Predicted: LooksStale, Why: "as madvise-split-load: the store goes to the page that was thrown away",
			Measured: Measured{Stale, "19,177 of 52,705 stores lost in 414 rounds"},
			Verdict:  Stale,
		}},
	},
}

// split is a walk over small pages and a large folio behind them in the same PTE
// page, against another thread at the small ones. They are two, so that a page
// thrown away does not get its own frame back.
func split(name string, walk Task, v Variant, other Task) *Scenario {
	before := v.Before
	v.Name += ", a large folio behind"
	v.Before = func(s *Stage, c *mm.CPU) {
		before(s, c)
		allow(c.MakeFolio(s.Space, mm.Range{Start: s.EA(smallPages), End: s.EA(smallPages + 1)}))
	}
	return &Scenario{
		Name: name, Summary: walk.Name + " that splits a folio against " + other.Name,
		Pages: smallPages + 1, Anonymous: true, Remaps: true, Drops: true,
		Tasks: []Task{walk, other}, Vary: []Variant{v},
	}
}

// splits are the walk against MADV_DONTNEED and a store behind its back, against a
// store alone, and against a store to the folio that it splits.
func splits(name string, walk Task) []*Scenario {
	return []*Scenario{
		split(name, walk, freed, discardThen(smallOnes, storing(0))),
		split(name+"-kept", walk, freed, storing(0)),
		split(name+"-folio", walk, freed, storing(smallPages)),
	}
}

const smallPages = 2

// smallOnes are the small pages of split.
func smallOnes(s *Stage) mm.Range { return mm.Range{Start: s.EA(0), End: s.EA(smallPages)} }

// discardThen throws some pages away and then does something to the first of them.
func discardThen(pages func(*Stage) mm.Range, t Task) Task {
	return Task{Name: "MADV_DONTNEED, " + t.Name, Operations: 1 + max(1, t.Operations), Run: func(s *Stage, c *mm.CPU) {
		s.throwAway(c, func() error {
			_, err := c.MadviseDontNeed(context.Background(), s.Space, pages(s))
			return err
		})
		t.Run(s, c)
	}}
}

var storingAndLoading = Task{Name: "store, load", Operations: 2, Run: func(s *Stage, c *mm.CPU) { s.storeAndLoad(c, 0) }}

// freed is anonymous memory after MADV_FREE and a load: clean and young, so that
// the entry is read-only.
var freed = Variant{Name: "anonymous, clean and young", Before: func(s *Stage, c *mm.CPU) {
	owned(s, c)
	_, err := c.MadviseFree(context.Background(), s.Space, s.all())
	allow(err)
	s.before(c, nil)
}}

var freeing = Task{Name: "MADV_FREE", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MadviseFree(context.Background(), s.Space, s.all())
	allow(err)
}}

var cooling = Task{Name: "MADV_COLD", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MadviseCold(context.Background(), s.Space, s.all())
	allow(err)
}}

var pagingOut = Task{Name: "MADV_PAGEOUT", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MadvisePageout(context.Background(), s.Space, s.all())
	allow(err)
}}
