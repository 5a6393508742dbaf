package softtlbvec

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/tlb"
)

// A Linux trace is the events of one booted MIPS kernel: TLB writes, probes,
// reads, and the lookups between them.

// runTrace executes a trace. It is read whole first: whether the CPU is a
// 32-bit or a 64-bit one shows in the addresses only.
func runTrace(r io.Reader) (Result, error) {
	events, err := readTrace(r)
	if err != nil {
		return Result{}, err
	}
	res := Result{Kind: "tlb-mips-linux"}
	m, err := traceParams(events)
	if err != nil {
		return res, err
	}
	recorded, err := newTraceMachine(events[0], m, mipsQuirks)
	if err != nil {
		return res, fmt.Errorf("line 1: %w", err)
	}
	part, err := newTraceMachine(events[0], m, 0)
	if err != nil {
		return res, err
	}
	last := len(events) - 1
	for i, ev := range events[1:last] {
		where := fmt.Sprintf("event %d %s", i+1, ev.Name)
		part.CopyFrom(&recorded.mipsMachine)
		err := recorded.event(ev)
		if err == nil && i+1 == last-1 {
			err = recorded.finish(events[last])
		}
		if errors.Is(err, ErrFormat) {
			return res, fmt.Errorf("%s: %w", where, err)
		}
		res.count(where, err, part.event(ev))
	}
	return res, nil
}

func readTrace(r io.Reader) ([]Op, error) {
	reader := NewReader(r)
	var events []Op
	for reader.lines.Scan() {
		v, err := ParseValues(reader.lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(events)+1, reader.why(err))
		}
		ev, err := opOf(Value{Kind: List, List: v})
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
		}
		events = append(events, ev)
	}
	if err := reader.lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, len(events)+1, err)
	}
	if n := len(events); n < 2 || events[0].Name != "state" || events[n-1].Name != "state" {
		return nil, fmt.Errorf("%w: line %d: a trace starts and ends with the contents of the TLB", ErrFormat, n)
	}
	return events, nil
}

// addressAt is the position of the address or EntryHi in each event.
var addressAt = map[string]int{"tlbwi": 1, "tlbwr": 1, "tlbr": 1, "tlbp": 0, "x": 2}

// isWide reports whether any address needs more than 32 bits.
func isWide(events []Op) bool {
	for _, ev := range events {
		if i, ok := addressAt[ev.Name]; ok && i < len(ev.Args) {
			if va, _ := ev.Args[i].hex(); va>>32 != 0 {
				return true
			}
		}
	}
	return false
}

type traceMachine struct{ mipsMachine }

