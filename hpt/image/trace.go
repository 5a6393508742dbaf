package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// traceMagic begins a recorded trace.
const traceMagic = "HPTTRC1\n"

// Kind is what a record of a trace tells.
type Kind uint8

// The kinds of records.
const (
	KindEnd     Kind = iota // P: the number of records before it
	KindHCall               // Sub: opcode; P: return code, inputs from R4, outputs from R4
	KindXlate               // a hardware translation: see Xlate
	KindSLB                 // Aux: instruction; P: RB, RS, result
	KindState               // P: LPCR, AMR, IAMR, UAMOR, table base, table mask, HRMOR, RMOR, LPIDR
	KindSync                // P: slot, V, R: the slot was changed by other means
	KindNewHPT              // P: base, mask: another table, all zero, is in force
	KindTLBIE               // Aux: 1 legacy, 2 with R=1; P: RB, RS, flags
	numKinds    = iota
	maxPayload  = 255
	headerBytes = 8
)

var kindNames = [numKinds]string{"END", "HCALL", "XLATE", "SLB", "STATE", "SYNC", "HPT_NEW", "TLBIE"}

// String gives the name in the format's description, such as HPT_NEW.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("KIND(%d)", uint8(k))
}

// Bits of Aux in a KindXlate record.
const (
	XlateAccess    = 0x003 // 0 load, 1 store, 2 fetch
	XlateIndex     = 0x01c // 0x04 privileged, 0x08 translation off, 0x10 MSR[HV]
	XlateRaises    = 0x020 // a fault is raised; clear for a probe
	XlateOK        = 0x040
	XlateSegment   = 0x080 // an SLB entry was used
	XlateMatched   = 0x100 // an entry of the table matched
	XlateSetR      = 0x200
	XlateSetC      = 0x400
	XlateSecondary = 0x800
)

// minPayload is the least number of payload words that the kind needs.
func (r *Record) minPayload() int {
	switch r.Kind {
	case KindEnd:
		return 1
	case KindHCall:
		return 1 + int(r.Aux&0xff) + int(r.Aux>>8)
	case KindSLB, KindSync, KindTLBIE:
		return 3
	case KindState:
		return 9
	case KindNewHPT:
		return 2
	}
	n := 2 // an XLATE
	if r.Aux&XlateSegment != 0 {
		n += 2
	}
	if r.Aux&XlateMatched != 0 {
		n += 3
	}
	switch {
	case r.Aux&XlateOK != 0:
		n++
	case r.Aux&XlateRaises != 0:
		n += 2
	}
	return n
}

// Record is one event of a trace. P is valid until the next call of Next.
type Record struct {
	Kind Kind
	Aux  uint16
	Sub  uint32
	P    []uint64
}

// HCall gives the parts of a KindHCall record, as Next returned it; in and out are
// parts of P. It panics on a record of another kind that is too short for them.
func (r *Record) HCall() (op uint64, ret int64, in, out []uint64) {
	n := 1 + int(r.Aux&0xff)
	return uint64(r.Sub), int64(r.P[0]), r.P[1:n], r.P[n : n+int(r.Aux>>8)]
}

// Xlate is a KindXlate record taken apart. What Aux says is not there is zero.
type Xlate struct {
	EA, MSR    uint64
	ESID, VSID uint64 // the SLB entry used
	Slot       uint64 // the entry that matched, as it was before R and C were set
	V, R       uint64 // its two doublewords as memory has them
	RA         uint64
	Err, DAR   uint64
	Fault      uint8 // 0 none, 1 DSI, 2 ISI, 3 DSEG, 4 ISEG, 5 HDSI, 6 HISI, 7 machine check
	Prot       uint8 // 1 read, 2 write, 4 execute
	Shift      uint8 // log2 of the page size
	CPU        uint8
}

