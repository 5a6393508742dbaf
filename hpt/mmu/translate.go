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
func (c *CPU) Translate(ea pte.EA, acc pte.Access) Result {
	m := c.mode(acc)
	if c.cache != nil && m.addressing <= addrVRMA {
		if r, ok := c.cached(m, uint64(ea), acc); ok {
			return r
		}
	}
	r, granted := c.walk(m, uint64(ea), acc, true)
	if c.cache != nil && r.Fault == FaultNone && m.addressing <= addrVRMA {
		c.fill(m, uint64(ea), &r, granted)
	}
	return r
}

// Probe tells what Translate would answer, and changes nothing: no R or C, no
// cache, no recency. Where it answers with a fault none has happened.
func (c *CPU) Probe(ea pte.EA, acc pte.Access) Result {
	r, _ := c.walk(c.mode(acc), uint64(ea), acc, c.cfg.Quirks.ProbeUpdates)
	return r
}

func (c *CPU) mode(acc pte.Access) *mode { return &c.modes[acc>>2&1] }

// walk answers without the software TLB. granted is Prot before the keys.
func (c *CPU) walk(m *mode, ea uint64, acc pte.Access, update bool) (r Result, granted pte.Access) {
	if m.addressing > addrVRMA {
		return c.real(m, ea, acc), 0
	}
	s := &m.vrma
	if m.addressing == addrSegments {
		var n int
		var status uint32
		if s, n, status = c.findSegment(m, ea, update); s == nil {
			return c.segmentFault(m, ea, acc, status), 0
		}
		if n > 1 {
			return c.multihit(m, ea), 0
		}
	}
	r, granted = c.page(m, s, ea, acc, update)
	r.ASDR = s.word
	return r, granted
}

// page translates within a segment.
func (c *CPU) page(m *mode, s *segment, ea uint64, acc pte.Access, update bool) (r Result, granted pte.Access) {
	t := m.part.table
	switch {
	case m.fetch && s.word&slbN != 0:
		return c.storageFault(m, ea, acc, StatusNoExec), 0
	case m.part.radix:
		return c.storageFault(m, ea, acc, StatusUnsupported), 0
	case t == nil:
		return c.storageFault(m, ea, acc, StatusNoPTE), 0
	}
	base := c.base(m, s)
	for {
		f, ok := c.search(m, s, ea, base, t)
		if !ok {
			return c.storageFault(m, ea, acc, StatusNoPTE), 0
		}
		rights := c.rights(m, s, f.h)
		if status := rights.denial(f.h, acc); status != 0 {
			r = c.storageFault(m, ea, acc, status)
			r.note(&f)
			return r, 0
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
		return r, granted
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

// fault makes the result of an access that ends in an interrupt.
func (c *CPU) fault(m *mode, ea uint64, f Fault, status uint32) Result {
	r := Result{Fault: f, Status: status, Slot: NoSlot, Other: NoSlot}
	if !m.fetch && f != MachineCheck {
		r.DAR = pte.EA(ea)
	}
	return r
}

// storageFault is a storage interrupt, of the hypervisor where the partition's
// memory is virtualized or key faults are the hypervisor's.
func (c *CPU) storageFault(m *mode, ea uint64, acc pte.Access, status uint32) Result {
	f := DataStorage
	if m.fetch {
		f = InstStorage
	} else if acc.Has(pte.Write) {
		status |= StatusStore
	}
	if m.virtual || m.kbv && status&StatusKey != 0 {
		f += HypervisorData - DataStorage
		if m.fetch {
			f = HypervisorInst
		}
	}
	return c.fault(m, ea, f, status)
}

// segmentFault answers where no segment was found; status is set when a table
// in memory could not be read.
func (c *CPU) segmentFault(m *mode, ea uint64, acc pte.Access, status uint32) Result {
	if status != 0 {
		return c.storageFault(m, ea, acc, status)
	}
	if m.fetch {
		return c.fault(m, ea, InstSegment, 0)
	}
	return c.fault(m, ea, DataSegment, 0)
}

// multihit is the machine check for several SLB entries; DAR has the address.
func (c *CPU) multihit(m *mode, ea uint64) Result {
	r := c.fault(m, ea, MachineCheck, StatusSLBMultihitData)
	if m.fetch {
		r.Status = StatusSLBMultihitFetch
		return r
	}
	r.DAR = pte.EA(ea)
	return r
}
