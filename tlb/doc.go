// Package tlb is the software-loaded variant of the hashed page table: TLBs
// that the kernel fills by instructions, exact to the register, and what each
// of them does when two entries match one address. It also holds the two
// neighbours that package mm needs: Cache, the TLB that hardware fills from a
// hash table, and TSB, sparc64's table in memory.
//
// # Terminology
//
//   - Part: a processor, or what it has for an MMU. A Profile describes one.
//   - Family: parts that share registers and instructions: MIPS, UltraSPARC,
//     PowerPC 405, 44x, 47x, e500, 603.
//   - Entry, slot: one translation. Its number is its place in search order.
//   - Tag: what an entry compares: address bits above the page, and the context
//     unless the entry is global.
//   - Context: what tells address spaces apart: ASID or MemoryMapID (MIPS), PID
//     and TID (Book E), VSID (603), context (SPARC).
//   - Probe: the instruction that searches (tlbp, tlbsx).
//   - Refill: loading the entry that a miss asked for. Replacement, victim: the
//     entry that has to make room. Wired, locked, bolted, IPROT: an entry that
//     replacement or flushing spares.
//   - Multi-hit: two entries match one access. Duplicate: the second of them.
//   - Quirk: a departure of the emulator that the recordings come from (QEMU
//     7.2) from what the part's manual says. Table Quirks names them all.
//   - TSB, translation storage buffer: a direct-mapped table that sparc64's
//     miss handlers look into before they walk the page table.
//
// # Model
//
// Every family is a type with the registers and instructions of its parts:
// MIPSMMU, Sun4u, Sun4v, PPC4xxMMU, E500Core with its E500Threads, PPC603MMU.
// One matching engine (array.go) serves them all. In what two parts of a family
// differ is data: geometry, masks and multi-hit behaviour are fields of a
// Profile. Profiles lists the named ones; a copy with other numbers is another
// part. Translate is one access; it returns a value and leaves in the registers
// what the exception would.
//
// The handlers (handler_*.go) are how Linux fills, changes and flushes each TLB,
// written to be read: search or not, lock or not, write. Guards takes one
// precaution away at a time. Kernel puts the handlers of every family behind one
// interface; NewKernels makes the CPUs of a machine, and mm.NewSoftTLB runs all of
// package mm on them.
//
// # Two entries for one address
//
// A MultiHit says what a part does, separately at the write, at a probe and at
// an access; where the manual says "undefined" the field is a stand-in and
// Undefined is set. Reports tells of both entries on a write and on a search,
// whatever the part does.
//
//	part                      at the write     at a probe     at an access
//	R4000                     -                shutdown       shutdown until reset (Status.TS)
//	MIPS64 R1                 -                machine check  machine check
//	MIPS32 R2, MIPS64 R2      machine check    -              -
//	MIPS32 R5, R6, MIPS64 R6  machine check    machine check  -
//	UltraSPARC I, II          -                -              undefined until demapped: OR
//	sun4v                     demaps the old   -              cannot happen
//	405, 440, 476             -                undefined: OR  undefined: OR
//	e500v2                    -                undefined: OR  undefined, entries may be corrupted: OR
//	e500mc, e5500, e6500      -                machine check  machine check (MCSR)
//	603                       -                -              undefined unless the entries agree: miss
//
// A machine check on write prevents the write (MIPS32 4K manual). Release 1 of
// the MIPS architecture leaves it to the part where a multi-hit is noticed,
// Release 2 allows writes only, Release 3 and later writes and probes.
//
// # The founding question
//
// Can software-loaded TLBs end up with two entries for the same address, as the
// hash table did? Each sentence is a test.
//
//   - Filled as kernels fill them, no: a page is read, a store faults on the live
//     read-only entry, the page is replaced and removed, and at no time are there
//     two entries (TestMIPSHandlersMakeNoDuplicate, TestPPCHandlersMakeNoDuplicate,
//     TestSparcHandlersMakeNoDuplicate).
//   - No interleaving of two CPUs changes that: unmap_mapping_range against a
//     store, over the Linux page tables of package mm with its batched flush, is
//     proved on every part (mm/scenario: TestSoftRaces), though that flush comes
//     as late as the one that gave the hash table two entries.
//   - What saves them is that an entry is written only after a miss in the same
//     private structure, after a probe, or into the slot that the address
//     determines: without the probe a store on MIPS (TestMIPSWithoutProbe) and a
//     preload on e500 (TestPPCPreloadWithoutProbe) make the second entry, without
//     the demap of the old page a changed page does (TestPPCWithoutDemap,
//     TestSparcWithoutDemap).
//   - The consequence is the part's: a MIPS32 refuses the write and goes on
//     (TestMIPSWriteCheckPreventsTheWrite), an R4000 is dead until reset
//     (TestR4000ShutdownLastsUntilReset), an e500mc and its successors take a
//     machine check, and on a 440, an e500v2 or an UltraSPARC an address comes
//     out that belongs to neither page (TestPPCWithoutDemap, TestSparcWithoutDemap).
//     The search of all interleavings ends in these where a precaution is missing
//     (mm/scenario: TestSoftConsequences).
//   - Nearest to the hash table's race comes the e6500, two threads of which miss
//     and fill one TLB: it takes the lock and the search together to keep the
//     second entry out (TestE6500SharedTLB).
//   - Flushing needs a precaution of its own: MIPS entries emptied to one and the
//     same page are duplicates (TestMIPSWithoutUniqueEntryHi), and reset may leave
//     a TLB full of them, which the boot code must rewrite without tripping over
//     them (TestMIPSUniquifyAfterAnyReset).
//   - The 603 can hold two entries that agree and live with it (Test603WithoutWay).
//   - sparc64's TSB cannot hold two entries for an address, since the address
//     determines the slot (TestTSBAgainstModel); nor is it filled after a flush from
//     a page table entry read before, since that is read under the slot's lock
//     (TestTSBReadsUnderTheLock).
//   - It is not immune to the other half of the race: until the cross call is
//     delivered another CPU goes on using the old page (TestSparcStaleUntilCrossCall),
//     after it was freed if nobody waits for that (mm/scenario: TestSoftRaces).
//
// # Invariants
//
//   - T1: inserts happen on a miss in the same structure, after a probe, or into
//     a slot that the address determines. The handlers keep it with all Guards in
//     place; Cache and TSB keep it by themselves. A profile for which it can be
//     broken says what a multi-hit does.
//   - T2: a result does not depend on what is cached: micro-TLB, search hints and
//     the count of overlapping pairs change only the cost (TestMicroTLBOfMIPS and
//     its like for each family, TestArrayAgainstScan).
//   - T3: after a flush returns, no search finds what it removed.
//
// # Cost
//
// Translation, fill and flush allocate nothing. A hit is answered from a
// micro-TLB the second time, as long as no entry changes: that costs a few
// comparisons whatever the part; the used bits and the order of use that a part
// keeps come out the same. Otherwise a set is searched way by way; a wide
// set first through a hint, which is used only while no two entries overlap, so
// that a second match is never missed. Flushing everything, a context or a page
// costs what the live entries cost.
//
// # Concurrency and progress
//
// An MMU has one owner: none of its methods may run concurrently with another,
// except that TSB and Cache are shared and say so. Requests from other CPUs
// travel through Shootdown and are executed by the owner. TSB.Lookup never
// waits. TSB.Insert and Flush wait for the holder of the slot's lock bit, Cache
// for its mutex, both held for a few instructions; neither is lock-free.
//
// # Determinism and snapshots
//
// Random choices come from a seeded generator that is part of the state. Every
// MMU marshals to a versioned, sealed, big-endian snapshot that restores into
// an MMU of the same shape; a TSB marshals to its memory image.
//
// # Not modelled
//
// Caches and storage attributes beyond their bits; MIPS FTLBs, BAT and fixed
// mapping, guest translation, and hazards between CP0 writes and their effect;
// UltraSPARC III's set-associative TLBs and the instruction that an exception
// interrupts; parity errors; hardware tablewalk other than the e6500's.
package tlb
