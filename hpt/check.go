package hpt

import (
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/pte"
)

// Stats is the health of a table. It is no snapshot while others change the
// table.
type Stats struct {
	Order       int
	Entries     uint64              // slots of the table
	Valid       uint64              // entries with V set; the rest counts these
	Bolted      uint64              //
	Secondary   uint64              // in their secondary group
	Sizes       map[SizePair]uint64 // entries by base and actual page size
	Duplicates  uint64              // pairs of entries that match one key
	Conflicts   uint64              // those of the pairs that disagree
	Misplaced   uint64              // where no search finds them
	Undecodable uint64              // no page size of the table, or reserved B: match nothing
	MaxGroup    int                 // entries in the fullest group
	FullGroups  uint64              // groups without a free slot
}

// Load is the share of slots with a valid entry, 0 to 1.
func (s Stats) Load() float64 { return float64(s.Valid) / float64(s.Entries) }

// SizePair is the base and the actual page size of an entry.
type SizePair struct{ Base, Actual pte.PageSize }

// String gives both as log2 of bytes, "16/24".
func (p SizePair) String() string { return fmt.Sprintf("%d/%d", p.Base, p.Actual) }

// MarshalText gives the form of String.
func (p SizePair) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Stats counts what the table holds.
func (t *Table) Stats() Stats {
	s := Stats{Order: t.config.Order, Entries: t.Slots(), Sizes: map[SizePair]uint64{}}
	t.audit(auditor{
		entry: func(e placed) { s.count(e) },
		group: func(valid int) {
			s.MaxGroup = max(s.MaxGroup, valid)
			if uint64(valid) == t.perGroup {
				s.FullGroups++
			}
		},
		duplicate: func(a, b placed) {
			s.Duplicates++
			if !a.entry.SameTranslation(b.entry) {
				s.Conflicts++
			}
		},
	})
	return s
}

func (s *Stats) count(e placed) {
	s.Valid++
	if e.entry.Bolted() {
		s.Bolted++
	}
	if e.entry.Secondary() {
		s.Secondary++
	}
	switch {
	case e.err == nil:
		s.Sizes[SizePair{e.key.Base, e.actual}]++
	case errors.Is(e.err, pte.ErrPlaced):
		s.Misplaced++
	default:
		s.Undecodable++
	}
}

// Check looks for what must never be: two valid entries that match one key (H3)
// and entries that no search finds where they sit (H1). It returns nil, or every
// [*DuplicateError] (each pair once) and [*MisplacedError] joined. Entries whose page size
// cannot be decoded match nothing and are no error; [Table.Stats] counts them.
//
// Two entries match one key when base page size, segment size, virtual address
// and group pair are the same, whatever their actual page sizes. A large page
// entered once for each of several of its base pages is legal.
func (t *Table) Check() error {
	var errs []error
	t.audit(auditor{
		entry: func(e placed) {
			if errors.Is(e.err, pte.ErrPlaced) {
				errs = append(errs, &MisplacedError{e.slot, e.entry})
			}
		},
		duplicate: func(a, b placed) { errs = append(errs, newDuplicate(a, b)) },
	})
	return errors.Join(errs...)
}

// newDuplicate is of two entries of one key, a in the lower slot.
func newDuplicate(a, b placed) *DuplicateError {
	return &DuplicateError{
		Key:           a.key,
		Slots:         [2]pte.Slot{a.slot, b.slot},
		Entries:       [2]pte.HPTE{a.entry, b.entry},
		ActualSizes:   [2]pte.PageSize{a.actual, b.actual},
		Conflict:      !a.entry.SameTranslation(b.entry),
		AcrossGroups:  a.entry.Secondary() != b.entry.Secondary(),
		AcrossActuals: a.actual != b.actual,
	}
}

// placed is a valid entry and what can be said of it: the key, or why there is
// none.
type placed struct {
	slot   pte.Slot
	entry  pte.HPTE // format 2 view
	key    pte.Key
	actual pte.PageSize
	err    error
}

// auditor receives what an audit finds. Of a duplicate, a is in the lower slot.
type auditor struct {
	entry     func(placed)
	group     func(valid int) // may be nil
	duplicate func(a, b placed)
}

// audit visits every pair of groups (g, ^g) once: both groups of a key are one
// such pair, so two entries of one key are found without memory of the others.
func (t *Table) audit(a auditor) {
	var pair []placed
	for g := range (t.mask + 1) / 2 {
		pair = pair[:0]
		for _, group := range [2]uint64{g, ^g & t.mask} {
			before := len(pair)
			for s, h := range t.Group(group) {
				pair = append(pair, t.place(s, group, h))
			}
			if a.group != nil {
				a.group(len(pair) - before)
			}
		}
		for i, e := range pair {
			a.entry(e)
			for _, o := range pair[:i] {
				// An entry without a key has the zero key, which no page has.
				if e.err == nil && e.key == o.key {
					a.duplicate(o, e)
				}
			}
		}
	}
}

// place finds the key of an entry.
func (t *Table) place(s pte.Slot, group uint64, h pte.HPTE) placed {
	p := placed{slot: s, entry: h}
	if t.mask+1 >= minGroups {
		p.key, p.actual, p.err = t.config.Sizes.Key(h, group, t.mask)
		return p
	}
	return t.placeTiny(p, group)
}
