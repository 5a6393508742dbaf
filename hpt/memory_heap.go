//go:build !unix || race

package hpt

import "fmt"

// heapOrder bounds tables in the Go heap: running out of it ends the process,
// so what cannot be meant seriously is refused beforehand.
const heapOrder = 34

// newMemory takes 1<<order bytes and the overflow bitmap from the Go heap. The race detector follows
// accesses there and nowhere else.
func newMemory(order int) (memory, error) {
	if order > heapOrder {
		return memory{}, fmt.Errorf("tables in the Go heap end at order %d", heapOrder)
	}
	table, overflow := divide(alignedBytes(ownBytes(order)), order)
	return memory{table: table, overflow: overflow}, nil
}

// own leaves the memory to the garbage collector.
func (t *Table) own(memory) { t.owned = true }

// release empties the table.
func (t *Table) release() error {
	t.Clear()
	return nil
}
