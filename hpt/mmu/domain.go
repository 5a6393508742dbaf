package mmu

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// Domain carries global invalidations between the CPUs of one machine: tlbie,
// slbieg and slbiag. Each CPU takes in what others sent in its own Drain, so a
// CPU's state is touched by its owner only. The zero value is ready; it is safe
// for concurrent use.
type Domain struct {
	mu    sync.Mutex
	count uint64 // sendings so far
	boxes []*mailbox
}

// mailbox holds what others sent to one CPU.
type mailbox struct {
	mu   sync.Mutex
	full atomic.Bool
	seen atomic.Uint64 // the Domain's count at the last receipt
	upto uint64        // the Domain's count at the last sending, under mu
	q    queue
	slb  []slbGlobal
}

// slbGlobal is what a slbieg or slbiag asks of every processor.
type slbGlobal struct {
	rs     uint64 // PID in the high, LPID in the low half
	ea     pte.EA // slbieg
	all    bool   // slbiag
	anyPID bool   // slbiag with L=1
}

func (d *Domain) join() *mailbox {
	m := &mailbox{}
	d.mu.Lock()
	defer d.mu.Unlock()
	m.upto = d.count
	m.seen.Store(m.upto)
	d.boxes = append(d.boxes, m)
	return m
}

func (d *Domain) leave(m *mailbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.boxes = slices.DeleteFunc(d.boxes, func(b *mailbox) bool { return b == m })
}

// send gives f to every other CPU of the Domain.
func (c *CPU) send(f Flush) {
	c.post(func(b *mailbox) { b.q.add(f) })
}

// sendSLB gives a slbieg or slbiag to every other CPU of the Domain.
func (c *CPU) sendSLB(g slbGlobal) {
	c.post(func(b *mailbox) {
		if !slices.Contains(b.slb, g) {
			b.slb = append(b.slb, g)
		}
	})
}

// post puts something into the mailbox of every other CPU of the Domain.
func (c *CPU) post(put func(b *mailbox)) {
	if c.mail == nil {
		return
	}
	d := c.cfg.Domain
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	c.synced = d.count
	for _, b := range d.boxes {
		if b == c.mail {
			continue
		}
		b.mu.Lock()
		put(b)
		b.upto = c.synced
		b.full.Store(true)
		b.mu.Unlock()
	}
}

// Synced reports whether every CPU of the Domain has drained all that this CPU
// has sent: what tlbsync followed by ptesync waits for.
func (c *CPU) Synced() bool {
	d := c.cfg.Domain
	if d == nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.boxes {
		if b != c.mail && b.seen.Load() < c.synced {
			return false
		}
	}
	return true
}

// receive carries out what others sent, and moves it to the owner's queue.
func (c *CPU) receive() {
	m := c.mail
	if m == nil || !m.full.Load() {
		return
	}
	m.mu.Lock()
	q, slb, upto := m.q, m.slb, m.upto
	m.q.n, m.slb = 0, nil
	m.full.Store(false)
	m.mu.Unlock()
	for _, f := range q.events[:q.n] {
		c.carryOut(f)
	}
	for _, g := range slb {
		c.invalidateGlobal(g)
	}
	m.seen.Store(upto)
}

// carryOut does what a tlbie of any CPU asks of this one.
func (c *CPU) carryOut(f Flush) {
	if f.Tables {
		c.loadPartitions()
		c.setModes()
	}
	c.flush(f)
}
