package replay

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

var accesses = [4]pte.Access{pte.Read, pte.Write, pte.Exec, pte.Exec}

// translate plays a translation. The default only probes, so that it leaves R and
// C to the recorded machine.
func (p *player) translate(r *image.Record) error {
	m, x := p.m, &p.xlate
	if m.table == nil {
		return errors.New("translation without a table")
	}
	r.Xlate(x)
	if r.Aux&image.XlateMatched != 0 && x.Slot >= m.table.Slots() {
		return fmt.Errorf("slot %d is outside the table", x.Slot)
	}
	if !m.slbSeen && r.Aux&image.XlateSegment != 0 {
		m.lendSegment(x)
	}
	m.cpu.SetMSR(x.MSR)
	m.standard.SetMSR(x.MSR)
	acc := accesses[r.Aux&image.XlateAccess]
	why := ""
	if r.Aux&image.XlateMatched != 0 {
		if e := m.table.LoadRaw(pte.Slot(x.Slot)); e.V != x.V || e.R != x.R {
			why = fmt.Sprintf("slot %d holds %v, recorded %v", x.Slot, e, pte.HPTE{V: x.V, R: x.R})
		}
	}
	plain := m.standard.Probe(pte.EA(x.EA), acc)
	if r.Aux&image.XlateSetC != 0 {
		plain.Prot |= pte.Write // a probe leaves C clear, and then withholds Write
	}
	departed := !agrees(r.Aux&^(image.XlateSetR|image.XlateSetC), x, &plain)
	var got mmu.Result
	if r.Aux&image.XlateRaises != 0 {
		got = m.cpu.Translate(pte.EA(x.EA), acc)
	} else {
		got = m.cpu.Probe(pte.EA(x.EA), acc)
		departed = departed || r.Aux&(image.XlateSetR|image.XlateSetC) != 0
	}
	if why == "" && !agrees(r.Aux, x, &got) {
		why = fmt.Sprintf("%v of %#x under MSR %#x: %v slot %d, recorded %+v aux %#x", acc, x.EA, x.MSR, got, got.Slot, *x, r.Aux)
	}
	p.compared(why, departed)
	return nil
}

// agrees compares a result with the record, bit by bit.
func agrees(aux uint16, x *image.Xlate, r *mmu.Result) bool {
	if r.OK() != (aux&image.XlateOK != 0) ||
		(r.Slot != mmu.NoSlot) != (aux&image.XlateMatched != 0) ||
		r.SetR != (aux&image.XlateSetR != 0) || r.SetC != (aux&image.XlateSetC != 0) {
		return false
	}
	if aux&image.XlateMatched != 0 &&
		(uint64(r.Slot) != x.Slot || r.Secondary != (aux&image.XlateSecondary != 0)) {
		return false
	}
	if aux&image.XlateSegment != 0 && r.ASDR != x.VSID {
		return false
	}
	switch {
	case r.OK():
		return uint64(r.RA) == x.RA && uint8(r.PageShift) == x.Shift && uint8(r.Prot) == x.Prot
	case aux&image.XlateRaises != 0:
		return uint8(r.Fault) == x.Fault && uint64(r.Status) == x.Err && uint64(r.DAR) == x.DAR
	}
	return x.Fault == uint8(mmu.FaultNone)
}

// lendSegment gives both CPUs the SLB entry that a translation used, in a trace
// that does not record SLB instructions.
func (m *machine) lendSegment(x *image.Xlate) {
	for _, c := range [2]*mmu.CPU{m.cpu, m.standard} {
		if v, ok := c.SLBFEE(x.EA); ok && v == x.VSID {
			continue
		}
		c.SLBIE(x.EA)
		c.SLBMTE(x.ESID&^0xfff, x.VSID)
	}
}

// slb plays an SLB instruction.
func (p *player) slb(r *image.Record) error {
	p.m.slbSeen = true
	rb, rs, want := r.P[0], r.P[1], r.P[2]
	got, err := slbOp(p.m.cpu, r.Aux, rb, rs)
	if err != nil {
		return err
	}
	plain, err := slbOp(p.m.standard, r.Aux, rb, rs)
	why := ""
	if got != want {
		why = fmt.Sprintf("SLB instruction %d, RB %#x, RS %#x: %#x, recorded %#x", r.Aux, rb, rs, got, want)
	}
	p.compared(why, plain != want)
	p.m.drain()
	return err
}

// slbOp performs an SLB instruction and returns what the trace has as result.
func slbOp(c *mmu.CPU, op uint16, rb, rs uint64) (result uint64, err error) {
	switch op {
	case 1: // slbmte: 1 if it traps
		if !c.SLBMTE(rb, rs) {
			result = 1
		}
	case 2:
		c.SLBIE(rb)
	case 3:
		c.SLBIEG(rs, rb)
	case 4:
		c.SLBIA(rb)
	case 5:
		c.SLBIAG(rb, rs != 0) // recorded with RS in RB's place, L in RS's
	case 6:
		result, _ = c.SLBMFEE(rb)
	case 7:
		result, _ = c.SLBMFEV(rb)
	case 8:
		var found bool
		if result, found = c.SLBFEE(rb); !found {
			result = ^uint64(0) // as recorded; the instruction gives 0
		}
	default:
		err = fmt.Errorf("SLB instruction %d", op)
	}
	return result, err
}

// tlbie plays a tlbie or tlbiel. A trace tells only that there was one: its
// operands must be legal.
func (p *player) tlbie(r *image.Record) {
	op := mmu.TLBIE{RB: r.P[0], RS: r.P[1]}
	if r.Aux == 2 {
		op.R, op.RIC, op.PRS = true, 2, true // the recorder merges these flags
	}
	why := ""
	if !p.m.cpu.TLBIE(op) {
		why = fmt.Sprintf("tlbie %+v: illegal operands, recorded as performed", op)
	}
	p.compared(why, !p.m.standard.TLBIE(op))
	p.m.drain()
}
