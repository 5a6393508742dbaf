// Package hpt is the hashed page table of ppc64 as a store: the architected
// image in memory, changed by any number of goroutines at once.
//
// # Terminology
//
//   - Slot: the place of one entry, 16 bytes: doublewords V and R, big-endian.
//   - Group (PTEG): 8 slots, 128 bytes.
//   - Entry (HPTE): what a slot holds when V's bit V is set. A slot in which it
//     is clear is free, whatever else it holds.
//   - Key: the page that an entry is for, see [pte.Key]. It has a primary and a
//     secondary group; H is set in an entry that sits in the secondary one.
//   - Hint: which of a key's 16 places an entry took when it was inserted.
//   - Bolted: marked never to be evicted.
//   - Victim: the entry that leaves so that another can come.
//   - Duplicate: a valid entry that matches the same key as another one. There
//     must never be one; two plain inserts of a key make one.
//
// # Model
//
// A [Table] is 2^11 to 2^39 groups in memory of its own or in a slice of the
// caller's, such as guest RAM. There is no copy and no index beside it: what a
// guest stores into its table is seen by the next call, and a dump is a copy.
// In format 3, entries are converted on the way, and callers see format 2; only
// operations with Raw in their names show the two numbers as they are.
//
// Every operation is made of two primitives on one slot, in slot.go: a load of
// the pair (V, R), and a compare-and-swap of it. Insert, protect, record of an
// access, removal and eviction are one successful compare-and-swap each, so there
// is no busy state, no half-made entry, and a removal returns the exact last pair.
// On amd64 whole operations are also there in assembly, each as one call: see
// Versions.
//
// Insert does not look for duplicates, because hardware and Linux do not:
// Linux's own protocol (the BUSY and HASHPTE bits of its page table entries) has
// to prevent them, and package mm shows where it does not. [Table.InsertUnique]
// looks; [Table.Check] finds what is there.
//
// The TLB is not this package's: no operation flushes one. An entry that was
// removed or evicted may live on in TLBs until its owner flushes it.
//
// # Invariants
//
//   - H1: a valid entry sits in one of its key's two groups, H saying which.
//     [Table.Insert] and [Table.InsertUnique] see to it; InsertGroup,
//     CompareAndSwap and StoreRaw leave it to the caller; Check verifies it.
//   - H2: no reader gets V of one insertion with R of another.
//   - H3: when all inserts of a key go through InsertUnique, or are serialised,
//     at most one valid entry matches the key.
//   - H4: bolted entries leave only by explicit removal.
//   - H5: a stale hint changes nothing: every call that takes one compares B,
//     AVPN, H and V in the slot.
//   - H6: after a removal has returned, no later lookup finds that entry.
//   - H7: R and C recorded before a removal are in the pair that it returns.
//   - H8: progress, as said below.
//
// # Concurrency
//
// All methods of a Table may be called from any goroutine at any time, Close
// included. An operation on one entry takes effect at one instant between its
// call and its return. ErrGroupFull and ErrBusy may be spurious while others
// change the two groups. A miss is exact as long as nobody inserts a key's new
// entry before he removes the old one. All, Group, Check, Stats, Digest, WriteTo,
// ReadFrom and Clear go slot by slot and are no snapshots.
//
// H2 and H7 hold for what is done through this package. A guest that stores
// entries itself has two plain 8-byte stores, and must follow the architecture's
// sequences: R before a V that becomes valid, V cleared first. Its own stores of R
// and C bits can be lost to a concurrent change, as on hardware without them.
//
// # Versions
//
// Words of the table are changed in two places: by slot.go, in steps of one slot
// each, and by the assembly of whole operations (the files named _amd64), which takes
// the same steps without coming back to Go between them. The plain Go is complete; the
// assembly is for format 2 tables on processors with AVX2 or AVX-512, does what is
// common, and leaves the rest to its twin: another unique insert of the key under way,
// a full primary group in a unique insert. In format 3 it scans groups only. Which
// version a table uses is decided when it is made, and [Table.Config] tells. All of
// them may work on one memory at the same time. The build tags race, purego and explore
// leave the plain Go alone.
//
// A scan compares the eight V of a group at once, against a needle in memory's byte
// order; with AVX2 it looks at their low halves, which takes half the instructions. It
// nominates: a hit is read again by one aligned 16-byte load, and its whole V compared.
// How many instructions an operation has counts more than anything else, since a
// processor sees only so many ahead, and with them the cache misses of the next
// operations. Batches fetch the groups or slots of the elements ahead; each element is
// an operation of its own.
//
// A table with memory of its own keeps the overflow bitmap, one bit for each
// group, so that a miss mostly reads one group; overflow.go says why no miss is
// false. Config.LockUnique replaces the tentative entries of InsertUnique by
// locks.
//
// # Progress
//
// On amd64 processors with AVX and CMPXCHG16B every operation on an entry is
// lock-free: it ends unless others change the same slots for ever, whoever may be
// stalled. InsertUnique and scans end within a bounded number of steps; but of
// several InsertUnique of one key only the one at the lowest place can succeed,
// and while it is stalled the others get ErrBusy. With Config.LockUnique a unique
// insert waits for the holder of its lock, of which there is one for every pair of
// groups, or for several; a holder that the host has descheduled delays these, and
// nobody else. In assembly the Go scheduler cannot interrupt a holder.
//
// Elsewhere, and under the build tags race and purego, a writer holds a stripe of
// slots for half a dozen instructions. A writer stalled there delays writers, and
// readers, of the slots of that stripe, and a Close, and nobody else. H1 to H7 are the
// same.
//
// # Memory
//
// Own memory is mapped, aligned to huge pages and resident only as touched, in
// units of whatever page the host gives; it is unmapped once the table is
// unreachable. Under race it comes from the Go heap, since the race detector does
// not follow atomic operations elsewhere, and neither does it in guest RAM that
// the caller mapped.
//
// A slot or group number beyond the table is a mistake of the caller and panics,
// like an index beyond a slice. Whoever takes numbers from a guest checks them
// against [Table.Slots] or masks them with [Table.Mask].
//
// # Not modelled
//
// Weak memory order between a guest's processors; the time that a store takes to
// reach them; real-mode and partition-scoped access control to the table's
// memory; format 3 virtual addresses of 2^75 and more.
//
// # Exploration
//
// Under the build tag explore, each atomic operation is a step that an explorer
// (package mm/explore) schedules, on tables of two groups of two slots:
//
//	go test -tags explore -v ./hpt -run Explore
//
// Both protocols are explored, the 16-byte one with its load and
// its compare-and-swap as single steps. After every step H1 holds and no valid V
// lies beside the R of another page; H3 holds where all inserts of a key are
// unique; in the end nothing tentative is left and one unique insert has
// succeeded. In the mixes of operations every history is linearizable: an insert
// may take any free slot, full and busy may be spurious while the table changes,
// and H2 and H4 to H7 are part of the specification.
//
// "Proved" is said of programs that source-DPOR and state caching both finish, and
// agree on. With U a unique insert, V an invalidation by its hint, R a removal by
// search, F a removal of a foreign entry in a lower slot, and 16-byte steps:
//
//	U || U                     78 executions        956 states
//	U || U || U            70,218               708,801
//	U || FU || U          162,799             1,934,716
//	U || U || U || F      683,928             9,359,027
//	URU || U      (*)       1,056                11,472
//	UVUV || UVUV  (*)      81,970               944,674
//	UV || UV || UV (*)    214,838             2,623,255
//
// In tables with a star one slot of each group is free. URUR || URUR and
// UR || UR || UR, with four free slots, are too large: they are sampled, by all
// schedules of two preemptions and by random ones.
//
// The striped protocol takes more steps. Proved are U || U (28,892 executions,
// 435,256 states) and UV || UV with a star (165,314 and 4,145,308); the larger
// programs are sampled.
//
// The mixes are proved with 16-byte steps for two CPUs of up to four operations
// each and three CPUs of up to two each; in the striped protocol all of those
// with one operation per CPU on two CPUs, and some larger ones.
//
// Tags of tentative entries are numbers of CPU and call there, which are equal to
// the counter up to their names; the counter itself, and the CPU's number alone,
// are proved on smaller programs.
//
// The explorer is sequentially consistent, as sync/atomic is; what the assembly
// adds is argued beside it.
//
// The overflow bitmap and the locks are explored too, their bits and words being
// locations like any other. Proved are, with 16-byte steps, nine programs of
// inserts, unique inserts and evictions that spill under lookups, with every
// history checked, up to three CPUs and five operations; and U || U || U under the
// lock (60 executions, 556 states), U || FU || U (190 and 1,450), URU || U and
// UV || UV. A bit that is set after the entry is killed in execution 4.
//
// # Rationale
//
// Why is V not simply read again after R? A slot that goes from page A to page B
// and back to A in between gives A's V twice and B's R. V of a page is the same
// number each time, so this is what a copy-on-write or a swapped page does.
//
// Why is a tentative entry invalid? The hardware must not translate by it, and
// an entry that is published valid and taken back may have been used.
//
// Why does a lost race of InsertUnique say ErrBusy and not ErrExists? The winner
// may not have its entry in the table yet, so a caller who was told that it
// exists could search for it and find nothing.
//
// Why xxhash and why not? [Table.Digest] is xxhash. The group hash is the
// architecture's exclusive-or: hardware computes it.
package hpt
