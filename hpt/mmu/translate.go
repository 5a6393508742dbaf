package mmu

import (
	"github.com/hashmmu/ppc64/pte"
)

// Translate translates one access: pte.Read, pte.Write, pte.Read|pte.Write for
// one that does both, or pte.Exec for a fetch. R, and C for a store, are set in
// the entry used. ea is the effective address as the access has it: in 32-bit
// mode the caller has cleared its high half.
//
// It allocates nothing and takes no lock. An entry that another CPU changes
// between search and update is searched for again, so a call ends unless others
// keep changing that very entry.
func (c *CPU) Translate(ea pte.EA, acc pte.Access) (r Result) {
	m := c.mode(acc)
	cachable := c.cache != nil && m.addressing <= addrVRMA
	if cachable && c.cached(&r, m, uint64(ea), acc) {
		return r
	}
	granted := c.walk(&r, m, uint64(ea), acc, true)
	if cachable && r.Fault == FaultNone {
		c.fill(m, uint64(ea), &r, granted)
	}
	return r
}

// Probe tells what Translate would answer, and changes nothing: no R or C, no
// cache, no recency. Where it answers with a fault none has happened.
func (c *CPU) Probe(ea pte.EA, acc pte.Access) (r Result) {
	c.walk(&r, c.mode(acc), uint64(ea), acc, c.cfg.Quirks.ProbeUpdates)
	return r
}

func (c *CPU) mode(acc pte.Access) *mode { return &c.modes[acc>>2&1] }

// walk answers into r, which is zero, without the software TLB. granted is Prot
// before the keys.
func (c *CPU) walk(r *Result, m *mode, ea uint64, acc pte.Access, update bool) (granted pte.Access) {
	r.Slot, r.Other = NoSlot, NoSlot
	if m.addressing > addrVRMA {
		c.real(r, m, ea, acc)
		return 0
	}
	s := &m.vrma
	if m.addressing == addrSegments {
		var n int
		var status uint32
		if s, n, status = c.findSegment(m, ea, update); s == nil {
			r.segmentFault(m, ea, acc, status)
			return 0
		}
		if n > 1 {
			r.multihit(m, ea)
			return 0
		}
	}
	r.ASDR = s.word
	return c.page(r, m, s, ea, acc, update)
}

// page translates within a segment.
func (c *CPU) page(r *Result, m *mode, s *segment, ea uint64, acc pte.Access, update bool) (granted pte.Access) {
	t := m.part.table
	switch {
	case m.fetch && s.word&slbN != 0:
		r.storageFault(m, ea, acc, StatusNoExec)
		return 0
	case m.part.radix:
		r.storageFault(m, ea, acc, StatusUnsupported)
		return 0
	case t == nil:
		r.storageFault(m, ea, acc, StatusNoPTE)
		return 0
	}
	base := c.base(m, s)
	for {
		var f hit
		if !c.search(&f, m, s, ea, base, t) {
			r.storageFault(m, ea, acc, StatusNoPTE)
			return 0
		}
		rights := c.rights(m, s, f.h)
		if status := rights.denial(f.h, acc); status != 0 {
			r.storageFault(m, ea, acc, status)
			r.note(&f)
			return 0
		}
		if update {
			set, ok := f.record(t, acc)
			if !ok {
				continue
			}
			r.SetR, r.SetC = set&pte.RRef != 0, set&pte.RChg != 0
		}
		granted = rights.pp
		if f.h.R&pte.RChg == 0 {
			granted &^= pte.Write
		}
		r.RA = f.h.RA(f.actual) | pte.RA(ea&(f.actual.Bytes()-1))
		r.PageShift, r.Prot = f.actual, granted&rights.key
		r.WIMG = uint8(f.h.R & pte.RWIMG >> 3)
		r.note(&f)
		return granted
	}
}

// note tells about the entry that matched.
func (r *Result) note(f *hit) {
	r.Slot, r.Other = f.slot, f.other
	r.Secondary, r.Dup, r.Key = f.secondary, f.dup, uint8(keyOf(f.h))
}

// base is the base page size by which a segment is searched.
func (c *CPU) base(m *mode, s *segment) pte.PageSize {
	if m.only4K {
		return pte.Page4K
	}
	return s.base
}

// fault makes r the result of an access that ends in an interrupt.
func (r *Result) fault(m *mode, ea uint64, f Fault, status uint32) {
	r.Fault, r.Status = f, status
	if !m.fetch {
		r.DAR = pte.EA(ea)
	}
}

// storageFault is a storage interrupt, of the hypervisor where the partition's
// memory is virtualized or key faults are the hypervisor's.
func (r *Result) storageFault(m *mode, ea uint64, acc pte.Access, status uint32) {
	f := DataStorage
	if m.fetch {
		f = InstStorage
	} else if acc.Has(pte.Write) {
		status |= StatusStore
	}
	if m.virtual || m.kbv && status&StatusKey != 0 {
		f = HypervisorData
		if m.fetch {
			f = HypervisorInst
		}
	}
	r.fault(m, ea, f, status)
}

// segmentFault answers where no segment was found; status is set when a table
// in memory could not be read.
func (r *Result) segmentFault(m *mode, ea uint64, acc pte.Access, status uint32) {
	switch {
	case status != 0:
		r.storageFault(m, ea, acc, status)
	case m.fetch:
		r.fault(m, ea, InstSegment, 0)
	default:
		r.fault(m, ea, DataSegment, 0)
	}
}

// multihit is the machine check for several SLB entries.
func (r *Result) multihit(m *mode, ea uint64) {
	status := uint32(StatusSLBMultihitData)
	if m.fetch {
		status = StatusSLBMultihitFetch
	}
	r.fault(m, ea, MachineCheck, status)
}
