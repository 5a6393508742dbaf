package papr

import "github.com/hashmmu/ppc64/pte"

// FlushKind says how much of the translations that CPUs hold is void.
type FlushKind uint8

// The kinds.
const (
	// FlushPage is one page: Key and Actual name it.
	FlushPage FlushKind = iota
	// FlushAll is every translation of the partition.
	FlushAll
	// FlushTable is FlushAll, and the table itself is another one now:
	// ask HPT.Table.
	FlushTable
)

// Flush is what a hypercall invalidates: the tlbie that it owes to every CPU of
// the partition. It is a value without pointers.
type Flush struct {
	Kind   FlushKind
	Key    pte.Key      // FlushPage: the base page by which the entry was hashed
	Actual pte.PageSize // FlushPage: the size of the page to drop, which may be larger than its base
	Slot   pte.Slot     // FlushPage: where the entry is or was
}

// A Sink takes the flushes of hypercalls. Flush runs on the goroutine of the
// vCPU that made the call, after the table has changed and before the call
// returns, so calls from several vCPUs overlap. As after tlbie and tlbsync, a
// guest may reuse the page when its hypercall returns: a sink that only queues
// for other CPUs must see to it that they drain before they use the page again.
type Sink interface {
	Flush(Flush)
}

// flushEntry reports that the entry e of slot s changed or went. An entry that no
// search can find names no page; dropping everything is always right.
func (h *HPT) flushEntry(mask uint64, s pte.Slot, e pte.HPTE) {
	if h.sink == nil {
		return
	}
	key, actual, err := h.sizes.Key(e, s.Group(), mask)
	if err != nil {
		h.sink.Flush(Flush{Kind: FlushAll})
		return
	}
	h.sink.Flush(Flush{FlushPage, key, actual, s})
}