// Xlate takes a KindXlate record apart, as Next returned it. It panics on a record of
// another kind that is too short for one.
func (r *Record) Xlate(x *Xlate) {
	*x = Xlate{EA: r.P[0], MSR: r.P[1],
		Fault: uint8(r.Sub), Prot: uint8(r.Sub >> 8), Shift: uint8(r.Sub >> 16), CPU: uint8(r.Sub >> 24)}
	p := r.P[2:]
	if r.Aux&XlateSegment != 0 {
		x.ESID, x.VSID = p[0], p[1]
		p = p[2:]
	}
	if r.Aux&XlateMatched != 0 {
		x.Slot, x.V, x.R = p[0], p[1], p[2]
		p = p[3:]
	}
	switch {
	case r.Aux&XlateOK != 0:
		x.RA = p[0]
	case r.Aux&XlateRaises != 0:
		x.Err, x.DAR = p[0], p[1]
	}
}

// Trace reads a recorded trace, record by record, in constant memory. One goroutine
// uses it.
type Trace struct {
	r       io.Reader
	buf     []byte
	at, end int   // the unread part of buf
	offset  int64 // of buf[at]
	n       int64 // records read
	done    bool
	rec     Record
	payload [maxPayload]uint64
}

// NewTrace begins to read a trace, plain or gzip'ed.
func NewTrace(r io.Reader) (*Trace, error) {
	d, err := Decompress(r)
	if err != nil {
		return nil, &FormatError{0, "gzip header", ErrFormat, err}
	}
	t := &Trace{r: d, buf: make([]byte, bufferBytes)}
	if err := t.need(len(traceMagic), "magic"); err != nil {
		return nil, err
	}
	if string(t.buf[:len(traceMagic)]) != traceMagic {
		return nil, &FormatError{0, "magic is not HPTTRC1", ErrFormat, nil}
	}
	t.take(len(traceMagic))
	return t, nil
}

// Offset is the number of bytes read so far.
func (t *Trace) Offset() int64 { return t.offset }

// Records is the number of records read so far.
func (t *Trace) Records() int64 { return t.n }

// Next returns the next record, which is good until the call after. After the
// KindEnd record, whose count it checks, it returns io.EOF. A record that makes no
// sense, or input that ends without KindEnd, is a [*FormatError].
func (t *Trace) Next() (*Record, error) {
	if t.done {
		return nil, io.EOF
	}
	if err := t.need(headerBytes, "record header"); err != nil {
		return nil, err
	}
	h := t.buf[t.at:]
	r := &t.rec
	n := int(h[1])
	*r = Record{Kind(h[0]), binary.LittleEndian.Uint16(h[2:]), binary.LittleEndian.Uint32(h[4:]), t.payload[:n]}
	if r.Kind >= numKinds || n < r.minPayload() {
		return nil, &FormatError{t.offset, fmt.Sprintf("%v record with %d words", r.Kind, n), ErrFormat, nil}
	}
	size := headerBytes + 8*n
	if err := t.need(size, "record"); err != nil {
		return nil, err
	}
	words := t.buf[t.at+headerBytes : t.at+size]
	for i := range r.P {
		r.P[i] = binary.LittleEndian.Uint64(words[8*i:])
	}
	if r.Kind == KindEnd {
		if r.P[0] != uint64(t.n) {
			return nil, &FormatError{t.offset, fmt.Sprintf("END counts %d records, there were %d", r.P[0], t.n), ErrFormat, nil}
		}
		t.done = true
	}
	t.take(size)
	t.n++
	return r, nil
}

// need makes n bytes available in buf, which is far larger than any record.
func (t *Trace) need(n int, what string) error {
	if t.end-t.at >= n {
		return nil
	}
	copy(t.buf, t.buf[t.at:t.end])
	t.at, t.end = 0, t.end-t.at
	m, err := io.ReadAtLeast(t.r, t.buf[t.end:], n-t.end)
	t.end += m
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &FormatError{t.offset + int64(t.end), what + " is cut short", ErrFormat, err}
}

func (t *Trace) take(n int) {
	t.at += n
	t.offset += int64(n)
}
