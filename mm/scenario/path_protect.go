package scenario

import (
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

const (
	readWrite   = pte.Read | pte.Write
	readExecute = pte.Read | pte.Exec
)

// protectPaths change what present PTEs permit, and write them back present,
// without hash bits, while the old entry waits in the batch.
var protectPaths = []*Path{
	{
		Name:    "mprotect-raise",
		Trigger: "an access by another thread that the new PTE permits and the old entry denies",
		Scenarios: []*Scenario{
			race("mprotect-rw", Scenario{Vary: []Variant{clean}, Prot: pte.Read, Remaps: true}, protecting(readWrite), storing(0)),
			race("mprotect-rx", Scenario{Vary: []Variant{clean}, Prot: readWrite, Remaps: true}, protecting(readExecute), fetching(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/mprotect.c:change_pte_range"},
				Predicted: LooksDuplicate, Why: "set_pte_at makes the PTE present without HASHPTE, the flush comes at the end of change_protection, and hash_page takes no lock",
				Verdict: Duplicate,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/mprotect.c:change_pte_range", "arch/powerpc/mm/book3s64/pgtable.c:ptep_modify_prot_commit"},
				Predicted: LooksDuplicate, Why: "ptep_modify_prot_commit makes the PTE present without HASHPTE while ptep_modify_prot_start's entry waits for the end of lazy MMU mode",
				Measured: Measured{Duplicate, "6,990 in 31,994 rounds of RW to RX, 1,361 in 21,961 of R to RW"},
				Verdict:  Duplicate,
			},
		},
	},
	{
		Name:    "mprotect-lower",
		Trigger: "two loads by other threads of a page whose entry was cast out: one has taken its hash fault, the other has entered the page",
		Scenarios: []*Scenario{
			race("mprotect-r", Scenario{Vary: []Variant{clean}, Remaps: true}, protecting(pte.Read), loading(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/mprotect.c:change_pte_range"},
				Predicted: LooksSafe, Why: "the old entry permits all that the new PTE does, so hardware does not fault",
				Verdict: Duplicate,
				Note:    "the reading is wrong: a hash fault taken for want of an entry, before the PTE changed, inserts no matter what the old entry permits",
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/mprotect.c:change_pte_range", "arch/powerpc/mm/book3s64/pgtable.c:ptep_modify_prot_commit"},
				Predicted: LooksSafe, Why: "the old entry permits all that the new PTE does, so hardware does not fault",
				Measured: Measured{Count: "9,182 rounds"},
				Verdict:  Duplicate,
				Note:     "the reading is wrong: a hash fault taken for want of an entry, before the PTE changed, inserts no matter what the old entry permits; the experiment had one other thread, and it takes two",
			},
		},
	},
}
