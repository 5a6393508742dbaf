package mmu

import (
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// Fault is the interrupt that an access ends in.
type Fault uint8

// The interrupts of storage accesses (Power ISA Book III, Interrupts). The
// numbers are those of the recorded traces.
const (
	FaultNone      Fault = iota
	DataStorage          // DSI: Status is DSISR, DAR is set
	InstStorage          // ISI: Status goes into SRR1
	DataSegment          // DSEG: DAR is set
	InstSegment          // ISEG
	HypervisorData       // HDSI: Status is HDSISR, DAR is HDAR
	HypervisorInst       // HISI: Status goes into HSRR1
	MachineCheck         // Status is DSISR, or SRR1 bits for a fetch
	numFaults      = iota
)

var faultNames = [numFaults]string{"none", "DSI", "ISI", "DSEG", "ISEG", "HDSI", "HISI", "MCHECK"}

// String gives the short name: none, DSI, ISI, DSEG, ISEG, HDSI, HISI, MCHECK.
func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// Bits of Status: of DSISR and HDSISR, and, under the same values, of SRR1 and
// HSRR1 after a fetch (Power ISA Book III; Linux: DSISR_NOHPTE and its
// neighbours).
const (
	StatusNoPTE       = 0x40000000 // no entry translates the page
	StatusNoExec      = 0x10000000 // fetch from no-execute or guarded storage
	StatusProtection  = 0x08000000 // PP denies
	StatusStore       = 0x02000000 // data: the access was a store
	StatusKey         = 0x00200000 // AMR or IAMR denies
	StatusUnsupported = 0x00080000 // the partition is not one of hash translation
	StatusTable       = 0x00020000 // in the process table or the segment table
)

// Status of a machine check for several matching SLB entries (Linux:
// P7_DSISR_MC_SLB_MULTIHIT, P7_SRR1_MC_IFETCH_SLB_MULTIHIT; the same to POWER9).
const (
	StatusSLBMultihitData  = 0x00000080
	StatusSLBMultihitFetch = 0x000c0000
)

// Duplicate says whether more than one entry translates the page. The
// architecture leaves undefined which of them is used.
type Duplicate uint8

// The grades. Entries agree when they have the same real page, protection, key
// and storage attributes.
const (
	NoDuplicate Duplicate = iota
	Agreeing
	Conflicting
)

// String gives none, agreeing or conflicting.
func (d Duplicate) String() string {
	switch d {
	case NoDuplicate:
		return "none"
	case Agreeing:
		return "agreeing"
	case Conflicting:
		return "conflicting"
	}
	return fmt.Sprintf("Duplicate(%d)", uint8(d))
}

// NoSlot stands for no entry of the table.
const NoSlot = ^pte.Slot(0)

// Result is the answer to one access. With Fault FaultNone it is the
// translation; else it says what to raise, and RA, PageShift, Prot and WIMG are
// zero. Slot, Secondary, Dup and Other tell about a matching entry in both cases.
//
// A result may be cached for its page, context (fetch or data, MSR[PR], MSR[HV],
// translation on or off) and Prot until a [Flush] names it. Prot has Write only
// once C is set, so that the first store to a page comes here.
type Result struct {
	RA     pte.RA   // real address of the byte at EA
	DAR    pte.EA   // what DAR or HDAR gets; 0 for fetches
	Slot   pte.Slot // the entry that matched, NoSlot if none
	Other  pte.Slot // the other entry of a duplicate, NoSlot if none
	ASDR   uint64   // second doubleword of the segment's SLB entry; 0 if none
	Status uint32   // DSISR, HDSISR, or the bits for SRR1 or HSRR1

	PageShift pte.PageSize // actual page size; 4K in real mode
	Prot      pte.Access   // what may be cached
	WIMG      uint8        // W 8, I 4, M 2, G 1
	Key       uint8        // virtual page class key, 0 to 31
	Fault     Fault
	Dup       Duplicate
	Secondary bool // found in the secondary group
	SetR      bool // this access set R
	SetC      bool // this access set C
	Cached    bool // answered by the software TLB
}

// OK reports whether the access may proceed.
func (r *Result) OK() bool { return r.Fault == FaultNone }

// String gives the outcome in one line.
func (r Result) String() string {
	if r.Fault != FaultNone {
		return fmt.Sprintf("%v status %#x dar %v", r.Fault, r.Status, r.DAR)
	}
	return fmt.Sprintf("%v page %v %v wimg %#x", r.RA, r.PageShift, r.Prot, r.WIMG)
}
