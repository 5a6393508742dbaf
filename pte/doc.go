// Package pte holds the values of the 64-bit hashed page table: addresses,
// sizes, keys, hash table entries and the Linux page table entries that point
// at them. Everything is a small comparable value; nothing here has state.
//
// # Terminology
//
//   - EA, effective address: what a program uses, 64 bits.
//   - Segment: 256 MiB or 1 TiB of effective addresses with one VSID.
//   - VSID, virtual segment identifier: names a segment system-wide.
//   - VA, virtual address: VSID and offset within the segment, up to 78 bits.
//   - VPN, virtual page number: VA in units of 4 KiB, whatever the page size.
//     Linux calls it vpn too.
//   - Base page size: the size by which a segment is hashed; the SLB entry has it.
//   - Actual page size: the size of one page; a segment may hold pages larger
//     than its base page size (MPSS).
//   - PTEG, page table entry group: 8 slots, 128 bytes.
//   - Slot: the place of one entry, group*8 + index. PAPR says ptex.
//   - HPTE, hash table entry: two doublewords V and R.
//   - AVPN, abbreviated virtual page number: the part of the VA kept in V.
//   - H, secondary: set in an entry that sits in its secondary group.
//   - Hint: which of the 16 places an entry took, kept in the Linux PTE.
//   - Second half: with 64K base pages, a second word of the Linux PTE, with a
//     nibble (hidx) for each 4K piece; COMBO: the page is entered in such pieces.
//
// # Model
//
// A [Key] is what one lookup asks for: a VSID, a page of that segment, the
// base page size and the segment size. Its [Hash] gives the primary group
// (hash AND mask) and the secondary group (NOT hash AND mask). [HPTE] is the
// entry in format 2, the layout before ISA 3.0, which software keeps in hand
// on every processor; [HPTE.To3] and [From3] convert where a table is in
// format 3. [Sizes] is a page-size table in the shape of the device tree
// property ibm,segment-page-sizes.
//
// The group hash is the architected exclusive-or, not a hash of our choosing.
//
// # Invariants
//
//   - P1: zero values are harmless: HPTE{} is invalid, SlotHint(0) is "not
//     hashed", LinuxPTE(0) maps nothing.
//   - P2: encoding and decoding an HPTE gives back key, group and attributes.
//   - P3: text and binary forms parse back to the value they came from.
//   - P4: a hint's slot lies in the key's primary or secondary group.
//   - P5: H is set exactly in the secondary group.
//   - P6: a page-size table is unambiguous or refused.
//
// # Concurrency
//
// Values only; use them from anywhere. Package hpt makes pairs of words atomic.
//
// # Not modelled
//
// The 32-bit hashed page table; radix trees; page keys beyond their bits (package
// mmu checks AMR and IAMR).
package pte
