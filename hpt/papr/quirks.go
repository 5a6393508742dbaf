package papr

import "github.com/hashmmu/ppc64/pte"

// Quirks are departures from the specification. The zero value is none; the package
// documentation has the table with what each does.
type Quirks struct {
	AcceptInvalid    bool // H_ENTER stores pteh with V=0
	AcceptReservedB  bool // H_ENTER stores B=2 and 3
	KeepReservedR    bool // H_ENTER stores the reserved bit 62 of ptel
	IgnoreEnterFlags bool // H_ENTER knows no flag but Exact
	FirstByteStorage bool // H_ENTER judges a page by its first byte
	MarkWritten      bool // 0x40 is set in V of every entry a hypercall writes
	ProtectKeepsR    bool // H_PROTECT leaves R alone
	BulkShiftRC      bool // H_BULK_REMOVE returns R and C at 51:50, not 59:58
	BulkAndAll       bool // H_BULK_REMOVE's ANDCOND sees all of V
	NoClear          bool // H_CLEAR_REF, H_CLEAR_MOD and H_CLEAR_HPT answer H_FUNCTION
	NoBlockRemove    bool // H_BLOCK_REMOVE answers H_FUNCTION
	No64KIn4K        bool // 64K pages in 4K segments do not exist
	ResizeArgsFirst  bool // H_RESIZE_HPT_* refuse bad arguments before they look at the pending table

	_ struct{}
}

// QEMU72 is the pseries machine of QEMU 7.2, on which the recorded data was made.
var QEMU72 = Quirks{
	AcceptInvalid:    true,
	AcceptReservedB:  true,
	KeepReservedR:    true,
	IgnoreEnterFlags: true,
	FirstByteStorage: true,
	MarkWritten:      true,
	ProtectKeepsR:    true,
	BulkShiftRC:      true,
	BulkAndAll:       true,
	NoClear:          true,
	NoBlockRemove:    true,
	No64KIn4K:        true,
	ResizeArgsFirst:  true,
}

// vWritten is the software bit that the recorded machine keeps in every slot it
// wrote, to know what to send when it migrates.
const vWritten = 0x40

// gone is what a removed entry leaves behind.
func (q *Quirks) gone() pte.HPTE {
	if q.MarkWritten {
		return pte.HPTE{V: vWritten}
	}
	return pte.HPTE{}
}

// written gives the entry as a hypercall stores it.
func (q *Quirks) written(e pte.HPTE) pte.HPTE {
	if q.MarkWritten {
		e.V |= vWritten
	}
	return e
}

// without64KIn4K is a page-size table without 64K pages in 4K segments.
func without64KIn4K(s *pte.Sizes) *pte.Sizes {
	var rows []pte.SegPageSizes
	for _, b := range s.Bases() {
		row := pte.SegPageSizes{Base: b.Base, SLB: b.SLB}
		for _, a := range b.Actual {
			if b.Base != pte.Page4K || a.Size != pte.Page64K {
				row.Actual = append(row.Actual, a)
			}
		}
		if len(row.Actual) != 0 {
			rows = append(rows, row)
		}
	}
	return pte.MustSizes(rows) // a part of a good table is good, unless nothing is left
}
