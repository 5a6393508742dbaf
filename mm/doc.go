// Package mm is the Linux memory management that must keep the translation
// hardware in step with the Linux page tables: page faults, zap, unmapping a
// file range, mprotect, copy on write, on simulated CPUs that really translate.
//
// # Terminology
//
//   - Linux PTE: an entry of the Linux page table, a tree per address space. It
//     says in HASHPTE whether a hash table entry may exist, and in which slot.
//   - BUSY: the bit that locks one Linux PTE; hash_page takes nothing else.
//   - PTL, PTE page lock: guards the entries of one page of the page table.
//   - VMA: a part of an address space that is mapped in one way.
//   - Mapping: a file, its page cache, and the reverse map of the VMAs that map it.
//   - Hash fault: hardware has no translation or one that denies the access;
//     hash_page may repair that from the Linux PTE alone. If not: page fault.
//   - Zap: to take pages away and leave the VMA.
//   - Orphan: a hash table entry whose Linux PTE was cleared; only the batch
//     knows of it, until the flush.
//   - Stamp: the contents of a page, one number in place of its bytes.
//
// # Model
//
// A [Machine] has CPUs, frames, a hash table and a [Kernel] profile. Whatever
// runs on a CPU is a method of [CPU]. An access goes the way of hardware: the
// CPU's TLB, the walk of the hash table, then the low-level handler (hash_page),
// then the page fault handler, and again from the start.
//
//	EA ─ TLB ─ hash table ─ hash_page ─ page fault
//	      │        │            │           │
//	      hit      hit, R C     Linux PTE   VMA, page cache
//
// One page through its life, in an address space with a shared file mapping:
//
//	                         Linux PTE              hash table   TLB
//	mapped                   none                   -            -
//	load: page fault         present, clean         -            -
//	  preload                present, HASHPTE 3     slot 3, RO   -
//	  load again             present, HASHPTE 3     slot 3, RO   RO
//	store: hash fault        dirty, HASHPTE 3       slot 3, RW   -   (updatepp, tlbie)
//	zap: PTE cleared         none                   slot 3, RW   RW  orphan, in the batch
//	     flushed             none                   -            -
//	     pages freed
//
// The founding bug is a flush that comes too late. Once the PTL is dropped
// another CPU can fault, find no PTE and enter the page anew while the orphan is
// live: two entries, one address. It needs an access that the orphan denies, a
// store to a page that was read-only or clean.
//
// # Large pages
//
// Linux2620With64K and Linux61With64K have base pages of 64K. A PTE then has a second
// half, with the slots: hash_page stores it before the PTE without BUSY, a flush
// reads it after the PTE. Where a page cannot be entered whole, because its pieces of
// 4K are restricted one by one ([CPU.SubpageProt]) or its storage is cache-inhibited
// (VMA.NoCache), its slice of the address space is demoted: hashed by 4K from then
// on, with up to sixteen entries a page (COMBO). A CPU has the page size of a segment
// in its SLB and learns of a demotion at its next hash fault there.
//
// With Config.HugeFrames there are pages of 16M: hugetlb files ([Machine.NewHugeMapping])
// in every kernel, and in Linux61With64K transparent huge pages (VMA.Transparent),
// entered piece by piece as they are used, with a slot array in place of the second
// half. Fork and mremap split them first, where Linux can move or share some whole.
// Config.HugePieces cuts a huge page down for explorers.
//
// # Software-loaded TLBs
//
// [NewSoftTLB] makes processors of any part of package tlb, which have no hash
// table: the kernel's handlers fill a TLB from the Linux page table. All above
// them is the same, with Backend.Granted for the page that a fault lets permit
// more. A handler runs with interrupts off; a flush is an interrupt to the other
// processors and waits until they take it, but for sparc64's cross calls before
// Linux 3.9. A page is one of the part's base pages; addresses end at 2 GiB.
//
// # Lock order
//
//	mmap_sem                   lock of an address space
//		i_mmap_lock            lock of a Mapping; UnmapMappingRange enters here,
//		                       without mmap_sem: the door of the founding bug
//			anon_vma lock      of the private pages of an address space and its forks
//			PTL                PTE page lock
//				core lock      of the threads that share a software-loaded TLB
//				BUSY           bit of one Linux PTE, one at a time
//					batch      owned by the CPU
//						table  lock-free or striped, calls nobody
//						hw     of one CPU at a time, for its TLB
//
// A CPU that takes one of the first five out of order panics, always, as does one that
// changes a PTE without its PTL. Two locks of one rank are held by fork, the parent's
// and those of a child that nobody knows yet, and by mremap, under mmap_sem.
//
// What else is guarded, the page cache, the swap device, frames, the use of a
// software-loaded TLB, is so by a mutex that no step waits under: page cache and
// swap device before frames, hw before a TLB. The lock of a page is tried, never
// waited for, whatever is held.
//
// # Memory order
//
// All shared words are sync/atomic variables or guarded by a lock. Two orders
// carry the proof of a flush: entries leave the hash table before TLBs are
// flushed, and a CPU joins the users of an address space before its first walk
// there, so a flusher that has removed the entries sees every CPU that could
// have used them.
//
// # Invariants
//
//   - M1: a present Linux PTE that is not BUSY, lacks HASHPTE and whose page is in
//     no pending batch has no valid hash table entry.
//   - M2: a frame is released only after every flush of it.
//   - M3: after ZapPageRange returns no CPU reads the old page, unless another CPU is
//     zapping the same transparent huge page (see the path thp-zap-twice).
//   - M4: no dirty bit is lost.
//   - M5: a cancelled range operation is a prefix.
//   - M6: the lock order is kept.
//
// [Machine.Check] verifies them at rest.
//
// # Which paths, and the smallest repair
//
// Three things make a second entry: a PTE is present without HASHPTE, an older
// entry of its page is still valid and known to a batch only, and a CPU has taken
// a hash fault there. hash_page takes no lock but BUSY. So a path that leaves the
// PTE none is safe if it flushes before it drops the PTL, which a page fault needs:
// lazy MMU mode sees to that since 2.6.22. A path that maps the page again before
// the flush is not. examples/paths decides each path and names its function.
//
// Open in Linux 6.1, because set_pte_at drops the hash bits of what waits in the
// batch:
//
//	mprotect                ptep_modify_prot_commit, from change_pte_range
//	MADV_FREE               madvise_free_pte_range
//	MADV_COLD, MADV_PAGEOUT madvise_cold_or_pageout_pte_range
//	migrate_vma             migrate_vma_collect_pmd, when a page cannot be taken
//
// An access that the older entry denies is the easy way to the fault, but any fault
// will do that was taken for want of an entry. Of two loads of a page whose entry
// was cast out, one has faulted and the other enters the page; mprotect lowers its
// rights; the first enters it again. An mprotect that only takes rights away is
// open too.
//
// The walks of madvise also drop the PTL in lazy MMU mode, to split a large folio.
// What waits then outlives its page: M2 and M3 fail. Two entries name two frames; a
// load after MADV_DONTNEED finds the old contents; a store goes to a frame that has
// been freed, whosever that is by then.
//
// The smallest repair keeps, wherever such a PTE is mapped again, HASHPTE and the
// slot of the old one ([Countermeasures].CarryHashBits). hash_page then updates the
// older entry, and who zaps the page meanwhile queues it himself. After the flush
// the slot is a stale hint, as after an eviction. And it ends lazy MMU mode where
// madvise drops the PTL (LeaveLazyBeforeUnlock), which Linux has another reason to
// do, as splitting sleeps and preemption is off: the pages of the folio itself are
// cleared and come back from migration entries, with no room for hash bits. The two
// close all of these paths and open none: proved by both algorithms for 3 CPUs with
// an operation each on a page, and for 2 CPUs with 2 to 4 operations on 3 pages
// where a folio is split. The price is one update that misses for each page used
// again, a hypercall where the table is a hypervisor's, and a flush for each folio
// that is split.
//
// One change closes them all too, FlushAtCommit: smaller as code, but a flush for
// every page where there was one for 192. InsertUnique and RefuseQueued leave the
// old contents in reach.
//
// One path goes wrong apart from the batch, subpage_prot of kernels with 64K base
// pages: a hash fault that has read the page size of a slice before it was demoted
// enters the page as a whole behind the flush.
//
// What the repair of 2007 costs in other places: zapping 512 pages that lie
// together takes 4 flushes before and after, zapping 64 pages that have a PTE page
// each takes 64 instead of one. go run ./examples/paths -fixes counts the rest.
//
// # Linux names
//
//	hash_page, __hash_page_*       Backend.Miss        hpte_need_flush   Backend.Changed
//	hash_preload                   Backend.Preload     flush_hash_range  Backend.Flush
//	do_page_fault                  CPU.Fault           tlb_finish_mmu    batch.Batch.Finish
//	zap_page_range                 CPU.ZapPageRange    munmap            CPU.Unmap
//	unmap_mapping_range            CPU.UnmapMappingRange
//	mprotect                       CPU.Protect         mmap              CPU.Map
//	struct mm_struct               AddressSpace        struct vm_area_struct  VMA
//	struct address_space           Mapping             struct mmu_gather      gather
//	try_to_unmap                   CPU.TryToUnmap      page_mkclean      CPU.PageMkclean
//	page_referenced                CPU.PageReferenced  shrink_page_list  CPU.Reclaim, CPU.SwapOut
//	migrate_pages                  CPU.Migrate         migrate_vma_*     CPU.MigrateVMA
//	invalidate_inode_pages2_range  CPU.Invalidate      MADV_REMOVE       CPU.MadviseRemove
//	vmalloc                        CPU.Vmalloc         vfree             CPU.Vfree
//	split_huge_page                CPU.SplitHugePage   khugepaged        CPU.CollapseHugePage
//	subpage_prot                   CPU.SubpageProt     real_pte_t        pte.RealPTE
//	dup_mmap, copy_page_range      CPU.Fork            exit_mmap         CPU.Exit
//	move_vma, move_page_tables     CPU.Remap           change_prot_numa  CPU.HintNUMA
//	madvise_free_pte_range         CPU.MadviseFree     clear_refs of 1   CPU.ClearYoung
//	madvise_cold_or_pageout_pte_range                  clear_refs of 4   CPU.ClearSoftDirty
//	                               CPU.MadviseCold, CPU.MadvisePageout
//
// What a kernel does not have yet ends in [ErrUnsupported]; see [Feature].
//
// # Progress
//
// Accesses and range operations wait for locks and busy PTEs as the kernel's do.
// A CPU that stands still keeps others waiting only while it holds a lock or BUSY,
// moves a page that they need, or has interrupts off: in a refill handler, or in
// hash_page where a huge page could be. With RefuseQueued or InsertUnique it does so
// too while an older entry of their page is in its batch.
//
// # Not modelled
//
// Page table pages are not freed before their address space is, and a place where
// hugetlb pages were mapped serves nothing else; pages are reclaimed and moved on
// demand, by no policy; a fault waits neither for the lock of a page nor for the
// invalidate_lock of a file, so more interleavings are possible than in Linux 6.1;
// a range operation does not yield its lock under contention; memory is one number a
// page; the frames of a large folio need not lie together; every page is on a far
// NUMA node; instruction cache coherence; the SLB but for its page size, since a
// VSID is computed and never stale; PTEs of one 4K page in a kernel with 64K base
// pages (H_PAGE_4K_PFN); huge pages of 16G.
package mm
