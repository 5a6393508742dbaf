package softtlbvec

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrFormat is what every malformed recording is reported as.
var ErrFormat = errors.New("softtlbvec: malformed recording")

// Value is one element of a recorded operation: a number, a string or a list.
type Value struct {
	Kind Kind
	Num  int64  // if Kind is Number
	Str  string // if Kind is String
	List []Value
}

// Kind tells the elements apart.
type Kind uint8

const (
	Number Kind = iota
	String
	List
)

// maxDepth bounds the nesting of lists; recordings use three levels.
const maxDepth = 8

// ParseValues reads one JSON list of numbers, strings and lists, the only
// shapes recordings use: integers, and strings without escapes.
func ParseValues(b []byte) ([]Value, error) {
	p := parser{text: string(b)}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos != len(p.text) {
		return nil, p.fail("text after the list")
	}
	if v.Kind != List {
		return nil, p.fail("not a list")
	}
	return v.List, nil
}

type parser struct {
	text string
	pos  int
}

func (p *parser) fail(why string) error {
	return fmt.Errorf("%w: offset %d: %s", ErrFormat, p.pos, why)
}

func (p *parser) space() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t' || p.text[p.pos] == '\n' || p.text[p.pos] == '\r') {
		p.pos++
	}
}

// next skips space and returns the next byte, 0 at the end.
func (p *parser) next() byte {
	p.space()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) value(depth int) (Value, error) {
	switch c := p.next(); {
	case c == '[':
		return p.list(depth + 1)
	case c == '"':
		return p.str()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	return Value{}, p.fail("no number, string or list")
}

func (p *parser) list(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, p.fail("nested too deeply")
	}
	p.pos++
	v := Value{Kind: List}
	if p.next() == ']' {
		p.pos++
		return v, nil
	}
	for {
		e, err := p.value(depth)
		if err != nil {
			return Value{}, err
		}
		v.List = append(v.List, e)
		switch p.next() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return v, nil
		default:
			return Value{}, p.fail("list not closed")
		}
	}
}

func (p *parser) str() (Value, error) {
	start := p.pos + 1
	for i := start; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.pos = i + 1
			return Value{Kind: String, Str: p.text[start:i]}, nil
		case c < ' ' || c > '~' || c == '\\':
			p.pos = i
			return Value{}, p.fail("string is not plain ASCII")
		}
	}
	return Value{}, p.fail("string not closed")
}

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.text[p.pos] == '-' {
		p.pos++
	}
	digits := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	n, err := strconv.ParseInt(p.text[start:p.pos], 10, 64)
	if err != nil || p.text[digits] == '0' && p.pos > digits+1 {
		return Value{}, p.fail("no decimal integer of 64 bits")
	}
	return Value{Num: n}, nil
}

// hex is the value of an unsigned register image such as "0x1f".
func (v Value) hex() (uint64, bool) {
	if v.Kind != String || len(v.Str) < 3 || v.Str[:2] != "0x" {
		return 0, false
	}
	n, err := strconv.ParseUint(v.Str[2:], 16, 64)
	return n, err == nil
}

func (v Value) String() string {
	switch v.Kind {
	case Number:
		return strconv.FormatInt(v.Num, 10)
	case String:
		return v.Str
	}
	return fmt.Sprint(v.List)
}
