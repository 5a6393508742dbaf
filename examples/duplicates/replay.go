package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/internal/replay"
	"github.com/hashmmu/ppc64/pte"
)

// pair is two valid entries for one page, as -json prints it.
type pair struct {
	Run        string `json:"run"`
	Seq        uint64 `json:"seq"` // the H_ENTER that made it
	OldPTEX    string `json:"old_ptex"`
	NewPTEX    string `json:"new_ptex"`
	Grade      string `json:"grade"`      // agreeing or conflicting
	EndedSeq   uint64 `json:"ended_seq"`  // the removal of one of the two
	Removed    string `json:"removed"`    // which: old, new, none
	Hypercalls uint64 `json:"hypercalls"` // how long it lived, to the end of the log at least

	old, new pte.Slot
	by       string // the hypercall that ended it
}

// replaying is a log half way through.
type replaying struct {
	log     *log
	hpt     *papr.HPT
	now     *event // nil while the table is filled with what it held before
	pairs   []pair
	current []int // pairs that have not ended
}

// replay returns the pairs of a log in the order of their birth.
func (l *log) replay() ([]pair, error) {
	if len(l.Events) == 0 {
		return nil, errors.New(`no "events"`)
	}
	held, order, err := l.before()
	if err != nil {
		return nil, err
	}
	r := &replaying{log: l}
	table, err := hpt.New(hpt.Config{Order: order, Detect: &hpt.Detector{Report: r.born}})
	if err != nil {
		return nil, err
	}
	defer table.Close()
	r.hpt, err = papr.New(papr.Config{Table: table, Memory: replay.Memory, Quirks: papr.QEMU72})
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		table.StoreRaw(pte.Slot(h.slot), h.was)
	}
	for i := range l.Events {
		r.now = &l.Events[i]
		if r.now.Ret != 0 {
			continue // it changed nothing
		}
		if err := r.call(); err != nil {
			return nil, fmt.Errorf("%s, call %d: %s: %w", l.Run, r.now.Seq, r.now.Op, err)
		}
	}
	for _, i := range r.current {
		r.pairs[i].Hypercalls = r.now.Seq - r.pairs[i].Seq
	}
	return r.pairs, nil
}

// born is told of a pair by the table.
func (r *replaying) born(d hpt.DuplicateBirth) {
	if r.now == nil {
		return // born before the log
	}
	grade := "agreeing"
	if d.Conflict {
		grade = "conflicting"
	}
	r.current = append(r.current, len(r.pairs))
	r.pairs = append(r.pairs, pair{
		Run: r.log.Run, Seq: r.now.Seq, Grade: grade, Removed: "none",
		OldPTEX: number(d.Old).String(), NewPTEX: number(d.New).String(),
		old: d.Old, new: d.New,
	})
}

// ended is told of an entry that went.
func (r *replaying) ended(s pte.Slot) {
	r.current = slices.DeleteFunc(r.current, func(i int) bool {
		p := &r.pairs[i]
		switch s {
		case p.old:
			p.Removed = "old"
		case p.new:
			p.Removed = "new"
		default:
			return false
		}
		p.EndedSeq, p.Hypercalls, p.by = r.now.Seq, r.now.Seq-p.Seq, r.now.Op
		return true
	})
}

// call makes one hypercall that succeeded when it was recorded.
func (r *replaying) call() error {
	switch e := r.now; e.Op {
	case papr.OpEnter.String():
		return r.enter()
	case papr.OpProtect.String():
		return done(r.hpt.Protect(papr.Flags(e.Flags), uint64(*e.PTEX), uint64(e.AVPN)))
	case papr.OpRemove.String(), papr.OpBulkRemove.String():
		return r.remove()
	}
	return nil // it reads, or clears R or C
}

// enter enters into the very slot that was recorded: what else the group held is
// not in the log.
func (r *replaying) enter() error {
	e := entry(r.now.V, r.now.R)
	_, code := r.hpt.Enter(papr.Exact, uint64(*r.now.Slot), e)
	return done(code)
}

// remove removes the entries of one hypercall, in order. The log does not say under
// what condition, only what went.
func (r *replaying) remove() error {
	rs, err := r.now.removals()
	if err != nil {
		return err
	}
	for _, x := range rs {
		was, code := r.hpt.Remove(0, uint64(x.slot), 0)
		switch {
		case code != papr.Success:
			return fmt.Errorf("slot %v: %w", x.slot, done(code))
		case (was.V^x.was.V)&pte.VMatch != 0:
			return fmt.Errorf("slot %v: holds %v here, %v in the log", x.slot, was, x.was)
		}
		r.ended(pte.Slot(x.slot))
	}
	return nil
}

// done turns a refusal into an error: the log says that the call succeeded.
func done(c papr.Code) error {
	if c != papr.Success {
		return fmt.Errorf("answers %v here, H_SUCCESS in the log", c)
	}
	return nil
}
