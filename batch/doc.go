// Package batch is the per-CPU batch of invalidations between the Linux page
// tables and the translation hardware, and the policies that decide when it is
// flushed.
//
// # Terminology
//
//   - Entry: one hash table entry whose Linux PTE changed; it must go, and with
//     it what TLBs cached of it ([pte.Ref]).
//   - Lazy MMU mode: a section of page table updates, entered and left under the
//     PTE page lock (Linux: arch_enter_lazy_mmu_mode, arch_leave_lazy_mmu_mode).
//   - Space: the address space the entries belong to.
//   - Scope: whether the entries can be cached on other CPUs.
//   - Flush: handing all pending entries to the [Flusher].
//
// # Model
//
// A [Batch] belongs to one CPU (Linux: ppc64_tlb_batch). It holds at most
// [MaxEntries] entries, or fewer if its Config says so, of one address space, one
// pair of base and actual page size, and one segment size; an entry of another kind
// flushes what is there first, and one that fills the batch flushes it. Beyond that
// a [Policy] decides, and it sees events, not only sizes: what separates Linux
// 2.6.20, in which the hash table could get a second entry for a page, from later
// kernels is not how much was batched but when the flush ran relative to the PTE
// page lock.
//
//	policy        flushes                                  Linux
//	AtFinish      when the operation ends                  2.6.20
//	BeforeUnlock  before the PTE page lock is dropped      first fix proposed
//	LazyMMU       on leaving lazy mode; at once outside    since 2.6.22
//	Immediate     at every entry                           -
//	Capacity(n)   when n entries are pending               -
//
// AtFinish, BeforeUnlock and Capacity also flush where the kernel asks for it
// (flush_tlb_page and its kin), as 2.6.20 does. AtFinish and Capacity of more than 1
// are unsafe and kept for study. AnyOf combines policies.
//
// # Invariants
//
//   - B1: nothing is pending after Finish; nothing after leaving lazy mode under
//     LazyMMU; nothing when the PTE page lock drops under BeforeUnlock.
//   - B2: every added entry reaches the flusher exactly once.
//   - B3: scope never narrows: a flush is global if any entry in it was.
//
// # Concurrency
//
// A Batch has one owner and no lock. The flusher is called on the owner's
// goroutine and must not keep the slice it is given.
//
// # Not modelled
//
// Preemption: the owner says when a context switch happens, and keeps the [Task] of
// each task that does not run.
package batch
