package explore

// A History is the list of calls and returns of operations in one execution, for a linearizability checker to judge
// in a [World.Finally]. Calls and returns are steps: whether one operation returned before another was called is an
// order that partial-order reduction must keep (trap 7 of the package comment).
type History struct {
	w      *World
	loc    Loc
	events []Operation
	names  []string // of the calls, by id

	// The order within a run of calls, or of returns, means nothing; the order of the runs does. The fingerprint is
	// therefore a sum within a run and a sequence of sums.
	runs, run uint64
}

// An Operation is a call or a return in a [History].
type Operation struct {
	CPU    int
	ID     int // pairs a return with its call
	Return bool
	Name   string
	Value  any // input of a call, output of a return
}

// History registers a history.
func (w *World) History(name string) *History {
	h := &History{w: w}
	h.loc = w.register(name, historyClass, -1, func(int) uint64 { return mix(h.runs, h.run) })
	w.histories = append(w.histories, h)
	return h
}

// Call records that CPU c calls the operation name with input, and returns the id to give to [History.Return].
func (h *History) Call(c *CPU, name string, input any) int {
	c.Step(name, Access{h.loc, call})
	id := len(h.names)
	h.names = append(h.names, name)
	h.record(Operation{CPU: c.id, ID: id, Name: name, Value: input}, c)
	return id
}

// Return records that the operation returned with output.
func (h *History) Return(c *CPU, id int, output any) {
	name := h.names[id]
	c.Step(name, Access{h.loc, ret})
	h.record(Operation{CPU: c.id, ID: id, Return: true, Name: name, Value: output}, c)
}

// Events returns the history so far. The slice is valid until the next step.
func (h *History) Events() []Operation { return h.events }

// record appends o. Its value is decided by what the CPU has observed, so that stands for it in the fingerprint.
func (h *History) record(o Operation, c *CPU) {
	if n := len(h.events); n > 0 && h.events[n-1].Return != o.Return {
		h.runs, h.run = mix(h.runs, h.run), 0
	}
	h.run += mix(c.hash, 0)
	h.events = append(h.events, o)
}

func (h *History) clear() { h.events, h.names, h.runs, h.run = h.events[:0], h.names[:0], 0, 0 }
