package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// event is an event of the Trace Event Format.
type event struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"` // B begins, E ends, i is a moment
	Micro float64        `json:"ts"`
	Proc  int            `json:"pid"`
	CPU   int            `json:"tid"`
	Scope string         `json:"s,omitempty"`
	Args  map[string]any `json:"args,omitempty"`
}

// chrome collects events; its methods may be called by all CPUs at once.
type chrome struct {
	mu     sync.Mutex
	start  time.Time
	events []event // protected by mu
}

func (c *chrome) add(cpu int, e event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.IsZero() {
		c.start = time.Now()
	}
	e.Micro, e.Proc, e.CPU = float64(time.Since(c.start).Nanoseconds())/1000, 1, cpu
	c.events = append(c.events, e)
}

func (c *chrome) instant(cpu int, name string, args map[string]any) {
	c.add(cpu, event{Name: name, Phase: "i", Scope: "t", Args: args})
}

// begin opens a span on the lane of a CPU; what it returns ends it.
func (c *chrome) begin(cpu int, name string) (end func()) {
	c.add(cpu, event{Name: name, Phase: "B"})
	return func() { c.add(cpu, event{Name: name, Phase: "E"}) }
}

func (c *chrome) write(w io.Writer) error {
	return json.NewEncoder(w).Encode(map[string]any{"traceEvents": c.events, "displayTimeUnit": "ns"})
}
