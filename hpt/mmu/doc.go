// Package mmu is the memory management unit of one virtual ppc64 processor that
// translates by a hashed page table, as an emulator needs it: translation with
// exact faults, the SLB and its instructions, tlbie, and the flushes that the
// emulator's own caches need.
//
// # Terminology
//
//   - Access: a data load, a data store, or an instruction fetch.
//   - SLB: the processor's table of segments, written by slbmte.
//   - Problem state: MSR[PR]=1, user code. Hypervisor state: MSR[HV]=1.
//   - Ks, Kp: the storage key of a segment in privileged and in problem state.
//   - Key (virtual page class key): a number in an entry that AMR and IAMR look
//     up; not the storage key.
//   - R, C: reference and change bit of an entry.
//   - VRMA: virtual real mode area, where a partition's accesses go when its
//     translation is off.
//   - PATE: partition table entry, ISA 3.0.
//   - Partition, LPID: what the hypervisor runs, and its number.
//   - Flush: a message that cached translations are no longer good.
//
// # Model
//
// A [CPU] is registers, an SLB and a reference to a [hpt.Table] that several
// CPUs share. [CPU.Translate] answers one access by a [Result]: a real address
// with what may be cached of it, or a [Fault] with the bits that go into DSISR,
// HDSISR, SRR1 or HSRR1. It searches the table with the architected hash, judges
// PP, N, G and keys, and sets R and C by one compare-and-swap of the whole
// entry, so that no update by another CPU is lost. [CPU.Probe] is the same
// without effect. [CPU.Explain] says in words which rule decided.
//
// The order of tests is: segment (SLB, then a segment table when LPCR[UPRT]
// says so), no-execute of the segment, search (primary group, then secondary,
// slots ascending), protection and keys, then R and C. A denied access sets
// neither.
//
// What an emulator caches of results, in a TLB of its own or in translated code,
// it drops when [CPU.Drain] gives it a [Flush]. Instructions and register writes
// queue them; those that change nothing queue none; merged ones never name less
// than what was asked for. tlbie, slbieg and slbiag reach the other CPUs through
// a [Domain].
//
// With Config.TLB, results of the table go into a small direct-mapped TLB in
// front of the walk. Flushes visit the lines in use only. Rights of keys are
// judged on every hit, since kernels write AMR often.
//
// In 32-bit mode (MSR[SF]=0) the caller clears the high half of the address, as
// address computation does in that mode.
//
// # Invariants
//
//   - T2: a result does not depend on what is cached, as long as software keeps
//     to the architecture's sequence: invalidate the entry, tlbie, then change.
//   - M4: a granted store is in C of the entry, or in what its removal returned.
//   - A flush for one page names that page of that size and nothing else.
//   - Nothing that a guest does panics, or comes back as a Go error.
//   - Translate, Probe, register writes, SLB instructions, TLBIE without a
//     Domain, and Drain into a large enough buffer allocate nothing.
//
// # Concurrency and progress
//
// A CPU is used by one goroutine at a time. Translate takes no lock of its own:
// it is as lock-free as the table's build (see package hpt), and begins again
// only when someone changed the very entry it was about to mark. A Domain takes
// a mutex per global instruction. What other CPUs send waits until the owner
// drains; [CPU.Synced] tells the sender when all have, which is what tlbsync and
// ptesync wait for.
//
// # What the architecture leaves open
//
// Where the Power ISA allows several answers, this package gives one of them:
//
//   - Several SLB entries match: the lowest slot is used; with DetectMultihit it
//     is a machine check.
//   - Several table entries match: the first in search order is used; with
//     DetectDuplicates the result says whether they agree.
//   - PP values 4, 5 and 7 grant nothing.
//   - A fetch denied for several reasons: no-execute is told instead of PP; the
//     key bit is told besides either. A fetch from a no-execute segment does not
//     search the table.
//   - slbie with a class or segment size other than the entry's: the entry goes.
//     Of several entries, the lowest slot goes.
//   - An invalidated SLB entry loses V only; slbmfee and slbmfev show the rest.
//   - slbmte with reserved bits, a slot that does not exist, or a segment or page
//     size that does not: a program interrupt.
//   - VSIDs use all bits that entries can hold, whatever virtual address size a
//     processor implements.
//   - tlbie and tlbiel with operands that are none flush nothing and report it.
//   - Segment and process table entries are read at each use, never cached.
//
// # Departures of the recorded machine
//
// [Quirks] has one switch for each point in which a known machine departs from
// the architecture; [QEMU72] and [QEMU72PSeries] are those of QEMU 7.2, against
// which the recordings were made. The default is the left column.
//
//	Quirk           Architecture                              QEMU 7.2
//	ProbeUpdates    a probe changes nothing                   sets R and C like an access
//	ISLAlways       LPCR[ISL] is for partitions, and covers   acts in hypervisor state too; a bad
//	                VRMASD                                    VRMASD still is a machine check
//	IgnoreTC        LPCR[TC]=1: no secondary search           ignored
//	IgnoreKBV       LPCR[KBV]=1: key faults of a partition    ignored
//	                go to the hypervisor
//	VRMAKeys        keys apply with translation on            to the VRMA too
//	No64KIn4K       a 64K page in a segment of 4K pages       pseries: never matches
//	LowVSID1T       the low 12 VSID bits of a 1T entry do     ORed into the match value
//	                not exist
//	ExactESID1T     a 1T entry is compared in EA bits 63:40   ESID bits 39:28 must be 0
//	PATEByLPIDR     hypervisor state uses LPID 0's table      that of LPIDR
//	LocalSLBIEG     slbieg, slbiag: all processors of the     this processor, whatever RS says
//	                process that RS names
//	FlushAllTLBIE   tlbie flushes what it names               everything
//	NoSegmentTable  LPCR[UPRT]: the segment table is walked   ends the process; here a segment
//	                                                          interrupt
//
// # Not modelled
//
// Radix trees; the 32-bit hash; processors before POWER7; data breakpoints,
// alignment and cache-inhibited load and store instructions; the atomicity that
// guest stores into a table in guest RAM lack (see package hpt).
package mmu
