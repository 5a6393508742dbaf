package scenario

import (
	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
)

// Fix is a way to keep two entries of a page apart: another flush policy, or
// changes to the kernel. The zero value is the kernel as it is.
type Fix struct {
	Policy          batch.Policy // nil: the kernel's own
	Countermeasures mm.Countermeasures

	_ struct{}
}

func (f Fix) String() string {
	switch none := f.Countermeasures == (mm.Countermeasures{}); {
	case none && f.Policy == nil:
		return "as it is"
	case none:
		return f.Policy.String()
	case f.Policy == nil:
		return f.Countermeasures.String()
	}
	return f.Policy.String() + "+" + f.Countermeasures.String()
}

// Config is cfg with the fix in it.
func (f Fix) Config(cfg Config) Config {
	if f.Policy != nil {
		cfg.Policy = f.Policy
	}
	cfg.Countermeasures = f.Countermeasures
	return cfg
}

// SmallestRepair is what closes every path of Linux 6.1 and costs no flush for each
// page. Who maps a page again while its old entry waits in the batch keeps the hash
// bits of the old PTE (set_pte_at in ptep_modify_prot_commit and in the walks of
// madvise): hash_page then updates that entry instead of making another. And the
// walks leave lazy MMU mode before they drop the PTE page lock to split a large
// folio: the pages of that come back from migration entries, which have no room
// for hash bits.
var SmallestRepair = Fix{Countermeasures: mm.Countermeasures{CarryHashBits: true, LeaveLazyBeforeUnlock: true}}

// Fixes lists a kernel as it is, then with each of the other policies, with every
// countermeasure by itself, and with the smallest repair.
func Fixes(k *mm.Kernel) []Fix {
	out := []Fix{{}}
	for _, p := range []batch.Policy{batch.AtFinish(), batch.BeforeUnlock(), batch.LazyMMU(), batch.Immediate()} {
		if p != k.Policy {
			out = append(out, Fix{Policy: p})
		}
	}
	for _, m := range mm.AllCountermeasures() {
		out = append(out, Fix{Countermeasures: m})
	}
	return append(out, SmallestRepair)
}
