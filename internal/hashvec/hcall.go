package hashvec

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// hcallLine is any line of hypercall vectors: the header of a sequence (Seq), an
// operation (Op), or the end of a sequence (End).
type hcallLine struct {
	Seq     *int     `json:"seq"`
	Order   int      `json:"hpt_shift"`
	RAM     hex      `json:"ram_size"`
	Op      string   `json:"op"`
	In      []hex    `json:"in"`
	Out     []hex    `json:"out"`
	Ret     int64    `json:"ret"`
	Slot    pte.Slot `json:"ptex"`
	Changed []entry  `json:"chg"`
	End     *int     `json:"end"`
	SHA256  string   `json:"sha256"`
}

// hcall runs hypercall vectors: one case per operation. The recorded machine and
// the default answer the same operations on tables of their own; the default's
// table is put right after each, so that one departure is counted once.
type hcall struct {
	seq      int
	op       int
	recorded *papr.HPT
	standard *papr.HPT
}

func newHcall() runner { return &hcall{} }

func (h *hcall) run(line []byte, r *Report) error {
	var l hcallLine
	if err := decode(line, &l); err != nil {
		return err
	}
	switch {
	case l.Seq != nil:
		return h.begin(&l)
	case h.recorded == nil:
		return errors.New("an operation without a sequence")
	case l.End != nil:
		if why := h.end(&l); why != "" {
			r.add(why, false)
		}
		return nil
	}
	h.op++
	changed, err := slots(l.Changed, h.recorded.Table())
	if err != nil {
		return err
	}
	if l.Op == "set_r" || l.Op == "set_c" {
		return h.walker(&l, changed, r)
	}
	op, err := strconv.ParseUint(l.Op, 0, 64)
	if err != nil || len(l.In) > len(papr.Args{}) || len(l.Out) > len(papr.Args{}) {
		return fmt.Errorf("operation %q with %d arguments", l.Op, len(l.In))
	}
	h.call(papr.Op(op), &l, changed, r)
	return nil
}

func (h *hcall) begin(l *hcallLine) (err error) {
	h.seq, h.op = *l.Seq, 0
	if h.recorded, err = newPAPR(l.Order, l.RAM, papr.QEMU72); err != nil {
		return err
	}
	h.standard, err = newPAPR(l.Order, l.RAM, papr.Quirks{})
	return err
}

func newPAPR(order int, ram hex, q papr.Quirks) (*papr.HPT, error) {
	t, err := newTable(order, hpt.Format2)
	if err != nil {
		return nil, err
	}
	return papr.New(papr.Config{Table: t, Memory: papr.RAMBelow(ram), Quirks: q})
}

// slots reads [slot, V, R] triples into a map.
func slots(es []entry, t *hpt.Table) (map[pte.Slot]pte.HPTE, error) {
	m := make(map[pte.Slot]pte.HPTE, len(es))
	for _, e := range es {
		if uint64(e[0]) >= t.Slots() {
			return nil, fmt.Errorf("slot %d is outside the table", e[0])
		}
		m[pte.Slot(e[0])] = pte.HPTE{V: uint64(e[1]), R: uint64(e[2])}
	}
	return m, nil
}

// walker plays the hardware walker that sets R or C.
func (h *hcall) walker(l *hcallLine, changed map[pte.Slot]pte.HPTE, r *Report) error {
	bit := uint64(pte.RRef)
	if l.Op == "set_c" {
		bit = pte.RChg
	}
	t := h.recorded.Table()
	if uint64(l.Slot) >= t.Slots() {
		return fmt.Errorf("slot %d is outside the table", l.Slot)
	}
	before := []pte.HPTE{t.Load(l.Slot)}
	e := before[0]
	e.R |= bit
	t.StoreRaw(l.Slot, e)
	h.standard.Table().StoreRaw(l.Slot, e)
	r.add(h.changes(h.recorded, []pte.Slot{l.Slot}, before, changed), false)
	return nil
}

// call makes a hypercall on both and compares.
func (h *hcall) call(op papr.Op, l *hcallLine, changed map[pte.Slot]pte.HPTE, r *Report) {
	touched := h.touched(op, l.In)
	before := contents(h.recorded.Table(), touched)
	why := h.answer(h.recorded, op, l, touched, before, changed)
	departed := h.answer(h.standard, op, l, touched, before, changed) != ""
	for i, e := range contents(h.recorded.Table(), touched) {
		h.standard.Table().StoreRaw(touched[i], e)
	}
	r.add(why, departed)
}

// answer makes the hypercall and says what differs from the record.
func (h *hcall) answer(p *papr.HPT, op papr.Op, l *hcallLine, touched []pte.Slot, before []pte.HPTE, changed map[pte.Slot]pte.HPTE) string {
	var a papr.Args
	for i, v := range l.In {
		a[i] = uint64(v)
	}
	code := p.Call(op, &a)
	if int64(code) != l.Ret {
		return h.why("%v: %v, recorded %v", op, code, papr.Code(l.Ret))
	}
	for i, v := range l.Out {
		if a[i] != uint64(v) {
			return h.why("%v: R%d is %#x, recorded %#x", op, 4+i, a[i], uint64(v))
		}
	}
	return h.changes(p, touched, before, changed)
}

// changes compares what became of the touched slots with the record.
func (h *hcall) changes(p *papr.HPT, touched []pte.Slot, before []pte.HPTE, changed map[pte.Slot]pte.HPTE) string {
	seen := 0
	for i, e := range contents(p.Table(), touched) {
		want, recorded := changed[touched[i]]
		if !recorded {
			want = before[i]
		} else {
			seen++
		}
		if e != want {
			return h.why("slot %d holds %v, recorded %v", touched[i], e, want)
		}
	}
	if seen != len(changed) {
		return h.why("%d slots changed that the call does not name", len(changed)-seen)
	}
	return ""
}

// touched are the slots that a hypercall may change: whole groups around every
// argument that names one. Nothing else is looked at before the sequence ends.
func (h *hcall) touched(op papr.Op, in []hex) []pte.Slot {
	var groups []uint64
	add := func(ptex uint64) {
		if g := ptex / pte.SlotsPerGroup; g < h.recorded.Table().Groups() && !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	if op == papr.OpBulkRemove {
		for i := 0; i < len(in); i += 2 {
			add(uint64(in[i]) & (1<<56 - 1))
		}
	} else if len(in) > 1 {
		add(uint64(in[1]))
	}
	var s []pte.Slot
	for _, g := range groups {
		for i := range uint64(pte.SlotsPerGroup) {
			s = append(s, pte.Slot(g*pte.SlotsPerGroup+i))
		}
	}
	return s
}

func contents(t *hpt.Table, s []pte.Slot) []pte.HPTE {
	c := make([]pte.HPTE, len(s))
	for i := range s {
		c[i] = t.Load(s[i])
	}
	return c
}

// end compares the whole table.
func (h *hcall) end(l *hcallLine) string {
	d := sha256.New()
	if _, err := h.recorded.Table().WriteTo(d); err != nil {
		return h.why("%v", err)
	}
	if got := fmt.Sprintf("%x", d.Sum(nil)); got != l.SHA256 {
		return h.why("the table's SHA-256 is %s, recorded %s", got, l.SHA256)
	}
	return ""
}

func (h *hcall) why(format string, args ...any) string {
	return fmt.Sprintf("sequence %d, operation %d: ", h.seq, h.op) + fmt.Sprintf(format, args...)
}
