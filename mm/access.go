package mm

import (
	"errors"

	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// Load reads the contents of the page of ea as user code does. Errors are those
// of Fault, or one wrapping hpt.ErrBolted when the hash table has no room.
func (c *CPU) Load(as *AddressSpace, ea pte.EA) (stamp uint64, err error) {
	return c.Access(as, ea, pte.Read, 0)
}

// Fetch executes from the page of ea; it returns the contents too.
func (c *CPU) Fetch(as *AddressSpace, ea pte.EA) (stamp uint64, err error) {
	return c.Access(as, ea, pte.Exec, 0)
}

// Store replaces the contents of the page of ea.
func (c *CPU) Store(as *AddressSpace, ea pte.EA, stamp uint64) error {
	_, err := c.Access(as, ea, pte.Write, stamp)
	return err
}

// explorerPatience is how often an explored access may fail. A CPU in hardware
// would go on until another one changes something; an exploration would never
// end.
const explorerPatience = 8

// ErrRefault ends an access that kept failing, as one does whose page has two
// translations of which hardware uses the one that denies it. See Config.Patience.
var ErrRefault = errors.New("mm: access given up")

// Access is an access by user code: the TLB, the walk behind it, the low-level
// miss handler (hash_page), the page fault handler, and again from the start,
// until it is done or fails for good. a is one kind of access; for a store, stamp
// is what the page holds afterwards; otherwise the contents are returned.
func (c *CPU) Access(as *AddressSpace, ea pte.EA, a pte.Access, stamp uint64) (uint64, error) {
	if ea >= c.m.kernel.TaskSize {
		return 0, ErrNoVMA
	}
	as.users.add(c.id)
	if as.hugeTable(ea) != nil && int(ea&(hugeSize-1)>>c.m.pageShift) >= c.m.frames.pieces {
		return 0, ErrBus
	}
	for try := 1; ; try++ {
		k := as.keyAt(ea, c.slbPage(as, ea))
		if c.stepper != nil {
			c.accessStep(k, ea, a)
		}
		got, o := c.hardware(k, ea, a, stamp)
		if o == Hit {
			return got, nil
		}
		if c.m.trace.Missed != nil {
			c.m.trace.Missed(c, ea, a, o)
		}
		handled, err := c.m.backend.Miss(c, as, ea, a, o)
		if err == nil && !handled {
			err = c.Fault(as, ea, a)
			if c.m.trace.Faulted != nil {
				c.m.trace.Faulted(c, ea, a, err)
			}
		}
		if err == nil && try == c.m.patience {
			err = ErrRefault
		}
		if err != nil {
			return 0, err
		}
	}
}

// hardware tries the access once: TLB, then walk. Translation and memory access
// are one step for other CPUs' tlbie.
func (c *CPU) hardware(k pte.Key, ea pte.EA, a pte.Access, stamp uint64) (uint64, Outcome) {
	c.hw.Lock()
	defer c.hw.Unlock()
	e, ok := c.tlb.Lookup(k)
	if ok && e.Prot&a == 0 && (a != pte.Write || e.Tag == tagChanged) {
		return 0, Denied
	}
	if !ok || e.Prot&a == 0 {
		t, o := c.m.backend.Walk(c, k, a)
		if o != Hit {
			return 0, o
		}
		e = tlb.CacheEntry{Key: k, Size: t.Size, RA: t.RA, Prot: t.Prot, Tag: tagChanged}
		if t.Unchanged {
			e.Prot &^= pte.Write
			e.Tag = tagUnchanged
		}
		if !c.m.noTLB {
			c.tlb.Insert(e)
		}
	}
	ra := e.RA | pte.RA(ea)&pte.RA(e.Size.Bytes()-1)
	if a == pte.Write {
		c.touchFrame(ra, TouchWrite)
		c.m.frames.Store(ra, stamp)
		return stamp, Hit
	}
	c.touchFrame(ra, TouchRead)
	return c.m.frames.Load(ra), Hit
}

// Tags of a cached translation: whether C is known to be set. A store through
// one where it is not goes back to the table.
const (
	tagUnchanged = iota
	tagChanged
)

// accessStep stops before a hardware access.
func (c *CPU) accessStep(k pte.Key, ea pte.EA, a pte.Access) {
	c.touches = c.m.backend.Touches(c, k, a, c.touches[:0])
	if !c.m.noTLB {
		c.touches = append(c.touches, Touch{Loc{LocTLB, uint64(c.id)}, TouchWrite})
	}
	c.stepper.Step(c.id, Op{StepAccess, ea, c.touches, nil})
}
