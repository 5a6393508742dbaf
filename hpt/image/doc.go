// Package image reads and writes hashed page tables as other programs keep them,
// and reads recorded traces of a running machine.
//
// # Terminology
//
//   - Raw image: the table as it lies in memory, 1<<order bytes, every entry two
//     big-endian doublewords V and R.
//   - HTAB stream: what KVM_PPC_GET_HTAB_FD gives and takes: headers {u32 index,
//     u16 valid, u16 invalid}, each followed by its valid entries; invalid ones are
//     only counted.
//   - Pass: one walk over the whole table by the writer of a stream. The first
//     covers every slot, later ones what changed.
//   - Core: real memory in an ELF file, in segments; QEMU's dump-guest-memory and
//     /proc/vmcore write one.
//   - Section: a part of a QEMU migration stream that one device wrote. The table's
//     is called spapr/htab and holds an HTAB stream with big-endian headers.
//
// # Model
//
// Readers check everything they are told against limits of the caller's before
// they allocate, and stop with a [*FormatError] that has the offset. Nothing a
// stream says makes them panic. Input that is gzip'ed is recognised by content in
// [Decompress]; the other readers take plain bytes.
//
// Entries in HTAB streams are in the format 2 view whatever the table holds, as KVM
// has it. Raw images are in the table's own format.
//
// # Traces
//
// A recorded trace is the eight bytes "HPTTRC1\n" and records, all little-endian:
//
//	byte 0     kind
//	byte 1     n, the number of payload words, 0 to 255
//	byte 2:3   Aux
//	byte 4:7   Sub
//	byte 8:    n words of 8 bytes
//
// Each [Kind] says what these hold. The words of a KindXlate record are EA and MSR;
// then, as Aux has it, ESID and VSID (XlateSegment); slot, V and R (XlateMatched);
// RA (XlateOK), or else status and DAR (XlateRaises). Its Sub is, from the low byte
// up, fault, protection, page shift and CPU. The last record is a KindEnd.
//
// # Invariants
//
//  1. Nothing that input says makes a reader panic.
//  2. A reader takes no more memory than twice its input, buffers of 1 MiB or less,
//     and the table, which Options.MaxOrder bounds. A trace is read in constant
//     memory.
//  3. An error says at which byte the input went wrong.
//  4. What a writer writes, the reader makes the same table of, digest included.
//
// # Concurrency
//
// A reader or writer belongs to one goroutine. The table it works on may be in use
// meanwhile: entries are untorn, the whole is no snapshot. A [Tracker] makes a
// sequence of passes that ends in one, once the table is at rest.
//
// # Not modelled
//
// Compressed RAM pages of migration streams (xbzrle, multifd, postcopy) are
// refused; so are machines other than pseries, which have no such section.
package image
