//go:build explore

package hpt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
)

// The specification of a table, for histories: a sequence of slots, changed by
// one operation at a time. An insert may take any free slot. Full, busy and
// nothing-to-evict may be spurious while another operation changes the table, and
// must be true otherwise. A miss must be true unless the program inserts new
// entries before it removes old ones.

type specState [stageSlots]pte.HPTE

// specInput is an operation, and whether none that changes slots was under way
// at the same time.
type specInput struct {
	*operation
	alone bool
}

type spec struct {
	s     *stage
	loose bool
}

// step says whether an operation may answer r in the state, and what follows.
func (m spec) step(state specState, o specInput, r result) (bool, specState) {
	k := pageKey(o.page)
	at := func(i int) pte.HPTE { return state[i] }
	is := func(i int) bool { return at(i).Match(k, m.s.secondary(i, k)) }
	put := func(h pte.HPTE) specState {
		state[r.slot] = h
		return state
	}
	switch o.verb {
	case "insert", "bolt", "unique":
		return m.insert(state, o, r, is)
	case "lookup", "remove":
		if r.err != nil {
			return m.loose || !any4(is), state
		}
		if !is(int(r.slot)) || at(int(r.slot)) != r.old {
			return false, state
		}
		if o.verb == "remove" {
			return true, put(pte.HPTE{})
		}
		return true, state
	case "evict":
		may := func(i int) bool {
			return uint64(i)/m.s.perGroup == o.group && at(i).Valid() && !at(i).Bolted()
		}
		if r.err != nil {
			return !o.alone || !any4(may), state
		}
		return may(int(r.slot)) && at(int(r.slot)) == r.old, put(pte.HPTE{})
	}
	// The others have a hint.
	h := at(int(r.slot))
	if r.err != nil {
		return !is(int(r.slot)) || o.verb == "swap" && !o.alone, state
	}
	a := h.Attr()
	switch o.verb {
	case "invalidate":
		return is(int(r.slot)) && h == r.old, put(pte.HPTE{})
	case "mark":
		a.Ref, a.Chg = true, true
	case "protect":
		a.PP = pte.PPRead
	case "swap":
		a.Bolted = true
		return is(int(r.slot)) && h == r.old, put(h.WithAttr(a))
	}
	return is(int(r.slot)), put(h.WithAttr(a))
}

func (m spec) insert(state specState, o specInput, r result, is func(int) bool) (bool, specState) {
	free := func(i int) bool { return !state[i].Valid() }
	switch {
	case errors.Is(r.err, ErrExists):
		return any4(is), state
	case errors.Is(r.err, ErrBusy):
		return !o.alone, state
	case errors.Is(r.err, ErrGroupFull):
		return !o.alone || !any4(free), state
	}
	if !free(int(r.slot)) || o.verb == "unique" && any4(is) {
		return false, state
	}
	h := o.entry
	if m.s.secondary(int(r.slot), pageKey(o.page)) {
		h.V |= pte.VSecondary
	}
	state[r.slot] = h
	return true, state
}

func any4(p func(int) bool) bool {
	for i := range stageSlots {
		if p(i) {
			return true
		}
	}
	return false
}

// judge records calls and returns and has porcupine check every history that it
// has not seen before.
type judge struct {
	history *explore.History
	model   porcupine.Model
	verdict map[string]bool
	key     []byte
}

func newJudge(s *stage, programs [][]operation, loose bool) *judge {
	var initial specState
	for i := range initial {
		initial[i] = s.raw(i)
	}
	m := spec{s, loose}
	j := &judge{history: s.world.History("calls"), verdict: map[string]bool{}}
	j.model = porcupine.Model{
		Init: func() any { return initial },
		Step: func(state, input, output any) (bool, any) {
			ok, next := m.step(state.(specState), input.(specInput), output.(result))
			return ok, next
		},
	}
	s.world.Finally("linearizable", j.check)
	return j
}

// call and ret do nothing for a program whose histories are not checked.
func (j *judge) call(c *explore.CPU, o *operation) int {
	if j == nil {
		return 0
	}
	return j.history.Call(c, o.verb, o)
}

func (j *judge) ret(c *explore.CPU, id int, r result) {
	if j != nil {
		j.history.Return(c, id, r)
	}
}

func (j *judge) check() error {
	events := j.history.Events()
	j.key = j.key[:0]
	for _, e := range events {
		j.key = append(j.key, byte(e.CPU))
		if r, ok := e.Value.(result); ok {
			j.key = append(j.key, '=', byte(r.slot), errorCode(r.err))
			j.key = binary.LittleEndian.AppendUint64(j.key, r.old.V)
			j.key = binary.LittleEndian.AppendUint64(j.key, r.old.R)
		}
	}
	ok, known := j.verdict[string(j.key)]
	if !known {
		ok = porcupine.CheckOperations(j.model, operations(events))
		j.verdict[string(j.key)] = ok
	}
	if !ok {
		return fmt.Errorf("no order explains the history %s", describe(events))
	}
	return nil
}

func errorCode(err error) byte {
	for i, e := range []error{nil, ErrNotFound, ErrExists, ErrBusy, ErrGroupFull, ErrBolted} {
		if err == e {
			return byte(i)
		}
	}
	panic(err)
}

// operations pairs calls with returns and notes which were alone.
func operations(events []explore.Operation) []porcupine.Operation {
	ops := make([]porcupine.Operation, len(events)/2)
	for at, e := range events {
		if o := &ops[e.ID]; e.Return {
			o.Output, o.Return = e.Value, int64(at)
		} else {
			*o = porcupine.Operation{ClientId: e.CPU, Input: specInput{e.Value.(*operation), true}, Call: int64(at)}
		}
	}
	for i := range ops {
		for k := range ops {
			in := ops[i].Input.(specInput)
			if i != k && ops[i].Call < ops[k].Return && ops[k].Call < ops[i].Return && changesSlots(ops[k].Input.(specInput).verb) {
				in.alone = false
				ops[i].Input = in
			}
		}
	}
	return ops
}

// changesSlots tells which operations change the table.
func changesSlots(verb string) bool { return verb != "lookup" }

func describe(events []explore.Operation) (text string) {
	for _, e := range events {
		if e.Return {
			r := e.Value.(result)
			text += fmt.Sprintf(" [CPU %d returns slot %d, %v, error %v]", e.CPU, r.slot, r.old, r.err)
		} else {
			o := e.Value.(*operation)
			text += fmt.Sprintf(" [CPU %d calls %s %c]", e.CPU, o.verb, o.page)
		}
	}
	return text
}
