package main

import (
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/measure"
)

// calibrate prints what the touch loop costs in the second cache: about 1.5 ns
// on a core of its own, 2 ns beside a busy neighbour on the same core.
func (l *limits) calibrate() {
	w, err := measure.NewWorld(hpt.MinOrder, 0.5, hpt.Config{})
	if err != nil {
		return // the measurement will say why
	}
	defer w.Close()
	f, numbers := floorOf(w), vpns(w.Present)
	m := measure.Mix{Ops: len(numbers), Contenders: []measure.Contender{{Name: "touch", Run: func(int) { f.touch(numbers) }}}}
	q := m.Measure(21, l.rng).Ns("touch")
	fmt.Fprintf(l.log, "calibration: %.2f ns for a touch of two lines in the second cache (%s); operations in %v\n",
		q.Median, measure.Clock, w.Table.Config().Code)
}
