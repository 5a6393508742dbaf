package replay

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// machine is the recorded machine, and beside it the library at its default on
// the same state.
type machine struct {
	bare     bool // powernv: the table is in guest memory
	profile  mmu.Profile
	table    *hpt.Table
	cpu      *mmu.CPU // with the machine's quirks
	standard *mmu.CPU // without; on the same table, and never changing it
	calls    *papr.HPT
	plain    *papr.HPT // without quirks, on a table of its own; see lend
	code     papr.Code // recorded code of the hypercall under way
	maxOrder int       // of tables, log2 of bytes
	slbSeen  bool      // the trace has SLB records
	flushes  []mmu.Flush
}

// Bits of LPCR that exist from POWER9 on only: wake-up by, and routing of,
// hypervisor virtualization interrupts.
const lpcrISA300 = 0x20012

// newMachine says from the first STATE record what machine was recorded: on
// powernv the table has an address, and POWER9 sets bits of LPCR that POWER8 has
// not.
func newMachine(lpcr, base uint64, maxOrder int) (m *machine, err error) {
	m = &machine{bare: base != 0, profile: mmu.POWER8, maxOrder: maxOrder}
	if lpcr&lpcrISA300 != 0 {
		m.profile = mmu.POWER9
	}
	if !m.bare {
		m.profile.Format = hpt.Format2
	}
	quirks := mmu.QEMU72
	if !m.bare {
		quirks = mmu.QEMU72PSeries
	}
	c := mmu.Config{Profile: m.profile, Paravirtual: !m.bare, Quirks: quirks}
	if m.cpu, err = mmu.New(c); err != nil {
		return nil, err
	}
	c.Quirks = mmu.Quirks{}
	m.standard, err = mmu.New(c)
	return m, err
}

// state sets the registers of a STATE record.
func (m *machine) state(p []uint64) {
	for _, c := range [2]*mmu.CPU{m.cpu, m.standard} {
		r := c.Registers()
		r.LPCR, r.AMR, r.IAMR, r.UAMOR = p[0], p[1], p[2], p[3]
		r.HRMOR, r.RMOR, r.LPIDR = p[6], p[7], p[8]
		c.SetRegisters(r)
	}
	m.drain()
}

// drain does as the owner of a CPU does: it takes the flushes.
func (m *machine) drain() {
	m.flushes = m.cpu.Drain(m.flushes[:0])
	m.flushes = m.standard.Drain(m.flushes[:0])
}

// setTable puts a table in force.
func (m *machine) setTable(t *hpt.Table) {
	m.table = t
	m.cpu.SetTable(t)
	m.standard.SetTable(t)
	m.drain()
}

// Memory is that of every recorded guest: no trace has a map, but there RAM certainly
// has ended, and devices have not begun.
const Memory = papr.RAMBelow(1 << 40)

// replaceTable makes an empty table of the machine.
func (m *machine) replaceTable(order int) error {
	t, err := hpt.New(hpt.Config{Order: order, Format: m.profile.Format})
	if err != nil {
		return err
	}
	old := m.table
	m.setTable(t)
	if old != nil {
		_ = old.Close() // nobody uses it any more
	}
	if m.bare {
		return nil
	}
	m.calls, err = papr.New(papr.Config{Table: t, Memory: Memory, MaxOrder: m.maxOrder, Ready: m.ready, Quirks: papr.QEMU72})
	if err != nil {
		return err
	}
	for s := range pte.Slot(t.Slots()) {
		t.StoreRaw(s, bootSlot)
	}
	return m.replacePlain(order)
}

// replacePlain gives the default a table of that order.
func (m *machine) replacePlain(order int) error {
	t, err := hpt.New(hpt.Config{Order: order})
	if err != nil {
		return err
	}
	m.plain, err = papr.New(papr.Config{Table: t, Memory: Memory, MaxOrder: m.maxOrder, Ready: m.ready})
	return err
}

// ready lets the record decide how long the preparation of a resize takes.
func (m *machine) ready(int) bool { return m.code != papr.LongBusy && m.code != papr.Busy }

// bootSlot is what the recorded pseries machine has in every slot of the table that
// it boots with: marked as written, so that migration sends all of it. A table that
// a resize makes has zeros.
var bootSlot = pte.HPTE{V: 0x40}

// newHPT plays HPT_NEW. After a commit the library has made the new table itself:
// then the SYNC records that follow say what must be in it.
func (p *player) newHPT(base, mask uint64) error {
	order := bits.Len64(mask) + 7
	if mask&(mask+1) != 0 || order < hpt.MinOrder || order > p.maxOrder {
		return fmt.Errorf("HPT_NEW with mask %#x", mask)
	}
	m := p.m
	if m.bare != (base != 0) {
		return errors.New("HPT_NEW of another kind of machine")
	}
	if m.calls == nil || m.calls.Table() == m.table {
		return m.replaceTable(order)
	}
	old := m.table
	m.setTable(m.calls.Table())
	if err := old.Close(); err != nil {
		return err
	}
	p.compared(diff("order of the new table", m.table.Order(), order), m.plain.Table().Order() != order)
	p.checking, p.expect = true, 0
	for s := range pte.Slot(m.table.Slots()) {
		if e := m.table.Load(s); e != (pte.HPTE{}) {
			p.expect++
		}
	}
	if m.plain.Table().Order() != order {
		return m.replacePlain(order)
	}
	return nil
}

// sync plays SYNC: it stores, or checks what a resize has made.
func (p *player) sync(r *image.Record) error {
	m := p.m
	if m.table == nil || r.P[0] >= m.table.Slots() {
		return fmt.Errorf("SYNC of slot %d, which is outside the table", r.P[0])
	}
	s, want := pte.Slot(r.P[0]), pte.HPTE{V: r.P[1], R: r.P[2]}
	if !p.checking {
		m.table.StoreRaw(s, want)
		return nil
	}
	p.expect--
	if got := m.table.LoadRaw(s); got != want {
		p.compared(fmt.Sprintf("slot %d after the resize holds %v, recorded %v", s, got, want), false)
		return nil
	}
	p.compared("", false)
	return nil
}

// endOfSyncs checks that a resize has made no more entries than recorded.
func (p *player) endOfSyncs() {
	p.checking = false
	p.compared(diff("entries after the resize beyond those recorded", p.expect, 0), false)
}

// diff words a difference.
func diff[T comparable](what string, got, want T) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s: %v, recorded %v", what, got, want)
}
