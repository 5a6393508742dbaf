package hpt

import (
	"sync/atomic"

	"github.com/hashmmu/ppc64/pte"
)

// A Detector is told of every duplicate at its birth: when an entry becomes
// valid for a key that another valid entry of the table matches, in the sense of
// [Table.Check]. Config.Detect switches it on. It sees what is made valid by
// calls on the Table, hypercalls included, not what a guest stores into its
// memory by itself. ReadFrom, too, makes entries valid, one after the other.
//
// Insert still succeeds: an emulator that runs an unmodified guest has to make
// the pair, and wants to know of it.
type Detector struct {
	// Report is called by the goroutine of the insert, after the entry has
	// become valid and before the call returns, once for each older entry. It
	// may be called by several goroutines at once. Two inserts of one key that
	// overlap may both report the pair, each its own entry as the new one; at
	// least one does.
	Report func(DuplicateBirth)
	// Clock counts what ages are given in, such as the hypercalls of a
	// partition; it must be safe for use by all inserters. nil counts the
	// entries that were made valid through this table.
	Clock func() uint64

	_ struct{}
}

// DuplicateBirth is the pair that an insert has just made, in the format 2 view.
type DuplicateBirth struct {
	Key      pte.Key
	New, Old pte.Slot
	NewEntry pte.HPTE
	OldEntry pte.HPTE
	// Age is the time on the Detector's clock since the old entry became valid;
	// if it did not do so through this table, since the last one that did in
	// its slot, or since the table was made.
	Age uint64
	// Conflict says that the entries disagree: see pte.HPTE.SameTranslation.
	Conflict bool
}

// detector is a table's Detector at work. It costs 8 bytes for each slot and, at
// each insert, a look at both groups.
type detector struct {
	Detector
	start uint64          // the clock when the table was made
	made  atomic.Uint64   // entries made valid
	born  []atomic.Uint64 // when the entry in a slot became valid, after start
}

func (c *Config) checkDetect() error {
	if c.Detect == nil {
		return nil
	}
	if c.Detect.Report == nil {
		return &ConfigError{Field: "Detect.Report", Why: "nil"}
	}
	return nil
}

// detect returns what detection does at a change, nil when the configuration does
// not ask for it.
func (t *Table) detect() func(s pte.Slot, old, new pte.HPTE) {
	if t.config.Detect == nil {
		return nil
	}
	d := &detector{Detector: *t.config.Detect, born: make([]atomic.Uint64, len(t.slots))}
	if d.Clock == nil {
		d.Clock = d.made.Load
	}
	d.start = d.Clock()
	return func(s pte.Slot, old, new pte.HPTE) { d.changed(t, s, old, new) }
}

// changed looks for the duplicates of the entry that has just become new in slot
// s. A change that leaves validity and key as they were makes none. Whoever of
// two overlapping inserts looks last finds the other's entry, since both make
// theirs valid before they look.
func (d *detector) changed(t *Table, s pte.Slot, old, new pte.HPTE) {
	old, new = t.view(old), t.view(new)
	if !new.Valid() || (old.V^new.V)&pte.VMatch == 0 {
		return
	}
	d.made.Add(1)
	now := d.Clock() - d.start
	d.born[s].Store(now)
	group := uint64(s) / t.perGroup
	e := t.place(s, group, new)
	if e.err != nil {
		return
	}
	for _, g := range [2]uint64{group, ^group & t.mask} {
		for o, h := range t.Group(g) {
			other := t.place(o, g, h)
			if o != s && other.err == nil && other.key == e.key {
				d.Report(DuplicateBirth{
					Key: e.key,
					New: s, NewEntry: new,
					Old: o, OldEntry: h,
					Age:      now - d.born[o].Load(),
					Conflict: !new.SameTranslation(h),
				})
			}
		}
	}
}
