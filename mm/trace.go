package mm

import (
	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// Trace holds functions that a machine calls at events; nil ones are not called and
// cost a comparison on paths that miss. They run on the goroutine of the CPU,
// perhaps with kernel locks held, so they must not use the machine but may read the
// CPU's number.
type Trace struct {
	// Missed: hardware could not do an access; hash_page or a refill handler is next.
	Missed func(c *CPU, ea pte.EA, a pte.Access, o Outcome)
	// Faulted: the Linux page table did not permit the access, and the page fault
	// handler has come to err.
	Faulted func(c *CPU, ea pte.EA, a pte.Access, err error)
	// Walked: a range operation is done with one PTE page; pages PTEs in r were
	// changed. The progress of a long one.
	Walked func(c *CPU, as *AddressSpace, r Range, pages int)
	// Flushed: the batch has removed n entries of an address space from hardware.
	Flushed func(c *CPU, why batch.Reason, context uint64, n int)
}

// batchTrace is the part of the trace that the batch of a CPU calls.
func (t *Trace) batchTrace(c *CPU) *batch.Trace {
	if t.Flushed == nil {
		return nil
	}
	return &batch.Trace{Flushed: func(why batch.Reason, context uint64, n int) { t.Flushed(c, why, context, n) }}
}
