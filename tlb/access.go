package tlb

// Access is what the processor wants to do at an address.
type Access uint8

const (
	Load Access = iota
	Store
	Fetch
)

var accessNames = [...]string{"load", "store", "fetch"}

func (a Access) String() string { return name(accessNames[:], int(a)) }

// Prot is the set of accesses an entry permits.
type Prot uint8

const (
	ProtRead  Prot = 1
	ProtWrite Prot = 2
	ProtExec  Prot = 4
)

// Allows reports whether p permits the access.
func (p Prot) Allows(a Access) bool {
	switch a {
	case Store:
		return p&ProtWrite != 0
	case Fetch:
		return p&ProtExec != 0
	}
	return p&ProtRead != 0
}

func (p Prot) String() string {
	s := []byte("---")
	for i, c := range []byte("rwx") {
		if p&(1<<i) != 0 {
			s[i] = c
		}
	}
	return string(s)
}

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

// Result is the outcome of one translation, returned by value.
type Result struct {
	PA    uint64 // physical (real) address; 0 on a fault
	Hit   Hit    // the entries that matched
	Shift uint8  // log2 of the page size in bytes; 0 if no entry was used
	Prot  Prot   // every access the entry permits, not only the one asked for
	Fault Fault
}

// OK reports whether the access was translated.
func (r Result) OK() bool { return r.Fault == NoFault }

// Hit says which entries matched an address. Entry numbers are indices into
// the TLB in its search order.
type Hit struct {
	N      int // entries that match; -1 if the TLB was not consulted
	First  int // the first of them in search order, -1 if none
	Second int // the next one, -1 if there is at most one
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
		h.First = i
	case 1:
		h.Second = i
	}
	h.N++
}

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "unknown"
	}
	return names[i]
}
