package explore

import (
	"fmt"
	"strings"
)

// A Trace is what one schedule does, step by step.
type Trace struct {
	Scenario string   `json:"scenario"`
	CPUs     []string `json:"cpus"` // names
	Schedule Schedule `json:"schedule"`
	Initial  []Panel  `json:"initial,omitempty"` // picture before the first step
	Steps    []Event  `json:"steps"`
	Outcome  string   `json:"outcome"` // how it ended
}

// An Event is one step of a trace.
type Event struct {
	CPU      int      `json:"cpu"`
	Op       string   `json:"op"`
	Accesses []string `json:"accesses,omitempty"` // as they turned out: "read pte", "write hpte[3]"
	Notes    []string `json:"notes,omitempty"`    // CPU-local work after the operation
	Panels   []Panel  `json:"panels,omitempty"`   // picture after the step
}

// A Panel is a row of a picture of the state: a hash group, a batch, a TLB.
type Panel struct {
	Title string `json:"title"`
	Cells []Cell `json:"cells"`
}

// A Cell is one slot of a panel.
type Cell struct {
	Label string `json:"label,omitempty"` // "slot 3"
	Text  string `json:"text"`
	Mark  Mark   `json:"mark,omitempty"`
}

// Mark says how a cell is drawn.
type Mark string

// The marks. What changed since the step before is found by comparison and needs none.
const (
	Plain Mark = ""
	Live  Mark = "live" // holds something
	Dim   Mark = "dim"  // free
	Alarm Mark = "alarm"
)

// trace replays a schedule and records what it does. The failure, if there is one, has no schedule yet.
func (e *explorer) trace(s Schedule) (*Trace, *Failure, error) {
	w := &e.world
	w.tracing = true
	defer func() { w.tracing = false }()
	t := &Trace{Scenario: e.scenario.Name, Steps: []Event{}}
	picture := func() []Panel {
		if w.snapshot == nil {
			return nil
		}
		return w.snapshot()
	}
	k := &walk{w: w, scenario: e.scenario, maxSteps: e.cfg.MaxSteps}
	k.begun = func() {
		for _, c := range w.cpus {
			t.CPUs = append(t.CPUs, c.name)
		}
		t.Initial = picture()
	}
	notes := 0
	f, err := k.replay(s, func(c *CPU, ev *event) {
		step := Event{CPU: c.id, Op: c.doing, Panels: picture()}
		for i, x := range ev.touches {
			text := w.describe(Access{x.loc, x.kind})
			if c.current[i].kind == write && x.kind == read {
				text = w.describe(c.current[i]) + " unchanged"
			}
			step.Accesses = append(step.Accesses, text)
		}
		step.Notes = append(step.Notes, w.notes[notes:]...)
		notes = len(w.notes)
		t.Steps = append(t.Steps, step)
	})
	if err != nil {
		return nil, nil, err
	}
	t.Schedule = scheduleOf(k.steps)
	switch {
	case f != nil:
		t.Outcome = f.Reason()
	case k.left != 0:
		t.Outcome = fmt.Sprintf("the schedule ends here; %s not finished", plural(int64(k.left.count()), "CPU"))
	default:
		t.Outcome = "every CPU has finished"
	}
	return t, f, nil
}

// String draws one column per CPU, time downwards.
func (t *Trace) String() string {
	const gap = 2
	rows := make([][]string, 0, len(t.Steps)) // cpu number, then the lines of its cell
	width := make([]int, len(t.CPUs))
	heads := make([]string, len(t.CPUs))
	for i, name := range t.CPUs {
		heads[i] = fmt.Sprintf("CPU%d %s", i, name)
		width[i] = len(heads[i])
	}
	for _, s := range t.Steps {
		lines := []string{s.text()}
		for _, n := range s.Notes {
			lines = append(lines, "  "+n)
		}
		for _, l := range lines {
			width[s.CPU] = max(width[s.CPU], len([]rune(l)))
		}
		rows = append(rows, lines)
	}
	var b strings.Builder
	line := func(cells func(cpu int) string) {
		var l strings.Builder
		for cpu := range t.CPUs {
			cell := cells(cpu)
			l.WriteString(cell)
			l.WriteString(strings.Repeat(" ", width[cpu]+gap-len([]rune(cell))))
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	line(func(cpu int) string { return heads[cpu] })
	line(func(cpu int) string { return strings.Repeat("-", width[cpu]) })
	for i, lines := range rows {
		for _, text := range lines {
			line(func(cpu int) string {
				if cpu == t.Steps[i].CPU {
					return text
				}
				return ""
			})
		}
	}
	b.WriteString("=> " + t.Outcome + "\n")
	return b.String()
}

// text is the operation and what it touched.
func (e Event) text() string {
	if len(e.Accesses) == 0 {
		return e.Op
	}
	return e.Op + " (" + strings.Join(e.Accesses, ", ") + ")"
}
