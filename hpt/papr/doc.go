// Package papr answers the hypercalls by which a guest of a PAPR hypervisor works
// on its hashed page table: what the pseries machine of an emulator needs.
//
// # Terminology
//
//   - Partition: a guest with its table, its memory and its vCPUs.
//   - PTEX: the number of a slot, pte.Slot here.
//   - Hypercall: an operation with a number in R3, arguments in R4 to R12, a
//     return code in R3 and results from R4 on.
//   - Bolted: the software bit 0x10 of V. A guest's entries that must never go.
//   - Pending table: the one that a resize has prepared and not put in force.
//
// # Model
//
// An [HPT] holds the table in force and answers hypercalls, one method each;
// [HPT.Call] takes a number and registers instead. Semantics, order of checks and
// return codes are those of the Linux on Power Architecture Reference (LoPAR),
// chapter Logical Partitioning Option, Page Frame Table Access and Hash Page
// Table Resize Option. Where it is silent, KVM and QEMU agree and are followed:
// H_REMOVE of an empty slot answers H_NOT_FOUND, and H_ENTER makes an entry valid
// whatever its V says.
//
// The table is any [hpt.Table]; entries pass in the format 2 view, so a table in
// format 3 serves as well. Real addresses in entries are the guest's own: nothing
// is translated on the way in or out, and RXlate changes nothing.
//
// A hypercall that takes an entry away or changes one owes its CPUs a tlbie. It is
// told to the [Sink] of the Config: one event for each entry, which names the page
// exactly, and none when nothing changed.
//
// # Invariants
//
//  1. Every change of an entry is one compare-and-swap of both doublewords, so R
//     and C that a walk sets before an entry goes are returned by its removal, and
//     none are set after it (H7 of package hpt).
//  2. H_ENTER does not look for another entry of the page (decision of the
//     architecture, and of the kernels that rely on it).
//  3. Bolted entries leave by H_REMOVE, H_BULK_REMOVE or H_CLEAR_HPT only (H4); a
//     resize drops those that no search could find where they sat.
//  4. A failed resize leaves the table in force as it was.
//  5. An argument never makes a call panic.
//
// # Concurrency and progress
//
// Hypercalls of several vCPUs overlap freely. A hypercall on one slot is as lock-free
// as the table's build (see package hpt): it tries again only when another one changed
// the slot, and it takes effect at one instant. H_BULK_REMOVE, H_BLOCK_REMOVE, H_CLEAR_HPT and H_READ with Read4 are
// sequences of such steps. Resizes exclude each other by a mutex; while one
// commits, no vCPU may use the table, which PAPR asks of the guest, too. What
// happens to a guest that breaks this is said at [HPT.ResizeCommit].
//
// Only resizes allocate.
//
// # Quirks
//
// The default is the specification. [QEMU72], the machine of the recorded data,
// departs from it:
//
//	AcceptInvalid     H_ENTER with V=0 stores an invalid entry       default: stores it valid
//	AcceptReservedB   H_ENTER stores B=2 and 3                       default: H_PARAMETER
//	KeepReservedR     H_ENTER keeps the reserved bit 62 of R         default: clears it
//	IgnoreEnterFlags  H_ENTER knows Exact only                       default: zeroes, tells of changed code, H_TOO_BIG above 64K
//	FirstByteStorage  a page is RAM if its first byte is             default: all of it must be
//	MarkWritten       V holds 0x40 in slots that a call wrote        default: the hypervisor's bits are 0
//	ProtectKeepsR     H_PROTECT leaves R                             default: clears R
//	BulkShiftRC       H_BULK_REMOVE returns R and C at bits 51:50    default: at bits 59:58
//	BulkAndAll        its ANDCOND looks at all of V                  default: at B and AVPN
//	NoClear           no H_CLEAR_REF, H_CLEAR_MOD, H_CLEAR_HPT       default: they work
//	NoBlockRemove     no H_BLOCK_REMOVE                              default: it works
//	No64KIn4K         no 64K page in a 4K segment                    default: as the page-size table has it
//	ResizeArgsFirst   bad arguments of H_RESIZE_HPT_* leave the      default: they drop it, and COMMIT answers
//	                  pending table, COMMIT answers H_PARAMETER               H_CLOSED for bad flags
//
// That a resize keeps each bolted entry at its index of the group, and fails when
// two need one slot of a group that has others free, is no quirk: PAPR demands it.
// Config.AnySlot gives it up, Config.Rehash carries more entries over than any
// known hypervisor does, and bolted entries in secondary groups or with a page
// larger than their base, on which the recorded machine stops, are carried over
// like all others.
//
// # Not modelled
//
// Shared logical resources, page coalescing and page usage states (CMO), memory
// usage instrumentation, compression (refused), NUMA cookies, several partitions
// on one table, the check for privileged mode: the caller makes it. H_BLOCK_REMOVE
// takes every combination of page sizes of the partition in blocks of eight.
package papr
