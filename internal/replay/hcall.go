package replay

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// hcall plays a hypercall on the default and on the recorded machine.
func (p *player) hcall(r *image.Record) error {
	m := p.m
	if m.calls == nil {
		return errors.New("hypercall without a table of its kind")
	}
	op, ret, in, out := r.HCall()
	a, b := &p.args[0], &p.args[1]
	if len(in) > len(a) || len(out) > len(a) {
		return fmt.Errorf("hypercall with %d arguments and %d results", len(in), len(out))
	}
	*a = papr.Args{}
	copy(a[:], in)
	*b = *a
	m.code = papr.Code(ret)
	m.lend(papr.Op(op), in)
	departed := m.plain.Call(papr.Op(op), b) != m.code || !same(b[:len(out)], out)
	code := m.calls.Call(papr.Op(op), a)
	if code == m.code && same(a[:len(out)], out) {
		p.compared("", departed)
		return nil
	}
	p.compared(fmt.Sprintf("%v %#x: %v %#x, recorded %v %#x", papr.Op(op), in, code, a[:len(out)], m.code, out), departed)
	return nil
}

func same(a, b []uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// lend copies to the default's table what a hypercall may look at, so that it
// answers from the recorded machine's state.
func (m *machine) lend(op papr.Op, in []uint64) {
	from, to := m.calls.Table(), m.plain.Table()
	switch op {
	case papr.OpBulkRemove:
		for i := 0; i < len(in); i += 2 {
			copyGroup(to, from, in[i]&(1<<56-1))
		}
	case papr.OpResizeCommit:
		for ptex := uint64(0); ptex < from.Slots(); ptex += pte.SlotsPerGroup {
			copyGroup(to, from, ptex)
		}
	default:
		if len(in) > 1 {
			copyGroup(to, from, in[1])
		}
	}
}

// copyGroup copies the group of slot ptex, if there is one.
func copyGroup(to, from *hpt.Table, ptex uint64) {
	if ptex >= from.Slots() || ptex >= to.Slots() {
		return
	}
	first := pte.Slot(ptex) &^ (pte.SlotsPerGroup - 1)
	for s := first; s < first+pte.SlotsPerGroup; s++ {
		if e := from.Load(s); e != to.Load(s) {
			to.StoreRaw(s, e)
		}
	}
}
