package main

import (
	"fmt"
	"math/bits"
	"strconv"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// log is a stretch of a guest's hash hypercalls.
type log struct {
	Run    string  `json:"run"`
	Events []event `json:"events"`
}

// event is one hypercall. Slots are numbers of entries, "ptex".
type event struct {
	Seq uint64 `json:"seq"` // its number in the run
	Op  string `json:"op"`
	Ret int64  `json:"ret"`

	Slot *number `json:"slot"` // H_ENTER: where the entry went
	V    number  `json:"v"`
	R    number  `json:"r"`

	PTEX  *number `json:"ptex"`  // H_REMOVE, H_PROTECT
	AVPN  number  `json:"avpn"`  // H_PROTECT
	Flags number  `json:"flags"` // H_PROTECT

	Entries [][2]number  `json:"entries"` // H_BULK_REMOVE: slot and AVPN of each
	Removed []*[2]number `json:"removed"` // the entry that went, null if none did
	Changed [][2]number  `json:"before_after"`
}

// number is written as hexadecimal digits.
type number uint64

func (n number) String() string { return strconv.FormatUint(uint64(n), 16) }

// UnmarshalText reads the digits.
func (n *number) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 16, 64)
	*n = number(v)
	return err
}

func entry(v, r number) pte.HPTE { return pte.HPTE{V: uint64(v), R: uint64(r)} }

// known is an entry as the log has it.
type known struct {
	slot number
	was  pte.HPTE
}

// removals are the entries that an H_REMOVE or H_BULK_REMOVE took away.
func (e *event) removals() ([]known, error) {
	asked := e.Entries
	if e.Op == papr.OpRemove.String() && e.PTEX != nil {
		asked = [][2]number{{*e.PTEX}}
	}
	if len(asked) == 0 || len(asked) > 4 || len(e.Removed) > len(asked) {
		return nil, fmt.Errorf("%d entries to remove, %d removed", len(asked), len(e.Removed))
	}
	var rs []known
	for i, was := range e.Removed {
		if was != nil {
			rs = append(rs, known{asked[i][0], entry(was[0], was[1])})
		}
	}
	return rs, nil
}

// before returns what the table held before the log as far as the log tells:
// an entry that is changed or removed and was not entered before has been there.
// order is log2 of the smallest table that has every slot: a larger one would
// hold the same pairs, since the slots of a key's two groups add up to all ones.
func (l *log) before() (held []known, order int, err error) {
	met := map[number]bool{}
	var last number
	meet := func(s number, was *pte.HPTE) {
		last = max(last, s)
		if !met[s] && was != nil {
			held = append(held, known{s, *was})
		}
		met[s] = true
	}
	for i := range l.Events {
		e := &l.Events[i]
		switch {
		case e.Ret != 0:
		case e.Op == papr.OpEnter.String() && e.Slot != nil:
			meet(*e.Slot, nil)
		case e.Op == papr.OpProtect.String() && e.PTEX != nil && len(e.Changed) > 0:
			was := entry(e.Changed[0][0], e.Changed[0][1])
			meet(*e.PTEX, &was)
		case e.Op == papr.OpRemove.String(), e.Op == papr.OpBulkRemove.String():
			rs, err := e.removals()
			if err != nil {
				return nil, 0, fmt.Errorf("%s, call %d: %w", l.Run, e.Seq, err)
			}
			for _, r := range rs {
				meet(r.slot, &r.was)
			}
		case e.Op == papr.OpRead.String(), e.Op == papr.OpClearRef.String(), e.Op == papr.OpClearMod.String():
		default:
			return nil, 0, fmt.Errorf("%s, call %d: %q lacks its arguments or is no hash hypercall", l.Run, e.Seq, e.Op)
		}
	}
	order = max(bits.Len64(uint64(last))+4, hpt.MinOrder)
	if order > maxOrder {
		return nil, 0, fmt.Errorf("%s: slot %v: more than a table of 2^%d bytes has", l.Run, last, maxOrder)
	}
	return held, order, nil
}

// maxOrder is the size of the largest table of a log: that of a guest with
// 128 GiB.
const maxOrder = 30
