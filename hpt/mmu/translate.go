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
	c.translate(&r, c.mode(acc), uint64(ea), acc)
	return r
}

// translate is Translate into r, which is zero.
func (c *CPU) translate(r *Result, m *mode, ea uint64, acc pte.Access) {
	if m.cache == nil {
		c.walk(r, m, ea, acc, true)
		return
	}
	if c.cached(r, m, ea, acc) {
		return
	}
	if s, granted := c.walk(r, m, ea, acc, true); r.Fault == FaultNone {
		c.fill(m, s, ea, r, granted)
	}
}

// Probe tells what Translate would answer, and changes nothing: no R or C, no
// cache, no recency. Where it answers with a fault none has happened.
func (c *CPU) Probe(ea pte.EA, acc pte.Access) (r Result) {
	c.walk(&r, c.mode(acc), uint64(ea), acc, c.cfg.Quirks.ProbeUpdates)
	return r
}

func (c *CPU) mode(acc pte.Access) *mode { return &c.modes[acc>>2&1] }

// walk answers into r, which is zero, without the software TLB. s is the segment
// used, and granted is Prot before the keys.
func (c *CPU) walk(r *Result, m *mode, ea uint64, acc pte.Access, update bool) (s *segment, granted pte.Access) {
	r.Slot, r.Other = NoSlot, NoSlot
	if m.addressing > addrVRMA {
		c.real(r, m, ea, acc)
		return nil, 0
	}
	s = &m.vrma
	if m.addressing == addrSegments {
		if s = c.slb.find(ea); s == nil || c.cfg.DetectMultihit {
			if s = c.segment(r, m, ea, acc, update); s == nil {
				return nil, 0
			}
		}
	}
	r.ASDR = s.word
	granted, status := c.page(r, m, s, ea, acc, update)
	if status != 0 {
		r.storageFault(m, ea, acc, status)
	}
	return s, granted
}

// page translates within a segment; status is set when the access faults. Of the
// entries for the page the first will do, which the table finds by itself; where
// that has another page size, or all are wanted, search looks at one after the
// other.
func (c *CPU) page(r *Result, m *mode, s *segment, ea uint64, acc pte.Access, update bool) (granted pte.Access, status uint32) {
	t := m.part.table
	switch {
	case m.fetch && s.word&slbN != 0:
		return 0, StatusNoExec
	case m.part.radix:
		return 0, StatusUnsupported
	case t == nil:
		return 0, StatusNoPTE
	}
	base := m.base(s)
	want := s.target(ea, base)
	for {
		var f hit
		var ok bool
		if m.all {
			f, ok = c.search(r, m, want, base)
		} else if raw, hint := t.Search(want.hash, want.v); hint.Hashed() {
			f = hit{h: view(t, raw), slot: hint.Slot(want.hash, t.Mask())}
			if f.actual, ok = c.sizes.Actual(base, f.h); !ok || !want.is(f.h) {
				f, ok = c.search(r, m, want, base)
			}
		}
		if !ok {
			return 0, StatusNoPTE
		}
		r.Slot, r.Secondary, r.Key = f.slot, f.h.Secondary(), keyOf(f.h)
		granted, keys := m.permits(s, f.h), c.keyRights(m, r.Key)
		if !(granted & keys).Has(acc) {
			return 0, denial(granted, keys, f.h, acc)
		}
		if set := f.unset(acc); set != 0 && update {
			if !f.record(t, set) {
				r.Slot, r.Secondary, r.Key = NoSlot, false, 0
				continue
			}
			f.h.R |= set
			r.SetR, r.SetC = set&pte.RRef != 0, set&pte.RChg != 0
		}
		if f.h.R&pte.RChg == 0 {
			granted &^= pte.Write
		}
		r.RA = f.realAddress(ea)
		r.PageShift, r.Prot = f.actual, granted&keys
		r.WIMG = uint8(f.h.R & pte.RWIMG >> 3)
		return granted, 0
	}
}

// base is the base page size by which a segment is searched.
func (m *mode) base(s *segment) pte.PageSize {
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

// segment is findSegment, and the fault when there is none or more than one.
func (c *CPU) segment(r *Result, m *mode, ea uint64, acc pte.Access, update bool) *segment {
	s, n, status := c.findSegment(m, ea, update)
	switch {
	case n > 1:
		r.multihit(m, ea)
		return nil
	case s != nil:
	case status != 0:
		r.storageFault(m, ea, acc, status)
	case m.fetch:
		r.fault(m, ea, InstSegment, 0)
	default:
		r.fault(m, ea, DataSegment, 0)
	}
	return s
}

// multihit is the machine check for several SLB entries.
func (r *Result) multihit(m *mode, ea uint64) {
	status := uint32(StatusSLBMultihitData)
	if m.fetch {
		status = StatusSLBMultihitFetch
	}
	r.fault(m, ea, MachineCheck, status)
}
