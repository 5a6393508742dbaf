package mm

import (
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// Backend is translation hardware together with the low-level kernel code that
// feeds it: the hash table with hash_page, or a software-loaded TLB with its
// refill handler. Everything above, page faults and the operations that change
// page tables, is common.
//
// All methods run on the goroutine of the CPU they are given.
type Backend interface {
	// Walk looks the page up for the CPU, behind its TLB if it has one there. A
	// translation that permits the access counts as used for it (R, C). The CPU calls
	// it with its hardware held, so it must not stop, wait or touch the TLB of a CPU.
	Walk(c *CPU, k pte.Key, a pte.Access) (Translation, Outcome)
	// Touches appends what Walk uses for such an access, for an explorer.
	Touches(c *CPU, k pte.Key, a pte.Access, buf []Touch) []Touch
	// Miss handles an access that hardware could not do, from the Linux page
	// tables alone. handled is false when that is not enough: a page fault. An
	// error ends the access.
	Miss(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access, o Outcome) (handled bool, err error)
	// Granted is called after a page fault has let a present PTE permit more; the
	// PTE page lock is held (ptep_set_access_flags).
	Granted(c *CPU, as *AddressSpace, ea pte.EA)
	// Preload enters the translation of a PTE that a page fault has just set; the
	// PTE page lock is held (update_mmu_cache).
	Preload(c *CPU, as *AddressSpace, ea pte.EA, a pte.Access)
	// Changed is called after a present PTE was cleared or restricted, with its
	// old value; the PTE page lock is held (hpte_need_flush).
	Changed(c *CPU, as *AddressSpace, ea pte.EA, old pte.LinuxPTE)
	// Flush removes translations from behind the TLBs; the CPU then removes them
	// from the TLBs themselves.
	Flush(c *CPU, as *AddressSpace, refs []pte.Ref)
	// Locations lists where translations of the page are kept, for an explorer:
	// everything behind the TLBs that Walk and Flush look at. The first tells how
	// many there are.
	Locations(k pte.Key) []Location
	// Valid returns how many translations of the page an access could meet at
	// once, and whether they disagree. Two or more are a duplicate.
	Valid(k pte.Key) (n int, conflict bool)
	// Check compares the translations of a page with its PTE, in a machine at rest.
	Check(as *AddressSpace, ea pte.EA, p pte.LinuxPTE) error
	// Save notes the translations of some pages, at rest, and returns what brings
	// them back, whatever CPUs were doing.
	Save(pages []pte.Key) (restore func())
}

// Translation is what hardware found for a page.
type Translation struct {
	RA   pte.RA       // of the page
	Size pte.PageSize // actual page size
	Prot pte.Access   // what it permits
	// Unchanged: C is not set yet, so a store must come back to the table first.
	Unchanged bool
}

// Outcome is how a hardware access ended.
type Outcome uint8

// The outcomes.
const (
	Hit    Outcome = iota
	Miss           // no translation (DSISR: no HPTE)
	Denied         // a translation that does not permit the access (DSISR: protection)
)

func (o Outcome) String() string {
	if o > Denied {
		return fmt.Sprintf("Outcome(%d)", uint8(o))
	}
	return [...]string{"hit", "miss", "denied"}[o]
}
