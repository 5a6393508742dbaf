package main

import (
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/internal/replay"
	"github.com/hashmmu/ppc64/pte"
)

// errDiffers is a table that did not come out as recorded.
var errDiffers = errors.New("not as recorded")

// maxOrder is the largest table, log2 of bytes, that a trace may ask for.
const maxOrder = 28

// replayed runs a trace under all policies at once, a lane for each.
func replayed(r io.Reader, policies []batch.Policy) ([]figures, error) {
	trace, err := image.NewTrace(r)
	if err != nil {
		return nil, err
	}
	lanes := make([]*lane, len(policies))
	for i, p := range policies {
		lanes[i] = newLane(p)
		defer lanes[i].close()
	}
	for n := 1; ; n++ {
		rec, err := trace.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, l := range lanes {
			if err := l.record(rec); err != nil {
				return nil, fmt.Errorf("record %d: %w", n, err)
			}
		}
	}
	all := make([]figures, len(lanes))
	for i, l := range lanes {
		if all[i], err = l.result(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// record plays one record of the trace.
func (l *lane) record(r *image.Record) error {
	switch r.Kind {
	case image.KindNewHPT:
		return l.newTable(r.P[1])
	case image.KindSync:
		l.finish()
		if l.table == nil || r.P[0] >= l.table.Slots() {
			return errors.New("SYNC beyond the table")
		}
		l.table.StoreRaw(pte.Slot(r.P[0]), pte.HPTE{V: r.P[1], R: r.P[2]})
	case image.KindHCall:
		op, ret, in, out := r.HCall()
		if code := papr.Code(ret); code == papr.Success || code == papr.Parameter {
			return l.hcall(papr.Op(op), in, out)
		}
	}
	return nil
}

// newTable puts an empty table of mask+1 groups in force.
func (l *lane) newTable(mask uint64) error {
	l.close()
	order := bits.Len64(mask) + 7
	if order > maxOrder {
		return fmt.Errorf("a table of 2^%d bytes, more than 2^%d", order, maxOrder)
	}
	t, err := hpt.New(hpt.Config{Order: order})
	if err != nil {
		return err
	}
	calls, err := papr.New(papr.Config{Table: t, Memory: replay.Memory, Quirks: papr.QEMU72})
	l.table, l.calls = t, calls
	return err
}

// hcall plays a hypercall that changed the table. Only H_BULK_REMOVE changes it
// and may refuse.
func (l *lane) hcall(op papr.Op, in, out []uint64) error {
	if l.table == nil {
		return errors.New("hypercall without a table")
	}
	need := map[papr.Op]int{papr.OpEnter: 4, papr.OpProtect: 3, papr.OpRemove: 3}[op]
	if len(in) < need || need > 0 && len(out) == 0 {
		return fmt.Errorf("%v with %d arguments", op, len(in))
	}
	switch op {
	case papr.OpEnter:
		return l.enter(papr.Flags(in[0]), in[1], pte.HPTE{V: in[2], R: in[3]}, out[0])
	case papr.OpProtect:
		return l.protect(papr.Flags(in[0]), in[1], in[2])
	case papr.OpRemove:
		return l.remove(papr.Flags(in[0]), in[1], in[2])
	case papr.OpBulkRemove:
		return l.bulk(in, out)
	}
	return nil
}

// bulk plays an H_BULK_REMOVE: a removal for each request that answers success.
// What follows the last request is left from earlier calls.
func (l *lane) bulk(in, out []uint64) error {
	const (
		kind, request   = 0xc0 << 56, 0x40 << 56
		answer, success = 0xf0 << 56, 0x80 << 56
		slot            = 1<<56 - 1
	)
	for i := 0; i < min(len(in), len(out)) && in[i]&kind == request; i += 2 {
		if out[i]&answer != success {
			continue
		}
		if err := l.queue(in[i] & slot); err != nil {
			return err
		}
	}
	return nil
}
