package softtlbvec

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Sequence is one line of a recording: a CPU in its initial state, operations
// with the recorded answers, and the contents of the TLB afterwards.
type Sequence struct {
	CPU   string
	Seq   int
	Ops   []Op
	Final []Value

	header map[string]json.RawMessage
}

// Op is one operation: inputs and recorded answers, in the order of the format.
type Op struct {
	Name string
	Args []Value
}

// maxLine bounds a line; the longest recorded one has some 100 KB.
const maxLine = 16 << 20

// Reader reads sequences one at a time.
type Reader struct {
	lines *bufio.Scanner
	line  int
}

// NewReader reads the uncompressed lines of r.
func NewReader(r io.Reader) *Reader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 1<<20), maxLine)
	return &Reader{lines: s}
}

// Next returns the next sequence, io.EOF after the last. An error wraps
// ErrFormat and names the line.
func (r *Reader) Next() (*Sequence, error) {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, r.line+1, err)
		}
		return nil, io.EOF
	}
	r.line++
	s, err := parseSequence(r.lines.Bytes())
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line, r.why(err))
	}
	return s, nil
}

// why is the error of a line that cannot be read: err, unless input ended within it.
func (r *Reader) why(err error) error {
	if cut := r.lines.Err(); cut != nil {
		return fmt.Errorf("%w: %w", ErrFormat, cut)
	}
	return err
}

func parseSequence(line []byte) (*Sequence, error) {
	s := &Sequence{}
	if err := json.Unmarshal(line, &s.header); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	if err := json.Unmarshal(s.header["cpu"], &s.CPU); err != nil {
		return nil, fmt.Errorf("%w: cpu: %v", ErrFormat, err)
	}
	seq, err := s.Int("seq")
	if err != nil {
		return nil, err
	}
	s.Seq = seq
	ops, err := ParseValues(s.header["ops"])
	if err != nil {
		return nil, fmt.Errorf("ops: %w", err)
	}
	s.Ops = make([]Op, len(ops))
	for i, v := range ops {
		if s.Ops[i], err = opOf(v); err != nil {
			return nil, fmt.Errorf("op %d: %w", i, err)
		}
	}
	if s.Final, err = ParseValues(s.header["tlb"]); err != nil {
		return nil, fmt.Errorf("tlb: %w", err)
	}
	return s, nil
}

func opOf(v Value) (Op, error) {
	if v.Kind != List || len(v.List) == 0 || v.List[0].Kind != String {
		return Op{}, fmt.Errorf("%w: %v is no operation", ErrFormat, v)
	}
	return Op{v.List[0].Str, v.List[1:]}, nil
}

// Has reports whether the header has the key.
func (s *Sequence) Has(key string) bool { return s.header[key] != nil }

// Int returns a plain number of the header.
func (s *Sequence) Int(key string) (int, error) {
	var n int
	if err := json.Unmarshal(s.header[key], &n); err != nil {
		return 0, fmt.Errorf("%w: header %s: %q is no number", ErrFormat, key, s.header[key])
	}
	return n, nil
}

// Ints returns a list of plain numbers of the header.
func (s *Sequence) Ints(key string) ([]int, error) {
	var n []int
	if err := json.Unmarshal(s.header[key], &n); err != nil {
		return nil, fmt.Errorf("%w: header %s: %q is no list of numbers", ErrFormat, key, s.header[key])
	}
	return n, nil
}

// Text returns a string of the header.
func (s *Sequence) Text(key string) (string, error) {
	var t string
	if err := json.Unmarshal(s.header[key], &t); err != nil {
		return "", fmt.Errorf("%w: header %s: %q is no string", ErrFormat, key, s.header[key])
	}
	return t, nil
}

// Hex returns a register image of the header.
func (s *Sequence) Hex(key string) (uint64, error) {
	t, _ := s.Text(key)
	n, ok := Value{Kind: String, Str: t}.hex()
	if !ok {
		return 0, fmt.Errorf("%w: header %s: %q is no register image", ErrFormat, key, s.header[key])
	}
	return n, nil
}

// Hexes returns a list of register images of the header.
func (s *Sequence) Hexes(key string) ([]uint64, error) {
	list, err := ParseValues(s.header[key])
	n := make([]uint64, len(list))
	for i, v := range list {
		var ok bool
		if n[i], ok = v.hex(); !ok {
			err = fmt.Errorf("%w: header %s: %v is no register image", ErrFormat, key, v)
		}
	}
	return n, err
}

// Args reads the elements of an operation in order. The first element that is
// missing or of another kind is remembered; Err returns it.
type Args struct {
	op  Op
	pos int
	err error
}

// Read starts at the first argument of op.
func (op Op) Read() Args { return Args{op: op} }

func (a *Args) next(kind Kind) Value {
	if a.err != nil || a.pos >= len(a.op.Args) || a.op.Args[a.pos].Kind != kind {
		a.wrong()
		return Value{}
	}
	a.pos++
	return a.op.Args[a.pos-1]
}

func (a *Args) wrong() {
	if a.err == nil {
		a.err = fmt.Errorf("%w: %s %v: element %d", ErrFormat, a.op.Name, a.op.Args, a.pos+1)
	}
}

// Hex is the next element, a register image.
func (a *Args) Hex() uint64 {
	n, ok := a.next(String).hex()
	if !ok {
		a.wrong()
	}
	return n
}

// Int is the next element, a plain number.
func (a *Args) Int() int { return int(a.next(Number).Num) }

// Text is the next element, a string.
func (a *Args) Text() string { return a.next(String).Str }

// OneOf is the next element, a string that is one of the names, and returns
// its position among them.
func (a *Args) OneOf(names ...string) int {
	i := slices.Index(names, a.Text())
	if i < 0 {
		a.wrong()
		return 0
	}
	return i
}

// Rest is the number of elements not read.
func (a *Args) Rest() int { return len(a.op.Args) - a.pos }

// Err returns the first misfit, or complains of elements left over.
func (a *Args) Err() error {
	if a.err == nil && a.Rest() > 0 {
		a.wrong()
	}
	return a.err
}

// headerReader reads header fields and remembers the first that is missing.
type headerReader struct {
	s   *Sequence
	err error
}

func (h *headerReader) int(key string) int {
	n, err := h.s.Int(key)
	h.note(err)
	return n
}

func (h *headerReader) hex(key string) uint64 {
	n, err := h.s.Hex(key)
	h.note(err)
	return n
}

func (h *headerReader) text(key string) string {
	t, err := h.s.Text(key)
	h.note(err)
	return t
}

func (h *headerReader) note(err error) {
	if h.err == nil {
		h.err = err
	}
}
