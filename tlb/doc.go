// Package tlb is the software-loaded variant of the hashed page table: TLBs
// that the kernel fills by instructions, register by register, and what each
// of them does when two of its entries match one address.
package tlb
