package hpt

import "github.com/hashmmu/ppc64/pte"

// Trace holds functions that a table calls at events; nil ones are not called.
// Config.Trace has it called; without it nothing is looked at.
type Trace struct {
	// Changed is called by the goroutine of an operation after that has changed a
	// slot, tentative entries of InsertUnique included, with both values in the
	// format 2 view. Changes of one slot by several goroutines may be told out of
	// order. It may use the table.
	Changed func(s pte.Slot, old, new pte.HPTE)
}

// watched tells whether every change has to pass through cas16.
func (c *Config) watched() bool { return c.Detect != nil || c.Trace.Changed != nil }

// watch calls what wants to know of changes: the detector and the trace.
func (t *Table) watch() {
	detector, trace := t.detect(), t.config.Trace.Changed
	switch {
	case detector == nil && trace == nil:
	case trace == nil:
		t.changed = detector
	default:
		t.changed = func(s pte.Slot, old, new pte.HPTE) {
			if detector != nil {
				detector(s, old, new)
			}
			trace(s, t.view(old), t.view(new))
		}
	}
}
