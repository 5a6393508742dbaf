package tlb

import "github.com/hashmmu/ppc64/pte"

// Access is what the processor wants to do at an address, one of Load, Store
// and Fetch; as Result.Prot, the set of accesses an entry permits.
type Access = pte.Access

const (
	Load  = pte.Read
	Store = pte.Write
	Fetch = pte.Exec
)

// Fault says why a translation failed. The exact registers that the exception
// loads are read from the CPU that took it.
type Fault uint8

const (
	NoFault      Fault = iota
	TLBMiss            // no entry matches: refill, ITLB/DTLB miss, fast MMU miss
	EntryInvalid       // MIPS: an entry matches, but its half has V=0
	Modified           // MIPS: store to a half with D=0
	ReadInhibit        // MIPS: load from a half with RI=1
	ExecInhibit        // MIPS: fetch from a half with XI=1
	AddressError       // MIPS: segment not allowed in this mode; SPARC: address in the hole
	Protection         // PowerPC DSI or ISI, SPARC protection: a permission is missing
	AccessFault        // SPARC: privilege, side effect or no-fault-only page
	MachineCheck       // several entries match, on a part that detects it
	Shutdown           // the TLB has shut itself down and answers nothing
)

var faultNames = [...]string{"none", "miss", "invalid", "modified", "read-inhibit", "exec-inhibit",
	"address-error", "protection", "access-fault", "machine-check", "shutdown"}

func (f Fault) String() string { return name(faultNames[:], int(f)) }

// Result is the outcome of one translation, returned by value. It is small and
// has few fields a level, so that compilers keep it in registers.
type Result struct {
	PA  uint64 // physical (real) address; 0 on a fault
	Hit Hit    // the entries that matched
	Answer
}

// Answer is what the entry that was used says of the access.
type Answer struct {
	Shift uint8  // log2 of the page size in bytes; 0 if no entry was used
	Prot  Access // every access the entry permits, not only the one asked for
	Fault Fault
}

// OK reports whether the access was translated.
func (r Result) OK() bool { return r.Fault == NoFault }

func translated(pa uint64, h Hit, shift uint8, prot Access) Result {
	return Result{pa, h, Answer{shift, prot, NoFault}}
}

// untranslated is an access that does not reach the TLB.
func untranslated(pa uint64) Result { return translated(pa, unmapped, 0, Load|Store|Fetch) }

func failed(h Hit, f Fault) Result { return Result{Hit: h, Answer: Answer{Fault: f}} }

// Hit says which entries matched an address. Entry numbers are indices into
// the TLB in its search order.
type Hit struct {
	N      int32 // entries that match; -1 if the TLB was not consulted
	First  int32 // the first of them in search order, -1 if none
	Second int32 // the next one, -1 if there is at most one
}

// noHit is the answer of a search that found nothing, unmapped that of an
// access that does not reach the TLB.
var (
	noHit    = Hit{N: 0, First: -1, Second: -1}
	unmapped = Hit{N: -1, First: -1, Second: -1}
)

// add counts a match at entry i; entries are added in search order.
func (h *Hit) add(i int) {
	switch h.N {
	case 0:
		h.First = int32(i)
	case 1:
		h.Second = int32(i)
	}
	h.N++
}

func name(names []string, i int) string {
	if i >= len(names) {
		return "unknown"
	}
	return names[i]
}
