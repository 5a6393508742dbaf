package batch

import "github.com/hashmmu/ppc64/pte"

// MaxEntries is the capacity of a batch (Linux: PPC64_TLB_BATCH_NR).
const MaxEntries = 192

// Scope says where copies of the entries' translations may be. Scopes join:
// the wider one wins (B3).
type Scope uint8

const (
	Local  Scope = iota // only the CPU that owns the batch used the space (tlbiel)
	Global              // any CPU may have (tlbie)
)

// Flusher removes entries from the hash table and their translations from the
// TLBs of the scope. When it returns they are gone. It must not keep refs.
type Flusher interface {
	Flush(space uint64, refs []pte.Ref, s Scope)
}

// FlusherFunc is a function as a Flusher.
type FlusherFunc func(space uint64, refs []pte.Ref, s Scope)

// Flush calls f.
func (f FlusherFunc) Flush(space uint64, refs []pte.Ref, s Scope) { f(space, refs, s) }

// Fanout returns a Flusher that calls each in order: the hash table first,
// then the TLBs, so that no TLB can be refilled from an entry that goes.
func Fanout(fs ...Flusher) Flusher {
	return FlusherFunc(func(space uint64, refs []pte.Ref, s Scope) {
		for _, f := range fs {
			f.Flush(space, refs, s)
		}
	})
}

// Nesting says what leaving an inner lazy section does.
type Nesting uint8

const (
	// Flat is Linux up to 2025: an inner leave ends lazy mode, so the outer
	// section goes on unbatched.
	Flat Nesting = iota
	// Counted is Linux since December 2025: an inner leave flushes, the outer
	// section stays lazy.
	Counted
)

// Config configures a Batch.
type Config struct {
	Policy  Policy // nil means LazyMMU
	Nesting Nesting
	// Capacity is how many entries the batch holds. Out of 1..MaxEntries it means
	// MaxEntries.
	Capacity int
	Trace    *Trace // nil: none

	_ struct{}
}

// Trace holds functions called on events; nil ones are not called.
type Trace struct {
	// Flushed is called after n entries of a space were flushed.
	Flushed func(why Reason, space uint64, n int)
}

// Batch collects invalidations of one CPU. It is not safe for concurrent use.
type Batch struct {
	flusher Flusher
	policy  Policy
	nesting Nesting
	trace   *Trace

	refs  []pte.Ref
	space uint64
	scope Scope
	task  Task // of the task that runs
	stats Stats
}

// Task is the lazy MMU mode of one task, which it keeps while it does not run
// (Linux: TLF_LAZY_MMU). The zero value is outside of every lazy section.
type Task struct {
	depth int  // lazy sections entered and not left
	lazy  bool // lazy mode is active
}

// New returns an empty batch that flushes to f.
func New(f Flusher, c Config) *Batch {
	if c.Policy == nil {
		c.Policy = LazyMMU()
	}
	if c.Capacity < 1 || c.Capacity > MaxEntries {
		c.Capacity = MaxEntries
	}
	return &Batch{flusher: f, policy: c.Policy, nesting: c.Nesting, trace: c.Trace,
		refs: make([]pte.Ref, 0, c.Capacity)}
}

// Add queues the entry r of a space, whose Linux PTE has just changed (Linux:
// hpte_need_flush). It flushes before, when r does not go with what is pending,
// and after, when the batch is full or the policy says so.
func (b *Batch) Add(space uint64, r pte.Ref, s Scope) {
	if len(b.refs) > 0 {
		if why := b.mismatch(space, r); why != 0 {
			b.flush(why)
		}
	}
	b.space = space
	b.scope = max(b.scope, s)
	b.refs = append(b.refs, r)
	b.stats.Added++
	if len(b.refs) == cap(b.refs) {
		b.flush(OnFull)
		return
	}
	b.event(OnAdd)
}

// mismatch tells why r cannot join the pending entries, or 0.
func (b *Batch) mismatch(space uint64, r pte.Ref) Reason {
	switch first := &b.refs[0]; {
	case b.space != space:
		return OnOtherSpace
	case first.Actual != r.Actual || first.Key.Base != r.Key.Base:
		return OnOtherSize
	case first.Key.Seg != r.Key.Seg:
		return OnOtherSegment
	}
	return 0
}

// EnterLazy begins a lazy section (arch_enter_lazy_mmu_mode). The PTE page lock
// is held.
func (b *Batch) EnterLazy() {
	b.task.depth++
	b.task.lazy = true
}

// LeaveLazy ends a lazy section (arch_leave_lazy_mmu_mode), before the PTE page
// lock is dropped. Without a section to end it does nothing.
func (b *Batch) LeaveLazy() {
	if b.task.depth == 0 {
		return
	}
	b.task.depth--
	b.event(OnLeaveLazy)
	b.task.lazy = b.nesting == Counted && b.task.depth > 0
}

// BeforeUnlock says that a PTE page lock is about to be dropped.
func (b *Batch) BeforeUnlock() { b.event(OnUnlock) }

// RangeFlush says that the kernel asks for translations of a page or range to
// be gone (flush_tlb_page, flush_tlb_range, flush_tlb_mm).
func (b *Batch) RangeFlush() { b.event(OnRangeFlush) }

// SwitchOut says that the CPU switches away from a task: the batch is flushed whatever
// the policy. What it returns is for SwitchIn. Until then the CPU is in no lazy
// section.
func (b *Batch) SwitchOut() Task {
	b.flush(OnSwitch)
	t := b.task
	b.task = Task{}
	return t
}

// SwitchIn says that the CPU goes on with a task after SwitchOut of another, or begins
// with one, for which t is zero. The lazy section that it was in is active again.
func (b *Batch) SwitchIn(t Task) { b.task = t }

// Finish ends an operation (tlb_finish_mmu): whatever is pending is flushed,
// under every policy (B1).
func (b *Batch) Finish() { b.flush(OnFinish) }

// Commit says that a page whose entry is pending is about to be mapped again: the
// batch is flushed whatever the policy. No Linux since 2.6.22 does that.
func (b *Batch) Commit() { b.flush(OnCommit) }

// Reset forgets what is pending and every lazy section, without a flush: for a
// simulation that starts over. The counters stay.
func (b *Batch) Reset() {
	b.refs, b.scope, b.task = b.refs[:0], Local, Task{}
}

// Lazy reports whether lazy MMU mode is active.
func (b *Batch) Lazy() bool { return b.task.lazy }

// Len is the number of pending entries.
func (b *Batch) Len() int { return len(b.refs) }

// Pending returns the pending entries and their space. The slice is lent until
// the next call on the batch.
func (b *Batch) Pending() (space uint64, refs []pte.Ref) { return b.space, b.refs }

// Stats returns the counters.
func (b *Batch) Stats() Stats { return b.stats }

func (b *Batch) event(why Reason) {
	if len(b.refs) > 0 && b.policy.Flush(why, State{Pending: len(b.refs), Lazy: b.task.lazy}) {
		b.flush(why)
	}
}

func (b *Batch) flush(why Reason) {
	n := len(b.refs)
	if n == 0 {
		return
	}
	b.flusher.Flush(b.space, b.refs, b.scope)
	b.refs = b.refs[:0]
	b.scope = Local
	b.stats.Flushes[why]++
	b.stats.Flushed += uint64(n)
	if b.trace != nil && b.trace.Flushed != nil {
		b.trace.Flushed(why, b.space, n)
	}
}
