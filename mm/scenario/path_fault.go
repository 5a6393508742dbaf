package scenario

import "github.com/hashmmu/ppc64/mm"

// faultPaths replace a present PTE inside a page fault.
var faultPaths = []*Path{
	{
		Name:    "cow",
		Trigger: "another store to the same private page",
		Scenarios: []*Scenario{
			race("cow", Scenario{Vary: []Variant{{Name: "read-only"}}, Private: true, Drops: true}, storing(0), storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/memory.c:do_wp_page"},
				Predicted: LooksSafe, Why: "ptep_clear_flush flushes under the PTE page lock before the copy is mapped",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/memory.c:wp_page_copy"},
				Predicted: LooksSafe, Why: "ptep_clear_flush is outside lazy MMU mode and so flushes at once",
				Verdict: Proved,
			},
		},
	},
}
