package image

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Counts is what a stream held.
type Counts struct {
	Headers uint64
	Valid   uint64 // entries
	Invalid uint64 // slots said to be empty
}

func (c *Counts) add(n header) {
	c.Headers++
	c.Valid += uint64(n.valid)
	c.Invalid += uint64(n.invalid)
}

// header announces valid entries from slot index on, then as many empty slots.
type header struct {
	index          uint32
	valid, invalid uint16
}

const (
	maxRun     = 0xffff
	entryBytes = 16
)

// ReadHTAB applies an HTAB stream to t up to its end: one pass or several, so a
// full stream makes the table, incremental ones bring it up to date. Slots that
// the stream does not name stay.
//
// As KVM does, it refuses runs beyond the table and entries that are invalid or
// have no page size (Linux: kvm_htab_write), with ErrFormat; what came before the
// error has been applied. Of o only ByteOrder counts.
func ReadHTAB(r io.Reader, t *hpt.Table, o Options) (c Counts, err error) {
	s := newSource(r, o.byteOrder())
	for s.err == nil && !s.atEnd() {
		at := s.offset
		h := s.header()
		s.entries(t, h, at, true)
		if s.err == nil {
			c.add(h)
		}
	}
	return c, s.err
}

func (s *source) header() header {
	return header{s.u32("header"), s.u16("header"), s.u16("header")}
}

// entries reads what a header at offset at announces into t.
func (s *source) entries(t *hpt.Table, h header, at int64, strict bool) {
	if uint64(h.index)+uint64(h.valid)+uint64(h.invalid) > t.Slots() {
		s.fail(at, ErrFormat, "run beyond the end of the table")
	}
	slot := pte.Slot(h.index)
	for range h.valid {
		var b [entryBytes]byte
		at := s.offset
		s.bytes(b[:], "entry")
		e := pte.HPTE{V: binary.BigEndian.Uint64(b[:]), R: binary.BigEndian.Uint64(b[8:])}
		if !e.Valid() {
			s.fail(at, ErrFormat, "entry is not valid")
		}
		if _, _, ok := t.Sizes().Decode(e); strict && !ok {
			s.fail(at, ErrFormat, "entry has no page size")
		}
		if s.err != nil {
			return
		}
		t.StoreRaw(slot, raw(t, e))
		slot++
	}
	if s.err != nil {
		return
	}
	for range h.invalid {
		if t.LoadRaw(slot) != (pte.HPTE{}) {
			t.StoreRaw(slot, pte.HPTE{})
		}
		slot++
	}
}

// raw gives e as the memory of t holds it.
func raw(t *hpt.Table, e pte.HPTE) pte.HPTE {
	if t.Format() == hpt.Format3 {
		return e.To3()
	}
	return e
}

// WriteOptions are what the writer of an HTAB stream is told.
type WriteOptions struct {
	ByteOrder  binary.ByteOrder // of headers; nil means little-endian
	BoltedOnly bool             // other entries count as empty
	Start      pte.Slot         // where the first pass begins
	_          struct{}
}

// WriteHTAB writes one pass over the whole table. A table of more slots than a
// header can name, beyond order 36, is ErrLimit.
func WriteHTAB(w io.Writer, t *hpt.Table, o WriteOptions) (Counts, error) {
	p := newPass(w, t, o)
	p.run(o.Start, pte.Slot(t.Slots()))
	return p.end()
}

// A Tracker writes a table that is in use as a stream of passes: the first has
// every slot, each later one the groups that have changed since, removed entries
// included. One goroutine uses it. The passes applied in order make the table as it
// was when the last one began, if nothing changed since; a guest's own stores into
// its memory are not seen.
type Tracker struct {
	t     *hpt.Table
	log   *hpt.DirtyLog
	o     WriteOptions
	begun bool
}

// NewTracker begins to log changes of t. The error is ErrLimit when another one
// does already.
func NewTracker(t *hpt.Table, o WriteOptions) (*Tracker, error) {
	log, ok := t.LogDirty()
	if !ok {
		return nil, fmt.Errorf("%w: the table is being tracked already", ErrLimit)
	}
	return &Tracker{t: t, log: log, o: o}, nil
}

// Pass writes the next pass. Counts of nothing mean that nothing has changed. After
// an error the stream is of no use.
func (k *Tracker) Pass(w io.Writer) (Counts, error) {
	p := newPass(w, k.t, k.o)
	if !k.begun {
		k.begun = true
		for range k.log.Take() { // this pass has them anyway
		}
		p.run(k.o.Start, pte.Slot(k.t.Slots()))
		return p.end()
	}
	for g := range k.log.Take() {
		p.run(pte.Slot(g*pte.SlotsPerGroup), pte.Slot((g+1)*pte.SlotsPerGroup))
	}
	return p.end()
}

// Pending reports whether the next pass would have anything.
func (k *Tracker) Pending() bool { return !k.begun || k.log.Pending() }

// Close ends the logging.
func (k *Tracker) Close() { k.log.Close() }

// pass writes runs of slots. It gathers valid entries, then empty slots, and writes
// a header and the entries when a run ends.
type pass struct {
	w      *bufio.Writer
	t      *hpt.Table
	order  binary.ByteOrder
	bolted bool
	h      header
	buf    []byte // the valid entries of the run
	counts Counts
	err    error
}

func newPass(w io.Writer, t *hpt.Table, o WriteOptions) *pass {
	p := &pass{w: bufio.NewWriterSize(w, bufferBytes), t: t, bolted: o.BoltedOnly,
		order: Options{ByteOrder: o.ByteOrder}.byteOrder()}
	if t.Slots() > 1<<32 {
		p.err = fmt.Errorf("%w: a table of order %d", ErrLimit, t.Order())
	}
	return p
}

// run writes slots from up to, not including, to.
func (p *pass) run(from, to pte.Slot) {
	if uint64(p.h.index)+uint64(p.h.valid)+uint64(p.h.invalid) != uint64(from) {
		p.flush(from)
	}
	for s := from; s < to && p.err == nil; s++ {
		e := p.t.Load(s)
		valid := e.Valid() && (!p.bolted || e.Bolted())
		if p.h.valid == maxRun || p.h.invalid == maxRun || valid && p.h.invalid != 0 {
			p.flush(s)
		}
		if !valid {
			p.h.invalid++
			continue
		}
		p.h.valid++
		p.buf, _ = e.AppendBinary(p.buf)
	}
}

// flush ends the run; the next one begins at slot s. An empty run leaves nothing.
func (p *pass) flush(s pte.Slot) {
	if p.h.valid != 0 || p.h.invalid != 0 {
		var b [headerBytes]byte
		p.order.PutUint32(b[:], p.h.index)
		p.order.PutUint16(b[4:], p.h.valid)
		p.order.PutUint16(b[6:], p.h.invalid)
		p.write(b[:])
		p.write(p.buf)
		p.counts.add(p.h)
	}
	p.h, p.buf = header{index: uint32(s)}, p.buf[:0]
}

func (p *pass) write(b []byte) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}

func (p *pass) end() (Counts, error) {
	p.flush(0)
	if p.err == nil {
		p.err = p.w.Flush()
	}
	return p.counts, p.err
}
