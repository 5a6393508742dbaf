package explore_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/mm/explore"
)

// counter is a lost update: two CPUs add one to a word, by a load and a store or by one atomic addition.
func counter(atomic bool) explore.Scenario {
	return explore.Scenario{Name: "counter", Operations: 2, Build: func(w *explore.World) {
		n := 0
		word := w.Var("n", func() uint64 { return uint64(n) })
		for range 2 {
			w.CPU("adds one", func(c *explore.CPU) {
				if atomic {
					c.Step("add", explore.Update(word))
					n++
					return
				}
				c.Step("load", explore.Read(word))
				old := n
				c.Step("store", explore.Write(word))
				n = old + 1
			})
		}
		w.Finally("lost update", func() error {
			if n != 2 {
				return errors.New("two additions, one counted")
			}
			return nil
		})
		w.Reset(func() { n = 0 })
	}}
}

func Example() {
	for _, atomic := range []bool{false, true} {
		report, err := explore.Run(context.Background(), counter(atomic), explore.Config{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report)
	}
	// Output:
	// counter: failed in execution 2 of source-DPOR, for 2 CPUs, 2 operations: lost update: two additions, one counted
	// schedule 0*1 1*2 0*1 (4 steps, 2 context switches, no fewer possible)
	// CPU0 adds one              CPU1 adds one
	// -------------------------  ---------------
	// load (read n)
	//                            load (read n)
	//                            store (write n)
	// store (write n unchanged)
	// => lost update: two additions, one counted
	//
	// counter: proved for 2 CPUs, 2 operations by source-DPOR (2 executions) and state caching (5 states)
}

func ExampleConfig_replay() {
	schedule, err := explore.ParseSchedule("0*2 1*2")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := explore.Run(context.Background(), counter(false), explore.Config{Replay: schedule})
	fmt.Println(report.Verdict, err)

	_, err = explore.Run(context.Background(), counter(false), explore.Config{Replay: explore.Schedule{{CPU: 0, Steps: 3}}})
	fmt.Println(err)
	// Output:
	// replayed <nil>
	// explore: schedule "0*3": step 2 on CPU 0 is not enabled: it has finished
}
