package hashvec

import (
	"encoding/json"
	"fmt"
	"math/bits"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// resizeLine is one scenario: a table, hypercalls, and the table afterwards.
type resizeLine struct {
	Name   int        `json:"rs"`
	Order  int        `json:"hpt_shift"`
	RAM    hex        `json:"ram_size"`
	Before []entry    `json:"before"`
	After  []entry    `json:"after"`
	Ops    []resizeOp `json:"ops"`
	Final  int        `json:"final_shift"`
}

// resizeOp is [opcode, flags, shift, code].
type resizeOp struct {
	op    papr.Op
	flags papr.Flags
	order int32
	code  papr.Code
}

// UnmarshalJSON reads three hexadecimal strings and a number.
func (o *resizeOp) UnmarshalJSON(b []byte) error {
	var raw [4]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	var in [3]hex
	for i := range in {
		if err := in[i].UnmarshalJSON(raw[i]); err != nil {
			return err
		}
	}
	*o = resizeOp{papr.Op(in[0]), papr.Flags(in[1]), int32(in[2]), 0}
	return json.Unmarshal(raw[3], &o.code)
}

// resize runs resize scenarios: one case per line.
type resize struct{}

func newResize() runner { return resize{} }

func (resize) run(line []byte, r *Report) error {
	var l resizeLine
	if err := decode(line, &l); err != nil {
		return err
	}
	why, err := l.play(papr.QEMU72)
	if err != nil {
		return err
	}
	standard, err := l.play(papr.Quirks{})
	r.add(why, standard != "")
	return err
}

// play runs the scenario and says what differs from the record. How long a
// preparation takes is chance, so the record decides when it is over.
func (l *resizeLine) play(q papr.Quirks) (why string, err error) {
	t, err := newTable(l.Order, hpt.Format2)
	if err != nil {
		return "", err
	}
	before, err := slots(l.Before, t)
	if err != nil {
		return "", err
	}
	for s, e := range before {
		t.StoreRaw(s, e)
	}
	var op resizeOp
	p, err := papr.New(papr.Config{
		Table: t, Memory: papr.RAMBelow(l.RAM), Quirks: q, MaxOrder: l.maxOrder(),
		Ready: func(int) bool { return op.code != papr.LongBusy && op.code != papr.Busy },
	})
	if err != nil {
		return "", err
	}
	for i := range l.Ops {
		op = l.Ops[i]
		a := papr.Args{uint64(op.flags), uint64(op.order)}
		if code := p.Call(op.op, &a); code != op.code {
			return fmt.Sprintf("resize %d: %v(%#x, %d): %v, recorded %v",
				l.Name, op.op, uint64(op.flags), op.order, code, op.code), nil
		}
	}
	why = l.compare(p.Table())
	return why, p.Table().Close()
}

// maxOrder is the recorded machine's limit: one order above the usual table of
// 1/128 of memory.
func (l *resizeLine) maxOrder() int {
	return min(max(bits.Len64(uint64(l.RAM)-1)-7, hpt.MinOrder)+1, maxOrder)
}

// compare looks at the table in force at the end. An empty slot may hold 0x40.
func (l *resizeLine) compare(t *hpt.Table) string {
	if t.Order() != l.Final {
		return fmt.Sprintf("resize %d: order %d, recorded %d", l.Name, t.Order(), l.Final)
	}
	want, err := slots(l.After, t)
	if err != nil {
		return fmt.Sprintf("resize %d: %v", l.Name, err)
	}
	for s := range pte.Slot(t.Slots()) {
		e := t.Load(s)
		w := want[s]
		if e.V&^0x40 != w.V || e.R != w.R {
			return fmt.Sprintf("resize %d: slot %d holds %v, recorded %v", l.Name, s, e, w)
		}
	}
	return ""
}
