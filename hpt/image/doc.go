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
