package hashvec

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/hashmmu/ppc64/hpt"
)

// Errors of a vector file.
var (
	ErrKind   = errors.New("no known kind of vectors")
	ErrFormat = errors.New("hashvec: line is not as its kind has it")
)

// LineError is a line that cannot be read. It wraps ErrKind or ErrFormat.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("hashvec: line %d: %v", e.Line, e.Err) }

// Unwrap gives what is wrong; it is ErrFormat unless it is ErrKind.
func (e *LineError) Unwrap() []error {
	if e.Err == ErrKind {
		return []error{ErrKind}
	}
	return []error{ErrFormat, e.Err}
}

// Report is what running one file came to.
type Report struct {
	Kind     string `json:"kind"`
	Cases    int    `json:"cases"`
	Passed   int    `json:"passed"`
	Failed   int    `json:"failed"`
	Departed int    `json:"departed"`
	First    string `json:"first"` // the first failure, empty when none
}

// add counts one case: why is empty when it passed. departed counts what passed
// by a quirk only.
func (r *Report) add(why string, departed bool) {
	r.Cases++
	if why == "" {
		r.Passed++
		if departed {
			r.Departed++
		}
		return
	}
	r.Failed++
	if r.First == "" {
		r.First = why
	}
}

// kind is one kind of vectors. A runner is made for one file and is given its
// lines in order; a line may be several cases or none.
type kind struct {
	name   string
	marks  []string // what the first line contains
	runner func() runner
}

type runner interface {
	run(line []byte, r *Report) error
}

// kinds are told apart by the first line; the first that fits is taken.
var kinds = []kind{
	{"xlate", []string{`"ea":`, `"acc":`}, newXlate},
	{"slb", []string{`"slb_size":`, `"ops":`}, newSLB},
	{"hcall", []string{`"hpt_shift":`, `"nops":`}, newHcall},
	{"resize", []string{`"before":`, `"final_shift":`}, newResize},
	{"psize", []string{`["0x`}, newPsize},
}

func kindOf(first []byte) *kind {
	for i := range kinds {
		fits := true
		for _, m := range kinds[i].marks {
			fits = fits && bytes.Contains(first, []byte(m))
		}
		if fits {
			return &kinds[i]
		}
	}
	return nil
}

// maxOrder is the largest table, log2 of bytes, that vectors may ask for.
const maxOrder = 28

// newTable makes a table that vectors ask for.
func newTable(order int, format hpt.Format) (*hpt.Table, error) {
	if order > maxOrder {
		return nil, fmt.Errorf("a table of order %d; %d is the limit", order, maxOrder)
	}
	return hpt.New(hpt.Config{Order: order, Format: format})
}

// maxLine is more than the longest recorded line, a resize with 20000 entries.
const maxLine = 1 << 24

// Run runs vectors from r. It stops with an error where a line cannot be read;
// the report then holds what came before.
func Run(r io.Reader) (Report, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<16), maxLine)
	var rep Report
	var run runner
	n := 1
	for ; in.Scan(); n++ {
		line := in.Bytes()
		if run == nil {
			k := kindOf(line)
			if k == nil {
				return rep, &LineError{n, ErrKind}
			}
			rep.Kind, run = k.name, k.runner()
		}
		if err := run.run(line, &rep); err != nil {
			return rep, &LineError{n, cmp.Or(in.Err(), err)} // input may have ended in the line
		}
	}
	if err := in.Err(); err != nil {
		return rep, &LineError{n, err}
	}
	if run == nil {
		return rep, &LineError{n, ErrKind}
	}
	return rep, nil
}
