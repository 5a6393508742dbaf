package tlb

import "strings"

// Policy is what a part does when two of its entries match one access.
type Policy uint8

const (
	// FirstMatch lets the search order decide. As the policy of a write it
	// lets the second entry in.
	FirstMatch Policy = iota
	// OrBits drives both entries onto the same wires: address and protection
	// are the OR of all matching entries, as a CAM without priority logic does.
	OrBits
	// Miss answers as if nothing had matched.
	Miss
	// CheckMachine raises a machine check. A write is prevented from completing.
	CheckMachine
	// ShutDown switches the TLB off until reset: nothing matches any
	// more, writes have no effect.
	ShutDown
	// Displace, as the policy of a write, invalidates the entries that the new
	// one overlaps: R10000, and sun4v's automatic demap.
	Displace
)

var policyNames = [...]string{"first-match", "or-bits", "miss", "machine-check", "shutdown", "displace"}

func (p Policy) String() string { return name(policyNames[:], int(p)) }

// MultiHit is a part's behaviour on overlapping entries, at the three places
// where it can notice them. Where the manual leaves the outcome undefined the
// field holds a stand-in that the user may replace; Undefined says so.
type MultiHit struct {
	Lookup Policy // at an access
	Probe  Policy // at a search instruction (tlbp, tlbsx)
	Write  Policy // at the write that makes the second entry
	// Undefined: the manual promises nothing and the policies are stand-ins.
	Undefined bool
}

// String says where the part does something about two entries, and what.
func (m MultiHit) String() string {
	var parts []string
	for _, at := range []struct {
		when   string
		policy Policy
	}{{"write", m.Write}, {"probe", m.Probe}, {"access", m.Lookup}} {
		if at.policy != FirstMatch {
			parts = append(parts, at.when+": "+at.policy.String())
		}
	}
	text := strings.Join(parts, ", ")
	switch {
	case text == "":
		return FirstMatch.String()
	case m.Undefined:
		return "undefined; " + text
	}
	return text
}

// policySet is a set of policies.
type policySet uint8

func policies(list ...Policy) (s policySet) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

// checkMultiHit refuses policies that the part's family does not know.
func (p *Profile) checkMultiHit(lookup, probe, write policySet) error {
	for _, x := range []struct {
		field  string
		policy Policy
		known  policySet
	}{
		{"MultiHit.Lookup", p.MultiHit.Lookup, lookup},
		{"MultiHit.Probe", p.MultiHit.Probe, probe},
		{"MultiHit.Write", p.MultiHit.Write, write},
	} {
		if x.known>>x.policy&1 == 0 {
			return p.bad(x.field, x.policy, "not a behaviour of "+p.Family.String())
		}
	}
	return nil
}

// When is the moment at which two matching entries were noticed.
type When uint8

const (
	OnWrite When = iota
	OnLookup
	OnProbe
)

var whenNames = [...]string{"write", "lookup", "probe"}

func (w When) String() string { return name(whenNames[:], int(w)) }

// Report names two entries that match one access. On a write, Second is the
// entry being written and First the one that was there.
type Report struct {
	When          When
	First, Second int
	Addr          uint64 // the address looked up, or the page written
}

// Reports receives multi-hit reports, whatever the part itself does about the
// condition. Each is independent of the other; nil is off. The functions run
// on the goroutine that owns the TLB and must not call back into it.
type Reports struct {
	OnWrite  func(Report)
	OnLookup func(Report) // accesses and probes
}

func (r *Reports) lookup(when When, h Hit, addr uint64) {
	if h.N > 1 && r.OnLookup != nil {
		r.OnLookup(Report{When: when, First: int(h.First), Second: int(h.Second), Addr: addr})
	}
}

func (r *Reports) write(old, written int, addr uint64) {
	if old >= 0 && r.OnWrite != nil {
		r.OnWrite(Report{When: OnWrite, First: old, Second: written, Addr: addr})
	}
}