// traceParams describes the CPU of a trace. A trace names neither the part nor
// its writes to PageGrain, so what the part can do is what the trace shows it
// doing: entries that are absent need EHINV, and PageGrain is what it is in the
// end, since before the kernel turns on RI, XI and ELPA no EntryLo has those bits.
func traceParams(events []Op) (tlb.MIPSParams, error) {
	m := tlb.MIPSParams{SegBits: 32, PABits: 32, ASIDMask: 0xff}
	if isWide(events) {
		m.SegBits, m.PABits = 42, 36
	}
	for _, i := range []int{0, len(events) - 1} {
		a := events[i].Read()
		m.Entries = a.Int()
		m.PageGrain |= a.Hex()
		for _, e := range a.next(List).List {
			m.EHINV = m.EHINV || e.Kind == Number
		}
		if err := a.Err(); err != nil {
			return m, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	const elpa = 1 << 29
	m.EHINV = m.EHINV || m.PageGrain != 0
	if m.PageGrain&elpa != 0 || m.EHINV && m.SegBits == 32 {
		m.PABits += 8
	}
	return m, nil
}

// newTraceMachine makes the CPU in the state of the first line.
func newTraceMachine(state Op, m tlb.MIPSParams, quirks tlb.Quirk) (*traceMachine, error) {
	entries := state.Args[2].List
	p := tlb.Profile{Name: "trace", Family: tlb.MIPS, Quirks: quirks}
	completeMIPS(&p, m, false)
	cpu, err := tlb.NewMIPS(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(entries) != cpu.Len() {
		return nil, fmt.Errorf("%w: %d entries, the TLB has %d", ErrFormat, len(entries), cpu.Len())
	}
	for i, v := range entries {
		e, err := mipsEntry(v)
		if err != nil {
			return nil, err
		}
		cpu.SetEntry(i, e)
	}
	cpu.Write(tlb.Status, 0xe0) // the lookups say themselves in which mode they are made
	return &traceMachine{mipsMachine{cpu: cpu, wide: m.SegBits != 32}}, nil
}

func (m *traceMachine) event(ev Op) error {
	a := ev.Read()
	var d diff
	switch ev.Name {
	case "tlbwi", "tlbwr":
		m.write(ev.Name, &a, &d)
	case "tlbp":
		hi, index := a.Hex(), a.Hex()
		m.cpu.Write(tlb.EntryHi, hi)
		_, f := m.cpu.TLBP()
		got := m.cpu.Read(tlb.Index)
		if got&index>>31 != 0 {
			got = index // no match: what else Index held is not in the trace
		}
		d.hex("Index", got, index)
		d.text("fault", f.String(), tlb.NoFault.String())
	case "tlbr":
		m.cpu.Write(tlb.Index, uint64(a.Int()))
		m.cpu.TLBR()
		d.hex("EntryHi", m.cpu.Read(tlb.EntryHi), a.Hex())
		d.hex("PageMask", m.cpu.Read(tlb.PageMask), a.Hex())
		d.hex("EntryLo0", m.cpu.Read(tlb.EntryLo0)|m.cpu.Read(tlb.EntryLo0H)<<32, a.Hex())
		d.hex("EntryLo1", m.cpu.Read(tlb.EntryLo1)|m.cpu.Read(tlb.EntryLo1H)<<32, a.Hex())
	case "x":
		m.lookup(&a, &d)
	default:
		return fmt.Errorf("%w: no event %q", ErrFormat, ev.Name)
	}
	return d.err(&a)
}

// write loads the registers with the image and writes the entry.
func (m *traceMachine) write(name string, a *Args, d *diff) {
	idx := a.Int()
	for _, r := range []tlb.MIPSReg{tlb.EntryHi, tlb.PageMask} {
		v := a.Hex()
		m.cpu.Write(r, v)
		d.hex(r.String(), m.cpu.Read(r), v)
	}
	for _, r := range []struct{ low, high tlb.MIPSReg }{{tlb.EntryLo0, tlb.EntryLo0H}, {tlb.EntryLo1, tlb.EntryLo1H}} {
		v := a.Hex()
		m.cpu.Write(r.low, v)
		if !m.wide {
			m.cpu.Write(r.high, v>>32)
		}
	}
	var f tlb.Fault
	if name == "tlbwr" {
		m.cpu.SetRandom(idx)
		_, f = m.cpu.TLBWR()
	} else {
		m.cpu.Write(tlb.Index, uint64(idx))
		f = m.cpu.TLBWI()
	}
	d.text("fault", f.String(), tlb.NoFault.String())
}

func (m *traceMachine) lookup(a *Args, d *diff) {
	mode := tlb.MIPSMode(a.OneOf("K", "S", "U", "E"))
	acc := accesses[a.OneOf("L", "S", "F")]
	va, asid, kind := a.Hex(), a.Hex(), a.Text()
	if a.err != nil {
		return
	}
	m.cpu.Write(tlb.EntryHi, asid)
	r := m.cpu.Translate(mode, acc, va)
	d.text("result", mipsKinds[r.Fault], kind)
	if kind == "ok" {
		d.hex("pa", r.PA, a.Hex())
		d.int("prot", int(r.Prot), a.Int())
	}
}

func (m *traceMachine) finish(state Op) error {
	a := state.Read()
	d := diff{}
	d.int("entries", m.cpu.Len(), a.Int())
	d.hex("PageGrain", m.cpu.Read(tlb.PageGrain), a.Hex())
	final := a.next(List).List
	if err := d.err(&a); err != nil {
		return err
	}
	return m.Finish(final)
}
