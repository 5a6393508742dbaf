package mmu

import "github.com/hashmmu/ppc64/pte"

// Quirks are departures from the architecture that a known machine makes. The
// zero value makes none. The package documentation has the table.
type Quirks struct {
	ProbeUpdates   bool // a Probe that succeeds sets R and C like an access
	ISLAlways      bool // LPCR[ISL] acts in hypervisor state too, and does not excuse a bad VRMASD
	IgnoreTC       bool // LPCR[TC] does not turn the secondary search off
	IgnoreKBV      bool // LPCR[KBV] does not send key faults to the hypervisor
	VRMAKeys       bool // AMR and IAMR apply to VRMA accesses
	No64KIn4K      bool // a 64K page in a segment of 4K pages is not found
	LowVSID1T      bool // the low 12 VSID bits of a 1T SLB entry are ORed into the match value
	ExactESID1T    bool // a 1T SLB entry with ESID bits below 1T never matches
	PATEByLPIDR    bool // hypervisor state uses the partition table entry of LPIDR, not that of LPID 0
	LocalSLBIEG    bool // slbieg and slbiag act on this processor only, whatever RS names
	FlushAllTLBIE  bool // every tlbie and tlbiel flushes everything
	NoSegmentTable bool // LPCR[UPRT] is ignored: a miss in the SLB is a segment interrupt
}

// The recorded machine: QEMU 7.2. Its pseries machine offers guests no 64K pages
// in segments of 4K pages; its powernv machine does. Where it ends the process,
// at a segment table walk, NoSegmentTable gives the answer that comes nearest.
var (
	QEMU72 = Quirks{
		ProbeUpdates: true, ISLAlways: true, IgnoreTC: true, IgnoreKBV: true, VRMAKeys: true,
		LowVSID1T: true, ExactESID1T: true, PATEByLPIDR: true, LocalSLBIEG: true,
		FlushAllTLBIE: true, NoSegmentTable: true,
	}
	QEMU72PSeries = func() Quirks {
		q := QEMU72
		q.No64KIn4K = true
		return q
	}()
)

// Sizes returns what the quirks leave of a page-size table.
func (q Quirks) Sizes(s *pte.Sizes) *pte.Sizes {
	if !q.No64KIn4K {
		return s
	}
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
	return pte.MustSizes(rows) // a part of a good table is good
}
