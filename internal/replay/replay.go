package replay

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/hpt/image"
	"github.com/hashmmu/ppc64/hpt/papr"
)

// Report is what a replay came to.
type Report struct {
	Records    int64  `json:"records"`
	HCalls     int64  `json:"hcalls"`
	Xlates     int64  `json:"xlates"`
	SLBOps     int64  `json:"slbops"`
	TLBIEs     int64  `json:"tlbies"`
	Syncs      int64  `json:"syncs"`
	Checked    int64  `json:"checked"` // records whose answer was compared
	Mismatches int64  `json:"mismatches"`
	Departed   int64  `json:"departed"`
	First      string `json:"first"` // the first mismatch, empty when none
}

// ErrTrace is a trace whose records are well formed but in no possible order.
var ErrTrace = errors.New("replay: impossible trace")

// Run replays a trace, gzip'ed or not, in constant memory but for the table. It
// stops with an error where the trace cannot be read; the report then holds what
// came before.
func Run(r io.Reader) (Report, error) {
	return run(r, maxOrder)
}

// maxOrder is the largest table, log2 of bytes, that a trace may ask for: that of
// a guest with 32 GiB.
const maxOrder = 28

func run(r io.Reader, maxOrder int) (Report, error) {
	t, err := image.NewTrace(r)
	if err != nil {
		return Report{}, err
	}
	p := &player{maxOrder: maxOrder}
	err = p.run(t)
	p.report.Records = t.Records()
	return p.report, err
}

// player is a replay under way: the recorded machine and the default side by
// side.
type player struct {
	maxOrder int
	report   Report
	n        int64 // number of the current record, from 1
	early    []image.Record
	m        *machine // nil until the first STATE record has told what machine it is
	checking bool     // SYNC records are compared, not stored: a resize has made the table
	expect   int64    // entries of that table which no SYNC has named yet
	xlate    image.Xlate
	args     [2]papr.Args // of a hypercall on the recorded machine and on the default
}

func (p *player) run(t *image.Trace) error {
	for {
		r, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case p.m == nil && r.Kind != image.KindEnd:
			if err := p.begin(r); err != nil {
				return err
			}
			continue
		}
		p.n++
		if err := p.record(r); err != nil {
			return fmt.Errorf("%w: record %d: %w", ErrTrace, p.n, err)
		}
	}
}

// maxEarly is more records than any recorded machine makes before its first
// STATE record.
const maxEarly = 1 << 20

// begin keeps records until one tells what machine this is, and plays them then.
func (p *player) begin(r *image.Record) (err error) {
	early := *r
	early.P = append([]uint64(nil), r.P...)
	p.early = append(p.early, early)
	if r.Kind != image.KindState {
		if len(p.early) > maxEarly {
			return fmt.Errorf("%w: no STATE record among the first %d", ErrTrace, maxEarly)
		}
		return nil
	}
	if p.m, err = newMachine(r.P[0], r.P[4], p.maxOrder); err != nil {
		return err
	}
	for i := range p.early {
		p.n++
		if err := p.record(&p.early[i]); err != nil {
			return fmt.Errorf("%w: record %d: %w", ErrTrace, p.n, err)
		}
	}
	p.early = nil
	return nil
}

// record plays one record.
func (p *player) record(r *image.Record) error {
	if p.checking && r.Kind != image.KindSync {
		p.endOfSyncs()
	}
	switch r.Kind {
	case image.KindHCall:
		p.report.HCalls++
		return p.hcall(r)
	case image.KindXlate:
		p.report.Xlates++
		return p.translate(r)
	case image.KindSLB:
		p.report.SLBOps++
		return p.slb(r)
	case image.KindTLBIE:
		p.report.TLBIEs++
		p.tlbie(r)
	case image.KindState:
		p.m.state(r.P)
	case image.KindNewHPT:
		return p.newHPT(r.P[0], r.P[1])
	case image.KindSync:
		p.report.Syncs++
		return p.sync(r)
	}
	return nil
}

// compared counts a record that was compared: what differs, empty when nothing,
// and whether the default departs.
func (p *player) compared(why string, departed bool) {
	p.report.Checked++
	if departed {
		p.report.Departed++
	}
	if why == "" {
		return
	}
	p.report.Mismatches++
	if p.report.First == "" {
		p.report.First = fmt.Sprintf("record %d: %s", p.n, why)
	}
}
