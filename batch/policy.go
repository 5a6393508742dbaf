package batch

import (
	"fmt"
	"strconv"
	"strings"
)

// Reason is why a batch was flushed, or the event at which a policy is asked.
type Reason uint8

// The events at which a policy is asked come first, then what flushes whatever
// the policy.
const (
	_            Reason = iota
	OnAdd               // an entry was added
	OnLeaveLazy         // lazy MMU mode is left, PTE page lock held
	OnUnlock            // the PTE page lock is about to be dropped
	OnRangeFlush        // flush_tlb_page, flush_tlb_range or flush_tlb_mm

	OnFinish       // the operation ends
	OnCommit       // a page whose entry is pending is about to be mapped again
	OnSwitch       // context switch
	OnFull         // Config.Capacity pending
	OnOtherSpace   // an entry of another address space came
	OnOtherSize    // an entry of another page size came
	OnOtherSegment // an entry of another segment size came
	reasons
)

var reasonNames = [reasons]string{"none", "added", "leave-lazy", "before-unlock", "range-flush",
	"finish", "commit", "switch", "full", "other-space", "other-size", "other-segment"}

func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Stats counts what a batch did.
type Stats struct {
	Added   uint64          // entries added
	Flushed uint64          // entries flushed; Added - Flushed are pending
	Flushes [reasons]uint64 // flushes by Reason
}

// Events is the number of flushes for any reason.
func (s Stats) Events() uint64 {
	var n uint64
	for _, f := range s.Flushes {
		n += f
	}
	return n
}

// State is what a policy knows of the batch.
type State struct {
	Pending int  // entries waiting, at least 1
	Lazy    bool // lazy MMU mode is active
}

// Policy decides at an event whether the batch is flushed there. It is asked
// only when something is pending. A policy has no state of its own, so one
// value serves all CPUs.
type Policy interface {
	Flush(ev Reason, s State) bool
	String() string
}

// PolicyFunc makes a policy of a name and a function.
func PolicyFunc(name string, flush func(ev Reason, s State) bool) Policy {
	return &policy{name, flush}
}

type policy struct {
	name  string
	flush func(ev Reason, s State) bool
}

func (p *policy) Flush(ev Reason, s State) bool { return p.flush(ev, s) }
func (p *policy) String() string                { return p.name }

var (
	atFinish = PolicyFunc("at-finish", func(ev Reason, s State) bool {
		return ev == OnRangeFlush
	})
	beforeUnlock = PolicyFunc("before-unlock", func(ev Reason, s State) bool {
		return ev == OnRangeFlush || ev == OnUnlock
	})
	lazyMMU = PolicyFunc("lazy-mmu", func(ev Reason, s State) bool {
		return ev == OnLeaveLazy || ev == OnAdd && !s.Lazy
	})
	immediate = PolicyFunc("immediate", func(ev Reason, s State) bool { return ev == OnAdd })
)

// AtFinish waits for the end of the operation, as Linux 2.6.20 did. Unsafe: an
// entry outlives the PTE page lock.
func AtFinish() Policy { return atFinish }

// BeforeUnlock flushes before the PTE page lock is dropped.
func BeforeUnlock() Policy { return beforeUnlock }

// LazyMMU batches inside lazy MMU mode, flushes on leaving it and at once
// outside, as Linux has done since 2.6.22 (commit a741e679). A request to flush
// a range does nothing.
func LazyMMU() Policy { return lazyMMU }

// Immediate flushes every entry at once.
func Immediate() Policy { return immediate }

// Capacity flushes when n entries are pending and otherwise waits for the end
// of the operation. Unsafe unless n is 1.
func Capacity(n int) Policy {
	return PolicyFunc(fmt.Sprintf("capacity-%d", n), func(ev Reason, s State) bool {
		return ev == OnRangeFlush || ev == OnAdd && s.Pending >= n
	})
}

// AnyOf flushes when one of the policies does. Its name joins theirs with "+".
func AnyOf(ps ...Policy) Policy {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.String()
	}
	return PolicyFunc(strings.Join(names, "+"), func(ev Reason, s State) bool {
		for _, p := range ps {
			if p.Flush(ev, s) {
				return true
			}
		}
		return false
	})
}

// PolicyNames lists the forms that ParsePolicy reads.
func PolicyNames() []string {
	return []string{"at-finish", "before-unlock", "lazy-mmu", "immediate", "capacity-N"}
}

// ParsePolicy returns the policy with the given name; names joined with "+"
// give AnyOf.
func ParsePolicy(name string) (Policy, error) {
	if first, rest, ok := strings.Cut(name, "+"); ok {
		p, err := ParsePolicy(first)
		if err != nil {
			return nil, err
		}
		q, err := ParsePolicy(rest)
		if err != nil {
			return nil, err
		}
		return AnyOf(p, q), nil
	}
	for _, p := range []Policy{atFinish, beforeUnlock, lazyMMU, immediate} {
		if p.String() == name {
			return p, nil
		}
	}
	if digits, ok := strings.CutPrefix(name, "capacity-"); ok {
		n, err := strconv.Atoi(digits)
		if err == nil && n >= 1 && n <= MaxEntries && strconv.Itoa(n) == digits {
			return Capacity(n), nil
		}
	}
	return nil, fmt.Errorf("batch: unknown policy %q; one of %s with N from 1 to %d",
		name, strings.Join(PolicyNames(), ", "), MaxEntries)
}
